// RFC 6455, sections 4.1 to 4.4: the opening handshake, and how each wrong one is refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, assertError } from '../lib/rawhttp.js';
import { RawWs, acceptFor, binary, close, frame, handshake, ping, text, writeIn } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { TIMEOUT } from '../lib/wscases.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

describe('RFC 6455 4.2 handshakes that are accepted', { concurrency: 4 }, () => {
	const server = useServer();
	const accepted = (name, options, also) =>
		it(name, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port, options);
			try {
				ws.send(text('ok'));
				await ws.expect('text', 'ok');
				also?.(ws.response, ws);
				await ws.bye();
			} finally {
				ws.destroy();
			}
		});
	accepted('1.3: the key of the standard has its answer', { key: KEY }, ({ fields }) => {
		assert.equal(fields['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
	});
	accepted('4.2.2: 101 has Upgrade and Connection and no body', {}, ({ fields }) => {
		assert.equal(fields['content-length'], undefined);
		assert.equal(fields['transfer-encoding'], undefined);
		assert.equal(fields['sec-websocket-protocol'], undefined);
		assert.equal(fields['sec-websocket-extensions'], undefined);
	});
	for (const key of ['AAAAAAAAAAAAAAAAAAAAAA==', '/////////////////////w==', '++++++++++++++++++++++==', 'x3JJHMbDL1EzLkh9GBhXDw=='].filter((k) => Buffer.from(k, 'base64').toString('base64') === k)) {
		accepted(`4.2.1: key ${key}`, { key }, ({ fields }) => assert.equal(fields['sec-websocket-accept'], acceptFor(key)));
	}
	for (const value of ['WebSocket', 'WEBSOCKET', 'wEbSoCkEt', 'h2c, websocket', 'websocket, h2c', ', websocket']) {
		accepted(`4.2.1: Upgrade: ${value}`, { headers: { Upgrade: value } });
	}
	accepted('4.2.1: Upgrade in two lines', { headers: { Upgrade: ['h2c', 'websocket'] } });
	for (const value of ['upgrade', 'UPGRADE', 'keep-alive, Upgrade', 'Upgrade, keep-alive', 'keep-alive,Upgrade', 'keep-alive ,\tupgrade , x', ', ,Upgrade,']) {
		accepted(`4.2.1: Connection: ${JSON.stringify(value)}`, { headers: { Connection: value } });
	}
	accepted('4.2.1: Connection in two lines', { headers: { Connection: ['keep-alive', 'Upgrade'] } });
	accepted('RFC 9110 5.1: field names in lower case', {
		headers: { Host: null, Upgrade: null, Connection: null, 'Sec-WebSocket-Key': null, 'Sec-WebSocket-Version': null,
			host: 'x', upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-key': KEY, 'sec-websocket-version': '13' }, key: KEY });
	accepted('RFC 9110 5.1: field names in upper case', {
		headers: { Host: null, Upgrade: null, Connection: null, 'Sec-WebSocket-Key': null, 'Sec-WebSocket-Version': null,
			HOST: 'x', UPGRADE: 'websocket', CONNECTION: 'upgrade', 'SEC-WEBSOCKET-KEY': KEY, 'SEC-WEBSOCKET-VERSION': '13' }, key: KEY });
	accepted('RFC 9110 5.5: blanks around values', {
		headers: { Upgrade: '  websocket\t', Connection: '\tUpgrade  ', 'Sec-WebSocket-Key': ` \t ${KEY}  `, 'Sec-WebSocket-Version': '  13 ' }, key: KEY });
	accepted('4.2.1: other fields are ignored', { headers: { Cookie: 'a=b', 'User-Agent': 'x', 'X-Unknown': 'y', 'Sec-WebSocket-Foo': '1', Pragma: 'no-cache' } });
	accepted('4.1: a query behind the path', { path: '/echo?a=b&c=%20d' });
	it('4.1: Origin of the same host', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port, { headers: { Origin: `http://127.0.0.1:${server.port}` } });
		await ws.bye();
	});
	it('RFC 9112 3.2.2: the target in absolute form', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port, { path: `http://127.0.0.1:${server.port}/echo` });
		await ws.bye();
	});
	for (const offer of ['chat', 'chat, superchat', ['chat', 'superchat'], 'mqtt, v12.stomp, graphql-ws']) {
		accepted(`4.2.2: subprotocols ${offer} are not chosen`, { headers: { 'Sec-WebSocket-Protocol': offer } }, ({ fields }) =>
			assert.equal(fields['sec-websocket-protocol'], undefined));
	}
	for (const offer of ['x-unknown', 'x-a; b="c, d"; e=1, x-f', ['x-a', 'x-b; c']]) {
		accepted(`9.1: extensions ${offer} are declined`, { headers: { 'Sec-WebSocket-Extensions': offer } }, ({ fields }) =>
			assert.equal(fields['sec-websocket-extensions'], undefined));
	}
	for (const offer of ['x-webkit-deflate-frame', 'permessage-bzip2; client_max_window_bits', 'deflate-frame']) {
		accepted(`9.1: ${offer} is declined, and RSV1 stays forbidden`, { headers: { 'Sec-WebSocket-Extensions': offer } }, ({ fields }) =>
			assert.equal(fields['sec-websocket-extensions'], undefined));
	}

	const early = (name, data, check) =>
		it(name, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port, { early: data });
			try {
				await check(ws);
			} finally {
				ws.destroy();
			}
		});
	early('4.1: a message in the same segment as the handshake', text('early'), async (ws) => {
		await ws.expect('text', 'early');
		await ws.bye();
	});
	early('4.1: three messages and a ping in the same segment', Buffer.concat([text('1'), ping('2'), binary('3'), text('4')]), async (ws) => {
		await ws.expect('text', '1');
		await ws.expect('pong', '2');
		await ws.expect('binary', '3');
		await ws.expect('text', '4');
		await ws.bye();
	});
	early('4.1: a close in the same segment', close(1000), (ws) => ws.expectClose(1000));
	early('4.1: a wrong frame in the same segment', frame(3, 'x'), (ws) => ws.expectClose(1002, { reason: /./ }));
	early('4.1: 100,000 bytes right behind the handshake', binary(Buffer.alloc(100000, 7)), async (ws) => {
		await ws.expect('binary', Buffer.alloc(100000, 7));
		await ws.bye();
	});
	for (const n of [1, 2, 5, 6]) {
		it(`4.1: ${n} bytes of a frame in the same segment, the rest later`, TIMEOUT, async () => {
			const data = text('early');
			const ws = await RawWs.open(server.port, { early: data.subarray(0, n) });
			ws.send(data.subarray(n));
			await ws.expect('text', 'early');
			await ws.bye();
		});
	}
	for (const chunk of [1, 2, 3, 7, 50]) {
		it(`4.2.1: the handshake and a message in writes of ${chunk} bytes`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port, { chunk, early: text('slow') });
			await ws.expect('text', 'slow');
			await ws.bye();
		});
	}
	it('RFC 9112 9.3: a GET before the handshake on the same connection', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.send(Buffer.concat([Buffer.from('GET /no/such/page HTTP/1.1\r\nHost: x\r\n\r\n'), handshake(server.port, { key: KEY })]));
			assert.equal((await http.response()).status, 404);
			const { status, fields } = await http.head();
			assert.equal(status, 101);
			assert.equal(fields['sec-websocket-accept'], acceptFor(KEY));
		} finally {
			http.destroy();
		}
	});
	it('RFC 9112 9.3: a handshake right after a refused one', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.send(handshake(server.port, { path: '/no/such/door' }));
			const refused = await http.response();
			assert.equal(refused.status, 404);
			if (!/close/i.test(refused.fields.connection ?? '')) {
				http.send(handshake(server.port));
				assert.equal((await http.head()).status, 101);
			}
		} finally {
			http.destroy();
		}
	});
});

