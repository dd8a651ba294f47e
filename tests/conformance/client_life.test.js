// The life of a client: what it sends, how it closes, its limits and its patience, and how it comes back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE, TEXT, closePayload, frame } from '../lib/rawws.js';
import { bound, until } from '../lib/time.js';
import { useDriver } from '../lib/wsclient.js';
import { PeerServer, withPeer } from '../lib/wspeer.js';

const TIMEOUT = { timeout: bound(40) };
const ELIMIT = -3;
const ECLOSED = -5;
const EINVAL = -2;

const plain = (opcode, payload, options) => frame(opcode, payload, { mask: null, ...options });
const text = (payload, options) => plain(TEXT, payload, options);
const close = (code, reason) => plain(CLOSE, code === undefined ? '' : closePayload(code, reason));

/** An open client and its peer. */
function life(driver, name, options, run) {
	it(name, TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: `${server.url}/`, no_compression: 1, ...options });
			const peer = await server.peer();
			await peer.accept();
			await client.expect('open');
			await run({ client, peer, server });
		}),
	);
}

async function bye(client, peer) {
	assert.equal(await client.close(1000), 0);
	const event = await peer.next();
	assert.deepEqual([event.type, event.code], ['close', 1000]);
	peer.send(close(1000));
	peer.socket.end();
	await client.expectClose(1000);
	await peer.expectEnd();
}

