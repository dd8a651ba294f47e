// rawh2.js - an HTTP/2 client that is only a TCP socket: it sends any frames, right or wrong, and shows each frame
// of the server. Header blocks are literals without Huffman codes, and the server may use no dynamic table.
import assert from 'node:assert/strict';
import { tcp } from './rawws.js';
import { Queue, bound } from './time.js';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
const TYPES = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH_PROMISE', 'PING', 'GOAWAY', 'WINDOW_UPDATE', 'CONTINUATION'];

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITIZED = 0x20;

export const CODES = {
	NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, SETTINGS_TIMEOUT: 4, STREAM_CLOSED: 5, FRAME_SIZE_ERROR: 6,
	REFUSED_STREAM: 7, CANCEL: 8, COMPRESSION_ERROR: 9, CONNECT_ERROR: 10, ENHANCE_YOUR_CALM: 11, INADEQUATE_SECURITY: 12, HTTP_1_1_REQUIRED: 13,
};
const NAMES = Object.fromEntries(Object.entries(CODES).map(([name, code]) => [code, name]));

/** One frame (RFC 9113 4.1); length: what its head says, when that is not the payload's own. */
export function frame(type, flags = 0, stream = 0, payload = [], { length } = {}) {
	const body = Buffer.from(payload);
	const head = Buffer.alloc(9);
	head.writeUIntBE(length ?? body.length, 0, 3);
	head[3] = type;
	head[4] = flags;
	head.writeUInt32BE(stream >>> 0, 5);
	return Buffer.concat([head, body]);
}

const u32 = (n) => {
	const out = Buffer.alloc(4);
	out.writeUInt32BE(n >>> 0);
	return out;
};

/** An integer of HPACK (RFC 7541 5.1). */
function integer(value, bits, first = 0) {
	const most = 2 ** bits - 1;
	if (value < most) {
		return Buffer.from([first | value]);
	}
	const out = [first | most];
	for (value -= most; value >= 128; value = Math.floor(value / 128)) {
		out.push((value % 128) | 128);
	}
	return Buffer.from([...out, value]);
}

const string = (text) => {
	const body = Buffer.from(text, 'latin1');
	return Buffer.concat([integer(body.length, 7), body]);
};

/** Fields, as [name, value] or an object, as literals without indexing (RFC 7541 6.2.2). */
export const block = (fields) =>
	Buffer.concat((Array.isArray(fields) ? fields : Object.entries(fields)).map(([name, value]) =>
		Buffer.concat([Buffer.from([0]), string(name), string(String(value))])));

export const settings = (entries = [], flags = 0) =>
	frame(SETTINGS, flags, 0, Buffer.concat(entries.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), u32(value)]))));
export const ping = (data = '12345678', flags = 0) => frame(PING, flags, 0, Buffer.from(data));
export const windowUpdate = (stream, increment) => frame(WINDOW_UPDATE, 0, stream, u32(increment));
export const rst = (stream, code = CODES.CANCEL) => frame(RST_STREAM, 0, stream, u32(code));
export const data = (stream, payload = '', flags = 0) => frame(DATA, flags, stream, Buffer.from(payload));
export const headers = (stream, fields, flags = END_HEADERS | END_STREAM) => frame(HEADERS, flags, stream, block(fields));
export const continuation = (stream, payload, flags = END_HEADERS) => frame(CONTINUATION, flags, stream, payload);
export const priority = (stream, on = 0, weight = 15) => frame(PRIORITY, 0, stream, Buffer.concat([u32(on), Buffer.from([weight])]));

export const show = ({ type, flags, stream, payload }) => {
	const code = type === RST_STREAM ? payload.readUInt32BE(0) : type === GOAWAY ? payload.readUInt32BE(4) : null;
	return `${TYPES[type] ?? type} flags ${flags} stream ${stream} ${code === null ? `${payload.length} bytes` : NAMES[code] ?? code}`;
};

const STATIC_STATUS = { 8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500 };

/** Digits in the Huffman code of RFC 7541 B: 0 to 2 have five bits, the others six. */
function digits(coded) {
	const bits = [...coded].map((byte) => byte.toString(2).padStart(8, '0')).join('');
	let out = '';
	for (let at = 0; out.length < 3;) {
		const five = parseInt(bits.slice(at, at + 5), 2);
		out += five <= 2 ? five : parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3;
		at += five <= 2 ? 5 : 6;
	}
	return out;
}

/** The status, which is the first field of an answer. */
function statusOf(payload) {
	let at = 0;
	while ((payload[at] & 0xe0) === 0x20) {
		at++; // a change of the dynamic table's size
	}
	if (payload[at] & 0x80) {
		return STATIC_STATUS[payload[at] & 0x7f];
	}
	assert.equal(payload[at] & 0x0f, 8, ':status comes first');
	const size = payload[at + 1] & 0x7f;
	const value = payload.subarray(at + 2, at + 2 + size);
	return Number(payload[at + 1] & 0x80 ? digits(value) : value.toString());
}

export class RawH2 {
	frames = new Queue();
	settings = new Map(); // of the server
	window = 65535; // what is left for the server to send on the connection
	#in = Buffer.alloc(0);

