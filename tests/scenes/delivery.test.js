// One publisher sends numbered messages while five readers of each way listen, pollers polling all the while.
// Some readers drop their connection at random and come back with their last id. Each must have every
// message once and in order, on one worker and on two.
//
// The publisher is never more than WINDOW messages ahead of the slowest reader, and the history is longer than
// that, so nothing may be lost. SCENE_MESSAGES (default 100000) makes the scene smaller for slow builds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, post } from '../lib/rawhttp.js';
import { RawWs, binary, text } from '../lib/rawws.js';
import { TRANSPORTS, dataBytes, epochOf, offsetOf, openReader, poll } from '../lib/readers.js';
import { Server, channelName } from '../lib/server.js';
import { bound, pause, random, until } from '../lib/time.js';

const MESSAGES = Number(process.env.SCENE_MESSAGES) || 100_000;
const READERS = 5; // of each way
const WINDOW = 4000;
const HISTORY = 16384;

/**
 * A reader that outlives its connections: it drops them as `drops` says and comes back with its last id. check is
 * called with each message and its number from 0 on.
 */
class Listener {
	seen = 0;
	error = null;
	connections = 0;

	constructor({ port, channel, transport, since, seed, dropEvery, check, options = {} }) {
		Object.assign(this, { port, channel, transport, since, check, options });
		this.random = random(seed);
		this.dropEvery = dropEvery;
	}

	/** Resolves when `total` messages have come; rejects at the first that is wrong. */
	listen(total) {
		return new Promise((resolve, reject) => {
			this.total = total;
			this.done = (error) => {
				this.error = error ?? null;
				this.finished = true;
				this.reader?.drop();
				(error ? reject(Object.assign(error, { message: `${this.transport} ${this.options.client}: ${error.message}` })) : resolve());
			};
			this.#connect().catch(this.done);
		});
	}

	async #connect() {
		this.connections++;
		const left = this.dropEvery ? 1 + this.random.below(this.dropEvery * 2) : Infinity;
		/* an event of a connection that was given up says nothing */
		const life = { over: false, left };
		const position = this.transport === 'sse' && this.connections % 2 === 0 ? { lastEventId: this.since } : { since: this.since };
		const reader = await openReader({
			transport: this.transport, port: this.port, channel: this.channel, format: this.transport === 'websocket' || this.transport === 'sse' ? 'json' : undefined,
			wait: 10, pace: 5, ...position, ...this.options, onEvent: (event) => !life.over && !this.finished && this.#take(event, life),
		});
		reader.onFail = (error) => !life.over && !this.finished && this.done(error);
		if (life.over || this.finished) {
			reader.drop(); /* its time was over before it was open */
		} else {
			this.reader = reader;
		}
	}

	#take(event, life) {
		try {
			if (event.kind === 'open') {
				assert.equal(event.next, this.since, 'the stream begins where it was asked to');
				return;
			}
			assert.equal(event.kind, 'message', JSON.stringify(event));
			assert.equal(offsetOf(event.id), this.first + this.seen, 'ids count up by one');
			this.check(event, this.seen);
			this.since = event.id;
			this.seen++;
		} catch (error) {
			life.over = true;
			this.done(error);
			return;
		}
		if (this.seen === this.total) {
			life.over = true;
			this.done();
		} else if (--life.left <= 0) {
			life.over = true;
			setImmediate(() => {
				this.reader?.drop();
				this.#connect().catch(this.done);
			});
		}
	}
}

async function listenersOf(server, channel, total, check, { perWay = READERS, dropEvery, options } = {}) {
	const { next } = await poll(server.port, channel);
	const list = TRANSPORTS.flatMap((transport, t) => Array.from({ length: perWay }, (_, i) => new Listener({
		port: server.port, channel, transport, since: next, seed: t * 100 + i + 1, check,
		/* two of five stay, the others drop */
		dropEvery: i < 2 ? 0 : dropEvery, options: { client: `${transport}-${i}`, ...options },
	})));
	list.forEach((listener) => (listener.first = offsetOf(next) + 1));
	return list;
}

/** Waits until the slowest reader is less than `window` behind, or throws what went wrong. */
async function follow(listeners, sent, window) {
	const end = Date.now() + bound(60);
	while (listeners.some((l) => l.seen <= sent - window)) {
		const failed = listeners.find((l) => l.error);
		if (failed) {
			throw failed.error;
		}
		if (Date.now() > end) {
			const slowest = listeners.reduce((a, b) => (a.seen <= b.seen ? a : b));
			throw new Error(`after ${sent} messages ${slowest.transport} ${slowest.options.client} stands at ${slowest.seen}`);
		}
		await pause(2);
	}
}

