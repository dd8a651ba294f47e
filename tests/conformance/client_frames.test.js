// RFC 6455, sections 5 to 8, client side: what a server sends, and what our client does about it. The mirror of
// websocket_*.test.js: frames of a server have no mask. The client sends back what it gets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, bytes, closePayload, frame } from '../lib/rawws.js';
import { bound, random } from '../lib/time.js';
import { useDriver } from '../lib/wsclient.js';
import { model } from '../lib/wsmodel.js';
import { withPeer } from '../lib/wspeer.js';

const TIMEOUT = { timeout: bound(30) };
const LIMIT = 1 << 20;
const rnd = random(1041);

const plain = (opcode, payload, options) => frame(opcode, payload, { mask: null, ...options });
const text = (payload, options) => plain(TEXT, payload, options);
const binary = (payload, options) => plain(BINARY, payload, options);
const more = (payload, options) => plain(CONTINUATION, payload, options);
const ping = (payload, options) => plain(PING, payload, options);
const pong = (payload, options) => plain(PONG, payload, options);
const close = (code, reason, options) => plain(CLOSE, code === undefined ? '' : closePayload(code, reason), options);

const Text = (data) => ({ type: 'text', data: bytes(data) });
const Binary = (data) => ({ type: 'binary', data: bytes(data) });
const Pong = (data = '') => ({ type: 'pong', data: bytes(data) });
const Close = (code = null) => ({ type: 'close', code });

const words = (n) => 'The quick brown fox; '.repeat(Math.ceil(n / 21)).slice(0, n);
const same = (a, b) => a.type === b.type && (a.type === 'close' ? a.code === b.code : a.data.equals(b.data));

async function expectAll(client, peer, expected, refused) {
	for (const event of expected) {
		if (event.type !== 'close') {
			await peer.expect(event.type, event.data);
			continue;
		}
		const got = await peer.expectClose(event.code);
		const end = await client.expect('close', { skip: ['error', 'drained', 'pong'] });
		assert.equal(end.clean, !refused);
		assert.equal(end.code, event.code ?? 1005);
		assert.equal(client.all.some((e) => e.type === 'error'), refused, 'an error event for errors only');
		assert.equal(refused, got.reason !== '', 'a Close frame after an error has a reason in words');
		return;
	}
	peer.send(text('last word'));
	await peer.expect('text', 'last word');
	peer.send(close(1000));
	await peer.expectClose(1000);
	const end = await client.expect('close', { skip: ['pong', 'drained'] });
	assert.deepEqual([end.code, end.clean], [1000, true]);
}

/** One case in one or several ways of sending; see wscases.js. */
function wsCase(driver, name, sent, expected, modes = ['whole']) {
	const data = Array.isArray(sent) ? Buffer.concat(sent) : sent;
	const found = model(data, { limit: LIMIT, masked: false });
	assert.ok(
		found.events.length === expected.length && found.events.every((e, i) => same(e, expected[i])),
		`${name}: the model expects ${JSON.stringify(found.events)}`,
	);
	const upTo = found.at >= 0 ? data.subarray(0, found.at + 1) : data;
	for (const mode of modes) {
		const label = { whole: name, bytes: `${name}, byte by byte`, first: `${name}, at the first wrong byte` }[mode];
		it(label, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: `${server.url}/`, echo: 1, quiet: 1, max_message: LIMIT, no_compression: 1 });
				const peer = await server.peer();
				await peer.accept();
				await client.expect('open');
				if (mode === 'whole') {
					peer.send(data, ...(found.at >= 0 ? [text('too late'), ping('too late')] : []));
				} else if (mode === 'bytes') {
					await peer.sendSlowly(upTo);
				} else {
					peer.send(upTo);
				}
				await expectAll(client, peer, expected, found.refused);
			}),
		);
	}
}

