// HTTP/2: requests and answers are those of HTTP/1.1, with the same limits, refusals and words.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { H2 } from '../lib/h2.js';
import { CODES, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RawH2, block, continuation, data, frame, headers } from '../lib/rawh2.js';
import { fetchRaw } from '../lib/readers.js';
import { Server, channelName, useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

/** A connection for the tests of a describe() block. */
function useH2(server) {
	const holder = {};
	before(async () => (holder.h2 = await H2.open(server.url)));
	after(() => holder.h2?.close());
	return new Proxy(holder, { get: (target, key) => (typeof target.h2[key] === 'function' ? target.h2[key].bind(target.h2) : target.h2[key]) });
}

const sockets = async (server) => Number(/crosstalk_sockets\{[^}]*\} (\d+)/.exec((await fetchRaw(server.port, '/metrics')).text)[1]);
const metric = async (server, name) => {
	const text = (await fetchRaw(server.port, '/metrics')).text;
	return [...text.matchAll(new RegExp(`^crosstalk_${name.replace(/[{}"]/g, '\\$&')}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))].reduce((sum, m) => sum + Number(m[1]), 0);
};

describe('HTTP/2: answers', () => {
	const server = useServer();
	const h2 = useH2(server);
	it('GET, with names in lower case and nothing of a connection', TIMEOUT, async () => {
		const answer = await h2.ask('/healthz');
		assert.equal(answer.status, 200);
		assert.equal(answer.text, 'ok\n');
		assert.equal(answer.headers['content-length'], '3');
		assert.ok(answer.headers.date && answer.headers.server === 'crosstalk');
		for (const name of Object.keys(answer.headers)) {
			assert.equal(name, name.toLowerCase());
			assert.ok(!['connection', 'transfer-encoding', 'keep-alive', 'upgrade'].includes(name), name);
		}
	});
	it('HEAD: the length without the body', TIMEOUT, async () => {
		const answer = await h2.ask('/healthz', { method: 'HEAD' });
		assert.equal(answer.headers['content-length'], '3');
		assert.equal(answer.body.length, 0);
	});
	it('OPTIONS and 405 name the methods', TIMEOUT, async () => {
		assert.equal((await h2.ask('/healthz', { method: 'OPTIONS' })).status, 204);
		const answer = await h2.ask('/healthz', { method: 'PUT' });
		assert.equal(answer.status, 405);
		assert.match(answer.headers.allow, /GET/);
		assert.equal(answer.json.error.code, 'method_not_allowed');
	});
	it('404 in words', TIMEOUT, async () => {
		const answer = await h2.ask('/nothing/here');
		assert.equal(answer.status, 404);
		assert.equal(answer.json.error.code, 'not_found');
	});
	it('304 by ETag, 206 by Range, 416', TIMEOUT, async () => {
		const page = await h2.ask('/');
		assert.match(page.headers['content-type'], /^text\/html/);
		assert.equal((await h2.ask('/', { headers: { 'if-none-match': page.headers.etag } })).status, 304);
		const part = await h2.ask('/', { headers: { range: 'bytes=0-9' } });
		assert.equal(part.status, 206);
		assert.equal(part.text, page.text.slice(0, 10));
		assert.equal((await h2.ask('/', { headers: { range: 'bytes=9999999-' } })).status, 416);
	});
	it('the query, and fields with any case of value, arrive', TIMEOUT, async () => {
		assert.equal((await h2.ask('/c/a?wait=x')).status, 400);
		assert.equal((await h2.ask('/healthz', { headers: { accept: 'TEXT/Plain', cookie: 'a=b; c=d' } })).status, 200);
	});
	it('a thousand requests on one connection, fifty at a time', TIMEOUT, async () => {
		for (let round = 0; round < 20; round++) {
			const answers = await Promise.all(Array.from({ length: 50 }, () => h2.ask('/healthz')));
			answers.forEach((answer) => assert.equal(answer.text, 'ok\n'));
		}
	});
	it('streams are counted as streams, and one socket as one', TIMEOUT, async () => {
		assert.equal(await metric(server, 'http2_connections'), 1);
		await until(async () => (await metric(server, 'http2_streams')) === 0, bound(8), 'the streams to be gone');
	});
});

describe('HTTP/2: bodies', () => {
	const server = useServer({ config: { limits: { message: 100000 } } });
	const h2 = useH2(server);
	for (const n of [0, 1, 16384, 16385, 99999, 100000]) {
		it(`POST of ${n} bytes without content-length`, TIMEOUT, async () => {
			const channel = channelName();
			const answer = await h2.ask(`/c/${channel}`, { method: 'POST', body: 'x'.repeat(n) });
			assert.equal(answer.status, 201, answer.text);
			const page = await h2.ask(`/c/${channel}`);
			assert.equal(page.json.messages[0].data, 'x'.repeat(n));
		});
		it(`POST of ${n} bytes with content-length`, TIMEOUT, async () => {
			const answer = await h2.ask(`/c/${channelName()}`, { method: 'POST', body: 'x'.repeat(n), headers: { 'content-length': n } });
			assert.equal(answer.status, 201, answer.text);
		});
	}
	it('413: one byte over the limit, announced: before the body is read', TIMEOUT, async () => {
		const answer = await h2.ask(`/c/${channelName()}`, { method: 'POST', end: false, headers: { 'content-length': 100001 } });
		assert.equal(answer.status, 413);
		assert.equal(answer.json.error.code, 'body_too_large');
	});
	it('413: one byte over the limit, not announced; the client is told to stop', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		raw.send(headers(1, raw.fields({ ':method': 'POST', ':path': '/c/h2big' }), END_HEADERS));
		for (let i = 0; i < 7; i++) {
			raw.send(data(1, 'x'.repeat(15000)));
		}
		const answer = await raw.answer(1);
		assert.equal(answer.status, 413);
		/* RFC 9113 8.1: NO_ERROR says that the answer is good */
		await raw.expectReset(1, CODES.NO_ERROR);
		raw.destroy();
	});
	it('100 Continue for who asks, then the answer', TIMEOUT, async () => {
		const stream = h2.session.request({ ':method': 'POST', ':path': '/c/h2expect', expect: '100-continue' }, { endStream: false });
		await new Promise((done) => stream.once('continue', done));
		stream.end('body');
		const fields = await new Promise((done) => stream.once('response', done));
		assert.equal(fields[':status'], 201);
		stream.destroy();
	});
	it('417 for what else is expected', TIMEOUT, async () => {
		assert.equal((await h2.ask('/c/a', { method: 'POST', body: 'x', headers: { expect: 'miracles' } })).status, 417);
	});
	it('many bodies at once', TIMEOUT, async () => {
		const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => h2.ask(`/c/h2bodies-${i % 5}`, { method: 'POST', body: Buffer.alloc(90000, 97 + (i % 26)) })));
		answers.forEach((answer) => assert.equal(answer.status, 201));
	});
});

describe('HTTP/2: limits', () => {
	const server = useServer({ config: { limits: { header: '4KiB', uri: 256, header_timeout: '300ms', body_timeout: '300ms', idle_timeout: '600ms' } } });
	const open = () => RawH2.open(server.port);
	const listSize = (fields) => fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
	for (const more of [0, 1]) {
		it(`a header of ${more ? 'one byte more than' : 'exactly'} limits.header is ${more ? '431' : 'taken'}`, TIMEOUT, async () => {
			const raw = await open();
			const rest = 4096 + more - listSize(raw.fields()) - 32 - 6;
			const answer = await raw.ask(1, { 'x-long': 'x'.repeat(rest) });
			assert.equal(answer.status, more ? 431 : 200, answer.body);
			await raw.expectAlive();
			raw.destroy();
		});
		it(`a target of ${more ? 'one byte more than' : 'exactly'} limits.uri is ${more ? '414' : 'taken'}`, TIMEOUT, async () => {
			const raw = await open();
			const answer = await raw.ask(1, { ':path': `/${'x'.repeat(255 + more)}` });
			assert.equal(answer.status, more ? 414 : 404, answer.body);
			raw.destroy();
		});
		it(`${more ? '101 fields are 431' : '99 fields and the Host are taken'}`, TIMEOUT, async () => {
			const raw = await open();
			const fields = Object.fromEntries(Array.from({ length: more ? 100 : 99 }, (_, i) => [`a${i}`, '']));
			assert.equal((await raw.ask(1, fields)).status, more ? 431 : 200);
			raw.destroy();
		});
	}
	it('a header that decodes to far more than it is (HPACK bomb) is 431 and costs nothing', TIMEOUT, async () => {
		const raw = await open();
		/* 2,000 bytes go into the table once, then each byte of the block stands for them */
		const big = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xd1, 0x0e]), Buffer.alloc(2000, 98)]);
		const whole = Buffer.concat([block(raw.fields()), big, Buffer.alloc(14000, 0xbe)]);
		raw.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, whole));
		assert.equal((await raw.answer(1)).status, 431);
		await raw.expectAlive();
		raw.destroy();
	});
	it('a flood of CONTINUATION ends the connection', TIMEOUT, async () => {
		const raw = await open();
		raw.send(frame(HEADERS, END_STREAM, 1, block(raw.fields())));
		for (let i = 0; i < 2000; i++) {
			raw.send(continuation(1, block({ [`a${i}`]: 'x'.repeat(50) }), 0));
		}
		await raw.until([GOAWAY]);
		raw.destroy();
	});
	it('a header that does not go on ends the connection after limits.header_timeout', TIMEOUT, async () => {
		const raw = await open();
		raw.send(frame(HEADERS, END_STREAM, 1, block(raw.fields())));
		await raw.expectGoaway(CODES.ENHANCE_YOUR_CALM);
		raw.destroy();
	});
	it('a header that was malformed stops no clock: the connection lives on', TIMEOUT, async () => {
		const raw = await open();
		raw.send(headers(1, raw.fields({ 'X-UPPER': 'x' })));
		await raw.expectReset(1, CODES.PROTOCOL_ERROR);
		raw.send(headers(3, raw.fields({ ':path': '/c/h2clock?wait=1' })));
		assert.equal((await raw.answer(3)).status, 200);
		raw.destroy();
	});
	it('a body that stands still is 408 after limits.body_timeout, and its stream ends', TIMEOUT, async () => {
		const raw = await open();
		raw.send(headers(1, raw.fields({ ':method': 'POST', ':path': '/c/h2slow' }), END_HEADERS), data(1, 'x'));
		assert.equal((await raw.answer(1)).status, 408);
		await raw.expectReset(1, CODES.NO_ERROR);
		raw.destroy();
	});
	it('an idle connection ends with GOAWAY after limits.idle_timeout, one with a stream does not', TIMEOUT, async () => {
		const idle = await open();
		const busy = await open();
		busy.send(headers(1, busy.fields({ ':path': '/c/h2idle?wait=2' })));
		await idle.expectGoaway(CODES.NO_ERROR);
		assert.equal((await busy.answer(1)).status, 200);
		await busy.expectGoaway(CODES.NO_ERROR);
		idle.destroy();
		busy.destroy();
	});
	it('who gives no window for the answer is cut after limits.idle_timeout, and alone', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port, { settings: [[4, 0]] });
		raw.send(headers(1, raw.fields({ ':path': '/' })), headers(3, raw.fields({ ':path': '/c/h2alone?wait=5' })));
		await raw.expectReset(1, CODES.CANCEL);
		await raw.expectAlive();
		raw.destroy();
	});
	it('the beginning of a preface is not waited for longer than for a header', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port, { greet: false, alpn: [] });
		raw.send(Buffer.from('PRI * HT'));
		await new Promise((done) => raw.socket.once('end', done));
		raw.destroy();
	});
});

describe('HTTP/2: floods', () => {
	const server = useServer();
	const MANY = 2000;
	const flood = (name, make) =>
		it(`${name}: ENHANCE_YOUR_CALM, and others are served`, TIMEOUT, async () => {
			const raw = await RawH2.open(server.port);
			for (let i = 0; i < MANY; i++) {
				raw.send(...[make(raw, i)].flat());
			}
			await raw.expectGoaway(CODES.ENHANCE_YOUR_CALM);
			raw.destroy();
			const other = await RawH2.open(server.port);
			assert.equal((await other.ask(1)).status, 200);
			other.destroy();
		});
	flood('PING', () => frame(PING, 0, 0, '12345678'));
	flood('SETTINGS', () => frame(4, 0, 0, [0, 3, 0, 0, 0, 100]));
	flood('requests that are reset at once (CVE-2023-44487)', (raw, i) => [headers(1 + 2 * i, raw.fields({ ':path': '/c/h2rapid?wait=30' })), frame(3, 0, 1 + 2 * i, [0, 0, 0, 8])]);
	flood('PRIORITY', (raw, i) => frame(2, 0, 1 + 2 * i, [0, 0, 0, 0, 15]));
	it('requests that make the server reset them: ENHANCE_YOUR_CALM', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		for (let id = 1; id < 4000;) {
			for (let i = 0; i < 50; i++, id += 2) {
				raw.send(headers(id, raw.fields({ 'X-UPPER': 'x' })));
			}
			raw.send(frame(PING, 0, 0, '12345678'));
			const event = await raw.until([PING, GOAWAY]);
			if (event.type === GOAWAY) {
				assert.equal(event.payload.readUInt32BE(4), CODES.ENHANCE_YOUR_CALM);
				assert.ok(id > 800 && id < 1200, `stream ${id}`);
				await raw.expectEnd();
				return;
			}
		}
		assert.fail('2,000 malformed requests were taken');
	});
	it('empty DATA: ENHANCE_YOUR_CALM', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		raw.send(headers(1, raw.fields({ ':method': 'POST', ':path': '/c/h2empty' }), END_HEADERS));
		for (let i = 0; i < MANY; i++) {
			raw.send(data(1, ''));
		}
		await raw.expectGoaway(CODES.ENHANCE_YOUR_CALM);
		raw.destroy();
	});
	it('400 cheap frames a second are no flood', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		for (let i = 0; i < 400; i++) {
			raw.send(frame(PING, 0, 0, '12345678'));
		}
		for (let i = 0; i < 400; i++) {
			await raw.until([PING]);
		}
		assert.equal((await raw.ask(1)).status, 200);
		raw.destroy();
	});
	it('the floods were counted as limits', TIMEOUT, async () => {
		let sum;
		await until(async () => {
			const text = (await fetchRaw(server.port, '/metrics')).text;
			sum = [...text.matchAll(/closes_total\{[^}]*reason="limit"\} (\d+)/g)].reduce((n, m) => n + Number(m[1]), 0);
			return sum >= 6;
		}, bound(8), 'all floods to be counted');
		assert.equal(sum, 6);
	});
});

describe('HTTP/2: files', () => {
	const root = mkdtempSync(path.join(tmpdir(), 'crosstalk-h2-'));
	const big = Buffer.alloc(3 << 20, 'crosstalk ');
	writeFileSync(path.join(root, 'big.bin'), big);
	writeFileSync(path.join(root, 'empty.txt'), '');
	after(() => rmSync(root, { recursive: true }));
	const server = useServer({ root });
	const h2 = useH2(server);
	it('a file that is longer than every window', TIMEOUT, async () => {
		assert.ok((await h2.ask('/big.bin')).body.equals(big));
	});
	it('an empty file', TIMEOUT, async () => {
		const answer = await h2.ask('/empty.txt');
		assert.equal(answer.status, 200);
		assert.equal(answer.body.length, 0);
	});
	it('ten at once, interleaved, and a small answer passes them', TIMEOUT, async () => {
		const files = Array.from({ length: 10 }, () => h2.ask('/big.bin'));
		assert.equal((await h2.ask('/healthz')).text, 'ok\n');
		for (const answer of await Promise.all(files)) {
			assert.ok(answer.body.equals(big));
		}
	});
	it('one that is cancelled in the middle', TIMEOUT, async () => {
		const { stream } = await h2.begin('/big.bin');
		stream.close(CODES.CANCEL);
		await new Promise((done) => stream.once('close', done));
		assert.equal((await h2.ask('/empty.txt')).status, 200);
	});
});

describe('HTTP/2: the life of a connection', () => {
	it('SIGTERM: what is open is finished, new requests on their way are served, then GOAWAY', TIMEOUT, async () => {
		const server = await Server.start();
		const h2 = await H2.open(server.url);
		const poll = h2.ask('/c/h2drain?wait=60');
		const idle = await RawH2.open(server.port);
		await until(async () => (await metric(server, 'http_held')) === 1, bound(8), 'the poll to wait');
		server.signal('SIGTERM');
		const answer = await poll;
		assert.equal(answer.status, 200);
		assert.deepEqual(answer.json.messages, []);
		await idle.expectGoaway(CODES.NO_ERROR);
		assert.equal((await h2.goaway).code, 0);
		await h2.closed;
		await server.stop();
		idle.destroy();
	});
	it('a client that vanishes in the middle of everything leaves nothing behind', TIMEOUT, async () => {
		const server = await Server.start();
		for (let i = 0; i < 10; i++) {
			const raw = await RawH2.open(server.port, { settings: [[4, 10]] });
			raw.send(headers(1, raw.fields({ ':path': '/c/h2gone?wait=60' })), headers(3, raw.fields({ ':path': '/' })),
				headers(5, raw.fields({ ':path': '/c/h2gone', accept: 'text/event-stream' })),
				headers(7, raw.fields({ ':method': 'POST', ':path': '/c/h2gone' }), END_HEADERS), data(7, 'half'), frame(HEADERS, 0, 9, block(raw.fields())));
			await raw.until([HEADERS]);
			raw.socket.resetAndDestroy();
		}
		await until(async () => (await metric(server, 'http2_connections')) === 0 && (await metric(server, 'http2_streams')) === 0, bound(8), 'all to be gone');
		assert.equal(await metric(server, 'http_held'), 0);
		await server.stop();
	});
	it('http2: false leaves HTTP/1.1 alone', TIMEOUT, async () => {
		const server = await Server.start({ config: { http2: false } });
		const raw = await RawH2.open(server.port, { greet: false, alpn: [] });
		let text = '';
		raw.socket.removeAllListeners('data').on('data', (bytes) => (text += bytes));
		raw.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
		await new Promise((done) => raw.socket.once('end', done));
		assert.match(text, /^HTTP\/1\.1 (400|505) /);
		raw.destroy();
		await server.stop();
	});
	it('limits.connections counts sockets, not streams', TIMEOUT, async () => {
		const server = await Server.start({ config: { limits: { connections: 3 } }, workers: 1 });
		const h2 = await H2.open(server.url);
		const polls = Array.from({ length: 20 }, (_, i) => h2.ask(`/c/h2count-${i}?wait=1`));
		assert.equal((await h2.ask('/healthz')).status, 200);
		assert.ok((await sockets(server)) <= 3);
		await Promise.all(polls);
		await h2.close();
		await server.stop();
	});
});
