// RFC 6455 4.1 and what stands around it, client side: the request on the wire, every fault of an answer, redirects, proxies,
// credentials, options that are refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { text } from '../lib/rawws.js';
import { bound } from '../lib/time.js';
import { useDriver } from '../lib/wsclient.js';
import { PeerServer, withPeer } from '../lib/wspeer.js';

const TIMEOUT = { timeout: bound(30) };
const basic = (pair) => `Basic ${Buffer.from(pair).toString('base64')}`;
const last = (client, peer) => peer.destroy();

/** Opens against a server that answers as `answer` says, and expects the failure. */
function refusal(driver, name, answer, words, options = {}) {
	it(name, TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: `${server.url}/`, no_compression: 1, ...options });
			const peer = await server.peer();
			const head = await peer.request();
			peer.answer(head, typeof answer === 'function' ? answer(server) : answer);
			await client.expectFailure(words);
		}),
	);
}

/** Opens, and hands the request and the open client to `run`. */
function good(driver, name, options, answer, run = () => {}) {
	it(name, TIMEOUT, () =>
		withPeer(async (server) => {
			const more = typeof options === 'function' ? options(server) : options;
			const client = driver.open({ url: `${server.url}/`, no_compression: 1, ...more });
			const peer = await server.peer();
			const head = await peer.accept(answer);
			const open = await client.expect('open');
			await run({ head, open, client, peer, server });
			last(client, peer);
		}),
	);
}

describe('RFC 6455 4.1 the request', { concurrency: 4 }, () => {
	const driver = useDriver();
	good(driver, '4.1: what it says, and nothing else', {}, {}, ({ head, server }) => {
		const { 'sec-websocket-key': key, ...fields } = head.fields;
		assert.deepEqual([head.method, head.target, head.version], ['GET', '/', 'HTTP/1.1']);
		assert.deepEqual(fields, {
			host: `127.0.0.1:${server.port}`, upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13',
		});
		assert.equal(Buffer.from(key, 'base64').length, 16);
		assert.equal(key.length, 24);
	});
	it('4.1: a new key each time', TIMEOUT, () =>
		withPeer(async (server) => {
			const keys = new Set();
			for (let i = 0; i < 8; i++) {
				const client = driver.open({ url: server.url });
				const peer = await server.peer();
				keys.add((await peer.accept()).fields['sec-websocket-key']);
				await client.expect('open');
				last(client, peer);
			}
			assert.equal(keys.size, 8);
		}));
	for (const [path, target] of [
		['', '/'], ['/', '/'], ['?', '/'], ['/?', '/'], ['?a=b', '/?a=b'], ['/a/b', '/a/b'], ['/a/./b/../c', '/a/c'], ['/a b', '/a%20b'], ['/%41', '/%41'],
		['/é', '/%C3%A9'], ['/?é', '/?%C3%A9'], ["/?'", '/?%27'], ['\\a\\b', '/a/b'], ['/a//b', '/a//b'], ['/%2e%2e/x', '/x'], ['/a?b?c', '/a?b?c'],
	]) {
		good(driver, `4.1: the target of "${path}"`, (server) => ({ url: server.url + path }), {}, ({ head }) => assert.equal(head.target, target));
	}
	for (const scheme of ['ws', 'http', 'WS', 'HTTP']) {
		good(driver, `URL standard: ${scheme}:`, (server) => ({ url: `${scheme}://127.0.0.1:${server.port}/` }));
	}
	for (const host of ['127.1', '0x7f.1', '2130706433', '017700000001', '127.0.0.1.', '%31%32%37.0.0.1', 'localhost', 'LOCALHOST', 'a.localhost']) {
		good(driver, `URL standard: the host ${host}`, (server) => ({ url: `ws://${host}:${server.port}/` }), {}, ({ head, server }) =>
			assert.equal(head.fields.host, `${/local/i.test(host) ? host.toLowerCase() : '127.0.0.1'}:${server.port}`));
	}
	it('URL standard: an IPv6 address', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: `ws://[0:0::1]:${server.port}/` });
			const peer = await server.peer();
			const head = await peer.accept();
			assert.equal(head.fields.host, `[::1]:${server.port}`);
			await client.expect('open');
			last(client, peer);
		}, '::1'));
	it('RFC 8305: the next address is tried when the first one refuses', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: `ws://localhost:${server.port}/` });
			const peer = await server.peer();
			await peer.accept();
			await client.expect('open');
			last(client, peer);
		}, '::1'));
	good(driver, '4.1: headers, origin, cookies', { headers: ['X-A: 1', 'X-B:2', 'User-Agent: me'], origin: 'https://example.org', cookies: 'a=1; b=2' }, {}, ({ head }) => {
		const { fields } = head;
		assert.deepEqual([fields['x-a'], fields['x-b'], fields['user-agent'], fields.origin, fields.cookie], ['1', '2', 'me', 'https://example.org', 'a=1; b=2']);
	});
	for (const [user, pair] of [['ann:secret', 'ann:secret'], ['ann', 'ann:'], [':pw', ':pw'], ['a%3Ab:c%40d', 'a:b:c@d'], ['é:ü', 'é:ü'], ['a@b:c', 'a@b:c']]) {
		good(driver, `RFC 7617: user information ${user}`, (server) => ({ url: `ws://${user}@127.0.0.1:${server.port}/` }), {}, ({ head }) =>
			assert.equal(head.fields.authorization, basic(pair)));
	}
	good(driver, 'RFC 7617: an Authorization header wins', (server) => ({ url: `ws://a:b@127.0.0.1:${server.port}/`, headers: ['Authorization: Bearer x'] }), {}, ({ head }) =>
		assert.equal(head.fields.authorization, 'Bearer x'));
	good(driver, '4.1: subprotocols in their order', { subprotocols: ['v2', 'v1'] }, { fields: { 'Sec-WebSocket-Protocol': 'v1' } }, ({ head, open }) => {
		assert.equal(head.fields['sec-websocket-protocol'], 'v2, v1');
		assert.equal(open.subprotocol, 'v1');
	});
});

