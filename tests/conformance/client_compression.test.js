// RFC 7692, client side: the offer, answers that are good or must fail the connection, and messages both ways with every
// parameter. The server is scripted; its zlib has exactly the window that was agreed on.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BINARY, CONTINUATION, PING, TEXT, closePayload, frame } from '../lib/rawws.js';
import { RSV1, Window, agreed, deflate, inflate } from '../lib/deflate.js';
import { bound, random } from '../lib/time.js';
import { useDriver } from '../lib/wsclient.js';
import { withPeer } from '../lib/wspeer.js';

const TIMEOUT = { timeout: bound(30) };
const EXTENSIONS = 'Sec-WebSocket-Extensions';
const rnd = random(7692);
const plain = (opcode, payload, options) => frame(opcode, payload, { mask: null, ...options });
const packed = (opcode, payload, options) => plain(opcode, payload, { rsv: RSV1, ...options });
const words = (n) => '{"name":"value","漢":"word"} '.repeat(Math.ceil(n / 30)).slice(0, n);

function open(driver, name, answer, options, run) {
	it(name, TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, quiet: 1, max_message: 1 << 20, ...options });
			const peer = await server.peer();
			const head = await peer.request();
			peer.answer(head, { fields: answer === null ? {} : { [EXTENSIONS]: answer } });
			await run({ client, peer, head, how: answer === null ? null : agreed(answer) });
			peer.destroy();
		}),
	);
}

describe('RFC 7692 5, 7.1: the offer and its answers', { concurrency: 4 }, () => {
	const driver = useDriver();
	open(driver, '7.1: what is offered', null, {}, async ({ client, head }) => {
		assert.match(head.fields['sec-websocket-extensions'], /^permessage-deflate; client_max_window_bits/);
		assert.equal((await client.expect('open')).extensions, '');
	});
	open(driver, '5: nothing is offered', null, { no_compression: 1 }, async ({ client, head }) => {
		assert.equal(head.fields['sec-websocket-extensions'], undefined);
		await client.expect('open');
	});
	const good = ['', '; server_no_context_takeover', '; client_no_context_takeover', '; server_max_window_bits=8', '; server_max_window_bits=15', '; client_max_window_bits=8',
		'; client_max_window_bits=15', '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11'];
	for (const parameters of good) {
		open(driver, `7.1: the answer "${parameters}" is agreed on`, `permessage-deflate${parameters}`, {}, async ({ client }) => {
			assert.equal((await client.expect('open')).extensions, `permessage-deflate${parameters}`);
		});
	}
	const bad = [
		'x-webkit-deflate-frame', 'permessage-deflate, permessage-deflate', 'permessage-deflate, x-other', 'permessage-deflate; unknown', 'permessage-deflate; unknown=1',
		'permessage-deflate; server_no_context_takeover=1', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover', 'permessage-deflate; client_max_window_bits',
		'permessage-deflate; server_max_window_bits', ...['7', '16', '08', '015', '-9', 'x', ''].flatMap((n) => [`permessage-deflate; server_max_window_bits=${n}`, `permessage-deflate; client_max_window_bits=${n}`]),
		'permessage-deflate; server_max_window_bits=9; server_max_window_bits=9', 'permessage-deflate;', 'permessage-bzip2',
	];
	for (const answer of bad) {
		it(`7.1: the answer "${answer}" fails the connection`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: server.url });
				const peer = await server.peer();
				await peer.accept({ fields: { [EXTENSIONS]: answer } });
				await client.expectFailure(/./);
			}));
	}
});

