// RFC 9113 and RFC 7541, clause by clause: frames, streams, errors, header blocks. On the wire, with frames made by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
	ACK, CODES, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITIZED, PRIORITY, PUSH_PROMISE, RST_STREAM,
	RawH2, SETTINGS, WINDOW_UPDATE, block, continuation, data, frame, headers, ping, priority, rst, settings, windowUpdate,
} from '../lib/rawh2.js';
import { useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';

const TIMEOUT = { timeout: bound(30) };
const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, COMPRESSION_ERROR } = CODES;

/** One case: what is sent on a fresh connection, and what must come of it. */
function h2Case(server, name, body, options) {
	it(name, TIMEOUT, async () => {
		const h2 = await RawH2.open(server.port, options);
		try {
			await body(h2);
		} finally {
			h2.destroy();
		}
	});
}

/** The bytes end the connection with GOAWAY and one of these codes. */
const fatal = (server, name, make, ...codes) =>
	h2Case(server, `${name}: GOAWAY`, async (h2) => {
		h2.send(...[make(h2)].flat());
		await h2.expectGoaway(...codes);
	});

/** The bytes end stream 1, and the connection lives. */
const reset = (server, name, make, ...codes) =>
	h2Case(server, `${name}: RST_STREAM`, async (h2) => {
		h2.send(...[make(h2)].flat());
		await h2.expectReset(1, ...codes);
	});

/** The bytes are taken; the answer to stream 1 has this status. */
const good = (server, name, make, status = 200) =>
	h2Case(server, name, async (h2) => {
		h2.send(...[make(h2)].flat());
		const answer = await h2.answer(1);
		assert.equal(answer.status, status, answer.body);
		await h2.expectAlive();
	});

const get = (h2, stream = 1, more = {}, flags = END_HEADERS | END_STREAM) => headers(stream, h2.fields(more), flags);
const post = (h2, stream = 1, more = {}) => get(h2, stream, { ':method': 'POST', ':path': '/c/h2frames', ...more }, END_HEADERS);
const open = (h2, stream = 1) => post(h2, stream);