describe('RFC 6455 5.3, 6.1: what a client sends', { concurrency: 4 }, () => {
	const driver = useDriver();
	for (const n of [0, 1, 125, 126, 127, 65535, 65536, 100000]) {
		for (const kind of ['text', 'binary']) {
			life(driver, `6.1: ${n} bytes of ${kind}: one frame, FIN, masked, of minimal length`, {}, async ({ client, peer }) => {
				const body = Buffer.from('abcdefghij'.repeat(Math.ceil(n / 10)).slice(0, n));
				assert.equal(await client.send(kind, body), 0);
				const event = await peer.expect(kind, body);
				assert.ok(event.fin && !event.rsv1);
				await bye(client, peer);
			});
		}
	}
	life(driver, '5.3: a new, unpredictable key for each frame', {}, async ({ client, peer }) => {
		for (let i = 0; i < 200; i++) {
			await client.send('text', 'the same');
			await peer.expect('text', 'the same');
		}
		assert.equal(new Set(peer.keys).size, 200);
		/* Every bit of 200 keys is set in about a half of them. */
		for (let bit = 0; bit < 32; bit++) {
			const ones = peer.keys.filter((key) => (parseInt(key, 16) >>> bit) & 1).length;
			assert.ok(ones > 50 && ones < 150, `bit ${bit} is set in ${ones} of 200 keys`);
		}
		assert.equal(new Set(peer.frames.map((f) => f.wire.toString('hex'))).size, 200);
		await bye(client, peer);
	});
	for (const [name, bytes] of Object.entries({ 'a byte FF': [0xff], 'a surrogate': [0xed, 0xa0, 0x80], 'a cut character': [0x61, 0xc3] })) {
		life(driver, `5.6: text with ${name} is refused`, {}, async ({ client, peer }) => {
			assert.equal(await client.send('text', Buffer.from(bytes)), EINVAL);
			assert.equal(await client.send('binary', Buffer.from(bytes)), 0);
			await peer.expect('binary', Buffer.from(bytes));
			await bye(client, peer);
		});
	}
	for (const [json, result] of [['{"a":1}', 0], ['[]', 0], ['1', 0], ['{', EINVAL], ['', EINVAL], ['{"a":1}x', EINVAL]]) {
		life(driver, `JSON ${json || '(empty)'}`, {}, async ({ client, peer }) => {
			assert.equal(await client.send('json', json), result);
			if (result === 0) {
				await peer.expect('text', json);
			}
			await bye(client, peer);
		});
	}
	for (const n of [0, 1, 125]) {
		life(driver, `5.5.2: a ping of ${n} bytes and its pong`, {}, async ({ client, peer }) => {
			const body = 'p'.repeat(n);
			assert.equal(await client.send('ping', body), 0);
			await peer.expect('ping', body);
			peer.send(plain(10, body));
			assert.ok((await client.expect('pong')).data.equals(Buffer.from(body)));
			await bye(client, peer);
		});
	}
	life(driver, '5.5: a ping of 126 bytes is refused', {}, async ({ client, peer }) => {
		assert.equal(await client.send('ping', 'p'.repeat(126)), EINVAL);
		await bye(client, peer);
	});
	it('nothing can be sent before it is open', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url });
			assert.equal(await client.send('text', 'a'), ECLOSED);
			assert.equal(await client.send('ping', 'a'), ECLOSED);
			const peer = await server.peer();
			await peer.accept();
			await client.expect('open');
			await bye(client, peer);
		}));
	life(driver, 'drained is told when all has left', {}, async ({ client, peer }) => {
		await client.send('text', 'a');
		await client.expect('drained', { skip: [] });
		await peer.expect('text', 'a');
		await bye(client, peer);
	});
	life(driver, 'frames are told of, sent and received', { watch: 1, quiet: 1 }, async ({ client, peer }) => {
		const next = async () => client.expect('frame', { skip: ['result', 'message', 'drained'] });
		client.say('text', Buffer.from('abc').toString('hex'));
		let told = await next();
		assert.deepEqual([told.way, told.first, told.length, told.data.toString()], ['sent', 0x81, 3, 'abc']);
		await peer.expect('text', 'abc');
		peer.send(plain(TEXT, 'de', { fin: false }), plain(0, 'f'), plain(9, 'p'));
		told = await next();
		assert.deepEqual([told.way, told.first, told.length, told.data.toString()], ['received', 0x01, 2, 'de']);
		told = await next();
		assert.deepEqual([told.way, told.first, told.length, told.data.toString()], ['received', 0x80, 1, 'f']);
		told = await next();
		assert.deepEqual([told.way, told.first, told.data.toString()], ['received', 0x89, 'p']);
		told = await next();
		assert.deepEqual([told.way, told.first, told.data.toString()], ['sent', 0x8a, 'p']);
		peer.send(close(1000, 'so'));
		told = await next();
		assert.deepEqual([told.way, told.first, told.data.toString('latin1')], ['received', 0x88, '\x03\xe8so']);
		peer.socket.end();
		await client.expect('close', { skip: ['frame', 'drained'] });
	});
	life(driver, 'a large frame is told of once, with its length', { watch: 1, quiet: 1 }, async ({ client, peer }) => {
		peer.send(plain(2, Buffer.alloc(2_000_000)));
		const told = await client.expect('frame');
		assert.deepEqual([told.first, told.length], [0x82, 2_000_000]);
		await client.expectMessage('binary', Buffer.alloc(2_000_000));
		peer.destroy();
	});
});

