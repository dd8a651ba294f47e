// rawws.js - a WebSocket client that is only a TCP socket: it sends any bytes, right or wrong, in any
// chunks, and reads what the server sends as strictly as RFC 6455 allows.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { Queue, bound, within } from './time.js';
import { connectTls, isTls } from './tls.js';

export const TEXT = 1;
export const BINARY = 2;
export const CONTINUATION = 0;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const acceptFor = (key) => createHash('sha1').update(key + GUID).digest('base64');

export const bytes = (value) =>
	Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : value ?? []);

/**
 * One client frame. mask: 4 bytes, undefined for random ones, null for none. form: 7, 16 or 64 bits
 * of length (default: the smallest that fits). length: what the header says, when that is not the
 * payload's own length.
 */
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask, form, length } = {}) {
	const body = bytes(payload);
	const size = BigInt(length ?? body.length);
	form ??= size < 126n ? 7 : size < 65536n ? 16 : 64;
	const head = Buffer.alloc(form === 7 ? 2 : form === 16 ? 4 : 10);
	head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
	if (form === 7) {
		head[1] = Number(size);
	} else if (form === 16) {
		head[1] = 126;
		head.writeUInt16BE(Number(size), 2);
	} else {
		head[1] = 127;
		head.writeBigUInt64BE(size, 2);
	}
	if (mask === null) {
		return Buffer.concat([head, body]);
	}
	const key = mask ? bytes(mask) : randomBytes(4);
	head[1] |= 0x80;
	return Buffer.concat([head, key, masked(body, key)]);
}

/** XOR with the masking key (RFC 6455 5.3), into a new buffer. */
export function masked(body, key) {
	const out = Buffer.allocUnsafe(body.length);
	for (let i = 0; i < body.length; i++) {
		out[i] = body[i] ^ key[i & 3];
	}
	return out;
}

/** The payload of a Close frame. */
export function closePayload(code, reason = '') {
	const head = Buffer.alloc(2);
	head.writeUInt16BE(code);
	return Buffer.concat([head, bytes(reason)]);
}

export const text = (payload, options) => frame(TEXT, payload, options);
export const binary = (payload, options) => frame(BINARY, payload, options);
export const more = (payload, options) => frame(CONTINUATION, payload, options);
export const ping = (payload, options) => frame(PING, payload, options);
export const pong = (payload, options) => frame(PONG, payload, options);
export const close = (code, reason, options) =>
	frame(CLOSE, code === undefined ? '' : closePayload(code, reason), options);

/** A TCP connection without Nagle's delay whose two directions end separately; with TLS on it where the port has it. */
export async function tcp(port, host = '127.0.0.1', options = {}) {
	if (isTls(port)) {
		return connectTls(port, { host, ...options });
	}
	const socket = net.connect({ port, host, allowHalfOpen: true, noDelay: true });
	await within(
		new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject)),
		bound(8),
		'a TCP connection',
	);
	socket.setNoDelay(true);
	return socket;
}

const turn = () => new Promise((done) => setImmediate(done));

/** Writes `data` in pieces of `size` bytes, letting the other side run between them. */
export async function writeIn(socket, data, size, stop = () => false) {
	for (let at = 0; at < data.length && !stop(); at += size) {
		if (socket.destroyed || socket.writableEnded) {
			return;
		}
		socket.write(data.subarray(at, at + size));
		await turn();
	}
}

/** The request of an opening handshake; `headers` replaces (null: leaves out) the usual ones. */
export function handshake(port, { path = '/echo', key, headers = {}, method = 'GET', version = 'HTTP/1.1' } = {}) {
	const fields = {
		Host: `127.0.0.1:${port}`,
		Upgrade: 'websocket',
		Connection: 'Upgrade',
		'Sec-WebSocket-Key': key ?? randomBytes(16).toString('base64'),
		'Sec-WebSocket-Version': '13',
		...headers,
	};
	let out = `${method} ${path} ${version}\r\n`;
	for (const [name, value] of Object.entries(fields)) {
		for (const one of value === null ? [] : [value].flat()) {
			out += `${name}: ${one}\r\n`;
		}
	}
	return Buffer.from(`${out}\r\n`, 'latin1');
}

export class RawWs {
	events = new Queue(); // what the server sent: { type, data } and for a close also code, reason
	reset = false; // the connection ended by RST
	closed = null; // the Close frame, once it has come
	trailing = 0; // bytes that came after it
	skipPings = true; // pings of the server are not shown
	answerPings = false; // and not answered
	pings = 0;
	emit = (event) => this.events.push(event);
	#in = Buffer.alloc(0);
	#fragments = null;
	#head = null;
	#bad = null;

