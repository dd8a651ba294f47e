// Heartbeats on every way of reading, and peers that vanish without a word.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { RawWs, frame, ping, pong, tcp, text } from '../lib/rawws.js';
import { openReader, poll, presence, publish } from '../lib/readers.js';
import { ROOT, Server, channelName, useServer } from '../lib/server.js';
import { bound, pause, until, within } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

describe('heartbeats', { concurrency: 4 }, () => {
	const server = useServer({ config: { heartbeat: { interval: 0.3, timeout: 0.6 } } });
	for (const transport of ['websocket', 'sse', 'ndjson', 'iframe']) {
		it(`${transport}: a heartbeat comes in silence, again and again`, TIMEOUT, async () => {
			const reader = await openReader({ transport, port: server.port, channel: channelName() });
			try {
				const t = Date.now();
				await until(() => reader.heartbeatCount >= 3, bound(10), 'three heartbeats');
				assert.ok(Date.now() - t >= 500, 'not faster than the interval');
				const messages = reader.events.drain().filter((e) => e.kind !== 'open');
				assert.deepEqual(messages, [], 'a heartbeat is no message');
			} finally {
				reader.drop();
			}
		});
		it(`${transport}: a reader that is there stays there`, TIMEOUT, async () => {
			const channel = channelName();
			const reader = await openReader({ transport, port: server.port, channel });
			try {
				for (const end = Date.now() + 2500; Date.now() < end; await pause(100)) {
					assert.equal((await presence(server.port, channel)).count, 1);
				}
				await publish(server.port, channel, 'still there');
				assert.equal((await reader.message()).data, 'still there');
			} finally {
				reader.drop();
			}
		});
	}
	it('websocket: who does not answer a ping is gone in time', TIMEOUT, async () => {
		const channel = channelName();
		const reader = await openReader({ transport: 'websocket', port: server.port, channel, answerPings: false });
		const t = Date.now();
		await until(async () => (await presence(server.port, channel)).count === 0, bound(10), 'the silent reader to leave');
		const took = Date.now() - t;
		assert.ok(took >= 500, `it was given up after ${took} ms already`);
		assert.ok(took <= bound(5), `it was given up only after ${took} ms`);
		await until(() => reader.events.ended, bound(10), 'the connection to end');
		reader.drop();
	});
	it('websocket: a pong that was not asked for, or any frame, is a sign of life', TIMEOUT, async () => {
		const channel = channelName();
		const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
		try {
			ws.answerPings = true;
			for (let i = 0; i < 8; i++) {
				ws.send(pong('by myself'));
				await pause(150);
				assert.equal((await presence(server.port, channel)).count, 1);
			}
		} finally {
			ws.destroy();
		}
	});
	it('websocket: pings of the client are answered on a channel', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port, { path: `/c/${channelName()}` });
		ws.answerPings = true;
		ws.send(Buffer.concat([ping('a'), text('b'), ping('c')]));
		const got = [];
		while (got.length < 3) {
			got.push((await ws.next()).data.toString());
		}
		assert.deepEqual(got.sort(), ['a', 'b', 'c']);
		await ws.bye();
	});
	it('websocket: on /echo who does not answer a ping is closed', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		await until(() => ws.events.ended || ws.closed, bound(10), 'the end of the connection');
		ws.destroy();
	});
	it('websocket: a ping between the fragments of the client does no harm', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port, { path: `/c/${channelName()}` });
		ws.answerPings = true;
		ws.send(frame(1, 'a', { fin: false }));
		await until(() => ws.pings >= 2, bound(10), 'two pings');
		ws.send(frame(0, 'b'));
		await ws.expect('text', 'ab');
		await ws.bye();
	});
	it('a TCP connection that never says anything harms nobody', TIMEOUT, async () => {
		const socket = await tcp(server.port);
		await poll(server.port, channelName());
		socket.destroy();
	});
});

describe('a peer whose network is gone', () => {
	const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
	const name = `xt${process.pid}`;
	const net = `198.18.${process.pid % 256}`;

	/** Two ends of a cable: ours, and one in a namespace of its own. Null when that can't be had. */
	const cable = () => {
		try {
			ip('netns', 'add', name);
			ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`);
			ip('link', 'set', `${name}b`, 'netns', name);
			ip('addr', 'add', `${net}.1/30`, 'dev', `${name}a`);
			ip('link', 'set', `${name}a`, 'up');
			ip('-n', name, 'addr', 'add', `${net}.2/30`, 'dev', `${name}b`);
			ip('-n', name, 'link', 'set', `${name}b`, 'up');
			return true;
		} catch {
			return false;
		}
	};
	const uncable = () => {
		try {
			ip('netns', 'del', name);
		} catch {
			/* it was not made */
		}
		try {
			ip('link', 'del', `${name}a`);
		} catch {
			/* it went with the namespace */
		}
	};

	it('leaves presence in the configured time, on every way', { timeout: bound(90) }, async (t) => {
		if (!cable()) {
			uncable();
			t.skip('needs root, iproute2 and network namespaces');
			return;
		}
		let client;
		let server;
		try {
			server = await Server.start({
				listen: [`http://${net}.1:0`, 'http://127.0.0.1:0'], args: ['--open'], config: { heartbeat: { interval: 0.5, timeout: 1 } },
			});
			const [far, near] = server.urls.map((url) => Number(new URL(url).port));
			const channel = channelName();
			client = spawn('ip', ['netns', 'exec', name, process.execPath, path.join(ROOT, 'tests/lib/vanishing.js'), `${net}.1`, String(far), channel], { stdio: ['ignore', 'pipe', 'inherit'] });
			await within(new Promise((ready) => client.stdout.once('data', ready)), bound(20), 'the readers behind the cable');
			await until(async () => (await presence(near, channel)).count === 5, bound(10), 'five readers to be there');
			await pause(2500);
			assert.equal((await presence(near, channel)).count, 5, 'while the network is there, they are there');
			const t0 = Date.now();
			ip('-n', name, 'link', 'set', `${name}b`, 'down');
			const left = {};
			await until(async () => {
				const { count, members } = await presence(near, channel);
				const there = members.flatMap((m) => m.transports);
				for (const way of ['websocket', 'sse', 'ndjson', 'iframe', 'longpoll']) {
					if (!there.includes(way)) {
						left[way] ??= Date.now() - t0;
					}
				}
				return count === 0;
			}, bound(20), 'all to leave').catch(async (error) => {
				throw new Error(`${error.message}; still there: ${JSON.stringify(await presence(near, channel))}`);
			});
			for (const [way, took] of Object.entries(left)) {
				assert.ok(took <= bound(8), `${way} left after ${took} ms`);
			}
			await server.stop();
		} finally {
			client?.kill('SIGKILL');
			server?.kill();
			uncable();
		}
	});
});