describe('RFC 6455 4.1 good answers', { concurrency: 4 }, () => {
	const driver = useDriver();
	const answers = {
		'upper and lower case': { Upgrade: 'WebSocket', Connection: 'UPGRADE' },
		'a list in Connection': { Connection: 'keep-alive, Upgrade' },
		'two Connection fields': { Connection: ['keep-alive', 'upgrade'] },
		'other fields': { 'X-Anything': 'goes', 'Set-Cookie': ['a=1', 'b=2'], Date: 'now' },
		'an empty list of extensions': { 'Sec-WebSocket-Extensions': '' },
	};
	for (const [name, fields] of Object.entries(answers)) {
		good(driver, `4.1: ${name}`, {}, { fields });
	}
	good(driver, 'RFC 9112 4: no reason phrase', {}, { status: 'HTTP/1.1 101 ' });
	for (const chunk of [1, 2, 3, 7, 50]) {
		good(driver, `RFC 9112: the answer in pieces of ${chunk}`, {}, { chunk });
	}
	it('5.1: frames behind the answer, in the same segment', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url });
			const peer = await server.peer();
			await peer.accept({ more: Buffer.concat([text('a', { mask: null }), text('b', { mask: null })]) });
			await client.expect('open');
			await client.expectMessage('text', 'a');
			await client.expectMessage('text', 'b');
			last(client, peer);
		}));
	it('RFC 9110 15.2: interim answers are passed over', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url });
			const peer = await server.peer();
			const head = await peer.request();
			peer.send(Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'));
			peer.answer(head);
			await client.expect('open');
			last(client, peer);
		}));
	good(driver, 'fields of the answer can be asked for', {}, { fields: { 'X-One': ' a ', 'X-Two': ['first', 'second'] } }, async ({ client }) => {
		assert.equal((await client.get('field', 'x-one')).value, 'a');
		assert.equal((await client.get('field', 'X-TWO')).value, 'first');
		assert.equal((await client.get('field', 'x-three')).value, '-');
	});
	good(driver, 'the URL can be asked for, as the standard writes it', (server) => ({ url: `HTTP://127.1:${server.port}/a/../b` }), {}, async ({ client, server }) =>
		assert.equal((await client.get('url')).url, `http://127.0.0.1:${server.port}/b`));
});

