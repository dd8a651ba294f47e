// Slow readers are closed and told why, others are not slowed, and a publisher is slowed rather than memory growing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { RawHttp, post, request } from '../lib/rawhttp.js';
import { RawWs, binary } from '../lib/rawws.js';
import { openReader, presence, publish } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { SLOW, bound, pause, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(120) };
const MiB = 1 << 20;

/** Resident memory of the server, in bytes. */
const resident = (pid) => Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** What a server may grow by that holds at most a few MiB for each of its connections; sanitizers keep more. */
const GROWTH = (SLOW > 1 ? 400 : 64) * MiB;

describe('a reader that does not read', () => {
	const server = useServer({ config: { limits: { message: 65536, backlog: 262144 }, history: { messages: 10 } } });
	for (const transport of ['websocket', 'sse', 'ndjson', 'iframe']) {
		it(`${transport}: is closed with the reason, and others get everything`, TIMEOUT, async () => {
			const channel = channelName();
			const seen = [];
			const fast = await openReader({ transport: 'websocket', port: server.port, channel, onEvent: (e) => e.kind === 'message' && seen.push(e.data) });
			const slow = await openReader({ transport, port: server.port, channel, client: 'slow' });
			const socket = slow.ws?.socket ?? slow.response.socket;
			(slow.response ?? socket).pause();
			socket.pause();
			const there = async () => (await presence(server.port, channel)).members.some((m) => m.client === 'slow');
			assert.ok(await there());
			const http = await RawHttp.open(server.port);
			let sent = 0;
			try {
				const filler = '.'.repeat(60000);
				while (await there()) {
					assert.ok(sent < 4000, 'after 240 MB the slow reader is still there');
					/* less than limits.backlog at a time: the fast reader must not be called slow */
					for (let i = 0; i < 3; i++) {
						http.send(post(`/c/${channel}`, `${String(sent++).padStart(6, '0')}${filler}`, { 'Content-Type': 'text/plain' }));
					}
					for (let i = 0; i < 3; i++) {
						assert.equal((await http.response()).status, 201);
					}
					await until(() => seen.length === sent, bound(20), 'the fast reader to have everything');
				}
				await until(() => seen.length === sent, bound(20), 'the fast reader to have everything');
				seen.forEach((data, i) => assert.equal(Number(data.slice(0, 6)), i, 'in order'));
				(slow.response ?? socket).resume();
				socket.resume();
				let n = 0;
				for (;;) {
					const event = await slow.next('the rest, then the end', bound(20));
					if (event.kind === 'open') {
						continue;
					}
					if (event.kind !== 'message') {
						if (transport === 'websocket') {
							assert.equal(event.kind, 'close', 'a Close frame comes before the end');
							assert.equal(event.code, 1013);
							assert.notEqual(event.reason, '');
						} else {
							assert.equal(event.kind, 'close', 'the reason comes before the end');
							assert.equal(event.reason, 'slow_reader');
							assert.equal((await slow.next('the end')).kind, 'end');
						}
						break;
					}
					assert.equal(Number(event.data.slice(0, 6)), n++, 'what it still gets is in order and without gaps');
				}
				assert.ok(n < sent, 'it was closed before it had everything');
			} finally {
				fast.drop();
				slow.drop();
				http.destroy();
			}
		});
	}
	it('the memory of a slow reader is its limit, not more', TIMEOUT, async () => {
		const channel = channelName();
		const readers = await Promise.all(Array.from({ length: 20 }, () => openReader({ transport: 'websocket', port: server.port, channel })));
		readers.forEach((reader) => reader.ws.socket.pause());
		const before = resident(server.pid);
		const body = Buffer.alloc(65536, 'x');
		for (let i = 0; i < 400 && (await presence(server.port, channel)).count > 0; i++) {
			await publish(server.port, channel, body);
		}
		const grown = resident(server.pid) - before;
		readers.forEach((reader) => reader.drop());
		assert.ok(grown < GROWTH, `it grew by ${Math.round(grown / MiB)} MiB`);
	});
});

