// What has come in part: messages and request bodies together have a budget, and a message may not stand still.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, assertError, chunked, request } from '../lib/rawhttp.js';
import { RawWs, frame, more, ping, pong, text } from '../lib/rawws.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, pause, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const MiB = 1 << 20;

describe('messages and bodies that have not come whole', () => {
	const server = useServer({ workers: 1, config: { limits: { echo: '16MiB', message: '16MiB', backlog: '32MiB' } } });

	/** A WebSocket that has sent so many bytes of a message and keeps the rest back; the server has them. */
	const message = async (bytes) => {
		const ws = await RawWs.open(server.port);
		ws.send(Buffer.concat([frame(2, Buffer.alloc(bytes), { fin: false }), ping('here')]));
		await ws.expect('pong', 'here');
		return ws;
	};

	/** A POST of `bytes` + 1 bytes that lacks the last of them. */
	const body = async (bytes, fields = { 'Content-Length': bytes + 1 }) => {
		const http = await RawHttp.open(server.port);
		http.send(Buffer.concat([request('POST', `/c/${channelName()}`, fields), Buffer.alloc(bytes, 'x')]));
		return http;
	};

	/** Whether there is room for a message of that size. */
	const roomFor = async (bytes) => {
		const ws = await message(bytes).catch(() => null);
		const fits = ws !== null && !ws.closed;
		ws?.destroy();
		return fits;
	};

	const busy = async (http) => {
		const answer = await http.response('POST');
		assertError(answer, 503, 'busy');
		assert.match(answer.fields['retry-after'], /^[1-9]\d*$/);
		assert.equal(answer.fields.connection, 'close');
		await http.expectEnd();
		http.destroy();
	};

	/** Takes the budget but for less than 4 KiB with bodies; returns them when the server has them all. */
	const fill = async () => {
		const sizes = [16 * MiB - 1, 16 * MiB - 1, 16 * MiB - 1, 16 * MiB - 1, 16 * 1024];
		const holders = await Promise.all(sizes.map((n) => body(n)));
		await until(async () => {
			/* to look whether there is room takes some for a moment: the body that lacked it comes again */
			for (let i = 0; i < holders.length; i++) {
				if (holders[i].ended) {
					holders[i] = await body(sizes[i]);
				}
			}
			return !(await roomFor(8192));
		}, bound(20), 'the bodies to have come');
		return holders;
	};
	const empty = async (holders) => {
		holders.forEach((one) => one.destroy());
		await until(() => roomFor(15 * MiB), bound(20), 'room when they are gone');
	};

	it('bodies that hold it all: another is answered with 503, busy and Retry-After, a WebSocket is closed with 1013', TIMEOUT, async () => {
		const holders = await fill();
		try {
			await busy(await body(8192));
			await assert.rejects(message(8192), /close 1013|got close/);
			await busy(await body(8192, { 'Content-Length': 100_000, Expect: '100-continue' }));
		} finally {
			await empty(holders);
		}
	});
	it('one in chunks too', TIMEOUT, async () => {
		const holders = await fill();
		try {
			const http = await RawHttp.open(server.port);
			http.send(Buffer.concat([request('POST', `/c/${channelName()}`, { 'Transfer-Encoding': 'chunked' }), chunked(Buffer.alloc(9000)).subarray(0, 8900)]));
			await busy(http);
		} finally {
			await empty(holders);
		}
	});
	it('short bodies and messages pass all the same', TIMEOUT, async () => {
		const holders = await fill();
		try {
			const http = await body(3000);
			http.send('!');
			assert.equal((await http.response('POST')).status, 201);
			http.destroy();
			const ws = await message(4096);
			ws.send(more(''));
			assert.equal((await ws.message()).data.length, 4096);
			ws.destroy();
		} finally {
			await empty(holders);
		}
	});
	it('who held it is answered in the end, and gives it back', TIMEOUT, async () => {
		const holders = await fill();
		try {
			holders[0].send('!');
			assert.equal((await holders[0].response('POST')).status, 201);
			assert.ok(await roomFor(15 * MiB), 'there is room again');
		} finally {
			await empty(holders);
		}
	});
	it('a body refused for its size gives it back though the client stays', TIMEOUT, async () => {
		const stays = [];
		try {
			for (let i = 0; i < 6; i++) {
				const http = await RawHttp.open(server.port);
				http.send(request('POST', `/c/${channelName()}`, { 'Transfer-Encoding': 'chunked' }));
				http.send(`${(15 * MiB).toString(16)}\r\n`);
				http.send(Buffer.alloc(15 * MiB));
				http.send(`\r\n${(2 * MiB).toString(16)}\r\n`);
				assertError(await http.response('POST'), 413, 'body_too_large');
				stays.push(http);
			}
		} finally {
			stays.forEach((one) => one.destroy());
		}
	});
});