describe('RFC 6455 5.2 payload length, client', { concurrency: 4 }, () => {
	const driver = useDriver();
	for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 33, 64, 124, 125, 126, 127, 128, 255, 256, 4096, 65534, 65535, 65536, 131072, LIMIT]) {
		const body = rnd.bytes(n);
		wsCase(driver, `5.2: ${n} bytes of binary`, binary(body), [Binary(body)], n <= 4 || (n >= 124 && n <= 128) ? ['whole', 'bytes'] : ['whole']);
	}
	for (const n of [0, 1, 2, 124, 125, 126, 127, 255, 65535, 65536]) {
		wsCase(driver, `5.2: ${n} bytes of text`, text(words(n)), [Text(words(n))], n <= 127 ? ['whole', 'bytes'] : ['whole']);
	}
	for (const n of [0, 1, 64, 125]) {
		wsCase(driver, `5.2: ${n} bytes of text in the 16 bit form`, text(words(n), { form: 16 }), [Close(1002)], ['whole', 'first']);
		wsCase(driver, `5.2: ${n} bytes of binary in the 64 bit form`, binary(words(n), { form: 64 }), [Close(1002)], ['whole', 'first']);
	}
	wsCase(driver, '5.2: 65535 bytes in the 64 bit form', binary(words(65535), { form: 64 }), [Close(1002)], ['whole', 'first']);
	for (const length of [1n << 63n, (1n << 64n) - 1n]) {
		wsCase(driver, `5.2: the most significant bit of the length, ${length}`, binary('abc', { form: 64, length }), [Close(1002)], ['whole', 'first']);
	}
	wsCase(driver, `5.2: ${LIMIT + 1} bytes are over the limit`, binary(Buffer.alloc(10), { form: 64, length: BigInt(LIMIT + 1) }), [Close(1009)], ['whole', 'first']);
	wsCase(driver, '5.4: two fragments that are over the limit together', [binary(Buffer.alloc(LIMIT), { fin: false }), more('x')], [Close(1009)], ['whole']);
	wsCase(driver, '5.4: two fragments that just reach the limit', [binary(Buffer.alloc(LIMIT - 1, 7), { fin: false }), more('x')],
		[Binary(Buffer.concat([Buffer.alloc(LIMIT - 1, 7), Buffer.from('x')]))]);
	for (const n of [2, 10, 100]) {
		wsCase(driver, `5.2: ${n} messages in one write are handed out in order`, Array.from({ length: n }, (_, i) => text(`message ${i}`)),
			Array.from({ length: n }, (_, i) => Text(`message ${i}`)), n === 10 ? ['whole', 'bytes'] : ['whole']);
	}
	wsCase(driver, '5.6: text stays text, binary stays binary', [text('same'), binary('same'), text('same')], [Text('same'), Binary('same'), Text('same')], ['whole', 'bytes']);
	wsCase(driver, '5.6: NUL and control characters', text('a\0b\x01\x1f\x7f\r\n'), [Text('a\0b\x01\x1f\x7f\r\n')], ['whole', 'bytes']);
});

describe('RFC 6455 5.1 a server masks nothing', { concurrency: 4 }, () => {
	const driver = useDriver();
	const mask = [1, 2, 3, 4];
	for (const [name, opcode] of Object.entries({ text: TEXT, binary: BINARY, ping: PING, pong: PONG, close: CLOSE })) {
		for (const body of ['', name === 'close' ? '\x03\xe8' : 'abc']) {
			wsCase(driver, `5.1: a masked ${name} of ${body.length} bytes`, frame(opcode, Buffer.from(body, 'latin1'), { mask }), [Close(1002)], ['whole', 'first']);
		}
	}
	wsCase(driver, '5.1: a masked frame after good ones', [text('a'), text('b'), text('c', { mask })], [Text('a'), Text('b'), Close(1002)], ['whole', 'first', 'bytes']);
	wsCase(driver, '5.1: a masked continuation', [text('a', { fin: false }), more('b', { mask })], [Close(1002)], ['whole', 'first']);
});

describe('RFC 6455 5.2 reserved bits and opcodes, client', { concurrency: 4 }, () => {
	const driver = useDriver();
	for (let rsv = 1; rsv < 8; rsv++) {
		wsCase(driver, `5.2: RSV ${rsv} on text`, text('abc', { rsv }), [Close(1002)], ['whole', 'first']);
		wsCase(driver, `5.2: RSV ${rsv} on a ping`, ping('abc', { rsv }), [Close(1002)], ['whole']);
		wsCase(driver, `5.2: RSV ${rsv} on a continuation`, [text('a', { fin: false }), more('b', { rsv })], [Close(1002)], ['whole']);
	}
	for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
		wsCase(driver, `5.2: opcode ${opcode}`, plain(opcode, ''), [Close(1002)], ['whole', 'first']);
		wsCase(driver, `5.2: opcode ${opcode} after a good message`, [text('a'), plain(opcode, 'abc')], [Text('a'), Close(1002)], ['whole']);
	}
});