describe('RFC 9113 3.4 preface', { concurrency: 4 }, () => {
	const server = useServer();
	h2Case(server, '3.4: the server begins with SETTINGS that name its limits and extended CONNECT', async (h2) => {
		assert.equal(h2.settings.get(3), 100, 'MAX_CONCURRENT_STREAMS');
		assert.equal(h2.settings.get(4), 128 * 1024, 'INITIAL_WINDOW_SIZE');
		assert.equal(h2.settings.get(6), 16 * 1024, 'MAX_HEADER_LIST_SIZE');
		assert.equal(h2.settings.get(8), 1, 'RFC 8441 3: ENABLE_CONNECT_PROTOCOL');
	});
	it('3.4: the preface may come byte by byte', TIMEOUT, async () => {
		const h2 = await RawH2.open(server.port, { greet: false, ackSettings: false });
		for (const byte of Buffer.concat([PREFACE, settings()])) {
			h2.send(Buffer.from([byte]));
			await new Promise((done) => setImmediate(done));
		}
		assert.equal((await h2.next()).type, SETTINGS);
		assert.equal((await h2.ask(1)).status, 200);
		h2.destroy();
	});
	it('3.4: preface, SETTINGS and a request in one segment', TIMEOUT, async () => {
		const h2 = await RawH2.open(server.port, { greet: false });
		h2.send(PREFACE, settings([[1, 0]]), headers(1, h2.fields()));
		assert.equal((await h2.answer(1)).status, 200);
		h2.destroy();
	});
	it('3.4: a frame other than SETTINGS after the preface is PROTOCOL_ERROR', TIMEOUT, async () => {
		const h2 = await RawH2.open(server.port, { greet: false });
		h2.send(PREFACE, ping());
		await h2.expectGoaway(PROTOCOL_ERROR);
	});
	it('3.4: an acknowledgement in place of the first SETTINGS is PROTOCOL_ERROR', TIMEOUT, async () => {
		const h2 = await RawH2.open(server.port, { greet: false });
		h2.send(PREFACE, settings([], ACK));
		await h2.expectGoaway(PROTOCOL_ERROR);
	});
	for (const wrong of ['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\n\r\n\r\n', 'PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
		it(`3.4: what only looks like a preface is refused in HTTP/1.1: ${JSON.stringify(wrong)}`, TIMEOUT, async () => {
			const h2 = await RawH2.open(server.port, { greet: false, alpn: [] });
			let text = '';
			h2.socket.removeAllListeners('data').on('data', (bytes) => (text += bytes));
			h2.send(Buffer.from(wrong));
			await new Promise((done) => h2.socket.once('end', done));
			assert.match(text, /^HTTP\/1\.1 (400|505) /);
			h2.destroy();
		});
	}
	it('3.1: an Upgrade to h2c is ignored, as RFC 9113 has none', TIMEOUT, async () => {
		const h2 = await RawH2.open(server.port, { greet: false, alpn: [] });
		let text = '';
		h2.socket.removeAllListeners('data').on('data', (bytes) => (text += bytes));
		h2.send(Buffer.from('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n'));
		await new Promise((done) => h2.socket.once('end', done));
		assert.match(text, /^HTTP\/1\.1 200 /);
		h2.destroy();
	});
});

describe('RFC 9113 4 frames', { concurrency: 4 }, () => {
	const server = useServer();
	good(server, '4.1: a frame of an unknown type is ignored', (h2) => [frame(0x42, 0xff, 0, 'abc'), get(h2)]);
	good(server, '4.1: flags that are not defined are ignored', (h2) => [ping('12345678', 0xf6), get(h2, 1, {}, END_HEADERS | END_STREAM | 0xd0 & ~PADDED & ~PRIORITIZED)]);
	good(server, '4.1: the reserved bit of the stream identifier is ignored', (h2) => [frame(PING, 0, 0x80000000, '12345678'), get(h2)]);
	good(server, '4.2: DATA of 16384 bytes', (h2) => [open(h2), data(1, 'x'.repeat(16384), END_STREAM)], 201);
	fatal(server, '4.2: DATA over SETTINGS_MAX_FRAME_SIZE', (h2) => [open(h2), data(1, 'x'.repeat(16385))], FRAME_SIZE_ERROR);
	fatal(server, '4.2: HEADERS over SETTINGS_MAX_FRAME_SIZE', (h2) => frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([block(h2.fields()), Buffer.alloc(16385)])), FRAME_SIZE_ERROR);
	fatal(server, '4.2: SETTINGS over SETTINGS_MAX_FRAME_SIZE', () => frame(SETTINGS, 0, 0, Buffer.alloc(16386)), FRAME_SIZE_ERROR);
	fatal(server, '4.3: a header block that can not be decoded', () => frame(HEADERS, END_HEADERS | END_STREAM, 1, [0, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff]), COMPRESSION_ERROR);
	fatal(server, '4.3: another frame within a header block', (h2) => [get(h2, 1, {}, END_STREAM), priority(1)], PROTOCOL_ERROR);
	fatal(server, '4.3: HEADERS of another stream within a header block', (h2) => [get(h2, 1, {}, END_STREAM), get(h2, 3)], PROTOCOL_ERROR);
	fatal(server, '4.3: a PING within a header block', (h2) => [get(h2, 1, {}, END_STREAM), ping()], PROTOCOL_ERROR);
});

