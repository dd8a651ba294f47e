// RFC 6455, sections 5.1 to 5.3: lengths, masks, and how frames may be cut on their way.
import { describe, it } from 'node:test';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, RawWs, TEXT, binary, frame, more, ping, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { random } from '../lib/time.js';
import { Binary, Close, Pong, TIMEOUT, Text, wsCase } from '../lib/wscases.js';

const rnd = random(6455);
const OPCODES = { text: TEXT, binary: BINARY, continuation: CONTINUATION, close: CLOSE, ping: PING, pong: PONG };
const words = (n) => 'The quick brown fox; '.repeat(Math.ceil(n / 21)).slice(0, n);

describe('RFC 6455 5.2 payload length', { concurrency: 4 }, () => {
	const server = useServer();
	const forms = [
		['7 bit', [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 124, 125]],
		['16 bit', [126, 127, 128, 129, 255, 256, 257, 1000, 4095, 4096, 4097, 16384, 32768, 65534, 65535]],
		['64 bit', [65536, 65537, 70000, 131072, 262145]],
	];
	for (const [form, sizes] of forms) {
		for (const n of sizes) {
			const body = rnd.bytes(n);
			wsCase(server, `5.2: ${n} bytes of binary, ${form} length`, binary(body), [Binary(body)],
				n <= 4 || (n >= 124 && n <= 257) ? ['whole', 'bytes'] : ['whole']);
		}
	}
	for (const n of [0, 1, 2, 124, 125, 126, 127, 255, 256, 4096, 65535, 65536, 131072]) {
		wsCase(server, `5.2: ${n} bytes of text`, text(words(n)), [Text(words(n))],
			n <= 127 ? ['whole', 'bytes'] : ['whole']);
	}

	for (const n of [0, 1, 64, 125]) {
		for (const name of ['text', 'binary']) {
			wsCase(server, `5.2: ${n} bytes of ${name} in the 16 bit form are not minimal`,
				frame(OPCODES[name], words(n), { form: 16 }), [Close(1002)], ['whole', 'first']);
		}
	}
	for (const n of [0, 1, 125, 126, 65535]) {
		for (const name of ['text', 'binary']) {
			wsCase(server, `5.2: ${n} bytes of ${name} in the 64 bit form are not minimal`,
				frame(OPCODES[name], words(n), { form: 64 }), [Close(1002)], ['whole', 'first']);
		}
	}
	wsCase(server, '5.2: a continuation whose length is not minimal',
		[text('a', { fin: false }), more('b', { form: 16 })], [Close(1002)], ['whole', 'first']);
	for (const name of ['ping', 'pong', 'close']) {
		for (const form of [16, 64]) {
			wsCase(server, `5.5: a ${name} with a ${form} bit length`,
				frame(OPCODES[name], name === 'close' ? '\x03\xe8' : 'abc', { form }), [Close(1002)], ['whole', 'first']);
		}
	}
	for (const [what, length] of [
		['alone', 1n << 63n], ['and 1', (1n << 63n) + 1n], ['and all others', (1n << 64n) - 1n], ['and 65536', (1n << 63n) + 65536n],
	]) {
		for (const name of ['text', 'binary']) {
			wsCase(server, `5.2: the most significant bit of a 64 bit length ${what}, ${name}`,
				frame(OPCODES[name], 'abc', { form: 64, length }), [Close(1002)], ['whole', 'first']);
		}
	}
	wsCase(server, '5.2: the most significant bit of the length of a continuation',
		[text('a', { fin: false }), more('abc', { form: 64, length: 1n << 63n })], [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.2: all 256 byte values, with NUL, in binary', binary(Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
		[Binary(Buffer.from(Array.from({ length: 256 }, (_, i) => i)))], ['whole', 'bytes']);
	wsCase(server, '5.6: text with NUL and control characters', text('a\0b\x01\x1f\x7f\r\n'), [Text('a\0b\x01\x1f\x7f\r\n')], ['whole', 'bytes']);
	wsCase(server, '5.6: text stays text and binary stays binary', [text('same'), binary('same'), text('same')],
		[Text('same'), Binary('same'), Text('same')], ['whole', 'bytes']);
});

describe('RFC 6455 5.1 and 5.3 masks', { concurrency: 4 }, () => {
	const server = useServer();
	const masks = {
		'of zeros': [0, 0, 0, 0],
		'of ones': [255, 255, 255, 255],
		'1 2 3 4': [1, 2, 3, 4],
		'of high bits': [0x80, 0x80, 0x80, 0x80],
		'with only the first byte': [0xa5, 0, 0, 0],
		'with only the last byte': [0, 0, 0, 0xa5],
		'of the sample in 5.7': [0x37, 0xfa, 0x21, 0x3d],
		'equal to the payload': [...Buffer.from('mask')],
	};
	for (const [name, mask] of Object.entries(masks)) {
		const bodies = Array.from({ length: 41 }, (_, n) => words(n));
		wsCase(server, `5.3: a mask ${name}, text of 0 to 40 bytes`, bodies.map((b) => text(b, { mask })), bodies.map(Text));
		wsCase(server, `5.3: a mask ${name}, on text, ping and binary`,
			[text('maskmaskm', { mask }), ping('maskm', { mask }), binary('maskmask', { mask })],
			[Text('maskmaskm'), Pong('maskm'), Binary('maskmask')], ['bytes']);
	}
	wsCase(server, '5.7: the masked "Hello" of the standard', Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]),
		[Text('Hello')], ['whole', 'bytes']);
	wsCase(server, '5.3: the masked bytes are all zero', text('abcdabcdabcd', { mask: [...Buffer.from('abcd')] }), [Text('abcdabcdabcd')], ['whole', 'bytes']);
	wsCase(server, '5.3: a new mask for each fragment',
		[text('ab', { fin: false, mask: [1, 2, 3, 4] }), more('cde', { fin: false, mask: [9, 8, 7, 6] }), more('f', { mask: [0, 0, 0, 0] })],
		[Text('abcdef')], ['whole', 'bytes']);
	for (const n of [13, 125, 126, 1000, 4099, 65536]) {
		const body = rnd.bytes(n);
		wsCase(server, `5.3: ${n} random bytes under a random mask, five times`, Array.from({ length: 5 }, () => binary(body)),
			Array.from({ length: 5 }, () => Binary(body)));
	}

	const unmasked = [
		['text', 'abc'], ['text', ''], ['binary', 'abc'], ['binary', ''], ['ping', ''], ['ping', 'abc'], ['pong', ''], ['pong', 'abc'],
		['close', ''], ['close', '\x03\xe8'],
	];
	for (const [name, body] of unmasked) {
		wsCase(server, `5.1: an unmasked ${name} with ${body.length} bytes`,
			frame(OPCODES[name], Buffer.from(body, 'latin1'), { mask: null }), [Close(1002)], ['whole', 'first']);
	}
	wsCase(server, '5.1: an unmasked text with a 16 bit length', text(words(200), { mask: null }), [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.1: an unmasked binary with a 64 bit length', binary(words(70000), { mask: null }), [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.1: an unmasked continuation', [text('a', { fin: false }), more('b', { mask: null })], [Close(1002)], ['whole', 'first', 'bytes']);
	wsCase(server, '5.1: an unmasked frame after good ones', [text('a'), text('b'), text('c', { mask: null })],
		[Text('a'), Text('b'), Close(1002)], ['whole', 'first', 'bytes']);
	wsCase(server, '5.1: an unmasked ping between fragments', [text('a', { fin: false }), ping('x', { mask: null }), more('b')],
		[Close(1002)], ['whole', 'first']);
});