describe('RFC 6455 4.1 faults of an answer', { concurrency: 4 }, () => {
	const driver = useDriver();
	const PROTOCOL = 'Sec-WebSocket-Protocol';
	const EXTENSIONS = 'Sec-WebSocket-Extensions';
	const faults = [
		['no Upgrade', { Upgrade: null }, /Upgrade: websocket/],
		['another Upgrade', { Upgrade: 'h2c' }, /Upgrade: websocket/],
		['a list in Upgrade', { Upgrade: 'websocket, h2c' }, /Upgrade: websocket/],
		['two Upgrade fields', { Upgrade: ['websocket', 'websocket'] }, /Upgrade: websocket/],
		['no Connection', { Connection: null }, /Connection: Upgrade/],
		['another Connection', { Connection: 'keep-alive' }, /Connection: Upgrade/],
		['a Connection that only contains the word', { Connection: 'upgrades' }, /Connection: Upgrade/],
		['no Accept', { 'Sec-WebSocket-Accept': null }, /no Sec-WebSocket-Accept/],
		['an empty Accept', { 'Sec-WebSocket-Accept': '' }, /not the one/],
		['another Accept', { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' }, /not the one/],
		['two Accept fields', { 'Sec-WebSocket-Accept': ['x', 'y'] }, /more than one Sec-WebSocket-Accept/],
		['a subprotocol that was not asked for', { [PROTOCOL]: 'v1' }, /not asked for/],
		['an extension that was not asked for', { [EXTENSIONS]: 'x-what' }, /extension/],
		['compression that was not asked for', { [EXTENSIONS]: 'permessage-deflate' }, /extension/],
	];
	for (const [name, fields, words] of faults) {
		refusal(driver, `4.1: ${name}`, { fields }, words);
	}
	it('4.1: the key itself instead of its Accept', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url });
			const peer = await server.peer();
			const head = await peer.request();
			peer.answer(head, { fields: { 'Sec-WebSocket-Accept': head.fields['sec-websocket-key'] } });
			await client.expectFailure(/not the one/);
		}));
	const asking = { subprotocols: ['v2', 'v1'] };
	refusal(driver, '4.1: none of the subprotocols that were asked for', {}, /none of the subprotocols/, asking);
	refusal(driver, '4.1: another subprotocol', { fields: { [PROTOCOL]: 'v3' } }, /not asked for/, asking);
	refusal(driver, '4.1: a subprotocol in another case', { fields: { [PROTOCOL]: 'V1' } }, /not asked for/, asking);
	refusal(driver, '4.1: two subprotocols', { fields: { [PROTOCOL]: 'v1, v2' } }, /not asked for/, asking);
	refusal(driver, '4.1: two fields of subprotocols', { fields: { [PROTOCOL]: ['v1', 'v1'] } }, /more than one/, asking);
	refusal(driver, '4.1: an empty subprotocol', { fields: { [PROTOCOL]: '' } }, /not asked for/, asking);

	const statuses = [200, 204, 206, 299, 300, 304, 305, 306, 400, 401, 403, 404, 405, 407, 408, 410, 418, 426, 429, 500, 501, 502, 503, 504, 505, 599, 999];
	for (const status of statuses) {
		refusal(driver, `4.1: status ${status}`, { status: `HTTP/1.1 ${status} Words` }, new RegExp(`^the server answered ${status} Words instead of 101$`));
	}
	refusal(driver, 'RFC 9112: HTTP/1.0', { status: 'HTTP/1.0 101 Switching Protocols' }, /HTTP\/1\.0/);
	const raw = [
		['another protocol', 'SSH-2.0-OpenSSH_9\r\n', /not an HTTP\/1\.1 response/],
		['HTTP/2', 'HTTP/2.0 101 x\r\n\r\n', /not an HTTP\/1\.1 response/],
		['the first wrong byte', 'HTTP/1.1 1x', /not an HTTP\/1\.1 response/],
		['a status of two digits', 'HTTP/1.1 10 x\r\n\r\n', /not an HTTP\/1\.1 response/],
		['a status of four digits', 'HTTP/1.1 1010 x\r\n\r\n', /not an HTTP\/1\.1 response/],
		['a status below 100', 'HTTP/1.1 099 x\r\n\r\n', /below 100/],
		['lower case', 'http/1.1 101 x\r\n\r\n', /not an HTTP\/1\.1 response/],
		['LF alone', 'HTTP/1.1 101 x\n\n', /LF alone/],
		['LF alone behind a field', 'HTTP/1.1 101 x\r\nA: b\n\r\n', /LF alone/],
		['an empty line first', '\r\nHTTP/1.1 101 x\r\n\r\n', /not an HTTP\/1\.1 response/],
		['folding', 'HTTP/1.1 101 x\r\nA: b\r\n c\r\n\r\n', /begins with a blank/],
		['no colon', 'HTTP/1.1 101 x\r\nA b\r\n\r\n', /no colon/],
		['a blank in front of the colon', 'HTTP/1.1 101 x\r\nA : b\r\n\r\n', /not allowed/],
		['an empty name', 'HTTP/1.1 101 x\r\n: b\r\n\r\n', /not allowed/],
		['a NUL', 'HTTP/1.1 101 x\r\nA: b\0\r\n\r\n', /control character/],
		['a CR in a value', 'HTTP/1.1 101 x\r\nA: b\rc\r\n\r\n', /control character/],
		['101 fields', `HTTP/1.1 101 x\r\n${'A: b\r\n'.repeat(101)}`, /more than 100/],
		['a head of 32 KiB', `HTTP/1.1 101 x\r\nA: ${'b'.repeat(33000)}`, /larger than 32 KiB/],
		['17 interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(17), /interim/],
		['nothing but the end', '', /closed the connection before it answered/, true],
		['half an answer', 'HTTP/1.1 101 Sw', /closed the connection before it answered/, true],
	];
	for (const [name, bytes, words, end] of raw) {
		it(`RFC 9112: ${name}`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: server.url });
				const peer = await server.peer();
				await peer.request();
				peer.send(Buffer.from(bytes, 'latin1'));
				if (end) {
					peer.socket.end();
				}
				await client.expectFailure(words);
			}));
	}
	it('a server that resets the connection', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url });
			const peer = await server.peer();
			await peer.request();
			peer.socket.resetAndDestroy();
			await client.expectFailure(/closed the connection before it answered/);
		}));
	it('a server that says nothing', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, open_timeout_ms: 150 });
			await client.expectFailure(/timed out after 150 ms: the server's answer/);
		}));
	it('a server that drips its answer', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, open_timeout_ms: 300 });
			const peer = await server.peer();
			await peer.request();
			const timer = setInterval(() => peer.socket.write('a'), 20);
			peer.socket.write('HTTP/1.1 101 ');
			await client.expectFailure(/timed out/);
			clearInterval(timer);
		}));
	it('nobody listens', TIMEOUT, async () => {
		const server = await PeerServer.start();
		await server.stop();
		const client = driver.open({ url: `${server.url}/` });
		await client.expectFailure(new RegExp(`^could not connect to 127.0.0.1:${server.port}: Connection refused$`));
	});
	it('a name that does not exist', TIMEOUT, async () => {
		const client = driver.open({ url: 'ws://does-not-exist.invalid/', open_timeout_ms: 3000 });
		const error = await client.expect('error');
		assert.match(error.words, /does-not-exist\.invalid|timed out/);
		await client.expect('close');
	});
});