describe('RFC 9113 5.1 states of a stream', { concurrency: 4 }, () => {
	const server = useServer();
	fatal(server, '5.1: idle: DATA', () => data(1, 'x', END_STREAM), PROTOCOL_ERROR);
	fatal(server, '5.1: idle: RST_STREAM', () => rst(1), PROTOCOL_ERROR);
	fatal(server, '5.1: idle: WINDOW_UPDATE', () => windowUpdate(1, 100), PROTOCOL_ERROR);
	fatal(server, '5.1: idle: CONTINUATION', (h2) => continuation(1, block(h2.fields())), PROTOCOL_ERROR);
	good(server, '5.1: idle: PRIORITY is allowed', (h2) => [priority(1), get(h2)]);

	/* A long poll keeps the stream half-closed. */
	const waiting = (h2) => get(h2, 1, { ':path': '/c/h2wait?wait=30&since=0-0'.replace('&since=0-0', '') });
	fatal(server, '5.1: half-closed (remote): DATA', (h2) => [waiting(h2), data(1, 'x')], STREAM_CLOSED);
	fatal(server, '5.1: half-closed (remote): HEADERS', (h2) => [waiting(h2), get(h2)], STREAM_CLOSED, PROTOCOL_ERROR);
	fatal(server, '5.1: half-closed (remote): CONTINUATION', (h2) => [waiting(h2), continuation(1, block(h2.fields()))], PROTOCOL_ERROR);
	for (const [name, bytes] of [['WINDOW_UPDATE', windowUpdate(1, 10)], ['PRIORITY', priority(1)], ['RST_STREAM', rst(1)]]) {
		h2Case(server, `5.1: half-closed (remote): ${name} is allowed`, async (h2) => {
			h2.send(waiting(h2), bytes);
			await h2.expectAlive();
			assert.equal((await h2.ask(3)).status, 200);
		});
	}

	const closed = async (h2) => {
		assert.equal((await h2.ask(1)).status, 200);
	};
	for (const [name, make, ...codes] of [
		['HEADERS', (h2) => get(h2), STREAM_CLOSED, PROTOCOL_ERROR],
		['CONTINUATION', (h2) => continuation(1, block(h2.fields())), STREAM_CLOSED, PROTOCOL_ERROR],
	]) {
		h2Case(server, `5.1: closed: ${name}: GOAWAY`, async (h2) => {
			await closed(h2);
			h2.send(make(h2));
			await h2.expectGoaway(...codes);
		});
	}
	h2Case(server, '5.1: closed: DATA is an error, or ignored; it costs nobody a window', async (h2) => {
		await closed(h2);
		for (let i = 0; i < 100; i++) {
			h2.send(data(1, Buffer.alloc(16384)), ping());
			const event = await h2.until([GOAWAY, PING]);
			if (event.type === GOAWAY) {
				assert.equal(event.payload.readUInt32BE(4), STREAM_CLOSED);
				return;
			}
		}
		h2.send(post(h2, 3), data(3, 'still there', END_STREAM));
		assert.equal((await h2.answer(3)).status, 201);
	});
	for (const [name, bytes] of [['WINDOW_UPDATE', windowUpdate(1, 10)], ['PRIORITY', priority(1)], ['RST_STREAM', rst(1)]]) {
		h2Case(server, `5.1: closed: ${name} is allowed`, async (h2) => {
			await closed(h2);
			h2.send(bytes);
			await h2.expectAlive();
		});
	}
	for (const [name, make] of [['DATA', () => data(1, 'x')], ['HEADERS', (h2) => get(h2)]]) {
		h2Case(server, `5.1: closed by RST_STREAM of the peer: ${name} is an error, or ignored`, async (h2) => {
			h2.send(open(h2), rst(1), make(h2), ping());
			const event = await h2.until([GOAWAY, RST_STREAM, PING]);
			if (event.type === GOAWAY) {
				assert.ok([STREAM_CLOSED, PROTOCOL_ERROR].includes(event.payload.readUInt32BE(4)));
			} else if (event.type === RST_STREAM) {
				assert.equal(event.payload.readUInt32BE(0), STREAM_CLOSED);
			}
		});
	}
	fatal(server, '5.1.1: a stream with an even number', (h2) => get(h2, 2), PROTOCOL_ERROR);
	fatal(server, '5.1.1: a stream whose number is lower than the last', (h2) => [get(h2, 5), get(h2, 3)], PROTOCOL_ERROR, STREAM_CLOSED);
	good(server, '5.1.1: numbers may be left out', (h2) => [get(h2, 1), get(h2, 101)]);
	const fill = (h2, n) => {
		for (let i = 0; i < n; i++) {
			h2.send(get(h2, 1 + 2 * i, { ':path': '/c/h2many?wait=30' }));
		}
	};
	h2Case(server, '5.1.2: 100 requests at a time are held, and one more when one has gone', async (h2) => {
		fill(h2, 100);
		await h2.expectAlive();
		h2.send(rst(1));
		assert.equal((await h2.ask(201)).status, 200);
	});
	h2Case(server, '5.1.2: one more from who may not know the limit yet is refused', async (h2) => {
		fill(h2, 101);
		await h2.expectReset(201, REFUSED_STREAM);
	}, { ackSettings: false });
	h2Case(server, '5.1.2: one more from who has acknowledged it is an error', async (h2) => {
		fill(h2, 101);
		await h2.expectGoaway(PROTOCOL_ERROR);
	});
	for (const [name, make] of [
		['HEADERS', (h2) => frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 15]), block(h2.fields())]))],
		['PRIORITY', (h2) => [priority(1, 1), get(h2)]],
	]) {
		h2Case(server, `5.3.2: a stream that depends on itself in ${name}: priorities are not looked at, or an error`, async (h2) => {
			h2.send(...[make(h2)].flat());
			const event = await h2.until([HEADERS, RST_STREAM, GOAWAY]);
			if (event.type !== HEADERS) {
				assert.equal(event.payload.readUInt32BE(event.type === GOAWAY ? 4 : 0), PROTOCOL_ERROR);
			}
		});
	}
	h2Case(server, '5.4.1: GOAWAY names the last stream that was served', async (h2) => {
		assert.equal((await h2.ask(1)).status, 200);
		assert.equal((await h2.ask(7)).status, 200);
		h2.send(windowUpdate(0, 0));
		const event = await h2.expectGoaway(PROTOCOL_ERROR);
		assert.equal(event.payload.readUInt32BE(0), 7);
	});
	good(server, '5.5: frames of unknown types are ignored on streams too', (h2) => [open(h2), frame(0x16, 0, 1, 'abc'), data(1, 'x', END_STREAM)], 201);
	fatal(server, '5.5: a frame of an unknown type within a header block', (h2) => [get(h2, 1, {}, END_STREAM), frame(0x16, 0, 1, 'abc')], PROTOCOL_ERROR);
});