describe('RFC 7692 6, 7.2: messages', { concurrency: 4 }, () => {
	const driver = useDriver();
	const parameters = ['', '; server_no_context_takeover', '; client_no_context_takeover', '; server_max_window_bits=8; client_max_window_bits=8',
		'; server_max_window_bits=9; client_max_window_bits=10', '; server_max_window_bits=12; client_max_window_bits=15; server_no_context_takeover; client_no_context_takeover'];
	for (const extra of parameters) {
		open(driver, `both ways with "${extra}"`, `permessage-deflate${extra}`, { echo: 1 }, async ({ client, peer, how }) => {
			const out = new Window(how.serverBits, how.serverNo);
			const back = new Window(how.clientBits, how.clientNo);
			await client.expect('open');
			for (const n of [0, 1, 10, 32, 100, 1000, 1000, 1000, 70000, 300, 200000, 50]) {
				const data = Buffer.from(words(n).slice(0, n));
				peer.send(packed(BINARY, deflate(data, out.options)));
				out.add(data);
				const event = await peer.next();
				assert.equal(event.type, 'binary');
				const got = event.rsv1 ? inflate(event.data, back.options) : event.data;
				if (event.rsv1) {
					back.add(data);
				}
				assert.ok(got.equals(data), `${n} bytes`);
				assert.equal(event.rsv1, data.length >= 32, 'short ones go as they are');
				if (n === 70000 && how.clientBits > 8) {
					assert.ok(event.data.length < 3000, `${n} bytes became ${event.data.length}`);
				}
			}
		});
	}
	const fresh = (data) => deflate(data);
	const good = [
		['7.2.3.1: the sample', [packed(TEXT, Buffer.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]))], ['Hello']],
		['7.2.3.1: the sample in fragments', [packed(TEXT, Buffer.from([0xf2, 0x48, 0xcd]), { fin: false }), plain(CONTINUATION, Buffer.from([0xc9, 0xc9, 0x07, 0x00]))], ['Hello']],
		['7.2.3.2: the sample that refers to the one before', [packed(TEXT, Buffer.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00])), packed(TEXT, Buffer.from([0xf2, 0x00, 0x11, 0x00, 0x00]))], ['Hello', 'Hello']],
		['7.2.3.3: a block without compression', [packed(TEXT, Buffer.from([0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]))], ['Hello']],
		['7.2.3.4: a block with BFINAL', [packed(TEXT, Buffer.from([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]))], ['Hello']],
		['7.2.3.5: two blocks', [packed(TEXT, Buffer.from([0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]))], ['Hello']],
		['6: an empty message', [packed(TEXT, Buffer.from([0x00]))], ['']],
		['6: messages that are not compressed between', [packed(TEXT, fresh('a')), plain(TEXT, 'b'), packed(TEXT, fresh('c'))], ['a', 'b', 'c']],
		['6: empty fragments', [packed(TEXT, '', { fin: false }), plain(CONTINUATION, fresh('abc'), { fin: false }), plain(CONTINUATION, '')], ['abc']],
		['6.1: a ping between fragments', [packed(TEXT, fresh('abcdef').subarray(0, 3), { fin: false }), plain(PING, 'p'), plain(CONTINUATION, fresh('abcdef').subarray(3))], ['abcdef']],
		['8.1: a character cut in two frames', [packed(TEXT, fresh('漢字').subarray(0, 4), { fin: false }), plain(CONTINUATION, fresh('漢字').subarray(4))], ['漢字']],
	];
	for (const [name, frames, expected] of good) {
		open(driver, name, 'permessage-deflate', {}, async ({ client, peer }) => {
			await client.expect('open');
			peer.send(...frames);
			for (const message of expected) {
				await client.expectMessage('text', message);
			}
		});
		open(driver, `${name}, byte by byte`, 'permessage-deflate', {}, async ({ client, peer }) => {
			await client.expect('open');
			await peer.sendSlowly(Buffer.concat(frames));
			for (const message of expected) {
				await client.expectMessage('text', message);
			}
		});
	}
	const wrong = [
		['6.2: RSV1 on a continuation', [packed(TEXT, fresh('a'), { fin: false }), packed(CONTINUATION, '')], 1002],
		['6.1: RSV1 on a ping', [packed(PING, 'p')], 1002],
		['6.1: RSV1 on a close', [plain(8, closePayload(1000), { rsv: RSV1 })], 1002],
		['6: RSV2', [plain(TEXT, 'a', { rsv: 2 })], 1002],
		['6: RSV1 and RSV3', [plain(TEXT, fresh('a'), { rsv: 5 })], 1002],
		['7.2.2: no DEFLATE', [packed(BINARY, Buffer.from([0xff, 0xff, 0xff, 0xff]))], 1007],
		['7.2.2: a distance before the beginning', [packed(TEXT, Buffer.from([0xf2, 0x00, 0x11, 0x00, 0x00]))], 1007],
		['8.1: text that is not UTF-8', [packed(TEXT, fresh(Buffer.from([0x61, 0xff])))], 1007],
		['8.1: text that is cut', [packed(TEXT, fresh(Buffer.from([0x61, 0xc3])))], 1007],
	];
	for (const [name, frames, code] of wrong) {
		open(driver, name, 'permessage-deflate', {}, async ({ client, peer }) => {
			await client.expect('open');
			peer.send(...frames);
			await client.expectFailure(/./, code);
			await peer.expectClose(code);
		});
	}
	open(driver, '6: RSV1 without the extension', null, {}, async ({ client, peer }) => {
		await client.expect('open');
		peer.send(packed(TEXT, fresh('a')));
		await client.expectFailure(/reserved|RSV/i, 1002);
	});
	open(driver, 'max_message is that of the message, not of what comes over the wire', 'permessage-deflate', { max_message: 100000 }, async ({ client, peer }) => {
		await client.expect('open');
		peer.send(packed(BINARY, fresh(Buffer.alloc(100000))));
		await client.expectMessage('binary', Buffer.alloc(100000));
		peer.send(packed(BINARY, fresh(Buffer.alloc(100001))));
		await client.expectFailure(/longer than allowed/, 1009);
		await peer.expectClose(1009);
	});
	open(driver, 'a bomb of a gigabyte is 1009 at once', 'permessage-deflate', {}, async ({ client, peer }) => {
		await client.expect('open');
		const bomb = fresh(Buffer.alloc(1 << 28));
		peer.send(packed(BINARY, bomb, { fin: false }));
		await client.expectFailure(/longer than allowed/, 1009);
		await peer.expectClose(1009);
	});
	open(driver, 'a bomb in many fragments', 'permessage-deflate', {}, async ({ client, peer }) => {
		await client.expect('open');
		const bomb = fresh(Buffer.alloc(1 << 24));
		peer.send(packed(BINARY, bomb.subarray(0, 100), { fin: false }), ...Array.from({ length: 100 }, (_, i) => plain(CONTINUATION, bomb.subarray(100 + i * 100, 200 + i * 100), { fin: false })));
		await client.expectFailure(/longer than allowed/, 1009);
		await peer.expectClose(1009);
	});
	open(driver, 'what does not become shorter arrives too', 'permessage-deflate', {}, async ({ client, peer }) => {
		await client.expect('open');
		const body = rnd.bytes(5000);
		assert.equal(await client.send('binary', body), 0);
		const event = await peer.next();
		assert.ok((event.rsv1 ? inflate(event.data) : event.data).equals(body));
	});
	open(driver, 'reconnected it begins with empty windows', 'permessage-deflate', { reconnect: 1, reconnect_min_ms: 10, echo: 1 }, async ({ client, peer }) => {
		await client.expect('open');
		peer.send(packed(TEXT, fresh(words(500))));
		await peer.next();
		peer.destroy();
		await client.expect('close', { skip: ['error'] });
	});
	it('the second connection knows nothing of the first one', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, quiet: 1, reconnect: 1, reconnect_min_ms: 10, echo: 1 });
			for (let i = 0; i < 3; i++) {
				const peer = await server.peer();
				await peer.accept({ fields: { [EXTENSIONS]: 'permessage-deflate' } });
				await client.expect('open', { skip: ['close', 'error'] });
				peer.send(packed(TEXT, fresh(words(500))));
				const event = await peer.next();
				assert.equal(inflate(event.data).toString(), words(500));
				peer.destroy();
			}
		}));
});