describe('redirects', { concurrency: 4 }, () => {
	const driver = useDriver();
	const to = (location, status = 302) => ({ status: `HTTP/1.1 ${status} Found`, fields: { Location: location } });

	for (const status of [301, 302, 303, 307, 308]) {
		it(`${status} is followed`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: `${server.url}/a?q`, max_redirects: 1 });
				await (await server.peer()).accept(to('/b?r', status));
				const peer = await server.peer();
				const head = await peer.accept();
				assert.equal(head.target, '/b?r');
				await client.expect('open');
				assert.equal((await client.get('url')).url, `${server.url}/b?r`);
				last(client, peer);
			}));
		refusal(driver, `${status} is refused when none may be followed`, to('/b', status), /redirects to \/b: redirects are not followed/);
	}
	for (const [location, target] of [
		['c', '/a/c'], ['../c', '/c'], ['?x', '/a/b?x'], ['.', '/a/'], ['//HOST/d', '/d'], ['http://HOST/d', '/d'], ['ws://HOST/d#part', '/d'], ['', '/a/b'],
	]) {
		it(`URL standard: Location "${location}"`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ url: `${server.url}/a/b`, max_redirects: 3 });
				await (await server.peer()).accept(to(location.replace('HOST', `127.0.0.1:${server.port}`)));
				const peer = await server.peer();
				assert.equal((await peer.accept()).target, target);
				await client.expect('open');
				last(client, peer);
			}));
	}
	refusal(driver, 'no Location', { status: 'HTTP/1.1 302 Found' }, /answered 302/, { max_redirects: 3 });
	refusal(driver, 'a Location that is no URL', to('http://[:1'), /redirects to http:\/\/\[:1: /, { max_redirects: 3 });
	refusal(driver, 'a Location of another scheme', to('ftp://a/'), /none of ws/, { max_redirects: 3 });
	it('one too many', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, max_redirects: 2 });
			for (let i = 0; i < 3; i++) {
				await (await server.peer()).accept(to(`/${i}`));
			}
			await client.expectFailure(/one redirect too many/);
		}));
	it('credentials and cookies stay with their origin', TIMEOUT, () =>
		withPeer((first) => withPeer(async (second) => {
			const client = driver.open({
				url: first.url.replace('//', '//ann:pw@'), max_redirects: 3, cookies: 'a=1', headers: ['X-Any: 1', 'Proxy-Authorization: x'],
			});
			const start = await (await first.peer()).accept(to(`${second.url}/`));
			assert.deepEqual([start.fields.cookie, start.fields.authorization, start.fields['proxy-authorization'], start.fields['x-any']], ['a=1', basic('ann:pw'), 'x', '1']);
			const there = await (await second.peer()).accept(to(`${first.url}/back`));
			assert.deepEqual([there.fields.cookie, there.fields.authorization, there.fields['proxy-authorization'], there.fields['x-any']], [undefined, undefined, undefined, '1']);
			const peer = await first.peer();
			assert.equal((await peer.accept()).fields.cookie, 'a=1');
			await client.expect('open');
			last(client, peer);
		})));
	it('a new key for each request', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ url: server.url, max_redirects: 1 });
			const first = await (await server.peer()).accept(to('/b'));
			const peer = await server.peer();
			assert.notEqual((await peer.accept()).fields['sec-websocket-key'], first.fields['sec-websocket-key']);
			await client.expect('open');
			last(client, peer);
		}));
});