describe('RFC 9113 6.1 to 6.4 DATA, HEADERS, PRIORITY, RST_STREAM', { concurrency: 4 }, () => {
	const server = useServer();
	const padded = (n, body, pad) => Buffer.concat([Buffer.from([n]), Buffer.from(body), Buffer.alloc(pad)]);
	fatal(server, '6.1: DATA on stream 0', () => data(0, 'x'), PROTOCOL_ERROR);
	good(server, '6.1: DATA with padding', (h2) => [open(h2), frame(DATA, PADDED | END_STREAM, 1, padded(6, 'hello', 6))], 201);
	good(server, '6.1: DATA that is only padding', (h2) => [open(h2), frame(DATA, PADDED, 1, padded(255, '', 255)), data(1, 'x', END_STREAM)], 201);
	fatal(server, '6.1: padding as long as the DATA', (h2) => [open(h2), frame(DATA, PADDED, 1, padded(6, 'hello', 0))], PROTOCOL_ERROR);
	fatal(server, '6.1: padded DATA without the length', (h2) => [open(h2), frame(DATA, PADDED, 1)], PROTOCOL_ERROR, FRAME_SIZE_ERROR);
	good(server, '6.2: HEADERS with padding', (h2) => frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, padded(5, block(h2.fields()), 5)));
	good(server, '6.2: HEADERS with priority', (h2) => frame(HEADERS, PRIORITIZED | END_HEADERS | END_STREAM, 1, Buffer.concat([Buffer.from([0, 0, 0, 0, 15]), block(h2.fields())])));
	fatal(server, '6.2: HEADERS on stream 0', (h2) => get(h2, 0), PROTOCOL_ERROR);
	fatal(server, '6.2: padding longer than the HEADERS', (h2) => frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, padded(255, block(h2.fields()), 0)), PROTOCOL_ERROR);
	fatal(server, '6.2: HEADERS with priority that is too short', () => frame(HEADERS, PRIORITIZED | END_HEADERS, 1, [0, 0, 0]), FRAME_SIZE_ERROR, PROTOCOL_ERROR);
	fatal(server, '6.3: PRIORITY on stream 0', () => priority(0), PROTOCOL_ERROR);
	h2Case(server, '6.3: PRIORITY that has not 5 bytes', async (h2) => {
		h2.send(frame(PRIORITY, 0, 1, [0, 0, 0, 0]));
		await h2.expectGoaway(FRAME_SIZE_ERROR);
	});
	fatal(server, '6.4: RST_STREAM on stream 0', () => rst(0), PROTOCOL_ERROR);
	fatal(server, '6.4: RST_STREAM that has not 4 bytes', (h2) => [open(h2), frame(RST_STREAM, 0, 1, [0, 0, 0])], FRAME_SIZE_ERROR);
	h2Case(server, '6.4: RST_STREAM ends a request, and nothing is sent on it any more', async (h2) => {
		h2.send(get(h2, 1, { ':path': '/c/h2reset?wait=30' }), rst(1));
		await h2.expectAlive();
		assert.equal((await h2.ask(3)).status, 200);
	});
});