describe('RFC 6455 4.2 and 4.4 handshakes that are refused', { concurrency: 4 }, () => {
	const server = useServer();
	const refused = (name, status, options, also) =>
		it(name, TIMEOUT, async () => {
			const http = await RawHttp.open(server.port);
			try {
				http.send(Buffer.isBuffer(options) ? options : handshake(server.port, options));
				const method = options.method ?? 'GET';
				const answer = await http.response(method);
				if (method === 'HEAD') {
					assert.ok([status].flat().includes(answer.status), `status ${answer.status}`);
				} else {
					assertError(answer, status);
				}
				also?.(answer);
			} finally {
				http.destroy();
			}
		});
	const H = (name, value) => ({ headers: { [name]: value } });
	const NO_UPGRADE = [400, 426];

	for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'BREW']) {
		refused(`4.2.1: method ${method}`, [405, 501], { method }, ({ status, fields }) => {
			if (status === 405) {
				assert.match(fields.allow, /\bGET\b/);
			}
		});
	}
	refused('4.2.1: method HEAD', [400, 405, 426], { method: 'HEAD' });
	refused('4.2.1: HTTP/1.0', NO_UPGRADE, { version: 'HTTP/1.0' });
	refused('4.2.1: HTTP/1.0 with Connection: keep-alive, Upgrade', NO_UPGRADE, { version: 'HTTP/1.0', ...H('Connection', 'keep-alive, Upgrade') });
	refused('RFC 9110 2.5: HTTP/2.0', 505, { version: 'HTTP/2.0' });
	refused('RFC 9112 2.3: HTTP/1.1 in lower case', 400, { version: 'http/1.1' });
	refused('RFC 9112 3.2: no Host', 400, H('Host', null));
	refused('RFC 9112 3.2: two Hosts', 400, H('Host', ['a', 'b']));

	refused('4.2.1: no Upgrade', NO_UPGRADE, H('Upgrade', null));
	for (const value of ['', 'h2c', 'websockets', 'web socket', 'xwebsocket', 'websocket/13', '"websocket"', 'websocket;x']) {
		refused(`4.2.1: Upgrade: ${JSON.stringify(value)}`, NO_UPGRADE, H('Upgrade', value));
	}
	refused('4.2.1: no Connection', NO_UPGRADE, H('Connection', null));
	for (const value of ['', 'keep-alive', 'close', 'Upgraded', 'x-Upgrade', 'up grade', 'keep-alive; Upgrade', '"Upgrade"']) {
		refused(`4.2.1: Connection: ${JSON.stringify(value)}`, NO_UPGRADE, H('Connection', value));
	}
	refused('4.2.1: neither Upgrade nor Connection', NO_UPGRADE, { headers: { Upgrade: null, Connection: null } });

	refused('4.2.1: no key', 400, H('Sec-WebSocket-Key', null));
	const wrongKeys = {
		'an empty key': '',
		'a key of 15 bytes': Buffer.alloc(15, 1).toString('base64'),
		'a key of 17 bytes': Buffer.alloc(17, 1).toString('base64'),
		'a key of 18 bytes, 24 characters': Buffer.alloc(18, 1).toString('base64'),
		'a key of 1 byte': 'AA==',
		'a key of 32 bytes': Buffer.alloc(32, 1).toString('base64'),
		'a key without its padding': KEY.slice(0, 22),
		'a key with half its padding': KEY.slice(0, 23),
		'a key with too much padding': `${KEY}=`,
		'a key with a blank inside': `${KEY.slice(0, 10)} ${KEY.slice(10)}`,
		'a key with a wrong character': `!${KEY.slice(1)}`,
		'a key in the URL alphabet': '-_-_-_-_-_-_-_-_-_-_-Q==',
		'a key with padding in the middle': `${KEY.slice(0, 11)}=${KEY.slice(12)}`,
		'a key in quotes': `"${KEY}"`,
		'two keys in one line': `${KEY}, ${KEY}`,
		'a key of 8000 bytes': 'A'.repeat(8000),
	};
	for (const [name, key] of Object.entries(wrongKeys)) {
		refused(`4.2.1: ${name}`, 400, H('Sec-WebSocket-Key', key));
	}
	refused('11.3.1: the key twice', 400, H('Sec-WebSocket-Key', [KEY, KEY]));
	refused('11.3.1: two keys', 400, H('Sec-WebSocket-Key', [KEY, 'AAAAAAAAAAAAAAAAAAAAAA==']));

	refused('4.2.1: no version', NO_UPGRADE, H('Sec-WebSocket-Version', null));
	for (const version of ['0', '1', '6', '7', '8', '9', '12', '14', '25', '130', '255']) {
		refused(`4.4: version ${version}`, 426, H('Sec-WebSocket-Version', version));
	}
	for (const version of ['', '-1', '256', '013', '+13', '13.0', '1 3', '0x0d', 'thirteen', '13, 8', '8, 13', '13;']) {
		refused(`4.4: version ${JSON.stringify(version)}`, NO_UPGRADE, H('Sec-WebSocket-Version', version));
	}
	refused('11.3.5: the version twice', NO_UPGRADE, H('Sec-WebSocket-Version', ['13', '13']));
	refused('11.3.5: two versions', NO_UPGRADE, H('Sec-WebSocket-Version', ['8', '13']));
	refused('4.4: an old version of the protocol with its keys', [400, 426], {
		headers: { 'Sec-WebSocket-Key': null, 'Sec-WebSocket-Version': null, 'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5', 'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00' } });

	refused('4.2.2: a path that is not there', 404, { path: '/no/such/door' });
	refused('RFC 9112 5.2: a folded field', 400, H('X-Folded', 'a\r\n b'));
	refused('RFC 9112 5.1: a blank before a colon', 400, { headers: { 'X-Blank ': 'a' } });
	refused('RFC 9110 5.5: NUL in a field', 400, H('X-Nul', 'a\0b'));
	refused('RFC 9112 2.2: a bare CR in a field', 400, H('X-Cr', 'a\rb'));
	refused('RFC 6585 5: a field of 40,000 bytes', 431, H('X-Long', 'a'.repeat(40000)));
	refused('RFC 9110 15.5.15: a path of 40,000 bytes', 414, { path: `/echo?${'a'.repeat(40000)}` });

	it('4.2.2: frames behind a refused handshake are not taken for frames', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.send(Buffer.concat([handshake(server.port, H('Sec-WebSocket-Version', '8')), text('hello')]));
			assertError(await http.response(), 426);
		} finally {
			http.destroy();
		}
	});
	it('4.2.1: FIN inside the handshake ends the connection', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.socket.end(handshake(server.port).subarray(0, 60));
			let answer = null;
			try {
				answer = await http.response();
			} catch (error) {
				assert.match(error.message, /ended/);
			}
			assert.ok(answer === null || answer.status === 400 || answer.status === 408);
		} finally {
			http.destroy();
		}
	});
	it('4.2.1: a refusal is the same byte by byte', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			await writeIn(http.socket, handshake(server.port, H('Sec-WebSocket-Version', '8')), 1);
			assertError(await http.response(), 426);
		} finally {
			http.destroy();
		}
	});
});
