// RFC 6455, section 10.4, and the limits of /echo: 16 MiB in one message, however it is cut.
import { describe, it } from 'node:test';
import { RawWs, binary, frame, more, ping, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { bound, random } from '../lib/time.js';
import { Close, Text, TIMEOUT, wsCase } from '../lib/wscases.js';

const MiB = 1 << 20;
const LONG = { timeout: bound(60) };
const big = random(10).bytes(16 * MiB);

/** Not concurrent: each of these moves 32 MiB. */
describe('RFC 6455 10.4 messages up to the limit', () => {
	const server = useServer();
	const send = (name, frames, type, payload) =>
		it(name, LONG, async () => {
			const ws = await RawWs.open(server.port);
			try {
				for (const one of frames()) {
					ws.send(one);
				}
				const event = await ws.message(bound(40));
				if (event.type !== type || !event.data.equals(payload)) {
					throw new Error(`not the same ${type}: ${event.data.length} bytes`);
				}
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	const cut = (n) => {
		const size = Math.ceil(big.length / n);
		return Array.from({ length: n }, (_, i) =>
			frame(i === 0 ? 2 : 0, big.subarray(i * size, (i + 1) * size), { fin: i === n - 1 }));
	};
	send('10.4: 1 MiB of binary', () => [binary(big.subarray(0, MiB))], 'binary', big.subarray(0, MiB));
	send('10.4: 16 MiB less one byte', () => [binary(big.subarray(1))], 'binary', big.subarray(1));
	send('10.4: 16 MiB of binary', () => [binary(big)], 'binary', big);
	const words = Buffer.from('漢字'.repeat(Math.floor((16 * MiB) / 6)) + 'abcd').subarray(0, 16 * MiB);
	send('10.4: 16 MiB of text', () => [text(words)], 'text', words);
	send('10.4: 16 MiB in 2 fragments', () => cut(2), 'binary', big);
	send('10.4: 16 MiB in 16 fragments', () => cut(16), 'binary', big);
	send('10.4: 16 MiB in 4096 fragments', () => cut(4096), 'binary', big);
	it('10.4: two messages of 8 MiB and pings between them', LONG, async () => {
		const ws = await RawWs.open(server.port);
		try {
			const [a, b] = [big.subarray(0, 8 * MiB), big.subarray(8 * MiB)];
			ws.send(Buffer.concat([binary(a), ping('1'), binary(b), ping('2')]));
			await ws.expect('binary', a);
			await ws.expect('pong', '1');
			await ws.expect('binary', b);
			await ws.expect('pong', '2');
			await ws.bye();
		} finally {
			ws.destroy();
		}
	});
});

describe('RFC 6455 10.4 and 7.4.1 one byte past the limit', { concurrency: 4 }, () => {
	const server = useServer();
	/* Only headers are sent: the refusal must not wait for a payload. */
	for (const [name, length] of [
		['16 MiB and 1 byte', 16n * 1048576n + 1n], ['17 MiB', 17n * 1048576n], ['4 GiB less 1', 0xffffffffn], ['4 GiB', 1n << 32n],
		['4 GiB and 1 byte', (1n << 32n) + 1n], ['2^53 bytes', 1n << 53n], ['2^62 bytes', 1n << 62n], ['2^63 - 1 bytes', (1n << 63n) - 1n],
	]) {
		for (const [type, opcode] of [['binary', 2], ['text', 1]]) {
			wsCase(server, `10.4: a ${type} of ${name}`, frame(opcode, '', { form: 64, length }), [Close(1009)], ['first', 'bytes']);
		}
	}
	wsCase(server, '10.4: too long in the second fragment', [binary('a', { fin: false }), more('', { form: 64, length: 16n * 1048576n })],
		[Close(1009)], ['first', 'bytes']);
	wsCase(server, '10.4: a first fragment too long', frame(2, '', { fin: false, form: 64, length: 16n * 1048576n + 1n }), [Close(1009)], ['first']);
	wsCase(server, '10.4: too long in a continuation of 2^63 - 1 bytes', [text('a', { fin: false }), more('', { form: 64, length: (1n << 63n) - 1n })],
		[Close(1009)], ['first', 'bytes']);
	wsCase(server, '10.4: too long after good messages', [text('a'), text('b'), frame(2, '', { form: 64, length: 1n << 40n })],
		[Text('a'), Text('b'), Close(1009)], ['whole', 'first']);
	it('10.4: 16 MiB in a first fragment, then one byte more', LONG, async () => {
		const ws = await RawWs.open(server.port);
		try {
			ws.send(binary(big, { fin: false }));
			ws.send(more('x').subarray(0, 2));
			const event = await ws.next('a Close frame', bound(40));
			if (event.code !== 1009 || event.reason === '') {
				throw new Error(`close ${event.code} "${event.reason}"`);
			}
			await ws.expectEnd();
		} finally {
			ws.destroy();
		}
	});
	it('10.4: 16 MiB in fragments, then an empty last one, is within the limit', LONG, async () => {
		const ws = await RawWs.open(server.port);
		try {
			ws.send(binary(big, { fin: false }));
			ws.send(more(''));
			const event = await ws.message(bound(40));
			if (!event.data.equals(big)) {
				throw new Error('not the same bytes');
			}
			await ws.bye();
		} finally {
			ws.destroy();
		}
	});
	it('10.4: fragments of 64 KiB that pass the limit in their sum', LONG, async () => {
		const ws = await RawWs.open(server.port);
		try {
			for (let i = 0; i < 256; i++) {
				ws.send(frame(i === 0 ? 2 : 0, big.subarray(0, 65536), { fin: false }));
			}
			ws.send(more('x', { fin: false }).subarray(0, 2));
			const event = await ws.next('a Close frame', bound(40));
			if (event.code !== 1009) {
				throw new Error(`close ${event.code} "${event.reason}"`);
			}
			await ws.expectEnd();
		} finally {
			ws.destroy();
		}
	});
	it('10.4: the refusal of one harms no other connection', TIMEOUT, async () => {
		const other = await RawWs.open(server.port);
		const ws = await RawWs.open(server.port);
		try {
			ws.send(frame(2, '', { form: 64, length: 1n << 33n }));
			await ws.expectClose(1009, { reason: /./ });
			other.send(text('fine'));
			await other.expect('text', 'fine');
			await other.bye();
		} finally {
			ws.destroy();
			other.destroy();
		}
	});
});