describe('RFC 6455 5.2 cut in any way', { concurrency: 4 }, () => {
	const server = useServer();
	const body = rnd.bytes(1500);
	for (const size of [2, 3, 5, 7, 13, 16, 17, 31, 33, 63, 64, 65, 255]) {
		it(`5.2: 1500 bytes and a ping in writes of ${size}`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				await ws.sendSlowly(Buffer.concat([binary(body), ping('p'), text('t')]), size);
				await ws.expect('binary', body);
				await ws.expect('pong', 'p');
				await ws.expect('text', 't');
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	}
	for (const at of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]) {
		it(`5.2: a 64 bit length frame cut after ${at} bytes`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				const large = rnd.bytes(65536);
				const data = binary(large);
				await ws.sendSlowly(data.subarray(0, at), at);
				await ws.sendSlowly(data.subarray(at), data.length);
				await ws.expect('binary', large);
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	}
	for (const n of [2, 10, 100, 1000]) {
		wsCase(server, `5.2: ${n} messages in one write are answered in order`,
			Array.from({ length: n }, (_, i) => text(`message ${i}`)), Array.from({ length: n }, (_, i) => Text(`message ${i}`)),
			n === 10 ? ['whole', 'bytes'] : ['whole']);
	}
	wsCase(server, '5.2: messages of all three lengths in one write',
		[binary(body.subarray(0, 10)), binary(body), binary(Buffer.alloc(70000, 7)), binary(body.subarray(5, 25))],
		[Binary(body.subarray(0, 10)), Binary(body), Binary(Buffer.alloc(70000, 7)), Binary(body.subarray(5, 25))]);
	for (let seed = 1; seed <= 12; seed++) {
		const { sent, expected, r } = traffic(seed);
		it(`5.2: random good traffic ${seed} in random pieces`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				for (let at = 0; at < sent.length;) {
					const piece = 1 + r.below(r.below(10) === 0 ? 3000 : 60);
					await ws.sendSlowly(sent.subarray(at, at + piece), piece);
					at += piece;
				}
				for (const event of expected) {
					await ws.expect(event.type, event.data);
				}
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	}

	/** Messages of random sizes in random fragments, with pings and pongs anywhere between. */
	function traffic(seed) {
		const r = random(seed);
		const parts = [];
		const expected = [];
		for (let i = 0; i < 25; i++) {
			const isText = r.below(2) === 0;
			const payload = isText ? Buffer.from('aé漢😀'.repeat(r.below(60))) : r.bytes(r.below(700));
			const cuts = [0, ...Array.from({ length: r.below(4) }, () => r.below(payload.length + 1)).sort((a, b) => a - b), payload.length];
			for (let c = 0; c + 1 < cuts.length; c++) {
				if (r.below(4) === 0) {
					const p = r.bytes(r.below(126));
					parts.push(ping(p));
					expected.push(Pong(p));
				}
				if (r.below(8) === 0) {
					parts.push(frame(PONG, r.bytes(r.below(126))));
				}
				parts.push(frame(c > 0 ? CONTINUATION : isText ? TEXT : BINARY, payload.subarray(cuts[c], cuts[c + 1]), { fin: c + 2 === cuts.length }));
			}
			expected.push(isText ? Text(payload) : Binary(payload));
		}
		return { sent: Buffer.concat(parts), expected, r };
	}
});