describe('proxies (RFC 9110 9.3.6)', { concurrency: 4 }, () => {
	const driver = useDriver();
	const proxied = (server, more) => ({ url: 'ws://ws.example:81/x', proxy: `http://${more ?? ''}127.0.0.1:${server.port}`, no_compression: 1 });

	for (const [user, pair] of [[undefined, undefined], ['me:secret@', 'me:secret'], ['me%3a:@', 'me::']]) {
		it(`a tunnel, ${pair ?? 'nobody'} asks`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open(proxied(server, user));
				const peer = await server.peer();
				const head = await peer.request();
				assert.deepEqual([head.method, head.target, head.fields.host], ['CONNECT', 'ws.example:81', 'ws.example:81']);
				assert.equal(head.fields['proxy-authorization'], pair && basic(pair));
				peer.send(Buffer.from('HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n'));
				const inner = await peer.accept();
				assert.deepEqual([inner.target, inner.fields.host, inner.fields['proxy-authorization']], ['/x', 'ws.example:81', undefined]);
				await client.expect('open');
				peer.send(text('through', { mask: null }));
				await client.expectMessage('text', 'through');
				last(client, peer);
			}));
	}
	it('the default port is named', TIMEOUT, () =>
		withPeer(async (server) => {
			driver.open({ url: 'ws://ws.example/', proxy: `http://127.0.0.1:${server.port}` });
			assert.equal((await (await server.peer()).request()).target, 'ws.example:80');
		}));
	for (const status of [302, 400, 403, 407, 502, 503]) {
		it(`the proxy answers ${status}`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open(proxied(server));
				const peer = await server.peer();
				await peer.request();
				peer.send(Buffer.from(`HTTP/1.1 ${status} No\r\nLocation: /\r\n\r\n`));
				await client.expectFailure(new RegExp(`^the proxy answered ${status} No instead of 200$`));
			}));
	}
	it('the proxy closes', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open(proxied(server));
			const peer = await server.peer();
			await peer.request();
			peer.socket.end();
			await client.expectFailure(/the proxy closed the connection/);
		}));
	it('the proxy says nothing', TIMEOUT, () =>
		withPeer(async (server) => {
			const client = driver.open({ ...proxied(server), open_timeout_ms: 150 });
			await client.expectFailure(/the proxy's answer took too long/);
		}));
});