describe('RFC 6455 5.4 fragments, client', { concurrency: 4 }, () => {
	const driver = useDriver();
	wsCase(driver, '5.4: two', [text('ab', { fin: false }), more('cd')], [Text('abcd')], ['whole', 'bytes']);
	wsCase(driver, '5.4: many, some empty', [binary('', { fin: false }), more('a', { fin: false }), more('', { fin: false }), more('b', { fin: false }), more('')],
		[Binary('ab')], ['whole', 'bytes']);
	wsCase(driver, '5.4: all empty', [text('', { fin: false }), more('', { fin: false }), more('')], [Text('')], ['whole', 'bytes']);
	wsCase(driver, '5.4: 200 of one byte', [text('a', { fin: false }), ...Array.from({ length: 198 }, () => more('a', { fin: false })), more('a')], [Text('a'.repeat(200))]);
	wsCase(driver, '5.4: a character cut in two', [text(Buffer.from([0xe6, 0xbc]), { fin: false }), more(Buffer.from([0xa2]))], [Text('漢')], ['whole', 'bytes']);
	wsCase(driver, '5.4: a continuation of nothing', more('a'), [Close(1002)], ['whole', 'first']);
	wsCase(driver, '5.4: a continuation of nothing, not the last', more('a', { fin: false }), [Close(1002)], ['whole', 'first']);
	wsCase(driver, '5.4: a continuation after a whole message', [text('a'), more('b')], [Text('a'), Close(1002)], ['whole', 'first']);
	wsCase(driver, '5.4: a text within a message', [text('a', { fin: false }), text('b')], [Close(1002)], ['whole', 'first']);
	wsCase(driver, '5.4: a binary within a message', [text('a', { fin: false }), binary('b', { fin: false })], [Close(1002)], ['whole', 'first']);
	wsCase(driver, '5.4: a ping between fragments is answered at once', [text('a', { fin: false }), ping('p'), more('b')], [Pong('p'), Text('ab')], ['whole', 'bytes']);
	wsCase(driver, '5.4: a pong between fragments', [text('a', { fin: false }), pong('p'), more('b')], [Text('ab')], ['whole', 'bytes']);
	wsCase(driver, '5.4: a close between fragments', [text('a', { fin: false }), close(1000)], [Close(1000)], ['whole', 'bytes']);
	for (let seed = 1; seed <= 10; seed++) {
		const { sent, expected } = traffic(seed);
		wsCase(driver, `5.4: random good traffic ${seed}`, sent, expected, seed <= 3 ? ['whole', 'bytes'] : ['whole']);
	}

	function traffic(seed) {
		const r = random(seed);
		const sent = [];
		const expected = [];
		for (let i = 0; i < 12; i++) {
			const isText = r.below(2) === 0;
			const payload = isText ? Buffer.from('aé漢😀'.repeat(r.below(20))) : r.bytes(r.below(300));
			const cuts = [0, ...Array.from({ length: r.below(4) }, () => r.below(payload.length + 1)).sort((a, b) => a - b), payload.length];
			for (let c = 0; c + 1 < cuts.length; c++) {
				if (r.below(3) === 0) {
					const p = r.bytes(r.below(126));
					sent.push(ping(p));
					expected.push(Pong(p));
				}
				sent.push(plain(c > 0 ? CONTINUATION : isText ? TEXT : BINARY, payload.subarray(cuts[c], cuts[c + 1]), { fin: c + 2 === cuts.length }));
			}
			expected.push(isText ? Text(payload) : Binary(payload));
		}
		return { sent, expected };
	}
});

