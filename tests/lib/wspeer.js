// wspeer.js - a server that is only a TCP socket: it answers a handshake with any bytes, sends any frames, right or wrong, and
// reads what a client sends as strictly as RFC 6455 allows.
import assert from 'node:assert/strict';
import net from 'node:net';
import { acceptFor, bytes, masked, writeIn } from './rawws.js';
import { Queue, bound } from './time.js';

const TYPES = { 0: 'more', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

export class Peer {
	events = new Queue(); // frames of the client, then its end
	heads = new Queue(); // requests
	keys = []; // masking keys, in the order of the frames
	frames = []; // { first, size, form }: as they were on the wire
	ended = false;
	reset = false;
	#in = Buffer.alloc(0);
	#open = false;

	constructor(socket) {
		this.socket = socket;
		socket.setNoDelay(true);
		socket.on('data', (data) => this.#data(data));
		socket.on('end', () => {
			this.ended = true;
			this.events.end(this.#in.length && this.#open ? new Error('the client ended inside a frame') : null);
			this.heads.end();
		});
		socket.on('error', (error) => {
			this.reset ||= error.code === 'ECONNRESET';
			this.events.end();
			this.heads.end();
		});
		socket.on('close', () => {
			this.events.end();
			this.heads.end();
		});
	}

	#data(data) {
		this.#in = this.#in.length ? Buffer.concat([this.#in, data]) : data;
		try {
			if (!this.#open) {
				this.#head();
			}
			while (this.#open && this.#frame());
		} catch (error) {
			this.events.end(error);
			this.socket.destroy();
		}
	}

	#head() {
		const end = this.#in.indexOf('\r\n\r\n');
		if (end < 0) {
			return;
		}
		const lines = this.#in.subarray(0, end).toString('latin1').split('\r\n');
		const fields = {};
		for (const line of lines.slice(1)) {
			const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): (.*)$/.exec(line);
			assert.ok(field, `not a header field: ${JSON.stringify(line)}`);
			const name = field[1].toLowerCase();
			fields[name] = name in fields ? `${fields[name]}, ${field[2]}` : field[2];
		}
		const [method, target, version] = lines[0].split(' ');
		this.#in = this.#in.subarray(end + 4);
		this.heads.push({ method, target, version, fields, lines });
	}

	/** One frame: masked, of minimal length, without reserved bits but those that are allowed. */
	#frame() {
		const b = this.#in;
		if (b.length < 2) {
			return false;
		}
		assert.equal(b[1] & 0x80, 0x80, 'the client did not mask a frame');
		let size = b[1] & 0x7f;
		let at = 2;
		if (size === 126) {
			if (b.length < 4) {
				return false;
			}
			size = b.readUInt16BE(2);
			assert.ok(size >= 126, 'the client sent a length that is not minimal');
			at = 4;
		} else if (size === 127) {
			if (b.length < 10) {
				return false;
			}
			assert.ok(b.readBigUInt64BE(2) >= 65536n, 'the client sent a length that is not minimal');
			size = Number(b.readBigUInt64BE(2));
			at = 10;
		}
		if (b.length < at + 4 + size) {
			return false;
		}
		const key = b.subarray(at, at + 4);
		const data = masked(b.subarray(at + 4, at + 4 + size), key);
		const type = TYPES[b[0] & 0x0f];
		assert.ok(type, `opcode ${b[0] & 0x0f}`);
		assert.equal(b[0] & 0x30, 0, 'the client set a reserved bit');
		this.keys.push(key.toString('hex'));
		this.frames.push({ first: b[0], size, wire: b.subarray(at + 4, at + 4 + size) });
		this.#in = b.subarray(at + 4 + size);
		const event = { type, data, fin: (b[0] & 0x80) !== 0, rsv1: (b[0] & 0x40) !== 0 };
		if (type === 'close') {
			event.code = size >= 2 ? data.readUInt16BE(0) : null;
			event.reason = data.subarray(2).toString();
		}
		this.events.push(event);
		return true;
	}

	/** The next request's head. */
	async request() {
		const head = await this.heads.next(bound(10), 'a request');
		assert.ok(head, 'the client ended before it asked');
		return head;
	}

	/** Answers with these lines as they are; `fields` replaces (null: leaves out) those of a good answer. */
	answer(head, { status = 'HTTP/1.1 101 Switching Protocols', fields = {}, more = Buffer.alloc(0), chunk } = {}) {
		const all = {
			Upgrade: 'websocket',
			Connection: 'Upgrade',
			'Sec-WebSocket-Accept': acceptFor(head.fields['sec-websocket-key'] ?? ''),
			...fields,
		};
		let text = `${status}\r\n`;
		for (const [name, value] of Object.entries(all)) {
			for (const one of value === null ? [] : [value].flat()) {
				text += `${name}: ${one}\r\n`;
			}
		}
		const out = Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), more]);
		this.#open = / 101 /.test(status);
		return chunk ? writeIn(this.socket, out, chunk) : this.socket.write(out);
	}

	/** Reads the request and lets the client in. */
	async accept(options) {
		const head = await this.request();
		await this.answer(head, options);
		return head;
	}

	send(...parts) {
		this.socket.write(Buffer.concat(parts));
	}

	sendSlowly(data, size = 1) {
		return writeIn(this.socket, data, size);
	}

	async next(what = 'a frame of the client') {
		const event = await this.events.next(bound(10), what);
		assert.ok(event, `expected ${what}, got the end`);
		return event;
	}

	async expect(type, data) {
		const event = await this.next(type);
		assert.equal(event.type, type);
		assert.ok(event.data.equals(bytes(data)), `${event.data.length} bytes: ${event.data.subarray(0, 40).toString('hex')}`);
		return event;
	}

	/** A Close frame with this code, and then the end of the connection. */
	async expectClose(code) {
		const event = await this.next(`a Close frame with ${code}`);
		assert.deepEqual([event.type, event.code], ['close', code], event.reason);
		this.socket.end();
		await this.expectEnd();
		return event;
	}

	async expectEnd() {
		const event = await this.events.next(bound(10), 'the end of the connection');
		assert.equal(event, undefined, event && `expected the end, got ${event.type}`);
		assert.equal(this.reset, false, 'the connection was reset instead of ended');
	}

	destroy() {
		this.socket.destroy();
	}
}

export class PeerServer {
	peers = new Queue();
	accepted = [];

	static async start(host = '127.0.0.1', port = 0) {
		const server = new PeerServer();
		server.net = net.createServer({ allowHalfOpen: true }, (socket) => {
			const peer = new Peer(socket);
			server.accepted.push(peer);
			server.peers.push(peer);
		});
		await new Promise((resolve, reject) => server.net.once('error', reject).listen(port, host, resolve));
		server.port = server.net.address().port;
		server.url = `ws://${host.includes(':') ? `[${host}]` : host}:${server.port}`;
		return server;
	}

	/** The next connection. */
	async peer() {
		return this.peers.next(bound(10), 'a connection');
	}

	async stop() {
		for (const peer of this.accepted) {
			peer.destroy();
		}
		await new Promise((resolve) => this.net.close(resolve));
	}
}

/** A server of its own for one test. */
export async function withPeer(run, host) {
	const server = await PeerServer.start(host);
	try {
		await run(server);
	} finally {
		await server.stop();
	}
}