describe('options that are refused', { concurrency: 4 }, () => {
	const driver = useDriver();
	const cases = [
		[{}, /url: there is none/],
		[{ url: '' }, /no scheme/], [{ url: 'localhost:80' }, /scheme/], [{ url: '/a' }, /no scheme/], [{ url: 'ftp://a/' }, /none of ws/],
		[{ url: 'ws://' }, /host is missing/], [{ url: 'ws://a b/' }, /no host may hold/], [{ url: 'ws://a:x/' }, /port is not a number/],
		[{ url: 'ws://a:65536/' }, /port is above/], [{ url: 'ws://[::1' }, /IPv6/], [{ url: 'ws://1.2.3.4.5/' }, /IPv4/], [{ url: 'ws://256.0.0.1/' }, /IPv4/],
		[{ url: 'ws://a/#b' }, /fragment/], [{ url: 'ws://a/#' }, /fragment/], [{ url: `ws://a/${'x'.repeat(9000)}` }, /longer than 8192/],
		[{ url: 'ws://a', proxy: 'b:1' }, /proxy/], [{ url: 'ws://a', proxy: 'https://b:1' }, /begins with http/],
		[{ url: 'ws://a', headers: ['X' ] }, /no colon/], [{ url: 'ws://a', headers: ['X y: z'] }, /name is not valid/], [{ url: 'ws://a', headers: ['X: a\r\nY: b'] }, /control/],
		[{ url: 'ws://a', headers: ['Host: b'] }, /sets this one itself/], [{ url: 'ws://a', headers: ['Sec-WebSocket-Key: b'] }, /itself/],
		[{ url: 'ws://a', headers: ['connection: close'] }, /itself/], [{ url: 'ws://a', headers: ['Content-Length: 1'] }, /itself/],
		[{ url: 'ws://a', cookies: 'a\nb' }, /cookies/], [{ url: 'ws://a', origin: 'a\r\nb' }, /origin/],
		[{ url: 'ws://a', subprotocols: ['a b'] }, /not a token/], [{ url: 'ws://a', subprotocols: ['a', 'b', 'a'] }, /there twice/],
		[{ url: 'ws://a', subprotocols: [''] }, /not a token/], [{ url: 'ws://a', certificate_file: 'x' }, /go together/],
		[{ url: 'ws://a', since: 'x-1' }, /needs `channel`/], [{ url: 'ws://a', since: 'nonsense', channel: 1 }, /not the id/],
	];
	for (const [options, words] of cases) {
		it(JSON.stringify(options).slice(0, 80), TIMEOUT, async () => {
			const refused = await driver.open(options).expect('refused');
			assert.equal(refused.error, -2);
			assert.match(refused.words, words);
		});
	}
});