describe('a publisher that is faster than what it publishes to', () => {
	const server = useServer({ config: { limits: { backlog: 2 * MiB } } });

	/** Writes until nothing has left for a while; returns the bytes that the kernels took. */
	async function writeUntilStuck(socket, piece, limit) {
		let written = 0;
		while (written < limit) {
			if (!socket.write(piece)) {
				const drained = new Promise((done) => socket.once('drain', () => done(true)));
				if (!(await Promise.race([drained, pause(bound(1.5)).then(() => false)]))) {
					return written - socket.writableLength;
				}
			}
			written += piece.length;
		}
		return written;
	}

	it('/echo: who does not read its echo is not read from either', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		try {
			ws.socket.pause();
			const before = resident(server.pid);
			const piece = binary(Buffer.alloc(65536, 'e'), { mask: [1, 2, 3, 4] });
			const taken = await writeUntilStuck(ws.socket, piece, 600 * MiB);
			assert.ok(taken < 200 * MiB, `the server took ${Math.round(taken / MiB)} MiB without an end`);
			const grown = resident(server.pid) - before;
			assert.ok(grown < GROWTH, `it grew by ${Math.round(grown / MiB)} MiB`);
			const frames = Math.floor(taken / piece.length);
			assert.ok(frames > 10);
			ws.socket.resume();
			for (let i = 0; i < frames; i++) {
				assert.equal((await ws.message(bound(20))).data.length, 65536, 'every echo comes when it reads again');
			}
		} finally {
			ws.destroy();
		}
	});
	it('HTTP: who does not read its answers is not read from either', TIMEOUT, async () => {
		const channel = channelName();
		await publish(server.port, channel, 'x'.repeat(900_000));
		const http = await RawHttp.open(server.port);
		try {
			http.socket.pause();
			const before = resident(server.pid);
			http.send(Buffer.concat(Array.from({ length: 500 }, () => request('GET', `/c/${channel}`))));
			await until(async () => {
				const one = resident(server.pid);
				await pause(300);
				return resident(server.pid) - one < MiB;
			}, bound(20), 'memory to settle');
			const grown = resident(server.pid) - before;
			assert.ok(grown < GROWTH, `it grew by ${Math.round(grown / MiB)} MiB`);
			http.socket.resume();
			for (let i = 0; i < 500; i++) {
				assert.equal((await http.response('GET', bound(20))).status, 200);
			}
		} finally {
			http.destroy();
		}
	});
	it('a channel: 100 MB from one WebSocket arrive whole, and memory does not grow with them', TIMEOUT, async () => {
		const channel = channelName();
		const n = 1600;
		let seen = 0;
		let wrong = null;
		const reader = await openReader({
			transport: 'websocket', port: server.port, channel,
			onEvent: (event) => {
				if (event.kind === 'message' && Buffer.isBuffer(event.data) && event.data.readUInt32BE(0) === seen) {
					seen++;
				} else {
					wrong ??= event.kind === 'message' ? `message ${event.data.readUInt32BE?.(0)} where ${seen} was due` : `${event.kind} ${event.code ?? ''} ${event.reason ?? ''}`;
				}
			},
		});
		const publisher = await RawWs.open(server.port, { path: `/c/${channel}?echo=0` });
		const before = resident(server.pid);
		let peak = before;
		try {
			for (let i = 0; i < n; i++) {
				const body = Buffer.alloc(65536);
				body.writeUInt32BE(i);
				/* the reader acknowledges by what it has seen: at most 8 messages wait for it */
				await until(() => wrong || i - seen < 8, bound(20), 'the reader to follow');
				assert.equal(wrong, null);
				if (!publisher.socket.write(binary(body))) {
					await new Promise((done) => publisher.socket.once('drain', done));
				}
				if (i % 100 === 0) {
					peak = Math.max(peak, resident(server.pid));
				}
			}
			await until(() => wrong || seen === n, bound(30), 'all messages');
			assert.equal(wrong, null);
			assert.ok(peak - before < GROWTH, `it grew by ${Math.round((peak - before) / MiB)} MiB`);
		} finally {
			reader.drop();
			publisher.destroy();
		}
	});
});