	/**
	 * Connects and shakes hands. early: bytes that leave in the same segment as the handshake;
	 * chunk: write the handshake (and early) in pieces of so many bytes; tls: options of tls.connect().
	 */
	static async open(port, { early, chunk, host, tls, ...request } = {}) {
		const ws = new RawWs();
		const key = request.key ?? randomBytes(16).toString('base64');
		ws.socket = await tcp(port, host, tls);
		ws.#listen();
		const data = Buffer.concat([handshake(port, { ...request, key }), early ?? Buffer.alloc(0)]);
		const answered = within(
			new Promise((resolve, reject) => {
				ws.onHead = resolve;
				ws.socket.once('close', () => reject(new Error('the connection ended during the handshake')));
			}),
			bound(8),
			'the answer to the handshake',
		);
		answered.catch(() => {});
		if (chunk) {
			await writeIn(ws.socket, data, chunk);
		} else {
			ws.socket.write(data);
		}
		try {
			ws.response = await answered;
			const { status, fields } = ws.response;
			if (status !== 101) {
				const error = new Error(`the handshake was refused: ${ws.response.text}`);
				throw Object.assign(error, { status, fields, text: ws.response.text });
			}
			assert.match(fields.upgrade ?? '', /^websocket$/i);
			assert.match(fields.connection ?? '', /^upgrade$/i);
			assert.equal(fields['sec-websocket-accept'], acceptFor(key));
		} catch (error) {
			ws.destroy();
			throw error;
		}
		return ws;
	}

	/** On a stream of bytes that somebody else has opened: one of HTTP/2 (RFC 8441). */
	static over(stream, fields = {}) {
		const ws = new RawWs();
		ws.socket = stream;
		ws.#head = { status: 101, fields };
		ws.#listen();
		return ws;
	}

