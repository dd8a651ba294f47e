// RFC 6455, sections 5.5.1 and 7: the closing handshake, its codes, and the end of the connection.
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { CLOSE, RawWs, binary, close, closePayload, frame, ping, pong, text } from '../lib/rawws.js';
import { Server, useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';
import { Close, Pong, TIMEOUT, Text, wsCase } from '../lib/wscases.js';

const hex = (s) => Buffer.from(s.replaceAll(' ', ''), 'hex');

describe('RFC 6455 7.4 close codes', { concurrency: 4 }, () => {
	const server = useServer();
	for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4410, 4999]) {
		wsCase(server, `7.4: close ${code} is answered with ${code}`, close(code), [Close(code)], ['whole', 'bytes']);
	}
	for (const code of [0, 1, 125, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 32768, 65535]) {
		wsCase(server, `7.4: close ${code} is a protocol error`, close(code), [Close(1002)], ['whole', 'bytes']);
	}
	for (const code of [999, 1005, 1006, 2000, 5000]) {
		wsCase(server, `7.4: close ${code}, with a reason that never comes`,
			frame(CLOSE, closePayload(code), { length: 60 }), [Close(1002)], ['first']);
		wsCase(server, `7.4: close ${code} with a reason`, close(code, 'why not'), [Close(1002)], ['whole']);
	}
	wsCase(server, '7.4: close 1000 after messages', [text('a'), ping('b'), close(1000)], [Text('a'), Pong('b'), Close(1000)], ['whole', 'bytes']);
});

describe('RFC 6455 5.5.1 the body of a Close frame', { concurrency: 4 }, () => {
	const server = useServer();
	wsCase(server, '5.5.1: an empty close is answered', close(), [Close(null)], ['whole', 'bytes']);
	wsCase(server, '5.5.1: a close with one byte', frame(CLOSE, Buffer.from([3])), [Close(1002)], ['whole', 'first', 'bytes']);
	for (const n of [1, 2, 3, 10, 60, 122, 123]) {
		wsCase(server, `5.5.1: a reason of ${n} bytes`, close(1000, 'r'.repeat(n)), [Close(1000)], ['whole', 'bytes']);
	}
	for (const n of [124, 125, 200]) {
		wsCase(server, `5.5.1: a reason of ${n} bytes is too long`, close(1000, 'r'.repeat(n)), [Close(1002)], ['whole', 'first']);
	}
	for (const [name, reason] of Object.entries({
		'Chinese': Buffer.from('再见'), 'emoji': Buffer.from('👋🏽'), 'U+10FFFF': hex('f4 8f bf bf'), '41 characters of three bytes': Buffer.from('漢'.repeat(41)),
		'NUL': Buffer.from('a\0b'),
	})) {
		wsCase(server, `5.5.1: a reason in ${name}`, close(1000, reason), [Close(1000)], ['whole', 'bytes']);
	}
	for (const [name, reason] of Object.entries({
		'FF': hex('ff'), 'a continuation byte alone': hex('80'), 'an overlong': hex('c0 af'), 'a surrogate': hex('ed a0 80'),
		'past U+10FFFF': hex('f4 90 80 80'), 'a wrong byte after text': hex('67 6f 6f 64 ff 62 79 65'), 'Latin-1': Buffer.from('ad\xe9', 'latin1'),
	})) {
		wsCase(server, `8.1: a reason that is not UTF-8: ${name}`, close(1000, reason), [Close(1007)], ['whole', 'bytes']);
	}
	for (const reason of ['c3', 'e2 82', 'f0 9f 98', '6f 6b e2']) {
		wsCase(server, `8.1: a reason that ends inside a character: ${reason}`, close(1000, hex(reason)), [Close(1007)], ['whole', 'bytes']);
	}
	wsCase(server, '8.1: a wrong byte in a reason whose rest never comes', frame(CLOSE, closePayload(1000, hex('61 ff')), { length: 100 }), [Close(1007)], ['first']);
});

describe('RFC 6455 5.5.1 and 7.1 after a Close frame', { concurrency: 4 }, () => {
	const server = useServer();
	for (const [name, after] of Object.entries({
		'a text': text('late'), 'a binary': binary('late'), 'a ping': ping('late'), 'a pong': pong('late'), 'a second close': close(1001),
		'a wrong frame': frame(3, 'x', { rsv: 7 }), 'an unmasked frame': text('x', { mask: null }), 'bad UTF-8': text(hex('ff')),
		'half a frame': text('half').subarray(0, 4), '100 messages': Buffer.concat(Array.from({ length: 100 }, () => text('late'))),
		'bytes that are no frames': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
	})) {
		it(`5.5.1: ${name} after a close is not answered`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				ws.send(Buffer.concat([close(1000), after]));
				await ws.expectClose(1000);
			} finally {
				ws.destroy();
			}
		});
		it(`7.1.7: ${name} after a failure is not answered`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				ws.send(Buffer.concat([frame(5, 'x'), after]));
				await ws.expectClose(1002);
			} finally {
				ws.destroy();
			}
		});
	}
	it('7.1.7: a megabyte sent after a failure does not destroy the Close frame', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		try {
			ws.send(Buffer.concat([frame(5, 'x'), Buffer.alloc(1 << 20)]));
			await ws.expectClose(1002);
		} finally {
			ws.destroy();
		}
	});
	it('7.1.1: the server ends TCP first, without waiting for the client to', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		try {
			const t = Date.now();
			await ws.bye();
			assert.ok(Date.now() - t < bound(2), 'the server took long to end the connection');
		} finally {
			ws.destroy();
		}
	});
	it('7.1.1: the code of the answer is that of the first Close', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		try {
			ws.send(Buffer.concat([close(3001, 'first'), close(3002, 'second')]));
			await ws.expectClose(3001);
		} finally {
			ws.destroy();
		}
	});
});