describe('every message once, in order', () => {
	for (const workers of [1, 2]) {
		it(`${MESSAGES} messages to ${READERS} readers of each way, ${workers} worker${workers > 1 ? 's' : ''}`, { timeout: bound(240) }, async (t) => {
			const server = await Server.start({ workers, config: { history: { messages: HISTORY, bytes: 64 << 20 }, limits: { backlog: 64 << 20 } } });
			try {
				const channel = channelName('scene');
				const check = (message, n) => {
					if (message.data !== `number ${n}`) {
						assert.fail(`got "${message.data}" where number ${n} was due`);
					}
				};
				const listeners = await listenersOf(server, channel, MESSAGES, check, { dropEvery: Math.ceil(MESSAGES / 40) });
				const all = Promise.all(listeners.map((l) => l.listen(MESSAGES)));
				all.catch(() => {});
				const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
				ws.answerPings = true;
				const web = await RawHttp.open(server.port);
				const BATCH = 250;
				let ids = 0;
				let viaWs = 0;
				let own = 0;
				ws.emit = (event) => {
					own++;
					ws.last = event;
				};
				/* batches go out in turn as pipelined POSTs and over a WebSocket, each when the last has been taken */
				for (let n = 0, batch = 0; n < MESSAGES; batch++) {
					const size = Math.min(BATCH, MESSAGES - n);
					const numbers = Array.from({ length: size }, (_, i) => n + i);
					if (batch % 2 === 0) {
						web.send(Buffer.concat(numbers.map((i) => post(`/c/${channel}`, `number ${i}`, { 'Content-Type': 'text/plain' }))));
						for (const i of numbers) {
							const answer = await web.response('POST', bound(30));
							assert.equal(answer.status, 201, answer.text);
							assert.equal(offsetOf(answer.json.id), listeners[0].first + i);
							ids++;
						}
					} else {
						ws.send(Buffer.concat(numbers.map((i) => text(`number ${i}`))));
						viaWs += size;
					}
					n += size;
					await until(() => own >= n, bound(30), `the publisher's own message ${n}`);
					await follow(listeners, n, WINDOW);
				}
				await all;
				assert.equal(ids + viaWs, MESSAGES);
				for (const listener of listeners) {
					assert.equal(listener.seen, MESSAGES);
				}
				const reconnected = listeners.reduce((n, l) => n + l.connections - 1, 0);
				assert.ok(reconnected > listeners.length, `only ${reconnected} reconnections`);
				t.diagnostic(`${reconnected} reconnections`);
				ws.destroy();
				web.destroy();
				await server.stop();
			} finally {
				server.kill();
			}
		});
	}
});

describe('every size and kind, byte for byte', () => {
	/* the sizes where lengths change their form, where blocks end, and the largest */
	const SIZES = [0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 125, 126, 127, 1023, 1024, 4095, 4096, 4097, 16383, 16384, 16385, 65534, 65535, 65536, 65537, 262144, 1048575, 1048576];
	const rnd = random(2024);
	const words = (n) => {
		const all = Buffer.from('aé漢😀\n\r"\\<\u2028');
		let out = Buffer.alloc(n, all);
		/* not in the middle of a character */
		for (let cut = 0; cut < 4 && new TextDecoder().decode(out).includes('\ufffd'); cut++) {
			out = Buffer.concat([out.subarray(0, n - cut - 1), Buffer.alloc(cut + 1, '.')]);
		}
		return out;
	};
	const json = (n) => Buffer.from(n < 2 ? '7' : n < 10 ? JSON.stringify('x'.repeat(n - 2)) : `{"v":"${'y'.repeat(n - 8)}"}`);

	for (const workers of [1, 2]) {
		it(`text, JSON and binary from empty to 1 MiB on every way, ${workers} worker${workers > 1 ? 's' : ''}`, { timeout: bound(240) }, async () => {
			const messages = SIZES.flatMap((n) => [
				{ kind: 'text', type: 'text/plain', body: words(n) }, { kind: 'json', type: 'application/json', body: json(n) }, { kind: 'binary', type: 'application/octet-stream', body: rnd.bytes(n) },
			]);
			/* by POST and by WebSocket in turn; JSON has no WebSocket form of its own */
			messages.forEach((m, i) => (m.ws = m.kind !== 'json' && i % 2 === 1));
			const server = await Server.start({ workers, config: { history: { messages: HISTORY, bytes: 256 << 20 }, limits: { backlog: 64 << 20 } } });
			try {
				const channel = channelName('sizes');
				const check = (message, n) => {
					const wanted = messages[n];
					assert.equal(message.encoding, wanted.kind === 'binary' ? 'base64' : undefined);
					assert.equal(message.type, wanted.ws ? undefined : wanted.type);
					if (wanted.kind === 'json') {
						assert.deepEqual(message.data, JSON.parse(wanted.body));
					} else {
						assert.ok(dataBytes(message).equals(wanted.body), `${wanted.kind} of ${wanted.body.length} bytes is not the same`);
					}
				};
				const listeners = await listenersOf(server, channel, messages.length, check, { perWay: 3, dropEvery: 10 });
				const { next } = await poll(server.port, channel);
				/* payloads alone: what is exact there too */
				const plain = await RawWs.open(server.port, { path: `/c/${channel}?since=${next}` });
				plain.answerPings = true;
				const all = Promise.all(listeners.map((l) => l.listen(messages.length)));
				all.catch(() => {});
				const ws = await RawWs.open(server.port, { path: `/c/${channel}?echo=0` });
				const web = await RawHttp.open(server.port);
				for (const [n, { type, body, ws: byWs, kind }] of messages.entries()) {
					if (byWs) {
						ws.send(kind === 'text' ? text(body) : binary(body));
					} else {
						web.send(post(`/c/${channel}`, body, { 'Content-Type': type }));
						assert.equal((await web.response('POST', bound(30))).status, 201);
					}
					const event = await plain.message(bound(30));
					assert.equal(event.type, kind === 'binary' ? 'binary' : 'text');
					assert.ok(event.data.equals(body), `${kind} of ${body.length} bytes on a plain WebSocket`);
					await follow(listeners, n + 1, 16);
				}
				await all;
				assert.equal(epochOf(next), epochOf(listeners[0].since));
				[ws, plain].forEach((socket) => socket.destroy());
				web.destroy();
				await server.stop();
			} finally {
				server.kill();
			}
		});
	}
});
