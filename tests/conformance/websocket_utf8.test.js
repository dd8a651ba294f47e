// RFC 6455, section 8.1 (and 5.6): text is UTF-8, checked while it arrives and failed at once.
import { describe, it } from 'node:test';
import { RawWs, binary, more, ping, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';
import { firstWrong } from '../lib/utf8.js';
import { Binary, Close, Pong, TIMEOUT, Text, wsCase } from '../lib/wscases.js';

const hex = (s) => Buffer.from(s.replaceAll(' ', ''), 'hex');
const chars = (...points) => Buffer.from(String.fromCodePoint(...points));

const VALID = {
	'Greek "kosme"': hex('ce ba e1 bd b9 cf 83 ce bc ce b5'),
	'Chinese': Buffer.from('实时消息：一个频道，许多扇门'),
	'emoji with joiners': Buffer.from('👩‍👩‍👧‍👦 🇨🇭 ❤️'),
	'U+0000': chars(0),
	'U+007F, the last of one byte': chars(0x7f),
	'U+0080, the first of two bytes': chars(0x80),
	'U+07FF, the last of two bytes': chars(0x7ff),
	'U+0800, the first of three bytes': chars(0x800),
	'U+0FFF': chars(0xfff),
	'U+1000': chars(0x1000),
	'U+CFFF': chars(0xcfff),
	'U+D000': chars(0xd000),
	'U+D7FF, before the surrogates': chars(0xd7ff),
	'U+E000, after the surrogates': chars(0xe000),
	'U+FEFF, the byte order mark': chars(0xfeff),
	'U+FFFD': chars(0xfffd),
	'U+FFFE, a noncharacter': chars(0xfffe),
	'U+FFFF, the last of three bytes': chars(0xffff),
	'U+10000, the first of four bytes': chars(0x10000),
	'U+1FFFF': chars(0x1ffff),
	'U+3FFFF': chars(0x3ffff),
	'U+40000': chars(0x40000),
	'U+FFFFF': chars(0xfffff),
	'U+100000': chars(0x100000),
	'U+10FFFF, the last of all': chars(0x10ffff),
	'all lengths in turn': chars(0x41, 0xe9, 0x6f22, 0x1f600, 0x42, 0x7ff, 0xffff, 0x10ffff),
};

const INVALID = {
	'a continuation byte alone, 80': hex('80'),
	'a continuation byte alone, BF': hex('bf'),
	'two continuation bytes': hex('80 bf'),
	'a continuation byte after ASCII': hex('61 62 80 63'),
	'one continuation byte too many': hex('c3 a9 80'),
	'C0, never allowed': hex('c0 af'),
	'C1, never allowed': hex('c1 bf'),
	'F5, never allowed': hex('f5 80 80 80'),
	'F8, the start of five bytes': hex('f8 88 80 80 80'),
	'FC, the start of six bytes': hex('fc 84 80 80 80 80'),
	'FE': hex('fe'),
	'FF': hex('ff'),
	'FE FE FF FF': hex('fe fe ff ff'),
	'overlong "/" in two bytes': hex('c0 af'),
	'overlong "/" in three bytes': hex('e0 80 af'),
	'overlong "/" in four bytes': hex('f0 80 80 af'),
	'overlong "/" in five bytes': hex('f8 80 80 80 af'),
	'overlong "/" in six bytes': hex('fc 80 80 80 80 af'),
	'the largest overlong of two bytes': hex('c1 bf'),
	'the largest overlong of three bytes': hex('e0 9f bf'),
	'the largest overlong of four bytes': hex('f0 8f bf bf'),
	'overlong NUL in two bytes': hex('c0 80'),
	'overlong NUL in three bytes': hex('e0 80 80'),
	'overlong NUL in four bytes': hex('f0 80 80 80'),
	'U+D800, the first surrogate': hex('ed a0 80'),
	'U+DB7F': hex('ed ad bf'),
	'U+DBFF': hex('ed af bf'),
	'U+DC00': hex('ed b0 80'),
	'U+DFFF, the last surrogate': hex('ed bf bf'),
	'a surrogate pair, as CESU-8 has it': hex('ed a0 bd ed b8 80'),
	'U+110000, past the last': hex('f4 90 80 80'),
	'U+13FFFF': hex('f4 bf bf bf'),
	'U+1FFFFF': hex('f7 bf bf bf'),
	'a start of two bytes, then ASCII': hex('c3 28'),
	'a start of two bytes, then a start': hex('c3 c3'),
	'a start of three bytes, then ASCII': hex('e2 28 a1'),
	'three bytes, the last is ASCII': hex('e2 82 28'),
	'a start of four bytes, then ASCII': hex('f0 28 8c bc'),
	'four bytes, the third is ASCII': hex('f0 90 28 bc'),
	'four bytes, the last is ASCII': hex('f0 9f 98 28'),
	'Greek, a surrogate, ASCII': hex('ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64'),
	'Greek, past the last, ASCII': hex('ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65 64'),
	'Latin-1': Buffer.from('caf\xe9 au lait', 'latin1'),
	'a wrong byte behind 64 good ones': Buffer.concat([Buffer.alloc(64, 'a'), hex('ff'), Buffer.alloc(40, 'b')]),
	'a wrong byte behind 33 good ones': Buffer.concat([Buffer.alloc(33, 'a'), hex('c0'), Buffer.alloc(40, 'b')]),
	'a surrogate across a block of 16': Buffer.concat([Buffer.alloc(15, 'a'), hex('ed a0 80'), Buffer.alloc(40, 'b')]),
	'a surrogate across a block of 32': Buffer.concat([Buffer.alloc(31, 'a'), hex('ed a0 80'), Buffer.alloc(40, 'b')]),
	'an overlong across a block of 64': Buffer.concat([Buffer.alloc(63, 'a'), hex('e0 80 80'), Buffer.alloc(40, 'b')]),
};

const TRUNCATED = {
	'C3': hex('c3'),
	'E2': hex('e2'),
	'E2 82': hex('e2 82'),
	'F0': hex('f0'),
	'F0 9F': hex('f0 9f'),
	'F0 9F 98': hex('f0 9f 98'),
	'E0 A0': hex('e0 a0'),
	'ED 9F': hex('ed 9f'),
	'F4 8F BF': hex('f4 8f bf'),
	'ASCII and C3': hex('61 62 63 c3'),
	'a whole character and half of one': hex('e2 82 ac e2 82'),
	'31 bytes and F0 9F 98': Buffer.concat([Buffer.alloc(31, 'a'), hex('f0 9f 98')]),
};

describe('RFC 6455 8.1 text that is UTF-8', { concurrency: 4 }, () => {
	const server = useServer();
	for (const [name, body] of Object.entries(VALID)) {
		wsCase(server, `8.1: ${name}`, text(body), [Text(body)], ['whole', 'bytes']);
		if (body.length > 1) {
			const cuts = Array.from({ length: body.length - 1 }, (_, i) => i + 1);
			wsCase(server, `5.6: ${name}, fragments cut at every byte`,
				cuts.flatMap((at) => [text(body.subarray(0, at), { fin: false }), more(body.subarray(at))]), cuts.map(() => Text(body)));
		}
	}
	const mixed = VALID['all lengths in turn'];
	wsCase(server, '5.6: each byte of a text in a fragment of its own',
		[text('', { fin: false }), ...[...mixed].map((b) => more(Buffer.from([b]), { fin: false })), more('')], [Text(mixed)], ['whole', 'bytes']);
	wsCase(server, '5.6: a ping between the bytes of one character',
		[text(hex('f0 9f'), { fin: false }), ping('p'), more(hex('98'), { fin: false }), ping('q'), more(hex('80'))],
		[Pong('p'), Pong('q'), Text('😀')], ['whole', 'bytes']);
	wsCase(server, '5.6: an empty fragment between the bytes of one character',
		[text(hex('e2 82'), { fin: false }), more('', { fin: false }), more(hex('ac'))], [Text('€')], ['whole', 'bytes']);
	wsCase(server, '5.6: 10,000 characters of four bytes at all offsets of a block',
		[0, 1, 2, 3].map((n) => text('a'.repeat(n) + '😀'.repeat(10000))), [0, 1, 2, 3].map((n) => Text('a'.repeat(n) + '😀'.repeat(10000))));
	for (const [name, body] of Object.entries({ FF: hex('ff'), 'a surrogate': hex('ed a0 80'), 'a half character': hex('e2 82') })) {
		wsCase(server, `5.6: binary may hold ${name}`, [binary(body), binary(body, { fin: false }), more(body)],
			[Binary(body), Binary(Buffer.concat([body, body]))], ['whole', 'bytes']);
	}
	for (const size of [1, 2, 3, 5, 7]) {
		it(`8.1: Chinese in writes of ${size} bytes`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				const body = Buffer.from('实时消息😀'.repeat(40));
				await ws.sendSlowly(text(body), size);
				await ws.expect('text', body);
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	}
});

describe('RFC 6455 8.1 text that is not UTF-8', { concurrency: 4 }, () => {
	const server = useServer();
	for (const [name, body] of Object.entries(INVALID)) {
		wsCase(server, `8.1: ${name}`, text(body), [Close(1007)], ['whole', 'bytes']);
		/* The header announces more than ever comes: who waits for the whole frame never answers. */
		const wrong = firstWrong(body);
		wsCase(server, `8.1: ${name}, in a frame that never ends`,
			text(body.subarray(0, wrong + 1), { length: body.length + 1000 }), [Close(1007)], ['first']);
	}
	for (const [name, body] of Object.entries(TRUNCATED)) {
		wsCase(server, `8.1: the message ends with ${name}`, text(body), [Close(1007)], ['whole', 'bytes']);
		wsCase(server, `8.1: the last fragment ends with ${name}`, [text('a', { fin: false }), more(body)], [Close(1007)], ['whole']);
		wsCase(server, `8.1: the message ends with ${name} and an empty fragment`, [text(body, { fin: false }), more('')], [Close(1007)], ['whole']);
	}
	wsCase(server, '8.1: a wrong byte in the second fragment', [text('good', { fin: false }), more(hex('ff'), { fin: false }), more('good')],
		[Close(1007)], ['whole', 'first', 'bytes']);
	wsCase(server, '8.1: a wrong byte in the first fragment of many', [text(hex('61 ff'), { fin: false }), more('good')],
		[Close(1007)], ['whole', 'first', 'bytes']);
	wsCase(server, '8.1: a character that goes on wrongly in the next fragment', [text(hex('e2 82'), { fin: false }), more(hex('28'))],
		[Close(1007)], ['whole', 'first', 'bytes']);
	wsCase(server, '8.1: a surrogate over two fragments', [text(hex('ed'), { fin: false }), more(hex('a0 80'), { fin: false, length: 500 })],
		[Close(1007)], ['first', 'bytes']);
	wsCase(server, '8.1: past U+10FFFF over two fragments', [text(hex('f4'), { fin: false }), more(hex('90'), { fin: false, length: 500 })],
		[Close(1007)], ['first', 'bytes']);
	wsCase(server, '8.1: an overlong over three fragments with a ping between',
		[text(hex('61'), { fin: false }), more(hex('e0'), { fin: false }), ping('p'), more(hex('80 80'))], [Pong('p'), Close(1007)], ['whole', 'first', 'bytes']);
	wsCase(server, '8.1: half a character, then an empty last fragment', [text(hex('c3'), { fin: false }), more('', { fin: false }), more('')],
		[Close(1007)], ['whole', 'bytes']);
	wsCase(server, '8.1: a wrong byte after good messages', [text('one'), text('zwölf'), text(hex('80'))], [Text('one'), Text('zwölf'), Close(1007)],
		['whole', 'first', 'bytes']);
	wsCase(server, '8.1: binary before does not change what text must be', [binary(hex('ff fe')), text(hex('ff fe'))],
		[Binary(hex('ff fe')), Close(1007)], ['whole', 'first', 'bytes']);

	for (const [name, announced] of [['70,000 bytes', 70000], ['1 MiB', 1 << 20], ['16 MiB', 16 << 20]]) {
		wsCase(server, `8.1: the first byte of ${name} is wrong`, text(hex('ff'), { length: announced }), [Close(1007)], ['first', 'bytes']);
	}
	it('8.1: a wrong byte 40,000 bytes into a frame of 65,000', { timeout: bound(20) }, async () => {
		const ws = await RawWs.open(server.port);
		try {
			ws.send(text(Buffer.concat([Buffer.alloc(40000, 'a'), hex('c0')]), { length: 65000 }));
			await ws.expectClose(1007, { reason: /./ });
		} finally {
			ws.destroy();
		}
	});
});