describe('RFC 6455 7: closing', { concurrency: 4 }, () => {
	const driver = useDriver();
	for (const [code, reason] of [[1000, ''], [1000, 'bye'], [3000, ''], [4999, 'ü'.repeat(61)], [4000, 'a'.repeat(123)]]) {
		life(driver, `7.1.2: with ${code} "${reason.slice(0, 10)}"`, {}, async ({ client, peer }) => {
			assert.equal(await client.close(code, reason), 0);
			const event = await peer.next();
			assert.deepEqual([event.type, event.code, event.reason], ['close', code, reason]);
			assert.equal(await client.send('text', 'late'), ECLOSED);
			assert.equal(await client.close(1000), ECLOSED);
			peer.send(close(code, 'answer'));
			peer.socket.end();
			await client.expectClose(code, { reason: 'answer' });
			await peer.expectEnd();
		});
	}
	for (const [code, reason] of [[999], [1001], [1002], [1004], [1005], [1006], [1007], [1011], [1015], [2999], [5000], [65536], [1000, 'a'.repeat(124)]]) {
		life(driver, `7.4: ${code} with a reason of ${(reason ?? '').length} bytes is not a client's`, {}, async ({ client, peer }) => {
			assert.equal(await client.close(code, reason), EINVAL);
			await bye(client, peer);
		});
	}
	life(driver, '7.1.5: the code of the peer counts, also when we began', {}, async ({ client, peer }) => {
		await client.close(1000);
		await peer.next();
		peer.send(close(4001, 'mine'));
		peer.socket.end();
		await client.expectClose(4001, { reason: 'mine' });
	});
	life(driver, 'messages that come after our close are not handed out', {}, async ({ client, peer }) => {
		await client.close(1000);
		await peer.next();
		peer.send(text('late'), plain(TEXT, 'la', { fin: false }), plain(0, 'te'), close(1000));
		peer.socket.end();
		await client.expectClose(1000);
	});
	life(driver, 'what was sent before the close leaves before it', {}, async ({ client, peer }) => {
		client.say('binary', Buffer.alloc(300000, 1).toString('hex'));
		client.say('close', '1000');
		await peer.expect('binary', Buffer.alloc(300000, 1));
		const event = await peer.next();
		assert.equal(event.type, 'close');
		peer.send(close(1000));
		peer.socket.end();
		await client.expectClose(1000);
	});
	life(driver, '7.1.1: a server that does not end TCP is not waited for long', { close_timeout_ms: 200 }, async ({ client, peer }) => {
		peer.send(close(1000));
		const event = await peer.next();
		assert.equal(event.type, 'close');
		await client.expectClose(1000);
	});
	life(driver, '7.1.2: a server that does not answer the Close frame', { close_timeout_ms: 150 }, async ({ client, peer }) => {
		await client.close(1000);
		await peer.next();
		await client.expectFailure(/Close frame was not answered/);
	});
	life(driver, '7.1.5: a server that ends without a Close frame: 1006', {}, async ({ client, peer }) => {
		peer.socket.end();
		await client.expectFailure(/without a Close frame/);
	});
	life(driver, '7.1.5: a server that resets: 1006', {}, async ({ client, peer }) => {
		peer.socket.resetAndDestroy();
		await client.expectFailure(/connection broke|without a Close frame/);
	});
	life(driver, '7.1.5: the end within a frame: 1006', {}, async ({ client, peer }) => {
		peer.send(plain(TEXT, 'abc').subarray(0, 3));
		peer.socket.end();
		await client.expectFailure(/without a Close frame/);
	});
	life(driver, '7.1.5: the end within a message: 1006', {}, async ({ client, peer }) => {
		peer.send(plain(TEXT, 'abc', { fin: false }));
		peer.socket.end();
		await client.expectFailure(/without a Close frame/);
	});
	life(driver, 'a message and the end in one segment: the message first', {}, async ({ client, peer }) => {
		peer.socket.end(text('last'));
		await client.expectMessage('text', 'last');
		await client.expectFailure(/without a Close frame/);
	});
	it('closed before it was open', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url });
			assert.equal(await client.close(1000), 0);
			assert.equal((await client.expect('close')).code, 1006);
			assert.equal(client.all.filter((e) => e.type === 'error').length, 0);
			const waiting = driver.open({ url: server.url });
			await (await server.peer()).request();
			assert.equal(await waiting.close(1000), 0);
			await waiting.expectClose(1006, { clean: false, reason: 'closed before it was open' });
		}));
});

