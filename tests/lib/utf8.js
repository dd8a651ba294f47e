// utf8.js - the reference for UTF-8: Unicode 15, table 3-7, one byte at a time.

/** [from, to of the first byte, then the ranges of the bytes that follow] */
const TABLE = [
	[0x00, 0x7f],
	[0xc2, 0xdf, [0x80, 0xbf]],
	[0xe0, 0xe0, [0xa0, 0xbf], [0x80, 0xbf]],
	[0xe1, 0xec, [0x80, 0xbf], [0x80, 0xbf]],
	[0xed, 0xed, [0x80, 0x9f], [0x80, 0xbf]],
	[0xee, 0xef, [0x80, 0xbf], [0x80, 0xbf]],
	[0xf0, 0xf0, [0x90, 0xbf], [0x80, 0xbf], [0x80, 0xbf]],
	[0xf1, 0xf3, [0x80, 0xbf], [0x80, 0xbf], [0x80, 0xbf]],
	[0xf4, 0xf4, [0x80, 0x8f], [0x80, 0xbf], [0x80, 0xbf]],
];

export class Utf8 {
	#wanted = [];

	/** False at the first byte that can't be part of well-formed UTF-8. */
	push(byte) {
		if (this.#wanted.length > 0) {
			const [from, to] = this.#wanted.shift();
			return byte >= from && byte <= to;
		}
		const row = TABLE.find(([from, to]) => byte >= from && byte <= to);
		if (!row) {
			return false;
		}
		this.#wanted = row.slice(2);
		return true;
	}

	/** True when no sequence is open. */
	get complete() {
		return this.#wanted.length === 0;
	}
}

/** The index of the first wrong byte; the length when only the end is missing; -1 when all is well. */
export function firstWrong(bytes) {
	const state = new Utf8();
	for (let i = 0; i < bytes.length; i++) {
		if (!state.push(bytes[i])) {
			return i;
		}
	}
	return state.complete ? -1 : bytes.length;
}
