// deflate.js - the peer's side of permessage-deflate (RFC 7692) with Node's zlib: what it sends is made with a window of
// exactly the size agreed on, and what it gets must fit into one.
import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { BINARY, CONTINUATION, RawWs, TEXT, bytes, frame, show } from './rawws.js';

export const RSV1 = 4;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const SYNC = { finishFlush: zlib.constants.Z_SYNC_FLUSH };

/** { serverNo, clientNo, serverBits, clientBits } of an answer; null: there is none. */
export function agreed(answer) {
	if (answer === undefined) {
		return null;
	}
	const [name, ...parameters] = answer.split('; ');
	assert.equal(name, 'permessage-deflate');
	const value = Object.fromEntries(parameters.map((p) => p.split('=')));
	assert.equal(Object.keys(value).length, parameters.length, `a parameter is answered twice: ${answer}`);
	for (const key of Object.keys(value)) {
		assert.match(key, /^(server|client)_(no_context_takeover|max_window_bits)$/);
	}
	return {
		serverNo: 'server_no_context_takeover' in value,
		clientNo: 'client_no_context_takeover' in value,
		serverBits: Number(value.server_max_window_bits ?? 15),
		clientBits: Number(value.client_max_window_bits ?? 15),
	};
}

/**
 * The payload of a compressed message. level, strategy: zlib's; dictionary: what the window holds already; final: with
 * BFINAL set in its last block, and an octet of zeros behind.
 */
export function deflate(data, { bits = 15, final = false, ...options } = {}) {
	const body = bytes(data);
	/* zlib has no raw deflate for 2^8: runs alone fit every window */
	const small = bits === 8 ? { windowBits: 9, strategy: zlib.constants.Z_RLE } : { windowBits: bits };
	if (final) {
		return Buffer.concat([zlib.deflateRawSync(body, { ...small, ...options }), Buffer.from([0])]);
	}
	if (body.length === 0) {
		return Buffer.from([0]);
	}
	const out = zlib.deflateRawSync(body, { ...small, ...options, ...SYNC });
	assert.ok(out.subarray(-4).equals(TAIL));
	return out.subarray(0, -4);
}

/** What a compressed payload says, with a window of exactly 2^bits bytes, of which `dictionary` is the content. */
export function inflate(payload, { bits = 15, dictionary } = {}) {
	/* Output in small chunks: else zlib would accept what lies farther back than the window. */
	return zlib.inflateRawSync(Buffer.concat([payload, TAIL]),
		{ windowBits: bits, chunkSize: 64, dictionary, ...SYNC });
}

/** The last bytes that a window holds. */
export class Window {
	#kept = Buffer.alloc(0);

	constructor(bits, off) {
		this.bits = bits;
		this.off = off;
	}

	add(data) {
		if (!this.off) {
			const all = Buffer.concat([this.#kept, data]);
			this.#kept = all.subarray(Math.max(0, all.length - 2 ** this.bits));
		}
	}

	get options() {
		return { bits: this.bits, dictionary: this.#kept.length > 0 ? this.#kept : undefined };
	}
}

/** A WebSocket of the test with both compressors. */
export class DeflateWs {
	/** offer: the Sec-WebSocket-Extensions field, or a list of them; others as RawWs.open(). */
	static async open(port, { offer = 'permessage-deflate; client_max_window_bits', headers, ...request } = {}) {
		const peer = new DeflateWs();
		peer.ws = await RawWs.open(port, { ...request, headers: { ...headers, 'Sec-WebSocket-Extensions': offer } });
		peer.answer = peer.ws.response.fields['sec-websocket-extensions'];
		peer.agreed = agreed(peer.answer);
		peer.out = new Window(peer.agreed?.clientBits ?? 15, peer.agreed?.clientNo);
		peer.in = new Window(peer.agreed?.serverBits ?? 15, peer.agreed?.serverNo);
		return peer;
	}

	/** A compressed message; parts: lengths of the payloads of its frames but the last. */
	message(type, data, { parts = [], between = [], ...options } = {}) {
		const body = bytes(data);
		const payload = deflate(body, { ...this.out.options, ...options });
		if (options.final) {
			/* 7.2.3.4: the receiver's window is empty after it */
			this.out = new Window(this.out.bits, this.out.off);
		} else {
			this.out.add(body);
		}
		return fragments(type === 'text' ? TEXT : BINARY, payload, parts, between);
	}

	send(type, data, options) {
		this.ws.send(this.message(type, data, options));
	}

	/** The next message: { type, data, packed: the payload as it came, or undefined }. */
	async next(what) {
		const event = await this.ws.next(what);
		if (!event.packed) {
			return event;
		}
		const data = inflate(event.data, this.in.options);
		this.in.add(data);
		if (event.type === 'text') {
			new TextDecoder('utf-8', { fatal: true }).decode(data);
		}
		return { ...event, data, packed: event.data };
	}

	/** The next message must be this one; returns its payload as it came, or undefined. */
	async expect(type, data) {
		const event = await this.next(`${type} of ${bytes(data).length} bytes`);
		assert.equal(event.type, type, `expected ${type}, got ${show(event)}`);
		assert.ok(event.data.equals(bytes(data)), `wrong message: ${show(event)}`);
		return event.packed;
	}

	/** There and back on /echo. */
	async echo(type, data, options) {
		this.send(type, data, options);
		return this.expect(type, data);
	}

	async bye() {
		await this.ws.bye();
	}

	destroy() {
		this.ws.destroy();
	}
}

/** The frames of one compressed message: RSV1 on the first alone. between: frames to put behind each but the last. */
export function fragments(opcode, payload, parts = [], between = []) {
	const frames = [];
	let at = 0;
	for (const n of [...parts, Infinity]) {
		const last = n === Infinity;
		const piece = payload.subarray(at, last ? undefined : at + n);
		at += piece.length;
		frames.push(frame(frames.length === 0 ? opcode : CONTINUATION, piece, { rsv: frames.length === 0 ? RSV1 : 0, fin: last }));
		frames.push(...(last ? [] : between));
	}
	return Buffer.concat(frames.flat());
}

/** Text that repeats itself somewhat, of so many bytes. */
export function prose(n, seed = 1) {
	const words = ['score', 'player', 'minute', 'goal', 'yellow card', 'half time', 'corner', 'kick off', 'substitution'];
	let out = '';
	let a = seed;
	while (out.length < n) {
		a = (Math.imul(a, 1103515245) + 12345) >>> 0;
		out += `${words[(a >>> 16) % words.length]} ${(a >>> 8) % 997} `;
	}
	return out.slice(0, n);
}