describe('limits and patience', { concurrency: 4 }, () => {
	const driver = useDriver();
	life(driver, 'max_message: at the limit, and one byte more is 1009', { max_message: 1000 }, async ({ client, peer }) => {
		peer.send(text('a'.repeat(1000)));
		await client.expectMessage('text', 'a'.repeat(1000));
		peer.send(text('a'.repeat(1001)));
		await client.expectFailure(/long|limit|large|big/, 1009);
		await peer.expectClose(1009);
	});
	life(driver, 'max_message: the default is 16 MiB', {}, async ({ client, peer }) => {
		peer.send(plain(2, 'abc', { form: 64, length: BigInt((16 << 20) + 1) }));
		await client.expectFailure(/long|limit|large|big/, 1009);
		await peer.expectClose(1009);
	});
	life(driver, 'max_backlog: what a server does not read is refused, and goes on when it reads', { max_backlog: 1_000_000, quiet: 1 }, async ({ client, peer }) => {
		peer.socket.pause();
		let sent = 0;
		while ((await client.send('binary', Buffer.alloc(100_000, 5))) === 0) {
			assert.ok(++sent < 500);
		}
		assert.ok((await client.get('buffered')).bytes <= 1_000_014 + 14 * sent);
		assert.equal(await client.send('binary', Buffer.alloc(1_000_001)), ELIMIT);
		peer.socket.resume();
		for (let i = 0; i < sent; i++) {
			await peer.expect('binary', Buffer.alloc(100_000, 5));
		}
		await until(async () => (await client.get('buffered')).bytes === 0, bound(5), 'the queue to be empty');
		assert.equal(await client.send('binary', 'again'), 0);
		await peer.expect('binary', 'again');
		await bye(client, peer);
	});
	life(driver, 'two sides that send much before they read do not wait for each other', { echo: 1, quiet: 1 }, async ({ client, peer }) => {
		/* A server that reads only once all it sends has left, as one that does not buffer without end. */
		peer.socket.pause();
		for (let i = 0; i < 200; i++) {
			peer.send(plain(2, Buffer.alloc(100_000, i)));
		}
		await until(() => peer.socket.writableLength === 0, bound(20), 'the client to take 20 MB while it can send nothing');
		peer.socket.resume();
		for (let i = 0; i < 200; i++) {
			await peer.expect('binary', Buffer.alloc(100_000, i));
		}
		await bye(client, peer);
	});
	life(driver, 'a peer that pings without reading is not answered without end', { max_backlog: 10_000 }, async ({ client, peer }) => {
		peer.socket.pause();
		const pings = Buffer.concat(Array.from({ length: 20000 }, () => plain(9, 'x'.repeat(125))));
		for (let i = 0; i < 4; i++) {
			peer.socket.write(pings);
		}
		await until(() => peer.socket.writableLength === 0, bound(20), 'the client to take the pings');
		assert.ok((await client.get('buffered')).bytes < 20_000);
		peer.destroy();
	});
	life(driver, 'paused: nothing is handed out, the sender must wait; resumed: all, in order', { quiet: 1 }, async ({ client, peer }) => {
		assert.equal(await client.ask('pause'), 0);
		const body = Buffer.alloc(200_000);
		for (let i = 0; i < 100; i++) {
			body.writeUInt32BE(i);
			peer.send(plain(2, body));
		}
		peer.send(text('end'));
		assert.equal((await client.get('buffered')).bytes, 0);
		assert.equal(client.all.filter((e) => e.type === 'message').length, 0);
		assert.ok(peer.socket.writableLength > 1_000_000, 'the client went on reading');
		client.say('resume');
		for (let i = 0; i < 100; i++) {
			assert.equal((await client.expect('message', { skip: ['result'] })).data.readUInt32BE(), i);
		}
		await client.expectMessage('text', 'end');
		await bye(client, peer);
	});
	life(driver, 'paused between the messages of one segment', { quiet: 1 }, async ({ client, peer }) => {
		await client.ask('pause');
		peer.send(text('a'), text('b'), plain(9, 'p'), text('c'));
		await client.ask('resume');
		await client.expectMessage('text', 'a');
		await client.expectMessage('text', 'b');
		await client.expectMessage('text', 'c');
		await peer.expect('pong', 'p');
		await bye(client, peer);
	});
	life(driver, 'closed while paused', { quiet: 1 }, async ({ client, peer }) => {
		await client.ask('pause');
		peer.send(text('unseen'));
		await bye(client, peer);
	});
	life(driver, 'silence: it pings, and goes on when it is answered', { ping_interval_ms: 100, ping_timeout_ms: 2000 }, async ({ client, peer }) => {
		for (let i = 0; i < 3; i++) {
			await peer.expect('ping', '');
			peer.send(plain(10, ''));
		}
		assert.equal(client.all.filter((e) => e.type === 'pong').length, 0, 'the program did not ask');
		await bye(client, peer);
	});
	life(driver, 'silence after a ping ends it', { ping_interval_ms: 100, ping_timeout_ms: 200 }, async ({ client, peer }) => {
		await peer.expect('ping', '');
		await client.expectFailure(/no sign of life/, 1008);
	});
	life(driver, 'bytes of any kind are a sign of life', { ping_interval_ms: 150, ping_timeout_ms: 400, quiet: 1 }, async ({ client, peer }) => {
		const message = plain(2, 'slowly arriving');
		await peer.expect('ping', '');
		for (const byte of message) {
			peer.send(Buffer.from([byte]));
			await new Promise((done) => setTimeout(done, 60));
		}
		await client.expectMessage('binary', 'slowly arriving');
		peer.destroy();
	});
});

