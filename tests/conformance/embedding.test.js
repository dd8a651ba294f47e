// The library as a program uses it: handlers for a path, channels inside the program, publishing from its threads,
// two servers in one process, an allocator of its own (tests/driver/embedded.c, which fails if memory is left).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import WS from 'ws';
import { poll, publish } from '../lib/readers.js';
import { channelName, program, useServer } from '../lib/server.js';
import { Queue, bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(30) };
const driver = path.join(path.dirname(program()), 'tests/driver/driver_embedded');

/** A WebSocket with a queue of what it receives; the greeting has been read. */
async function open(server, target = '/program/x', options = {}) {
	const ws = new WS(`ws://${server.host}${target}`, options.subprotocols ?? [], options);
	ws.queue = new Queue();
	ws.on('message', (data, isBinary) => ws.queue.push(isBinary ? data : data.toString()));
	ws.on('ping', (data) => ws.queue.push({ ping: data.toString() }));
	ws.closed = new Promise((resolve) =>
		ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
	);
	await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
	assert.equal(await ws.queue.next(), 'hello');
	ws.ask = async (text) => {
		ws.send(text);
		return ws.queue.next();
	};
	return ws;
}

async function done(ws) {
	ws.close(1000);
	await ws.closed;
}

/** What the program said of the WebSockets of `target` that have ended. */
const closings = (server, target) =>
	until(
		async () => {
			const { messages } = await poll(server.port, 'closings');
			const mine = messages.map((m) => m.data).filter((text) => text.startsWith(`${target} `));
			return mine.length && mine.map((text) => text.slice(target.length + 1));
		},
		bound(10),
		`the close event of ${target}`,
	);

const refusal = (server, target, options) =>
	new Promise((resolve, reject) => {
		const ws = new WS(`ws://${server.host}${target}`, options);
		ws.once('open', () => reject(new Error('it was let in')));
		ws.once('unexpected-response', (_, response) => {
			response.resume();
			resolve(response.statusCode);
		});
		ws.once('error', reject);
	});

