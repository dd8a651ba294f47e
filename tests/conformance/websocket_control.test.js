// RFC 6455, sections 5.5.2 and 5.5.3: ping and pong.
import { describe, it } from 'node:test';
import { CLOSE, PING, PONG, RawWs, binary, frame, ping, pong, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { random } from '../lib/time.js';
import { Binary, Close, Pong, TIMEOUT, Text, wsCase } from '../lib/wscases.js';

const rnd = random(55);

describe('RFC 6455 5.5.2 ping', { concurrency: 4 }, () => {
	const server = useServer();
	for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 63, 64, 100, 123, 124, 125]) {
		const body = rnd.bytes(n);
		wsCase(server, `5.5.2: a ping with ${n} bytes comes back as a pong`, ping(body), [Pong(body)], ['whole', 'bytes']);
	}
	wsCase(server, '5.5.2: the payload of a ping need not be UTF-8', ping(Buffer.from([0xc0, 0xff, 0, 0xed, 0xa0])),
		[Pong(Buffer.from([0xc0, 0xff, 0, 0xed, 0xa0]))], ['whole', 'bytes']);
	for (const n of [126, 127, 65535, 65536]) {
		wsCase(server, `5.5: a ping with ${n} bytes`, frame(PING, Buffer.alloc(n, 'x')), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.5: a pong with ${n} bytes`, frame(PONG, Buffer.alloc(n, 'x')), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.5: a close with ${n} bytes`, frame(CLOSE, Buffer.concat([Buffer.from([3, 232]), Buffer.alloc(n - 2, 'x')])),
			[Close(1002)], ['whole', 'first']);
	}
	for (const n of [2, 10, 100, 1000]) {
		wsCase(server, `5.5.2: ${n} pings in one write are answered in order`,
			Array.from({ length: n }, (_, i) => ping(`ping ${i}`)), Array.from({ length: n }, (_, i) => Pong(`ping ${i}`)),
			n === 10 ? ['whole', 'bytes'] : ['whole']);
	}
	wsCase(server, '5.5.2: pings and messages in turn keep their order',
		[text('1'), ping('2'), binary('3'), ping('4'), text('5')], [Text('1'), Pong('2'), Binary('3'), Pong('4'), Text('5')], ['whole', 'bytes']);
	wsCase(server, '5.5.2: a ping with a mask of zeros', ping('zero', { mask: [0, 0, 0, 0] }), [Pong('zero')], ['whole', 'bytes']);
	it('5.5.2: pings behind a message of 1 MiB are answered after it', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		try {
			const body = rnd.bytes(1 << 20);
			ws.send(Buffer.concat([binary(body), ping('a'), ping('b')]));
			await ws.expect('binary', body);
			await ws.expect('pong', 'a');
			await ws.expect('pong', 'b');
			await ws.bye();
		} finally {
			ws.destroy();
		}
	});
});

describe('RFC 6455 5.5.3 pong', { concurrency: 4 }, () => {
	const server = useServer();
	for (const n of [0, 1, 7, 64, 125]) {
		wsCase(server, `5.5.3: an unsolicited pong with ${n} bytes is not answered`, pong(Buffer.alloc(n, 'p')), [], ['whole', 'bytes']);
	}
	wsCase(server, '5.5.3: a hundred unsolicited pongs', Array.from({ length: 100 }, (_, i) => pong(String(i))), []);
	wsCase(server, '5.5.3: pongs between pings do not disturb them', [pong('a'), ping('b'), pong('c'), ping('d')], [Pong('b'), Pong('d')], ['whole', 'bytes']);
	wsCase(server, '5.5.3: a pong whose payload is not UTF-8', pong(Buffer.from([0xff, 0xc0])), [], ['whole', 'bytes']);
	wsCase(server, '5.5.3: a pong, then a message', [pong('a'), text('b')], [Text('b')], ['whole', 'bytes']);
	wsCase(server, '5.5.3: a pong, then an error', [pong('a'), pong('b', { rsv: 1 })], [Close(1002)], ['whole', 'first', 'bytes']);
});