describe('RFC 9113 6.5 SETTINGS', { concurrency: 4 }, () => {
	const server = useServer();
	fatal(server, '6.5: an acknowledgement with bytes', () => frame(SETTINGS, ACK, 0, Buffer.alloc(6)), FRAME_SIZE_ERROR);
	fatal(server, '6.5: SETTINGS on a stream', () => frame(SETTINGS, 0, 1, []), PROTOCOL_ERROR);
	fatal(server, '6.5: a length that is not a multiple of 6', () => frame(SETTINGS, 0, 0, Buffer.alloc(5)), FRAME_SIZE_ERROR);
	for (const value of [2, 0xffffffff]) {
		fatal(server, `6.5.2: SETTINGS_ENABLE_PUSH ${value}`, () => settings([[2, value]]), PROTOCOL_ERROR);
	}
	fatal(server, '6.5.2: SETTINGS_INITIAL_WINDOW_SIZE of 2^31', () => settings([[4, 0x80000000]]), FLOW_CONTROL_ERROR);
	for (const value of [16383, 16777216]) {
		fatal(server, `6.5.2: SETTINGS_MAX_FRAME_SIZE ${value}`, () => settings([[5, value]]), PROTOCOL_ERROR);
	}
	fatal(server, 'RFC 8441 3: SETTINGS_ENABLE_CONNECT_PROTOCOL 2', () => settings([[8, 2]]), PROTOCOL_ERROR);
	good(server, '6.5.2: a setting that is not known is ignored', (h2) => [settings([[0xff, 1]]), get(h2)]);
	h2Case(server, '6.5.3: SETTINGS are acknowledged, each', async (h2) => {
		h2.send(settings([[4, 1]]), settings([[4, 70000]]), settings());
		for (let i = 0; i < 3; i++) {
			const event = await h2.until([SETTINGS]);
			assert.equal(event.flags, ACK);
			assert.equal(event.payload.length, 0);
		}
	});
	h2Case(server, '6.5.3: of a setting that comes twice the last value counts', async (h2) => {
		h2.send(settings([[4, 100], [4, 1]]), get(h2));
		await h2.until([HEADERS]);
		assert.equal((await h2.until([DATA])).payload.length, 1);
	});
});

describe('RFC 9113 6.6 to 6.8 PUSH_PROMISE, PING, GOAWAY', { concurrency: 4 }, () => {
	const server = useServer();
	fatal(server, '8.4: a client can not push', (h2) => frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), block(h2.fields())])), PROTOCOL_ERROR);
	h2Case(server, '6.7: a PING is answered with its bytes', async (h2) => {
		h2.send(frame(PING, 0, 0, [1, 255, 0, 97, 98, 99, 100, 101]));
		assert.equal((await h2.until([PING])).payload.toString('latin1'), '\x01\xff\0abcde');
		await h2.expectAlive();
	});
	h2Case(server, '6.7: a PING with ACK is not answered', async (h2) => {
		h2.send(ping('invalid!', ACK), ping('answered'));
		const event = await h2.until([PING]);
		assert.equal(event.payload.toString(), 'answered');
	});
	fatal(server, '6.7: PING on a stream', () => frame(PING, 0, 1, '12345678'), PROTOCOL_ERROR);
	for (const n of [0, 7, 9]) {
		fatal(server, `6.7: PING of ${n} bytes`, () => frame(PING, 0, 0, Buffer.alloc(n)), FRAME_SIZE_ERROR);
	}
	fatal(server, '6.8: GOAWAY on a stream', () => frame(GOAWAY, 0, 1, Buffer.alloc(8)), PROTOCOL_ERROR);
	h2Case(server, '6.8: after the GOAWAY of a client what is open is still answered, then the connection ends', async (h2) => {
		h2.send(open(h2), frame(GOAWAY, 0, 0, Buffer.alloc(8)), data(1, 'last', END_STREAM));
		assert.equal((await h2.answer(1)).status, 201);
		await h2.expectEnd();
	});
	h2Case(server, '6.8: the GOAWAY of a client with nothing open ends the connection', async (h2) => {
		h2.send(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
		await h2.expectEnd();
	});
});