describe('reconnection', { concurrency: 4 }, () => {
	const driver = useDriver();
	const fast = { reconnect: 1, reconnect_min_ms: 20, reconnect_max_ms: 80, no_compression: 1 };

	it('after a cut it comes back, as often as needed', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: `${server.url}/again`, subprotocols: ['v1'], ...fast });
			for (let i = 0; i < 5; i++) {
				const peer = await server.peer();
				const head = await peer.accept({ fields: { 'Sec-WebSocket-Protocol': 'v1' } });
				assert.equal(head.target, '/again');
				assert.equal((await client.expect('open', { skip: ['error'] })).subprotocol, 'v1');
				peer.send(text(`${i}`));
				await client.expectMessage('text', `${i}`);
				peer.destroy();
				const end = await client.expect('close', { skip: ['error'] });
				assert.equal(end.code, 1006);
				assert.ok(end.retry >= 10 && end.retry <= 20, `${end.retry} ms after the first failure`);
			}
			const peer = await server.peer();
			await peer.accept({ fields: { 'Sec-WebSocket-Protocol': 'v1' } });
			await client.expect('open');
			await bye(client, peer);
		}));
	it('the waits double, less up to a half, up to the most', TIMEOUT, async () => {
		const server = await PeerServer.start();
		await server.stop();
		const client = driver.open({ url: server.url, ...fast, reconnect_attempts: 6 });
		const waits = [];
		for (;;) {
			const end = await client.expect('close', { skip: ['error'] });
			if (end.retry < 0) {
				break;
			}
			waits.push(end.retry);
		}
		assert.equal(waits.length, 6);
		[20, 40, 80, 80, 80, 80].forEach((most, i) => assert.ok(waits[i] >= most / 2 && waits[i] <= most, `${waits}`));
	});
	it('a server that lets in and closes is no success: the waits grow, the attempts end', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, ...fast, reconnect_attempts: 3 });
			for (let i = 0; i <= 3; i++) {
				const peer = await server.peer();
				await peer.accept({ more: close(1013) });
				await client.expect('open');
				const end = await client.expect('close');
				assert.equal(end.code, 1013);
				const most = [20, 40, 80, -1][i];
				assert.ok(most < 0 ? end.retry === -1 : end.retry >= most / 2 && end.retry <= most, `${end.retry}`);
				peer.destroy();
			}
		}));
	it('it comes back when nobody listened first', TIMEOUT, async () => {
		const first = await PeerServer.start();
		const { port } = first;
		await first.stop();
		const client = driver.open({ url: `ws://127.0.0.1:${port}/`, ...fast });
		await client.expect('close', { skip: ['error'] });
		const server = await PeerServer.start('127.0.0.1', port);
		try {
			const peer = await server.peer();
			await peer.accept();
			await client.expect('open', { skip: ['error', 'close'] });
			await bye(client, peer);
		} finally {
			await server.stop();
		}
	});
	for (const code of [1001, 1006, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4000, 4408, 4429, 4500]) {
		it(`after the server's ${code} it comes back`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: server.url, ...fast });
				const peer = await server.peer();
				await peer.accept();
				await client.expect('open');
				if (code === 1006) {
					peer.destroy();
				} else {
					peer.send(close(code));
					peer.socket.end();
				}
				const end = await client.expect('close', { skip: ['error'] });
				assert.equal(end.code, code);
				assert.ok(end.retry >= 0);
				const next = await server.peer();
				await next.accept();
				await client.expect('open');
				await bye(client, next);
			}));
	}
	for (const code of [1000, 1002, 1003, 1007, 1010, 4400, 4401, 4403, 4410, 4499]) {
		it(`after the server's ${code} it does not`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: server.url, ...fast });
				const peer = await server.peer();
				await peer.accept();
				await client.expect('open');
				peer.send(close(code, 'no'));
				peer.socket.end();
				await client.expectClose(code, { reason: 'no' });
			}));
	}
	for (const [status, again] of [[400, false], [401, false], [403, false], [404, false], [200, false], [302, false], [408, true], [425, true], [429, true], [500, true], [502, true], [503, true]]) {
		it(`after ${status} it ${again ? 'tries again' : 'gives up'}`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: server.url, ...fast });
				await (await server.peer()).accept({ status: `HTTP/1.1 ${status} x`, fields: { Location: '/x' } });
				const end = await client.expect('close', { skip: ['error'] });
				assert.equal(end.retry >= 0, again);
				if (again) {
					const peer = await server.peer();
					await peer.accept();
					await client.expect('open');
					await bye(client, peer);
				}
			}));
	}
	it('after a wrong handshake it gives up', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, ...fast });
			await (await server.peer()).accept({ fields: { 'Sec-WebSocket-Accept': 'x' } });
			await client.expectFailure(/not the one/);
		}));
	it('after a broken rule of the peer it gives up', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, ...fast });
			const peer = await server.peer();
			await peer.accept();
			await client.expect('open');
			peer.send(plain(3, ''));
			await client.expectFailure(/opcode|reserved/, 1002);
		}));
	it('a close of ours ends it, while it is open and while it waits', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, ...fast, reconnect_min_ms: 20000, reconnect_max_ms: 20000 });
			const peer = await server.peer();
			await peer.accept();
			await client.expect('open');
			peer.destroy();
			assert.ok((await client.expect('close', { skip: ['error'] })).retry > 1000);
			assert.equal(await client.send('text', 'x'), ECLOSED);
			assert.equal(await client.close(1000), 0);
			await client.expectClose(1006, { clean: false, reason: 'closed before it was open' });
		}));
	it('redirects are asked for again', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: `${server.url}/first`, max_redirects: 1, ...fast });
			for (let i = 0; i < 2; i++) {
				assert.equal((await (await server.peer()).accept({ status: 'HTTP/1.1 302 x', fields: { Location: '/second' } })).target, '/first');
				const peer = await server.peer();
				assert.equal((await peer.accept()).target, '/second');
				await client.expect('open');
				peer.destroy();
				await client.expect('close', { skip: ['error'] });
			}
		}));
	it('its loop is freed while clients are on their way, open, closing and waiting', TIMEOUT, () =>
		withPeer(async (server) => {
			/* The driver ends with an error if anything is left. */
			const { Driver } = await import('../lib/wsclient.js');
			const other = new Driver();
			const open = other.open({ url: `${server.url}/open` });
			const first = await server.peer();
			await first.accept();
			await open.expect('open');
			first.send(plain(TEXT, 'half a message', { fin: false }));
			const closing = other.open({ url: `${server.url}/closing` });
			const second = await server.peer();
			await second.accept();
			await closing.expect('open');
			await closing.close(1000);
			const asking = other.open({ url: `${server.url}/asking` });
			await (await server.peer()).request();
			const waiting = other.open({ url: 'ws://127.0.0.1:1/', reconnect: 1 });
			await waiting.expect('close', { skip: ['error'] });
			const resolving = other.open({ url: 'ws://name.invalid/' });
			await other.end();
			for (const client of [open, closing, asking, waiting]) {
				const { code, retry } = client.all.filter((e) => e.type === 'close').at(-1);
				assert.deepEqual([code, retry], [1006, -1]);
			}
			assert.equal(resolving.all.at(-1).type, 'close');
		}));
});