	#listen() {
		const { socket } = this;
		socket.on('data', (data) => this.#data(data));
		socket.on('end', () => {
			if (this.#in.length > 0 && !this.#bad) {
				this.#bad = new Error('the connection ended inside a frame');
			}
			this.events.end(this.#bad);
			socket.end();
		});
		socket.on('error', (error) => {
			this.reset ||= error.code === 'ECONNRESET';
			this.events.end(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? null : error);
		});
		socket.on('close', () => this.events.end());
	}

	#data(data) {
		this.#in = this.#in.length > 0 ? Buffer.concat([this.#in, data]) : data;
		if (!this.#head) {
			const end = this.#in.indexOf('\r\n\r\n');
			if (end < 0) {
				return;
			}
			this.#head = parseHead(this.#in.subarray(0, end + 4));
			if (this.#head.status !== 101) {
				this.#head.text += this.#in.subarray(end + 4).toString();
			}
			this.#in = this.#in.subarray(end + 4);
			this.onHead(this.#head);
			if (this.#head.status !== 101) {
				this.#in = Buffer.alloc(0);
				return;
			}
		}
		if (this.#head.status !== 101) {
			return;
		}
		try {
			while (this.#frame());
		} catch (error) {
			this.#bad = error;
			this.events.end(error);
			this.destroy();
		}
	}

	/** Whether the answer to the handshake agreed on an extension: frames may come with it. */
	#packed() {
		return this.#head?.fields?.['sec-websocket-extensions'] !== undefined;
	}

	/** Takes one frame from the input; false when there is no whole one. */
	#frame() {
		const b = this.#in;
		if (this.closed) {
			this.trailing += b.length;
			this.#in = Buffer.alloc(0);
			return false;
		}
		if (b.length < 2) {
			return false;
		}
		const fin = (b[0] & 0x80) !== 0;
		const opcode = b[0] & 0x0f;
		const rsv1 = (b[0] & 0x40) !== 0;
		assert.equal(b[0] & (this.#packed() && (opcode === TEXT || opcode === BINARY) ? 0x30 : 0x70), 0, 'the server set a reserved bit');
		assert.equal(b[1] & 0x80, 0, 'the server masked a frame');
		let size = b[1] & 0x7f;
		let at = 2;
		if (size === 126) {
			if (b.length < 4) {
				return false;
			}
			size = b.readUInt16BE(2);
			assert.ok(size >= 126, 'the server sent a length that is not minimal');
			at = 4;
		} else if (size === 127) {
			if (b.length < 10) {
				return false;
			}
			const wide = b.readBigUInt64BE(2);
			assert.ok(wide >= 65536n, 'the server sent a length that is not minimal');
			assert.ok(wide < 2n ** 40n, 'the server sent an absurd length');
			size = Number(wide);
			at = 10;
		}
		if (b.length < at + size) {
			return false;
		}
		const data = Buffer.from(b.subarray(at, at + size));
		this.#in = b.subarray(at + size);
		if (opcode >= 8) {
			assert.ok(fin, 'the server fragmented a control frame');
			assert.ok(size <= 125, 'the server sent a long control frame');
			this.#control(opcode, data);
			return true;
		}
		if (opcode === CONTINUATION) {
			assert.ok(this.#fragments, 'a continuation without a start from the server');
		} else {
			assert.ok(opcode === TEXT || opcode === BINARY, `the server sent opcode ${opcode}`);
			assert.equal(this.#fragments, null, 'the server began a message inside another');
			this.#fragments = { type: opcode === TEXT ? 'text' : 'binary', parts: [], rsv1 };
		}
		this.#fragments.parts.push(data);
		if (fin) {
			const { type, parts, rsv1: packed } = this.#fragments;
			this.#fragments = null;
			const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
			if (type === 'text' && !packed) {
				STRICT.decode(whole);
			}
			this.emit(packed ? { type, data: whole, packed } : { type, data: whole });
		}
		return true;
	}

	#control(opcode, data) {
		if (opcode === PING) {
			this.pings++;
			if (this.answerPings) {
				this.send(pong(data));
			}
			if (!this.skipPings) {
				this.emit({ type: 'ping', data });
			}
			return;
		}
		if (opcode === PONG) {
			this.emit({ type: 'pong', data });
			return;
		}
		assert.equal(opcode, CLOSE, `the server sent opcode ${opcode}`);
		assert.notEqual(data.length, 1, 'a Close frame of the server with one byte');
		const code = data.length ? data.readUInt16BE(0) : null;
		const reason = STRICT.decode(data.subarray(2));
		this.closed = { type: 'close', code, reason, data };
		this.emit(this.closed);
	}

	send(data) {
		this.socket.write(data);
	}

	/** Writes byte by byte; stops when the server has closed. */
	async sendSlowly(data, size = 1) {
		await writeIn(this.socket, data, size, () => this.closed || this.events.ended);
	}

	async next(what = 'a frame of the server', ms = bound(8)) {
		const event = await this.events.next(ms, what);
		assert.ok(event, `the connection ended, waiting for ${what}`);
		return event;
	}

	async message(ms) {
		const event = await this.next('a message', ms);
		assert.ok(event.type === 'text' || event.type === 'binary', `expected a message, got ${show(event)}`);
		return event;
	}

	/** The next message must be this one. */
	async expect(type, payload) {
		const event = await this.next(`${type} of ${bytes(payload).length} bytes`);
		assert.equal(event.type, type, `expected ${type}, got ${show(event)}`);
		if (!event.data.equals(bytes(payload))) {
			assert.fail(`wrong payload: ${show(event)}, expected ${show({ type, data: bytes(payload) })}`);
		}
	}

	/** Next comes a Close frame with this code, then the end of the connection and nothing else. */
	async expectClose(code, { reason } = {}) {
		const event = await this.next(`a Close frame with ${code}`);
		assert.equal(event.type, 'close', `expected a Close frame with ${code}, got ${show(event)}`);
		if (code === null) {
			assert.ok(event.code === null || event.code === 1000, `close code ${event.code}`);
		} else {
			assert.equal(event.code, code, `close code (reason: ${event.reason})`);
		}
		if (reason) {
			assert.match(event.reason, reason);
		}
		await this.expectEnd();
		return event;
	}

	/** The server ends the connection, cleanly, without sending anything more. */
	async expectEnd({ reset = false, ms = bound(8) } = {}) {
		const event = await this.events.next(ms, 'the end of the connection');
		assert.equal(event, undefined, event && `expected the end, got ${show(event)}`);
		assert.equal(this.trailing, 0, `${this.trailing} bytes came after the Close frame`);
		if (!reset) {
			assert.equal(this.reset, false, 'the connection was reset instead of ended');
		}
	}

	/** Closes as a client should, and expects the server to do the same. */
	async bye() {
		this.send(close(1000));
		await this.expectClose(1000);
	}

	destroy() {
		this.socket?.destroy();
	}
}

export const show = ({ type, data, code, reason }) =>
	type === 'close'
		? `close ${code} "${reason}"`
		: `${type} of ${data.length} bytes: ${data.subarray(0, 40).toString('hex')}`;

function parseHead(raw) {
	const lines = raw.toString('latin1').split('\r\n');
	const start = /^HTTP\/1\.1 (\d{3}) [ -~]*$/.exec(lines[0]);
	assert.ok(start, `not a status line: ${JSON.stringify(lines[0])}`);
	const fields = {};
	for (const line of lines.slice(1, -2)) {
		const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
		assert.ok(field, `not a header field: ${JSON.stringify(line)}`);
		const name = field[1].toLowerCase();
		fields[name] = name in fields ? `${fields[name]}, ${field[2]}` : field[2];
	}
	return { status: Number(start[1]), fields, text: raw.toString('latin1') };
}
