// proxy.js - a TCP proxy on loopback whose connections a test can cut, refuse and let through again.
import net from 'node:net';

export class Proxy {
	#pairs = new Set();
	refuse = false;

	/** to: a port, or a function that returns it (a server that comes back has another). */
	static async start(to) {
		const proxy = new Proxy();
		proxy.to = typeof to === 'function' ? to : () => to;
		proxy.server = net.createServer((near) => {
			if (proxy.refuse) {
				near.resetAndDestroy();
				return;
			}
			const far = net.connect({ port: proxy.to(), host: '127.0.0.1' });
			const pair = [near, far];
			proxy.#pairs.add(pair);
			const end = () => {
				proxy.#pairs.delete(pair);
				near.destroy();
				far.destroy();
			};
			for (const socket of pair) {
				socket.setNoDelay(true);
				socket.on('error', end).on('close', end);
			}
			near.pipe(far);
			far.pipe(near);
		});
		await new Promise((resolve, reject) => proxy.server.once('error', reject).listen(0, '127.0.0.1', resolve));
		proxy.port = proxy.server.address().port;
		proxy.host = `127.0.0.1:${proxy.port}`;
		proxy.url = `http://${proxy.host}`;
		return proxy;
	}

	get connections() {
		return this.#pairs.size;
	}

	/** Cuts every connection, without a word of either protocol above TCP. */
	cut() {
		for (const pair of [...this.#pairs]) {
			pair.forEach((socket) => socket.destroy());
		}
	}

	stop() {
		this.refuse = true;
		this.cut();
		this.server.close();
	}
}