describe('a message that was begun', { concurrency: 4 }, () => {
	const server = useServer({ config: { limits: { body_timeout: 0.4 } } });
	const SLOWLY = { reason: /too slowly/ };

	/** Keeps the connection alive with pongs until it is closed; returns the ms that passed. */
	const closedAfter = async (ws, alive = true) => {
		const t = Date.now();
		while (!ws.closed && Date.now() - t < bound(10)) {
			if (alive) {
				ws.send(pong('alive'));
			}
			await pause(50);
		}
		await ws.expectClose(1008, SLOWLY);
		ws.destroy();
		return Date.now() - t;
	};
	for (const path of ['/echo', `/c/${channelName()}`]) {
		it(`${path}: a fragment and then nothing but pongs: 1008 after body_timeout`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port, { path });
			ws.send(frame(1, 'begun', { fin: false }));
			assert.ok((await closedAfter(ws)) >= 350, 'not before its time');
		});
		it(`${path}: half of a frame: 1008`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port, { path });
			ws.send(frame(2, Buffer.alloc(10), { length: 20 }));
			assert.ok((await closedAfter(ws, false)) >= 350, 'not before its time');
		});
	}
	it('a header of a frame, and nothing of its payload: 1008', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.send(frame(2, '', { length: 1000 }));
		await closedAfter(ws, false);
	});
	it('an empty fragment: 1008', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.send(frame(1, '', { fin: false }));
		await closedAfter(ws);
	});
	it('it waits as long as the peer goes on', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.send(frame(1, '0', { fin: false }));
		for (let i = 1; i <= 8; i++) {
			await pause(150);
			ws.send(frame(0, String(i), { fin: i === 8 }));
		}
		await ws.expect('text', '012345678');
		await ws.bye();
	});
	it('but not for ever: a byte now and then is closed after 20 times body_timeout', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		const t = Date.now();
		ws.send(frame(1, '0', { fin: false }));
		while (!ws.closed && Date.now() - t < bound(25)) {
			await pause(100);
			ws.send(frame(0, 'x', { fin: false }));
		}
		await ws.expectClose(1008, SLOWLY);
		assert.ok(Date.now() - t >= 7900, 'not before its time');
		ws.destroy();
	});
	it('each message has a time of its own', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		/* the end of each comes with the begin of the next: something is incomplete at any time, for longer than one may take */
		let rest = Buffer.alloc(0);
		const t = Date.now();
		for (let i = 0; Date.now() - t < 9000; i++) {
			const next = text(`message ${i}`);
			ws.send(Buffer.concat([rest, next.subarray(0, 9)]));
			rest = next.subarray(9);
			if (i > 0) {
				await ws.expect('text', `message ${i - 1}`);
			}
			await pause(100);
		}
		ws.destroy();
	});
	it('a header that waits for its payload does not count for the message after', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		for (let i = 0; i < 4; i++) {
			const one = text('whole at last');
			ws.send(one.subarray(0, 6));
			await pause(200);
			ws.send(one.subarray(6));
			await ws.expect('text', 'whole at last');
		}
		await pause(600);
		ws.send(text('still here'));
		await ws.expect('text', 'still here');
		await ws.bye();
	});
	it('silence between messages is none of this', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.send(Buffer.concat([frame(1, 'a', { fin: false }), more('b')]));
		await ws.expect('text', 'ab');
		await pause(1200);
		ws.send(text('c'));
		await ws.expect('text', 'c');
		await ws.bye();
	});
	it('the metric says so', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		const count = async () => {
			http.send(request('GET', '/metrics'));
			const rows = [...(await http.response()).text.matchAll(/^crosstalk_closes_total\{.*reason="slow_body"\} (\d+)$/gm)];
			assert.equal(rows.length, 2, 'one for each worker');
			return rows.reduce((sum, row) => sum + Number(row[1]), 0);
		};
		const before = await count();
		const ws = await RawWs.open(server.port);
		ws.send(frame(1, 'begun', { fin: false }));
		await closedAfter(ws);
		assert.ok((await count()) > before);
		http.destroy();
	});
});

describe('a message that was begun, and a heartbeat that comes more often', () => {
	const server = useServer({ config: { heartbeat: { interval: 0.1, timeout: 5 }, limits: { body_timeout: 0.5 } } });
	it('ends in its time though each ping is answered', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.answerPings = true;
		ws.send(frame(1, 'begun', { fin: false }));
		await until(() => ws.closed, bound(8), 'the close');
		await ws.expectClose(1008, { reason: /too slowly/ });
		assert.ok(ws.pings >= 2, 'there were pings');
		ws.destroy();
	});
	it('the heartbeat goes on after it was completed', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.answerPings = true;
		ws.send(frame(1, 'a', { fin: false }));
		await pause(100);
		ws.send(more('b'));
		await ws.expect('text', 'ab');
		const before = ws.pings;
		await until(() => ws.pings > before + 3, bound(8), 'more pings');
		await ws.bye();
	});
});
