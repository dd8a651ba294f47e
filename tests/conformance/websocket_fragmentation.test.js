// RFC 6455, sections 5.4 and 5.5: messages in fragments, and control frames between them.
import { describe, it } from 'node:test';
import { BINARY, CLOSE, PING, PONG, RawWs, TEXT, binary, close, closePayload, frame, more, ping, pong, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { random } from '../lib/time.js';
import { Binary, Close, Pong, TIMEOUT, Text, wsCase } from '../lib/wscases.js';

const start = (type, body) => frame(type === 'text' ? TEXT : BINARY, body, { fin: false });
const part = (body) => more(body, { fin: false });
const Whole = { text: Text, binary: Binary };
const rnd = random(54);

describe('RFC 6455 5.4 fragments', { concurrency: 4 }, () => {
	const server = useServer();
	for (const type of ['text', 'binary']) {
		const echo = Whole[type];
		for (const n of [2, 3, 5, 10, 100]) {
			const parts = Array.from({ length: n }, (_, i) => `part ${i};`);
			wsCase(server, `5.4: ${type} in ${n} fragments`,
				[start(type, parts[0]), ...parts.slice(1, -1).map(part), more(parts[n - 1])], [echo(parts.join(''))],
				n <= 10 ? ['whole', 'bytes'] : ['whole']);
		}
		wsCase(server, `5.4: ${type} in 1000 fragments of one byte`,
			[start(type, 'x'), ...Array.from({ length: 998 }, () => part('x')), more('x')], [echo('x'.repeat(1000))]);
		wsCase(server, `5.4: ${type}, the first fragment is empty`, [start(type, ''), more('abc')], [echo('abc')], ['whole', 'bytes']);
		wsCase(server, `5.4: ${type}, the last fragment is empty`, [start(type, 'abc'), more('')], [echo('abc')], ['whole', 'bytes']);
		wsCase(server, `5.4: ${type}, empty fragments in the middle`, [start(type, 'a'), part(''), part(''), more('b')], [echo('ab')], ['whole', 'bytes']);
		wsCase(server, `5.4: ${type}, all fragments are empty`, [start(type, ''), part(''), more('')], [echo('')], ['whole', 'bytes']);
		wsCase(server, `5.4: ${type}, 1000 empty fragments`, [start(type, ''), ...Array.from({ length: 1000 }, () => part('')), more('end')], [echo('end')]);
		wsCase(server, `5.4: ${type}, two fragmented messages one after the other`,
			[start(type, 'a'), more('b'), start(type, 'c'), part('d'), more('e')], [echo('ab'), echo('cde')], ['whole', 'bytes']);
		wsCase(server, `5.4: ${type}, fragments of all three length forms`,
			[start(type, 'a'.repeat(125)), part('b'.repeat(126)), part('c'.repeat(65536)), more('d')],
			[echo('a'.repeat(125) + 'b'.repeat(126) + 'c'.repeat(65536) + 'd')]);
		wsCase(server, `5.5: ${type}, a ping between fragments is answered first`,
			[start(type, 'a'), ping('now'), more('b')], [Pong('now'), echo('ab')], ['whole', 'bytes']);
		wsCase(server, `5.5: ${type}, a ping in each gap of five fragments`,
			[start(type, '0'), ping('1'), part('1'), ping('2'), part('2'), ping('3'), part('3'), ping('4'), more('4')],
			[Pong('1'), Pong('2'), Pong('3'), Pong('4'), echo('01234')], ['whole', 'bytes']);
		wsCase(server, `5.5: ${type}, a pong between fragments is ignored`, [start(type, 'a'), pong('x'), more('b')], [echo('ab')], ['whole', 'bytes']);
		wsCase(server, `5.5: ${type}, pings with 125 bytes between empty fragments`,
			[start(type, ''), ping('p'.repeat(125)), part(''), ping(''), more('')], [Pong('p'.repeat(125)), Pong(''), echo('')], ['whole', 'bytes']);
		wsCase(server, `5.5.1: ${type}, a close between fragments ends it without the message`,
			[start(type, 'a'), close(1000), more('b')], [Close(1000)], ['whole', 'bytes']);
		wsCase(server, `5.4: a whole message, ${type} fragments, a whole message`,
			[text('before'), start(type, 'a'), more('b'), text('after')], [Text('before'), echo('ab'), Text('after')], ['whole', 'bytes']);
	}
	wsCase(server, '5.4: text and binary in turn, each in fragments',
		[start('text', 'a'), more('b'), start('binary', 'c'), more('d'), start('text', 'e'), more('f')],
		[Text('ab'), Binary('cd'), Text('ef')], ['whole', 'bytes']);
	wsCase(server, '5.4: a mask of zeros in one fragment only',
		[start('text', 'ab'), more('cd', { fin: false, mask: [0, 0, 0, 0] }), more('ef')], [Text('abcdef')], ['whole', 'bytes']);
	for (const n of [2, 7, 64, 1000]) {
		it(`5.4: 100 kB in fragments of ${n} bytes arrive whole`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				const body = rnd.bytes(n < 64 ? 10000 : 100000);
				const frames = [];
				for (let at = 0; at < body.length; at += n) {
					frames.push(frame(at === 0 ? BINARY : 0, body.subarray(at, at + n), { fin: at + n >= body.length }));
				}
				await ws.sendSlowly(Buffer.concat(frames), 8192);
				await ws.expect('binary', body);
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	}
});

describe('RFC 6455 5.4 fragments out of order', { concurrency: 4 }, () => {
	const server = useServer();
	const all = ['whole', 'first', 'bytes'];
	for (const [name, fin] of [['with FIN', true], ['without FIN', false]]) {
		wsCase(server, `5.4: a continuation ${name} that continues nothing`, more('abc', { fin }), [Close(1002)], all);
		wsCase(server, `5.4: an empty continuation ${name} that continues nothing`, more('', { fin }), [Close(1002)], all);
		wsCase(server, `5.4: a continuation ${name} after a whole message`, [text('one'), more('two', { fin })], [Text('one'), Close(1002)], all);
		wsCase(server, `5.4: a continuation ${name} after a fragmented message`,
			[start('text', 'a'), more('b'), more('c', { fin })], [Text('ab'), Close(1002)], all);
		wsCase(server, `5.4: a continuation ${name} after a ping`, [ping('p'), more('c', { fin })], [Pong('p'), Close(1002)], all);
		for (const first of ['text', 'binary']) {
			for (const second of ['text', 'binary']) {
				wsCase(server, `5.4: a ${second} ${name} inside a ${first} message`,
					[start(first, 'a'), frame(second === 'text' ? TEXT : BINARY, 'b', { fin }), more('c')], [Close(1002)], all);
			}
		}
		wsCase(server, `5.4: an empty text ${name} inside a message`, [start('text', 'a'), text('', { fin }), more('c')], [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.4: a text ${name} after an empty first fragment`, [start('text', ''), text('b', { fin })], [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.4: a text ${name} after two fragments and a ping`,
			[start('text', 'a'), part('b'), ping('p'), text('c', { fin })], [Pong('p'), Close(1002)], ['whole', 'first']);
	}
	for (const [name, opcode, body] of [['ping', PING, 'abc'], ['pong', PONG, 'abc'], ['close', CLOSE, closePayload(1000)]]) {
		wsCase(server, `5.5: a ${name} without FIN`, frame(opcode, body, { fin: false }), [Close(1002)], all);
		wsCase(server, `5.5: an empty ${name} without FIN`, frame(opcode, '', { fin: false }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.5: a ${name} without FIN, with its continuation`, [frame(opcode, body, { fin: false }), more('d')], [Close(1002)]);
		wsCase(server, `5.5: a ${name} without FIN between fragments`,
			[start('text', 'a'), frame(opcode, body, { fin: false }), more('b')], [Close(1002)], ['whole', 'first']);
	}
});