describe('RFC 6455 7.1 ends of other kinds', { concurrency: 4 }, () => {
	const server = useServer();
	const half = async (data, also) => {
		const ws = await RawWs.open(server.port);
		try {
			ws.socket.end(data);
			await also?.(ws);
			for (;;) {
				const event = await ws.events.next(bound(8), 'the end of the connection');
				if (!event) {
					break;
				}
				assert.notEqual(event.type, 'binary', 'an unfinished message was answered');
			}
			assert.equal(ws.trailing, 0);
		} finally {
			ws.destroy();
		}
	};
	it('7.1.4: FIN without a Close frame ends the connection', TIMEOUT, () => half(Buffer.alloc(0)));
	it('7.1.4: FIN after a message', TIMEOUT, () => half(text('hello')));
	it('7.1.4: FIN inside a frame header', TIMEOUT, () => half(binary('hello').subarray(0, 1)));
	it('7.1.4: FIN inside an extended length', TIMEOUT, () => half(binary(Buffer.alloc(200)).subarray(0, 3)));
	it('7.1.4: FIN inside a masking key', TIMEOUT, () => half(binary('hello').subarray(0, 4)));
	it('7.1.4: FIN inside a payload', TIMEOUT, () => half(binary('hello').subarray(0, 9)));
	it('7.1.4: FIN between fragments', TIMEOUT, () => half(binary('hello', { fin: false })));
	it('7.1.4: FIN right behind a Close frame still gets the answer', TIMEOUT, () =>
		half(close(1000), async (ws) => {
			const event = await ws.next('a Close frame');
			assert.equal(event.type, 'close');
			assert.equal(event.code, 1000);
		}));
	it('7.1.4: FIN right behind a wrong frame still gets the reason', TIMEOUT, () =>
		half(frame(3, 'x'), async (ws) => {
			const event = await ws.next('a Close frame');
			assert.equal(event.code, 1002);
		}));
	for (const [name, data] of Object.entries({
		'at once': null, 'inside a frame': text('hello').subarray(0, 5), 'between fragments': text('a', { fin: false }),
		'with answers on their way': Buffer.concat(Array.from({ length: 50 }, () => binary(Buffer.alloc(20000)))),
	})) {
		it(`7.1.7: a reset ${name} harms nobody else`, TIMEOUT, async () => {
			const other = await RawWs.open(server.port);
			const ws = await RawWs.open(server.port);
			try {
				if (data) {
					ws.send(data);
				}
				ws.socket.resetAndDestroy();
				other.send(text('still here'));
				await other.expect('text', 'still here');
				await other.bye();
				const next = await RawWs.open(server.port);
				await next.bye();
			} finally {
				ws.destroy();
				other.destroy();
			}
		});
	}
});

describe('RFC 6455 7.1.2 the server starts the closing handshake', () => {
	const withServer = (name, body) =>
		it(name, { timeout: bound(60) }, async () => {
			const server = await Server.start();
			try {
				const ws = await RawWs.open(server.port);
				try {
					await body(server, ws);
				} finally {
					ws.destroy();
				}
				await server.stop();
			} finally {
				server.kill();
			}
		});
	withServer('7.4.1: at shutdown the code is 1001, with a reason', async (server, ws) => {
		ws.send(text('a'));
		await ws.expect('text', 'a');
		server.signal('SIGTERM');
		const event = await ws.next('a Close frame');
		assert.equal(event.code, 1001);
		assert.notEqual(event.reason, '');
		ws.send(close(1001));
		await ws.expectEnd();
	});
	withServer('7.1.3: a client that never answers the Close does not keep the server from ending', async (server, ws) => {
		server.signal('SIGTERM');
		assert.equal((await ws.next('a Close frame')).code, 1001);
	});
	withServer('7.1.3: both sides close at the same time: one Close frame each', async (server, ws) => {
		server.signal('SIGTERM');
		ws.send(close(3000));
		const event = await ws.next('a Close frame');
		assert.ok(event.code === 1001 || event.code === 3000, `close code ${event.code}`);
		await ws.expectEnd();
	});
	withServer('5.5.1: what the client sends after the server\'s Close is not answered', async (server, ws) => {
		server.signal('SIGTERM');
		assert.equal((await ws.next('a Close frame')).code, 1001);
		ws.send(Buffer.concat([text('late'), ping('late'), close(1001)]));
		await ws.expectEnd();
	});
	withServer('7.1.3: an error after the server\'s Close brings no second one', async (server, ws) => {
		server.signal('SIGTERM');
		assert.equal((await ws.next('a Close frame')).code, 1001);
		ws.send(frame(3, 'x'));
		await ws.expectEnd();
	});
});