	/** Connects, and shakes hands unless `greet` is false. settings: ours; alpn: what is asked for over TLS. */
	static async open(port, { settings: own = [], greet = true, ackSettings = true, alpn = ['h2'] } = {}) {
		const h2 = new RawH2();
		h2.port = port;
		h2.socket = await tcp(port, '127.0.0.1', { ALPNProtocols: alpn });
		h2.ackSettings = ackSettings;
		h2.socket.on('data', (bytes) => h2.#data(bytes));
		h2.socket.on('end', () => h2.frames.end());
		h2.socket.on('error', () => h2.frames.end());
		h2.socket.on('close', () => h2.frames.end());
		if (greet) {
			h2.send(PREFACE, settings([[1, 0], ...own]));
			const first = await h2.next('SETTINGS');
			assert.equal(first.type, SETTINGS, 'RFC 9113 3.4: SETTINGS come first');
			assert.equal(first.flags & ACK, 0);
			for (;;) {
				const event = await h2.next('the acknowledgement of SETTINGS');
				if (event.type === SETTINGS && event.flags & ACK) {
					break;
				}
				assert.equal(event.type, WINDOW_UPDATE, show(event));
			}
		}
		return h2;
	}

	#data(bytes) {
		this.#in = this.#in.length > 0 ? Buffer.concat([this.#in, bytes]) : bytes;
		while (this.#in.length >= 9) {
			const size = this.#in.readUIntBE(0, 3);
			if (this.#in.length < 9 + size) {
				return;
			}
			const event = { type: this.#in[3], flags: this.#in[4], stream: this.#in.readUInt32BE(5), payload: Buffer.from(this.#in.subarray(9, 9 + size)) };
			this.#in = this.#in.subarray(9 + size);
			if (event.type === SETTINGS && !(event.flags & ACK)) {
				for (let at = 0; at < size; at += 6) {
					this.settings.set(event.payload.readUInt16BE(at), event.payload.readUInt32BE(at + 2));
				}
				if (this.ackSettings) {
					this.send(settings([], ACK));
				}
			}
			if (event.type === DATA) {
				this.window -= size;
			}
			this.frames.push(event);
		}
	}

	send(...parts) {
		if (!this.socket.destroyed && !this.socket.writableEnded) {
			this.socket.write(Buffer.concat(parts));
		}
	}

	/** The fields of a request, with what is given more, or left out with null. */
	fields(more = {}) {
		const all = { ':method': 'GET', ':scheme': 'http', ':path': '/healthz', ':authority': `127.0.0.1:${this.port}`, ...more };
		return Object.entries(all).filter(([, value]) => value !== null);
	}

	async next(what = 'a frame', ms = bound(8)) {
		const event = await this.frames.next(ms, what);
		assert.ok(event, `the connection ended, waiting for ${what}`);
		return event;
	}

	/** The next frame that is of one of these types; what comes before is passed over. */
	async until(types, what) {
		for (;;) {
			const event = await this.next(what ?? types.map((t) => TYPES[t]).join(' or '));
			if (types.includes(event.type)) {
				return event;
			}
		}
	}

	/** What comes on this stream until it ends: { status, body, reset }. */
	async answer(stream) {
		const out = { status: null, body: '', reset: null, statuses: [] };
		for (;;) {
			const event = await this.next(`an answer on stream ${stream}`);
			assert.notEqual(event.type, GOAWAY, `the server went: ${show(event)}`);
			if (event.stream !== stream) {
				continue;
			}
			if (event.type === HEADERS) {
				assert.ok(event.flags & END_HEADERS);
				out.status = statusOf(event.payload);
				out.statuses.push(out.status);
			} else if (event.type === DATA) {
				out.body += event.payload.toString();
			} else if (event.type === RST_STREAM) {
				return { ...out, reset: event.payload.readUInt32BE(0) };
			}
			if ((event.type === HEADERS || event.type === DATA) && event.flags & END_STREAM) {
				return out;
			}
		}
	}

	/** A request without a body, and its answer. */
	async ask(stream, more) {
		this.send(headers(stream, this.fields(more)));
		return this.answer(stream);
	}

	/** The connection is alive: a ping is answered, and nothing but what was expected came before. */
	async expectAlive() {
		const mark = Buffer.from(`ok${String(Math.random()).padEnd(9, '0').slice(2, 8)}`);
		this.send(ping(mark));
		for (;;) {
			const event = await this.next('the answer to a ping');
			assert.notEqual(event.type, GOAWAY, `the server went: ${show(event)}`);
			if (event.type === PING && event.payload.equals(mark)) {
				assert.equal(event.flags, ACK);
				return;
			}
		}
	}

	/** RFC 9113 5.4.1: GOAWAY with one of these codes, then the end. */
	async expectGoaway(...codes) {
		const event = await this.until([GOAWAY]);
		const code = event.payload.readUInt32BE(4);
		assert.ok(codes.includes(code), `GOAWAY with ${NAMES[code]}, expected ${codes.map((c) => NAMES[c])}`);
		await this.expectEnd();
		return event;
	}

	async expectEnd() {
		for (let event; (event = await this.frames.next(bound(8), 'the end of the connection'));) {
			assert.notEqual(event.type, HEADERS, `after GOAWAY: ${show(event)}`);
		}
	}

	/** RFC 9113 5.4.2: the stream is reset with one of these codes, and the connection lives. */
	async expectReset(stream, ...codes) {
		for (;;) {
			const event = await this.next(`RST_STREAM on stream ${stream}`);
			assert.notEqual(event.type, GOAWAY, `the server went: ${show(event)}`);
			if (event.type === RST_STREAM && event.stream === stream) {
				const code = event.payload.readUInt32BE(0);
				assert.ok(codes.includes(code), `reset with ${NAMES[code]}, expected ${codes.map((c) => NAMES[c])}`);
				break;
			}
		}
		await this.expectAlive();
	}

	destroy() {
		this.socket.destroy();
	}
}
