// Unchanged clients of Node: npm ws, npm eventsource, undici, and Node's own fetch and WebSocket.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { EventSource } from 'eventsource';
import { WebSocket as UndiciWebSocket } from 'undici';
import WS, { createWebSocketStream } from 'ws';
import { Proxy } from '../lib/proxy.js';
import { epochOf, poll, publish } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { Queue, bound, random, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(40) };
const rnd = random(3);

describe('npm ws', { concurrency: 4 }, () => {
	const server = useServer();
	const open = async (path, ...rest) => {
		const ws = new WS(`ws://${server.host}${path}`, ...rest);
		ws.queue = new Queue();
		ws.on('message', (data, isBinary) => ws.queue.push({ data, isBinary }));
		ws.on('pong', (data) => ws.queue.push({ pong: data.toString() }));
		ws.on('upgrade', (response) => (ws.answer = response.headers['sec-websocket-extensions']));
		ws.closed = new Promise((resolve) => ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
		await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
		return ws;
	};
	it('echo of text and binary of many sizes', TIMEOUT, async () => {
		const ws = await open('/echo');
		for (const n of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
			const body = rnd.bytes(n);
			ws.send(body);
			const got = await ws.queue.next();
			assert.ok(got.isBinary && got.data.equals(body));
			ws.send('x'.repeat(n));
			const words = await ws.queue.next();
			assert.ok(!words.isBinary && words.data.toString() === 'x'.repeat(n));
		}
		ws.close(1000, 'done');
		assert.equal((await ws.closed).code, 1000);
	});
	const settings = {
		'as it is by default': [true, 'permessage-deflate'],
		'without takeover': [{ serverNoContextTakeover: true, clientNoContextTakeover: true },
			'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
		'with small windows': [{ serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
			'permessage-deflate; server_max_window_bits=9; client_max_window_bits=10'],
		'with the smallest window for the server': [{ serverMaxWindowBits: 8, clientNoContextTakeover: true },
			'permessage-deflate; client_no_context_takeover; server_max_window_bits=8'],
		'with everything compressed': [{ threshold: 0, zlibDeflateOptions: { level: 9, memLevel: 9 } }, 'permessage-deflate'],
	};
	for (const [name, [perMessageDeflate, agreed]] of Object.entries(settings)) {
		it(`permessage-deflate ${name}`, TIMEOUT, async () => {
			const ws = await open('/echo', { perMessageDeflate });
			assert.equal(ws.extensions, 'permessage-deflate');
			assert.equal(ws.answer, agreed);
			const words = Array.from({ length: 3000 }, (_, i) => `word ${i % 97} `).join('');
			for (const n of [0, 1, 100, 127, 128, 1000, words.length, 5, words.length]) {
				ws.send(words.slice(0, n));
				assert.equal((await ws.queue.next()).data.toString(), words.slice(0, n));
				ws.send(rnd.bytes(n));
				assert.equal((await ws.queue.next()).data.length, n);
			}
			ws.close();
			assert.equal((await ws.closed).code, 1005);
		});
	}
	it('ping, fragments and close codes', TIMEOUT, async () => {
		const ws = await open('/echo');
		ws.ping('are you there');
		assert.deepEqual(await ws.queue.next(), { pong: 'are you there' });
		ws.send('a', { fin: false });
		ws.send('b', { fin: false });
		ws.send('c', { fin: true });
		assert.equal((await ws.queue.next()).data.toString(), 'abc');
		ws.close(4321, 'bye');
		assert.equal((await ws.closed).code, 4321);
	});
	it('two on a channel, both ways', TIMEOUT, async () => {
		const channel = channelName();
		const [a, b] = [await open(`/c/${channel}`), await open(`/c/${channel}`)];
		a.send('from a');
		for (const ws of [a, b]) {
			assert.equal((await ws.queue.next()).data.toString(), 'from a');
		}
		b.send(Buffer.from([1, 2, 255]));
		for (const ws of [a, b]) {
			const got = await ws.queue.next();
			assert.ok(got.isBinary && got.data.equals(Buffer.from([1, 2, 255])));
		}
		a.close();
		b.terminate();
		await Promise.all([a.closed, b.closed]);
	});
	it('a refusal has its status', TIMEOUT, async () => {
		const ws = new WS(`ws://${server.host}/c/x?since=bad`);
		const status = await new Promise((resolve, reject) => ws.on('unexpected-response', (_, response) => resolve(response.statusCode)).on('open', reject).on('error', () => {}));
		assert.equal(status, 400);
		ws.terminate();
	});
	it('createWebSocketStream pipes 3 MB through', TIMEOUT, async () => {
		const ws = new WS(`ws://${server.host}/echo`);
		const stream = createWebSocketStream(ws);
		const body = rnd.bytes(3_000_000);
		for (let at = 0; at < body.length; at += 100_000) {
			stream.write(body.subarray(at, at + 100_000));
		}
		const parts = [];
		let size = 0;
		for await (const part of stream) {
			parts.push(part);
			size += part.length;
			if (size === body.length) {
				break;
			}
		}
		assert.ok(Buffer.concat(parts).equals(body));
	});
});

const sockets = { 'undici WebSocket': UndiciWebSocket };
if (globalThis.WebSocket) {
	sockets['the WebSocket of Node itself'] = globalThis.WebSocket;
}

for (const [name, Socket] of Object.entries(sockets)) {
	describe(name, { concurrency: 4 }, () => {
		const server = useServer();
		const open = async (path, protocols) => {
			const ws = new Socket(`ws://${server.host}${path}`, protocols);
			ws.binaryType = 'arraybuffer';
			ws.queue = new Queue();
			ws.addEventListener('message', ({ data }) => ws.queue.push(data));
			ws.closed = new Promise((resolve) => ws.addEventListener('close', resolve));
			await new Promise((resolve, reject) => {
				ws.addEventListener('open', resolve);
				ws.addEventListener('error', () => reject(new Error('the WebSocket did not open')));
			});
			return ws;
		};
		it('open, message, close', TIMEOUT, async () => {
			const ws = await open('/echo');
			assert.equal(ws.protocol, '');
			assert.match(ws.extensions, /^(permessage-deflate)?$/);
			ws.send('héllo');
			assert.equal(await ws.queue.next(), 'héllo');
			ws.send('long enough '.repeat(100));
			assert.equal(await ws.queue.next(), 'long enough '.repeat(100));
			ws.send(new Uint8Array([0, 1, 255]));
			assert.deepEqual(new Uint8Array(await ws.queue.next()), new Uint8Array([0, 1, 255]));
			ws.close(3333, 'reason');
			const event = await ws.closed;
			assert.equal(event.code, 3333);
			assert.equal(event.wasClean, true);
		});
		it('a channel, with the messages that POST publishes', TIMEOUT, async () => {
			const channel = channelName();
			const ws = await open(`/c/${channel}`);
			await publish(server.port, channel, 'posted');
			assert.equal(await ws.queue.next(), 'posted');
			ws.send('sent');
			assert.equal(await ws.queue.next(), 'sent');
			assert.deepEqual((await poll(server.port, channel)).messages.map((m) => m.data), ['posted', 'sent']);
			ws.close();
			assert.equal((await ws.closed).wasClean, true);
		});
		it('a refused handshake is an error', TIMEOUT, async () => {
			await assert.rejects(open('/c/x?since=bad'));
			await assert.rejects(open('/no/such/door'));
		});
	});
}

/* Node 20 has its WebSocket behind a flag, which only a new process can set. */
const FLAG = '--experimental-websocket';
const flagged = !globalThis.WebSocket && process.allowedNodeEnvironmentFlags.has(FLAG);

describe('the WebSocket of Node itself, behind its flag', { skip: !flagged && `this Node needs or knows no ${FLAG}` }, () => {
	const server = useServer();
	it('open, message, close, on /echo and a channel', TIMEOUT, async () => {
		const script = `
			const { deepStrictEqual: same } = require('node:assert');
			const socket = (path) => new Promise((resolve, reject) => {
				const ws = new WebSocket('ws://${server.host}' + path);
				ws.binaryType = 'arraybuffer';
				ws.onopen = () => resolve(ws);
				ws.onerror = () => reject(new Error('it did not open'));
			});
			const event = (ws, kind) => new Promise((resolve) => ws.addEventListener(kind, resolve, { once: true }));
			(async () => {
				for (const path of ['/echo', '/c/${channelName()}']) {
					const ws = await socket(path);
					for (const data of ['hello', '', '漢'.repeat(50000)]) {
						ws.send(data);
						same((await event(ws, 'message')).data, data);
					}
					ws.send(new Uint8Array([0, 255]));
					same([...new Uint8Array((await event(ws, 'message')).data)], [0, 255]);
					ws.close(3001, 'done');
					const { code, wasClean } = await event(ws, 'close');
					same([code, wasClean], [3001, true]);
				}
				await socket('/no/such/door').then(() => process.exit(1), () => console.log('ok'));
			})();`;
		const out = await new Promise((resolve, reject) =>
			execFile(process.execPath, [FLAG, '--unhandled-rejections=strict', '-e', script], { timeout: bound(30) }, (error, stdout, stderr) =>
				(error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout))));
		assert.equal(out, 'ok\n');
	});
});

describe('npm eventsource', { concurrency: 4 }, () => {
	const server = useServer();
	const open = (path, init, host = server.host) => {
		const source = new EventSource(`http://${host}${path}`, init);
		source.queue = new Queue();
		for (const kind of ['open', 'error']) {
			source[`on${kind}`] = (event) => source.queue.push({ on: kind, code: event.code });
		}
		for (const kind of ['message', 'open', 'lost', 'binary']) {
			source.addEventListener(kind, (event) => event.data !== undefined && source.queue.push({ kind, data: event.data, id: event.lastEventId }));
		}
		return source;
	};
	const expect = async (source, kind) => {
		for (;;) {
			const event = await source.queue.next();
			if (event.kind === kind) {
				return event;
			}
			assert.ok(event.on === 'open' || event.kind === 'open', JSON.stringify(event));
		}
	};
	it('messages with their ids, lines and all', TIMEOUT, async () => {
		const channel = channelName();
		const source = open(`/c/${channel}`);
		await expect(source, 'open');
		for (const body of ['hello', 'two\nlines', ' blank', ':colon', '漢字 😀', 'x'.repeat(100_000)]) {
			const id = await publish(server.port, channel, body);
			assert.deepEqual(await expect(source, 'message'), { kind: 'message', data: body, id });
		}
		const id = await publish(server.port, channel, Buffer.from([0, 255]), 'application/octet-stream');
		assert.deepEqual(await expect(source, 'binary'), { kind: 'binary', data: 'AP8=', id });
		source.close();
	});
	it('an empty message is a message', TIMEOUT, async () => {
		const channel = channelName();
		const source = open(`/c/${channel}`);
		await expect(source, 'open');
		const id = await publish(server.port, channel, '');
		assert.deepEqual(await expect(source, 'message'), { kind: 'message', data: '', id });
		source.close();
	});
	it('it comes back by itself with the last id and misses nothing', TIMEOUT, async () => {
		const channel = channelName();
		const proxy = await Proxy.start(server.port);
		const source = open(`/c/${channel}`, {}, proxy.host);
		const first = await expect(source, 'open');
		const seen = [];
		for (let i = 0; i < 3; i++) {
			await publish(server.port, channel, `before ${i}`);
		}
		while (seen.length < 3) {
			seen.push((await expect(source, 'message')).data);
		}
		assert.ok(first.id);
		proxy.cut();
		for (let i = 0; i < 3; i++) {
			await publish(server.port, channel, `after ${i}`);
		}
		while (seen.length < 6) {
			const event = await source.queue.next(bound(20));
			if (event.kind === 'message') {
				seen.push(event.data);
			}
		}
		assert.deepEqual(seen, ['before 0', 'before 1', 'before 2', 'after 0', 'after 1', 'after 2']);
		source.close();
		proxy.stop();
	});
	it('a refusal ends it', TIMEOUT, async () => {
		const source = open('/c/x?since=bad');
		const event = await source.queue.next();
		assert.deepEqual(event, { on: 'error', code: 400 });
		assert.equal(source.readyState, 2);
		source.close();
	});
});

describe("Node's own fetch", { concurrency: 4 }, () => {
	const server = useServer();
	const url = (channel, query = '') => `http://${server.host}/c/${channel}${query}`;
	it('publish, poll, delete', TIMEOUT, async () => {
		const channel = channelName();
		const answer = await fetch(url(channel), { method: 'POST', body: 'hello' });
		assert.equal(answer.status, 201);
		const { id } = await answer.json();
		const { messages, next } = await (await fetch(url(channel))).json();
		assert.deepEqual(messages.map((m) => [m.id, m.data]), [[id, 'hello']]);
		assert.equal(next, id);
		assert.equal((await fetch(url(channel), { method: 'DELETE' })).status, 204);
		assert.deepEqual((await (await fetch(url(channel, `?since=${id}`))).json()).messages, []);
	});
	it('bodies of every kind', TIMEOUT, async () => {
		const channel = channelName();
		for (const body of ['text', new Uint8Array([1, 2, 255]), new Blob(['blob'], { type: 'image/png' }), new URLSearchParams({ a: 'b c' })]) {
			assert.equal((await fetch(url(channel), { method: 'POST', body })).status, 201);
		}
		const stream = new ReadableStream({
			start(controller) {
				for (const part of ['a', 'b', 'c']) {
					controller.enqueue(new TextEncoder().encode(part));
				}
				controller.close();
			},
		});
		assert.equal((await fetch(url(channel), { method: 'POST', body: stream, duplex: 'half' })).status, 201);
		const { messages } = await (await fetch(url(channel))).json();
		assert.deepEqual(messages.map((m) => [m.data, m.encoding]), [
			['text', undefined], ['AQL/', 'base64'], [Buffer.from('blob').toString('base64'), 'base64'], ['a=b+c', undefined], ['abc', undefined],
		]);
	});
	it('long poll', TIMEOUT, async () => {
		const channel = channelName();
		const { next } = await (await fetch(url(channel))).json();
		const waiting = fetch(url(channel, `?since=${next}&wait=20`)).then((r) => r.json());
		await publish(server.port, channel, 'news');
		assert.deepEqual((await waiting).messages.map((m) => m.data), ['news']);
	});
	it('a stream of NDJSON, and its abort', TIMEOUT, async () => {
		const channel = channelName();
		const abort = new AbortController();
		const answer = await fetch(url(channel, '?stream=ndjson'), { signal: abort.signal });
		const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
		let all = '';
		const lines = async (n) => {
			while (all.split('\n').filter(Boolean).length < n || !all.endsWith('\n')) {
				all += (await reader.read()).value;
			}
			return all.split('\n').filter(Boolean).map((line) => JSON.parse(line));
		};
		const [{ event, next }] = await lines(1);
		assert.equal(event, 'open');
		const id = await publish(server.port, channel, 'one');
		assert.equal((await lines(2))[1].id, id);
		assert.equal(epochOf(next), epochOf(id));
		abort.abort();
		const presence = () => fetch(url(channel, '?presence')).then((r) => r.json());
		await until(async () => (await presence()).count === 0, bound(8), 'the reader to leave');
	});
	it('errors are JSON', TIMEOUT, async () => {
		const answer = await fetch(url('x', '?since=bad'));
		assert.equal(answer.status, 400);
		assert.equal((await answer.json()).error.code, 'bad_parameter');
	});
});
