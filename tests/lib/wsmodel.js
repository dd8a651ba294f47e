// wsmodel.js - one side of RFC 6455 in the smallest form, one byte at a time: what an echo
// server must answer to a stream of bytes, and at which byte it must have failed.
//
// The suites state what they expect; this model must agree with them, and tells where the first
// wrong byte is, which no table written by hand would get right throughout.
import { Utf8 } from './utf8.js';

export const ECHO_LIMIT = 16 * 1024 * 1024;

const goodCode = (code) =>
	(code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

/**
 * Returns { events, at, refused }: events is what the server sends, at the index of the byte that made
 * it send Close, or -1 while the connection stays open, refused whether that Close is for an error.
 */
export function model(input, { limit = ECHO_LIMIT, masked = true } = {}) {
	const events = [];
	let at = 0;
	let message = null; // { type, parts, size, utf8 }

	const fail = (code) => ({ events: [...events, { type: 'close', code }], at: at - 1, refused: true });
	const open = () => ({ events, at: -1, refused: false });
	const left = () => input.length - at;

	while (left() > 0) {
		const first = input[at++];
		const fin = (first & 0x80) !== 0;
		const opcode = first & 0x0f;
		/* 5.2: reserved bits and opcodes; 5.5: control frames are never fragmented; 5.4 */
		if ((first & 0x70) !== 0 || (opcode > 2 && opcode < 8) || opcode > 10) {
			return fail(1002);
		}
		const control = opcode >= 8;
		if ((control && !fin) || (opcode === 0 && !message) || (opcode > 0 && !control && message)) {
			return fail(1002);
		}
		if (left() === 0) {
			return open();
		}
		const second = input[at++];
		let size = BigInt(second & 0x7f);
		/* 5.1: a server must fail what is not masked, a client what is */
		if (((second & 0x80) !== 0) !== masked || (control && size > 125n) || (opcode === 8 && size === 1n)) {
			return fail(1002);
		}
		const width = size === 126n ? 2 : size === 127n ? 8 : 0;
		if (width > 0) {
			size = 0n;
			for (let i = 0; i < width; i++) {
				if (left() === 0) {
					return open();
				}
				size = (size << 8n) | BigInt(input[at++]);
				if (width === 8 && i === 0 && size >= 128n) {
					return fail(1002); /* 5.2: the most significant bit is 0 */
				}
			}
			if (size < (width === 2 ? 126n : 65536n)) {
				return fail(1002); /* 5.2: the minimal number of bytes */
			}
		}
		if (!control) {
			if (!message) {
				message = { type: opcode === 1 ? 'text' : 'binary', parts: [], size: 0n, utf8: new Utf8() };
			}
			message.size += size;
			if (message.size > BigInt(limit)) {
				return fail(1009);
			}
		}
		if (masked && left() < 4) {
			return open();
		}
		const key = masked ? input.subarray(at, at + 4) : [0, 0, 0, 0];
		at += masked ? 4 : 0;
		const body = Buffer.alloc(Number(size));
		const reason = new Utf8();
		for (let i = 0; i < body.length; i++) {
			if (left() === 0) {
				return open();
			}
			body[i] = input[at++] ^ key[i & 3];
			if (!control && message.type === 'text' && !message.utf8.push(body[i])) {
				return fail(1007);
			}
			if (opcode === 8 && i === 1 && !goodCode(body.readUInt16BE(0))) {
				return fail(1002);
			}
			if (opcode === 8 && i >= 2 && !reason.push(body[i])) {
				return fail(1007);
			}
		}
		if (opcode === 8) {
			if (!reason.complete) {
				return fail(1007);
			}
			events.push({ type: 'close', code: body.length ? body.readUInt16BE(0) : null });
			return { events, at: at - 1, refused: false };
		}
		if (opcode === 9) {
			events.push({ type: 'pong', data: body });
		}
		if (!control) {
			message.parts.push(body);
			if (fin) {
				if (message.type === 'text' && !message.utf8.complete) {
					return fail(1007);
				}
				events.push({ type: message.type, data: Buffer.concat(message.parts) });
				message = null;
			}
		}
	}
	return open();
}