describe('RFC 9113 6.9 WINDOW_UPDATE', { concurrency: 4 }, () => {
	const server = useServer();
	const none = { settings: [[4, 0]] };
	fatal(server, '6.9: an increment of 0 on the connection', () => windowUpdate(0, 0), PROTOCOL_ERROR);
	for (const n of [3, 5]) {
		fatal(server, `6.9: WINDOW_UPDATE of ${n} bytes`, () => frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(n, 1)), FRAME_SIZE_ERROR);
	}
	/* RFC 9113 5.4.2 lets an error of a stream be one of the connection. */
	fatal(server, '6.9: an increment of 0 on a stream', (h2) => [open(h2), windowUpdate(1, 0)], PROTOCOL_ERROR);
	fatal(server, '6.9.1: the window of the connection over 2^31-1', () => [windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)], FLOW_CONTROL_ERROR);
	reset(server, '6.9.1: the window of a stream over 2^31-1', (h2) => [open(h2), windowUpdate(1, 0x7fffffff), windowUpdate(1, 0x7fffffff)], FLOW_CONTROL_ERROR);
	h2Case(server, '6.9.1: with a window of one byte, one byte comes', async (h2) => {
		h2.send(settings([[4, 1]]), get(h2));
		await h2.until([HEADERS]);
		assert.equal((await h2.until([DATA])).payload.length, 1);
		await h2.expectAlive();
	});
	h2Case(server, '6.9: nothing comes without a window, and byte by byte with one', async (h2) => {
		h2.send(get(h2));
		await h2.until([HEADERS]);
		await h2.expectAlive();
		let text = '';
		for (let i = 0; i < 3; i++) {
			h2.send(windowUpdate(1, 1));
			text += (await h2.until([DATA])).payload;
		}
		assert.equal(text, 'ok\n');
	}, none);
	h2Case(server, '6.9.2: SETTINGS_INITIAL_WINDOW_SIZE changes the windows of streams that are open', async (h2) => {
		h2.send(get(h2));
		await h2.until([HEADERS]);
		h2.send(settings([[4, 1]]));
		assert.equal((await h2.until([DATA])).payload.length, 1);
	}, none);
	h2Case(server, '6.9.2: a window may become negative, and is filled up again', async (h2) => {
		h2.send(settings([[4, 3]]), get(h2, 1, { ':path': '/' }));
		await h2.until([HEADERS]);
		assert.equal((await h2.until([DATA])).payload.length, 3);
		h2.send(settings([[4, 2]]));
		await h2.until([SETTINGS]);
		h2.send(windowUpdate(1, 1));
		await h2.expectAlive();
		h2.send(windowUpdate(1, 1));
		assert.equal((await h2.until([DATA])).payload.length, 1, '3 were sent of 2 + 1 + 1');
	});
	reset(server, '6.9.2: a change that makes the window of a stream overflow', (h2) => [
		get(h2, 1, { ':path': '/c/h2wide?wait=30' }), windowUpdate(1, 0x7fffffff - 65535), settings([[4, 0x7fffffff]]),
	], FLOW_CONTROL_ERROR);
});

describe('RFC 9113 6.10 CONTINUATION', { concurrency: 4 }, () => {
	const server = useServer();
	const halves = (h2) => {
		const whole = block(h2.fields());
		return [whole.subarray(0, 10), whole.subarray(10, 20), whole.subarray(20)];
	};
	good(server, '6.10: a block in three frames', (h2) => {
		const [a, b, c] = halves(h2);
		return [frame(HEADERS, END_STREAM, 1, a), continuation(1, b, 0), continuation(1, c)];
	});
	good(server, '6.10: an empty CONTINUATION', (h2) => [frame(HEADERS, END_STREAM, 1, block(h2.fields())), continuation(1, [], 0), continuation(1, [])]);
	fatal(server, '6.10: DATA between HEADERS and CONTINUATION', (h2) => [get(h2, 1, {}, 0), data(1, 'x')], PROTOCOL_ERROR);
	fatal(server, '6.10: CONTINUATION on stream 0', (h2) => [get(h2, 1, {}, END_STREAM), continuation(0, [])], PROTOCOL_ERROR);
	fatal(server, '6.10: CONTINUATION of another stream', (h2) => [get(h2, 1, {}, END_STREAM), continuation(3, [])], PROTOCOL_ERROR);
	fatal(server, '6.10: CONTINUATION after the block has ended', (h2) => [open(h2), continuation(1, block({ a: 'b' }))], PROTOCOL_ERROR);
	fatal(server, '6.10: CONTINUATION after one with END_HEADERS', (h2) => {
		const [a, b, c] = halves(h2);
		return [frame(HEADERS, 0, 1, a), continuation(1, Buffer.concat([b, c])), continuation(1, block({ a: 'b' }))];
	}, PROTOCOL_ERROR);
	fatal(server, '6.10: CONTINUATION after DATA', (h2) => [open(h2), data(1, 'x'), continuation(1, block({ a: 'b' }))], PROTOCOL_ERROR);
});