describe('RFC 6455 5.5 control frames, client', { concurrency: 4 }, () => {
	const driver = useDriver();
	for (const n of [0, 1, 64, 124, 125]) {
		wsCase(driver, `5.5.2: a ping of ${n} bytes`, ping(words(n)), [Pong(words(n))], ['whole', 'bytes']);
		wsCase(driver, `5.5.3: a pong of ${n} bytes that nobody asked for`, pong(words(n)), [], ['whole']);
	}
	for (const [name, opcode] of Object.entries({ ping: PING, pong: PONG, close: CLOSE })) {
		wsCase(driver, `5.5: a ${name} of 126 bytes`, plain(opcode, Buffer.concat([closePayload(1000), Buffer.alloc(124, 97)])), [Close(1002)], ['whole', 'first']);
		wsCase(driver, `5.5: a ${name} of 65536 bytes`, plain(opcode, Buffer.concat([closePayload(1000), Buffer.alloc(65534, 97)])), [Close(1002)], ['whole', 'first']);
		wsCase(driver, `5.5: a ${name} in fragments`, plain(opcode, '\x03\xe8', { fin: false }), [Close(1002)], ['whole', 'first']);
		wsCase(driver, `5.5: a ${name} with a 16 bit length`, plain(opcode, '', { form: 16 }), [Close(1002)], ['whole', 'first']);
	}
	wsCase(driver, '5.5.2: ten pings in one write', Array.from({ length: 10 }, (_, i) => ping(`p${i}`)), Array.from({ length: 10 }, (_, i) => Pong(`p${i}`)), ['whole', 'bytes']);
});

describe('RFC 6455 7.4 close codes, client', { concurrency: 4 }, () => {
	const driver = useDriver();
	wsCase(driver, '7.1.5: no code', close(), [Close(null)], ['whole', 'bytes']);
	for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
		wsCase(driver, `7.4: ${code} is answered with the same`, close(code, 'words'), [Close(code)], ['whole']);
	}
	for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]) {
		wsCase(driver, `7.4: ${code} is never sent`, close(code, 'words'), [Close(1002)], ['whole', 'first']);
	}
	wsCase(driver, '5.5.1: a payload of one byte', plain(CLOSE, 'a'), [Close(1002)], ['whole', 'first']);
	wsCase(driver, '5.5.1: a reason of 123 bytes', close(1000, words(123)), [Close(1000)], ['whole', 'bytes']);
	wsCase(driver, '5.5.1: a reason that is not UTF-8', close(1000, Buffer.from([0x61, 0xff])), [Close(1007)], ['whole', 'first']);
	wsCase(driver, '5.5.1: a reason that is cut within a character', close(1000, Buffer.from([0xe6, 0xbc])), [Close(1007)], ['whole']);
});

describe('RFC 6455 8.1 UTF-8, client', { concurrency: 4 }, () => {
	const driver = useDriver();
	const good = {
		'two bytes': 'é', 'three bytes': '漢', 'four bytes': '😀', 'the last of each length': '\x7f߿￿\u{10ffff}', 'a byte order mark': '\ufeffa',
		'next to the surrogates': '퟿', 'non-characters': '﷐￾',
	};
	for (const [name, value] of Object.entries(good)) {
		wsCase(driver, `8.1: ${name}`, text(value), [Text(value)], ['whole', 'bytes']);
	}
	const bad = {
		'a continuation byte alone': [0x80], 'FF': [0xff], 'FE': [0xfe], 'an overlong slash': [0xc0, 0xaf], 'an overlong of three bytes': [0xe0, 0x80, 0xaf],
		'an overlong of four bytes': [0xf0, 0x80, 0x80, 0xaf], 'a surrogate': [0xed, 0xa0, 0x80], 'a low surrogate': [0xed, 0xbf, 0xbf],
		'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80], 'F5': [0xf5, 0x80, 0x80, 0x80], 'a character that is cut': [0x61, 0xe6, 0xbc],
		'a character cut by ASCII': [0xe6, 0xbc, 0x61],
	};
	for (const [name, value] of Object.entries(bad)) {
		wsCase(driver, `8.1: ${name}`, text(Buffer.from(value)), [Close(1007)], ['whole', 'first']);
		wsCase(driver, `8.1: ${name}, in fragments`, [text(Buffer.from(value), { fin: false }), more('a')], [Close(1007)], ['whole']);
		wsCase(driver, `8.1: ${name} is fine as binary`, binary(Buffer.from(value)), [Binary(Buffer.from(value))], ['whole']);
	}
});