describe('a program with two servers in it', { concurrency: 4 }, () => {
	assert.ok(existsSync(driver), `${driver} was built`);
	const server = useServer({
		program: driver,
		listen: ['http://127.0.0.1:0', 'http://127.0.0.1:0'],
	});

	it('the request: path, query, field, address', TIMEOUT, async () => {
		const ws = await open(server, '/program/a%20b/c?color=light%20blue', {
			headers: { 'X-Agent': 'me' },
		});
		assert.match(
			await ws.ask('info'),
			/^\/program\/a b\/c light blue me \[\] \[.*\] 127\.0\.0\.1:\d+$/,
		);
		await done(ws);
	});
	it('what is not there', TIMEOUT, async () => {
		const ws = await open(server, '/program/');
		assert.match(await ws.ask('info'), /^\/program\/ - - \[\]/);
		await done(ws);
	});
	for (const status of [400, 401, 403, 404, 429, 503, 599]) {
		it(`refused with ${status}`, TIMEOUT, async () => {
			assert.equal(await refusal(server, `/program/?status=${status}`), status);
		});
	}
	for (const status of [1, 200, 399, 600, -1]) {
		it(`refused with ${status}, which is none to refuse with`, TIMEOUT, async () => {
			assert.equal(await refusal(server, `/program/?status=${status}`), 500);
		});
	}
	it('a path that is not well-formed', TIMEOUT, async () => {
		assert.equal(await refusal(server, '/program/%zz'), 400);
		assert.equal(await refusal(server, '/program/%00'), 400);
	});
	it('no WebSocket, no other method', TIMEOUT, async () => {
		const get = await fetch(`${server.url}/program/x`);
		assert.equal(get.status, 400);
		assert.equal((await get.json()).error.code, 'bad_request');
		assert.equal((await fetch(`${server.url}/program/x`, { method: 'POST' })).status, 405);
	});
	it('our own paths are there too', TIMEOUT, async () => {
		assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
		assert.equal((await fetch(`${server.url}/programs`)).status, 404);
	});

	for (const [offered, chosen] of [
		[['test.v1'], 'test.v1'],
		[['test.v1', 'test.v2'], 'test.v2'],
		[['other', 'test.v1'], 'test.v1'],
	]) {
		it(`of the subprotocols ${offered} the program chooses ${chosen}`, TIMEOUT, async () => {
			const ws = await open(server, '/program/x', { subprotocols: offered });
			assert.equal(ws.protocol, chosen);
			assert.match(await ws.ask('info'), new RegExp(` \\[${chosen.replace('.', '\\.')}\\] `));
			await done(ws);
		});
	}
	it('of subprotocols it does not know it chooses none', TIMEOUT, async () => {
		await assert.rejects(open(server, '/program/x', { subprotocols: ['other'] }), /subprotocol/i);
	});

	it('messages of all sizes come as they were sent', TIMEOUT, async () => {
		const ws = await open(server);
		for (const n of [0, 1, 125, 126, 1023, 65536]) {
			const bytes = Buffer.alloc(n, n);
			ws.send(bytes);
			assert.deepEqual(await ws.queue.next(), bytes);
		}
		await done(ws);
	});
	it('a message over limits.message ends it, and the program hears why', TIMEOUT, async () => {
		const ws = await open(server, '/program/too-big');
		ws.send(Buffer.alloc(65537));
		assert.equal((await ws.closed).code, 1009);
		assert.deepEqual(await closings(server, '/program/too-big'), ['1009 message_too_big']);
	});
	it('text that is none is refused', TIMEOUT, async () => {
		const ws = await open(server);
		assert.match(await ws.ask('bad-text'), /^text: (?!ok)/);
		await done(ws);
	});
	it('JSON that is none is refused', TIMEOUT, async () => {
		const ws = await open(server);
		assert.match(await ws.ask('json {"a":}'), /^json: (?!ok)/);
		assert.equal(await ws.ask('json {"a":1}'), '{"a":1}');
		assert.equal(await ws.queue.next(), 'json: ok');
		await done(ws);
	});
	it('ping and pong', TIMEOUT, async () => {
		const ws = await open(server);
		assert.deepEqual(await ws.ask('ping abc'), { ping: 'abc' });
		assert.equal(await ws.queue.next(), 'pong abc');
		assert.match(await ws.ask(`ping ${'x'.repeat(126)}`), /^ping: (?!ok)/);
		await done(ws);
	});
	it('drained is told when all has left', TIMEOUT, async () => {
		const ws = await open(server);
		ws.send('many 20 10000');
		for (let i = 0; i < 20; i++) {
			assert.equal((await ws.queue.next()).length, 10000);
		}
		assert.equal(await ws.queue.next(), 'drained');
		await done(ws);
	});
	it('more than limits.backlog can not wait', TIMEOUT, async () => {
		const ws = await open(server, '/program/x', { perMessageDeflate: false });
		ws.pause();
		ws.send('many 100000 60000');
		await until(() => /sent \d+, then \d{7} wait/.test(server.stderr), bound(10), 'the limit');
		const [, sent, wait] = /sent (\d+), then (\d+) wait/.exec(server.stderr);
		assert.ok(Number(sent) < 200 && Number(wait) >= 1 << 20 && Number(wait) < 1.2 * (1 << 20));
		ws.resume();
		for (let i = 0; i < Number(sent); i++) {
			await ws.queue.next();
		}
		assert.equal(await ws.queue.next(), 'drained');
		await done(ws);
	});
	it('a WebSocket that is paused is not read', TIMEOUT, async () => {
		const ws = await open(server);
		ws.send('pause');
		ws.send('info');
		assert.equal(await ws.queue.next(), 'pause: ok');
		const other = await open(server);
		await other.ask('info');
		assert.equal(ws.queue.size, 0);
		ws.terminate();
		await done(other);
	});

	describe('closing', { concurrency: 4 }, () => {
		for (const [code, reason] of [
			[1000, ''],
			[1000, 'bye'],
			[1001, 'going'],
			[1003, 'no such'],
			[1008, 'policy'],
			[1011, ''],
			[3000, 'ours'],
			[4999, 'é'.repeat(61)],
		]) {
			it(`by the program with ${code} ${reason.slice(0, 10)}`, TIMEOUT, async () => {
				const target = `/program/close-${code}-${reason.length}`;
				const ws = await open(server, target);
				ws.send(`close ${code} ${reason}`);
				assert.deepEqual(await ws.closed, { code, reason });
				// npm ws sends both back.
				assert.deepEqual(await closings(server, target), [`${code} clean ${reason}`]);
			});
		}
		for (const bad of ['0', '999', '1004', '1005', '1006', '1015', '2999', '5000']) {
			it(`not with ${bad}`, TIMEOUT, async () => {
				const ws = await open(server);
				assert.match(await ws.ask(`close ${bad} x`), /^close: (?!ok)/);
				await done(ws);
			});
		}
		it('not with a reason over 123 bytes', TIMEOUT, async () => {
			const ws = await open(server);
			assert.match(await ws.ask(`close 1000 ${'x'.repeat(124)}`), /^close: (?!ok)/);
			await done(ws);
		});
		it('by the peer, with code and reason', TIMEOUT, async () => {
			const ws = await open(server, '/program/peer-closes');
			ws.close(3456, 'enough');
			assert.equal((await ws.closed).code, 3456);
			assert.deepEqual(await closings(server, '/program/peer-closes'), ['3456 clean enough']);
		});
		it('by the peer, without a code', TIMEOUT, async () => {
			const ws = await open(server, '/program/no-code');
			ws.close();
			await ws.closed;
			assert.deepEqual(await closings(server, '/program/no-code'), ['1005 clean ']);
		});
		it('by a peer that vanishes', TIMEOUT, async () => {
			const ws = await open(server, '/program/vanishes');
			ws.terminate();
			assert.match((await closings(server, '/program/vanishes'))[0], /^1006 /);
		});
	});

	describe('channels', { concurrency: 4 }, () => {
		it('a WebSocket of the program hears a channel, until it no longer listens', TIMEOUT, async () => {
			const name = channelName();
			const ws = await open(server);
			assert.equal(await ws.ask(`subscribe ${name}`), 'subscribe: ok');
			assert.equal(await ws.ask(`subscribe ${name}`), 'subscribe: ok');
			await publish(server.port, name, 'one');
			assert.equal(await ws.queue.next(), 'one');
			await publish(server.port, name, Buffer.from([1, 2]), 'application/octet-stream');
			assert.deepEqual(await ws.queue.next(), Buffer.from([1, 2]));
			assert.equal(await ws.ask(`unsubscribe ${name}`), 'unsubscribe: ok');
			assert.match(await ws.ask(`unsubscribe ${name}`), /^unsubscribe: (?!ok)/);
			await publish(server.port, name, 'two');
			assert.match(await ws.ask('info'), /^\/program/);
			await done(ws);
		});
		it('a WebSocket that the program subscribes within open hears all from its own open on', TIMEOUT, async () => {
			for (let i = 0; i < 100; i++) {
				const name = channelName();
				const ws = await open(server, `/program/x?subscribe=${name}`);
				await publish(server.port, name, 'news');
				assert.equal(await ws.queue.next(), 'news', `round ${i}`);
				ws.terminate();
			}
		});
		it('a WebSocket that the program closes within open', TIMEOUT, async () => {
			const ws = await open(server, `/program/x?subscribe=${channelName()}&then=close`);
			assert.equal((await ws.closed).code, 3001);
		});
		it('from a position on', TIMEOUT, async () => {
			const name = channelName();
			const id = await publish(server.port, name, 'zero');
			for (let i = 1; i <= 1500; i++) {
				await publish(server.port, name, String(i));
			}
			const ws = await open(server);
			ws.send(`subscribe ${name} ${id}`);
			const got = [];
			while (got.length < 1001) {
				got.push(await Promise.race([ws.queue.next(), ws.closed]));
				if (typeof got.at(-1) === 'object') {
					break;
				}
			}
			// history.messages is 1000: what followed is no longer all kept.
			assert.equal(got.at(-1).code, 4410);
			const again = await open(server);
			const { messages } = await poll(server.port, name);
			again.send(`subscribe ${name} ${messages[100].id}`);
			const texts = [];
			while (texts.length < messages.length - 101) {
				const text = await again.queue.next();
				if (text !== 'subscribe: ok') {
					texts.push(text);
				}
			}
			assert.deepEqual(texts, messages.slice(101).map((m) => m.data));
			await done(again);
		});
		for (const bad of ['', 'x'.repeat(256), `${'y'.repeat(3)} not-a-position`]) {
			it(`refused: ${bad.slice(0, 20) || 'no name'}`, TIMEOUT, async () => {
				const ws = await open(server);
				assert.match(await ws.ask(`subscribe ${bad}`), /^subscribe: (?!ok)/);
				await done(ws);
			});
		}
		it('64 channels of one WebSocket, no more', TIMEOUT, async () => {
			const base = channelName();
			const ws = await open(server);
			for (let i = 0; i < 64; i++) {
				assert.equal(await ws.ask(`subscribe ${base}/${i}`), 'subscribe: ok');
			}
			assert.match(await ws.ask(`subscribe ${base}/64`), /^subscribe: (?!ok)/);
			await publish(server.port, `${base}/63`, 'last');
			assert.equal(await ws.queue.next(), 'last');
			await done(ws);
		});
		for (const [kind, payload, ok] of [
			[0, 'text', true],
			[1, 'bytes', true],
			[2, '{"a":1}', true],
			[2, '{"a":}', false],
			[7, 'x', false],
		]) {
			it(`published by the program: kind ${kind} ${payload}`, TIMEOUT, async () => {
				const name = channelName();
				const ws = await open(server);
				const said = await ws.ask(`publish ${kind} ${name} ${payload}`);
				assert.equal(said === 'publish: ok', ok);
				if (ok) {
					const data = [payload, Buffer.from(payload).toString('base64'), { a: 1 }][kind];
					const messages = await until(
						async () => {
							const answer = await poll(server.port, name);
							return answer.messages.length && answer.messages;
						},
						bound(5),
						'the message',
					);
					assert.deepEqual(messages[0].data, data);
				}
				await done(ws);
			});
		}
		it('from four threads of the program: each in order, none lost', TIMEOUT, async () => {
			const name = channelName();
			const ws = await open(server);
			const names = [0, 1, 2, 3].map((i) => `${name}/${i}`);
			for (const each of names) {
				assert.equal(await ws.ask(`subscribe ${each}`), 'subscribe: ok');
			}
			for (const each of names) {
				ws.send(`thread 900 ${each}`);
			}
			const counts = new Map();
			for (let i = 0; i < 4 * 900; i++) {
				const n = Number(await ws.queue.next());
				counts.set(n, (counts.get(n) ?? 0) + 1);
			}
			assert.ok([...counts.values()].every((count) => count === 4) && counts.size === 900);
			for (const each of names) {
				const { messages } = await poll(server.port, each);
				assert.deepEqual(messages.map((m) => Number(m.data)), [...Array(900).keys()]);
			}
			await done(ws);
		});
		it('an ear of the program: what it hears, and its end', TIMEOUT, async () => {
			const name = channelName();
			const to = `${name}/heard`;
			const ws = await open(server);
			const id = await publish(server.port, name, 'first');
			const second = await publish(server.port, name, 'second');
			assert.equal(await ws.ask(`subscribe ${to}`), 'subscribe: ok');
			assert.equal(await ws.ask(`ear ${name} ${to} ${id}`), 'ear: ok');
			assert.equal(await ws.queue.next(), `${name} ${second} 0 second`);
			const third = await publish(server.port, name, 'third');
			assert.equal(await ws.queue.next(), `${name} ${third} 0 third`);
			const stop = await publish(server.port, name, 'stop');
			assert.equal(await ws.queue.next(), `${name} ${stop} 0 stop`);
			assert.equal(await ws.queue.next(), 'ended');
			await publish(server.port, name, 'unheard');
			await done(ws);
		});
		it('an ear that asks for what is gone is told so', TIMEOUT, async () => {
			const name = channelName();
			const to = `${name}/heard`;
			const ws = await open(server);
			assert.equal(await ws.ask(`subscribe ${to}`), 'subscribe: ok');
			const here = await publish(server.port, name, 'here');
			const other = here.replace(/^./, (digit) => (digit === '1' ? '2' : '1'));
			assert.equal(await ws.ask(`ear ${name} ${to} ${other}`), 'ear: ok');
			assert.equal(await ws.queue.next(), 'lost');
			ws.terminate();
		});
		it('ears that still listen when the server stops', TIMEOUT, async () => {
			const ws = await open(server);
			for (let i = 0; i < 5; i++) {
				assert.equal(await ws.ask(`ear ${channelName()} nowhere`), 'ear: ok');
			}
			await done(ws);
		});
		it('the two servers know nothing of each other', TIMEOUT, async () => {
			const name = channelName();
			const { host, port } = new URL(server.urls[1]);
			const second = { host, port: Number(port) };
			const ws = await open(second);
			assert.equal(await ws.ask(`subscribe ${name}`), 'subscribe: ok');
			await publish(server.port, name, 'to the first');
			await publish(second.port, name, 'to the second');
			assert.equal(await ws.queue.next(), 'to the second');
			await done(ws);
		});
	});
});