describe('RFC 9113 8 requests that are malformed', { concurrency: 4 }, () => {
	const server = useServer();
	const bad = (name, fields) => reset(server, name, (h2) => headers(1, fields(h2)), PROTOCOL_ERROR);
	reset(server, '8.1: second HEADERS without END_STREAM', (h2) => [open(h2), headers(1, { trailer: 'x' }, END_HEADERS)], PROTOCOL_ERROR);
	good(server, '8.1: trailers', (h2) => [open(h2), data(1, 'x'), headers(1, { trailer: 'x' })], 201);
	bad('8.2.1: a name in upper case', (h2) => h2.fields({ 'X-Test': 'ok' }));
	for (const name of ['a b', 'a\x7f', 'a\0', 'a:b', '\xe4', '']) {
		bad(`8.2.1: the name ${JSON.stringify(name)}`, (h2) => [...h2.fields(), [name, 'x']]);
	}
	for (const value of ['a\0b', 'a\nb', 'a\rb', ' a', 'a ', '\ta']) {
		bad(`8.2.1: the value ${JSON.stringify(value)}`, (h2) => h2.fields({ 'x-test': value }));
	}
	for (const [name, value] of [['connection', 'keep-alive'], ['keep-alive', 'a'], ['proxy-connection', 'a'], ['transfer-encoding', 'chunked'], ['upgrade', 'websocket'], ['te', 'trailers, deflate']]) {
		bad(`8.2.2: ${name}: ${value}`, (h2) => h2.fields({ [name]: value }));
	}
	good(server, '8.2.2: te: trailers', (h2) => get(h2, 1, { te: 'trailers' }));
	bad('8.3: a pseudo-header field that is not known', (h2) => h2.fields({ ':test': 'x' }));
	bad('8.3: one of an answer', (h2) => h2.fields({ ':status': '200' }));
	bad('8.3: one behind a field', (h2) => [...h2.fields({ ':path': null }), ['x-test', 'x'], [':path', '/healthz']]);
	reset(server, '8.3: one in trailers', (h2) => [open(h2), data(1, 'x'), headers(1, { ':method': 'GET' })], PROTOCOL_ERROR);
	for (const name of [':method', ':scheme', ':path']) {
		bad(`8.3.1: without ${name}`, (h2) => h2.fields({ [name]: null }));
	}
	bad('8.3.1: without :authority and host', (h2) => h2.fields({ ':authority': null }));
	for (const [name, value] of [[':method', 'GET'], [':scheme', 'http'], [':path', '/healthz'], [':authority', 'a']]) {
		bad(`8.3.1: ${name} twice`, (h2) => [...h2.fields(), [name, value]].sort(([a], [b]) => (a[0] === ':' ? 0 : 1) - (b[0] === ':' ? 0 : 1)));
	}
	bad('8.3.1: an empty :path', (h2) => h2.fields({ ':path': '' }));
	bad('8.3.1: a :path that is a URL', (h2) => h2.fields({ ':path': `http://127.0.0.1:${h2.port}/healthz` }));
	good(server, '8.3.1: :path * with OPTIONS', (h2) => get(h2, 1, { ':method': 'OPTIONS', ':path': '*' }), 204);
	good(server, '8.3.1: host in place of :authority', (h2) => get(h2, 1, { ':authority': null, host: 'example.com' }));
	good(server, '8.3.1: host that says the same as :authority', (h2) => get(h2, 1, { ':authority': 'example.com', host: 'Example.com' }));
	good(server, '8.3.1: host that says something else', (h2) => get(h2, 1, { host: 'example.com' }), 400);
	good(server, '8.3.1: a user in :authority', (h2) => get(h2, 1, { ':authority': 'me@example.com' }), 400);
	good(server, '8.3.1: a :scheme that is not of the web', (h2) => get(h2, 1, { ':scheme': 'ftp' }), 400);
	reset(server, '8.1.1: more DATA than content-length', (h2) => [post(h2, 1, { 'content-length': '1' }), data(1, 'test', END_STREAM)], PROTOCOL_ERROR);
	reset(server, '8.1.1: more DATA than content-length, in two frames', (h2) => [post(h2, 1, { 'content-length': '5' }), data(1, 'test'), data(1, 'test', END_STREAM)], PROTOCOL_ERROR);
	reset(server, '8.1.1: less DATA than content-length', (h2) => [post(h2, 1, { 'content-length': '5' }), data(1, 'test', END_STREAM)], PROTOCOL_ERROR);
	reset(server, '8.1.1: content-length and no DATA', (h2) => get(h2, 1, { 'content-length': '5' }), PROTOCOL_ERROR);
	bad('8.1.1: content-length that is no number', (h2) => h2.fields({ 'content-length': 'x' }));
	bad('8.1.1: content-length twice', (h2) => [...h2.fields(), ['content-length', '0'], ['content-length', '0']]);
	good(server, '8.5: CONNECT is not served', (h2) => headers(1, [[':method', 'CONNECT'], [':authority', 'example.com:443']]), 501);
	bad('8.5: CONNECT with :path and without :protocol', (h2) => h2.fields({ ':method': 'CONNECT' }));
	good(server, '8.2.3: cookie crumbs are one field', (h2) => headers(1, [...h2.fields({ ':path': '/lab/headers' }), ['cookie', 'a=b'], ['cookie', 'c=d']]));
});

describe('RFC 7541 header blocks', { concurrency: 4 }, () => {
	const server = useServer();
	const raw = (h2, before, after = []) => frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([Buffer.from(before), block(h2.fields()), Buffer.from(after)]));
	good(server, '6.1: indexed fields of the static table', (h2) => frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([Buffer.from([0x82, 0x86]), block({ ':path': '/healthz', ':authority': 'a' })])));
	good(server, '6.2.1: a field that is indexed, and used', (h2) => raw(h2, [], [0x40, 1, 0x61, 1, 0x62, 0xbe]));
	good(server, '6.2.3: a field never to be indexed', (h2) => raw(h2, [], [0x10, 1, 0x61, 1, 0x62]));
	good(server, '6.3: a change of the table size at the beginning', (h2) => raw(h2, [0x20]));
	fatal(server, '2.3.3: index 0', (h2) => raw(h2, [], [0x80]), COMPRESSION_ERROR);
	fatal(server, '2.3.3: an index that is not there', (h2) => raw(h2, [], [0xbe]), COMPRESSION_ERROR);
	fatal(server, '2.3.3: a name that is not there', (h2) => raw(h2, [], [0x7f, 0x20, 1, 0x62]), COMPRESSION_ERROR);
	fatal(server, '4.2: a change of the table size at the end', (h2) => raw(h2, [], [0x20]), COMPRESSION_ERROR);
	fatal(server, '6.3: a table size over SETTINGS_HEADER_TABLE_SIZE', (h2) => raw(h2, [0x3f, 0xe2, 0x1f]), COMPRESSION_ERROR);
	fatal(server, '5.2: Huffman padding longer than 7 bits', (h2) => raw(h2, [], [0, 1, 0x61, 0x83, 0x1f, 0xff, 0xff]), COMPRESSION_ERROR);
	fatal(server, '5.2: Huffman padding of zeros', (h2) => raw(h2, [], [0, 1, 0x61, 0x81, 0x18]), COMPRESSION_ERROR);
	fatal(server, '5.2: EOS in a Huffman string', (h2) => raw(h2, [], [0, 1, 0x61, 0x84, 0xff, 0xff, 0xff, 0xfc]), COMPRESSION_ERROR);
	fatal(server, '5.1: an integer that has no end', (h2) => raw(h2, [], [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]), COMPRESSION_ERROR);
	fatal(server, '5.2: a string longer than its block', (h2) => raw(h2, [], [0, 1, 0x61, 0x7f]), COMPRESSION_ERROR);
});
