// RFC 9112: requests that must be refused, because two readers could understand them differently, and
// their neighbours that must be accepted. Each refusal ends the connection: what follows on it can't be trusted.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, assertError, chunked, request } from '../lib/rawhttp.js';
import { channelName, useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';

const TIMEOUT = { timeout: bound(30) };
const SMUGGLED = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';

describe('RFC 9112 requests that are refused', { concurrency: 4 }, () => {
	const server = useServer();

	/** The request gets one answer, an error, and the connection ends; the request behind it gets none. */
	const refused = (name, raw, status = 400) => {
		const data = Buffer.isBuffer(raw) ? raw : Buffer.from(raw, 'latin1');
		for (const chunk of [0, 1]) {
			it(chunk ? `${name}, byte by byte` : name, TIMEOUT, async () => {
				const http = await RawHttp.open(server.port);
				try {
					if (chunk) {
						await http.sendSlowly(data);
					} else {
						http.send(Buffer.concat([data, Buffer.from(SMUGGLED)]));
					}
					const answer = await http.response();
					assertError(answer, status);
					assert.match(answer.fields.connection ?? '', /\bclose\b/i, 'the answer says that the connection ends');
					await http.expectEnd();
				} finally {
					http.destroy();
				}
			});
		}
	};
	const get = (lines, target = '/healthz') => `GET ${target} HTTP/1.1\r\nHost: x\r\n${lines}\r\n`;
	const line = (start, rest = 'Host: x\r\n') => `${start}\r\n${rest}\r\n`;
	const post = (lines, body = 'hello') => `POST /c/smuggling HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`;

	/* RFC 9112 6.3: one length, and only one */
	refused('6.3: two Content-Lengths that differ', post('Content-Length: 5\r\nContent-Length: 6\r\n'));
	refused('6.3: the same Content-Length twice', post('Content-Length: 5\r\nContent-Length: 5\r\n'));
	refused('6.3: the same Content-Length twice, in other letters', post('Content-Length: 5\r\ncontent-length: 5\r\n'));
	for (const value of ['5, 5', '5, 6', '5,', ',5', '+5', '-5', '-0', '0x5', '5 5', '5a', 'a', '', '5.0', '1e1', '"5"', '\xb2', '5;', '0 5', '18446744073709551621', '99999999999999999999999']) {
		refused(`6.3: Content-Length: ${JSON.stringify(value)}`, post(`Content-Length: ${value}\r\n`),
			/^\d{20,}$/.test(value) ? [400, 413] : 400);
	}
	refused('6.1: Content-Length and then Transfer-Encoding', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'));
	refused('6.1: Transfer-Encoding and then Content-Length', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'));
	refused('6.1: Content-Length: 0 and Transfer-Encoding', post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'));
	for (const value of [
		'identity', 'chunked, identity', 'identity, chunked', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'xchunked', 'chunkedx', 'x chunked',
		'chunked;q=1', '"chunked"', "'chunked'", 'chunk', '', ',', 'chunked\x0b', '\x0bchunked', 'chunked\x00', 'cow', 'chu nked',
	]) {
		refused(`6.1: Transfer-Encoding: ${JSON.stringify(value)}`, post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'), [400, 501]);
	}
	refused('6.1: two Transfer-Encodings, chunked and identity', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'), [400, 501]);
	refused('6.1: two Transfer-Encodings, identity and chunked', post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), [400, 501]);
	refused('6.1: chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), [400, 501]);
	refused('6.1: Transfer-Encoding in HTTP/1.0', 'POST /c/smuggling HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
	refused('5.1: a blank before the colon of Content-Length', post('Content-Length : 5\r\n'));
	refused('5.1: a tab before the colon of Transfer-Encoding', post('Transfer-Encoding\t: chunked\r\n', '0\r\n\r\n'));

	/* RFC 9112 5.2 and 2.2: lines */
	refused('5.2: a folded field', get('X-A: b\r\n c\r\n'));
	refused('5.2: a field folded with a tab', get('X-A: b\r\n\tc\r\n'));
	refused('5.2: a folded Transfer-Encoding', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'));
	refused('2.2: a blank before the first field', `GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n`);
	refused('2.2: a line of a blank alone', get('X-A: b\r\n \r\n'));
	refused('2.2: bare LF after the request line', `GET /healthz HTTP/1.1\nHost: x\r\n\r\n`);
	refused('2.2: bare LF after a field', `GET /healthz HTTP/1.1\r\nHost: x\n\r\n`);
	refused('2.2: bare LF for the empty line', `GET /healthz HTTP/1.1\r\nHost: x\r\n\n`);
	refused('2.2: bare LF everywhere', `GET /healthz HTTP/1.1\nHost: x\n\n`);
	refused('2.2: bare CR in the request line', `GET /healthz\rX HTTP/1.1\r\nHost: x\r\n\r\n`);
	refused('2.2: bare CR in a field value', get('X-A: b\rc\r\n'));
	refused('2.2: bare CR in a field name', get('X-\rA: b\r\n'));
	refused('2.2: bare CR that hides a field', get('X-A: b\rContent-Length: 5\r\n'));
	refused('2.2: CR CR LF after a field', get('X-A: b\r\r\n'));
	refused('2.2: bare CR for the empty line', `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\r\n`);
	refused('2.2: bare CR as the end of a line', `GET /healthz HTTP/1.1\rHost: x\r\r`.concat('\r\n\r\n'));

	/* RFC 9110 5.1 and 5.5: names and values */
	for (const name of ['', 'X A', 'X(A', 'X)', 'X/A', 'X[A', 'X@A', 'X\\A', 'X"A', 'X,A', 'X;A', 'X{A', 'X=A', 'X?A', 'X<A', 'X\xe9', 'X\x00', 'X\x01', 'X\x7f', 'X\t']) {
		refused(`RFC 9110 5.1: a field name ${JSON.stringify(name)}`, get(`${name}: b\r\n`));
	}
	refused('RFC 9112 5: a field without a colon', get('X-A\r\n'));
	for (const [what, c] of [['NUL', '\0'], ['U+0001', '\x01'], ['backspace', '\b'], ['vertical tab', '\v'], ['form feed', '\f'], ['escape', '\x1b'], ['DEL', '\x7f']]) {
		refused(`RFC 9110 5.5: ${what} in a field value`, get(`X-A: b${c}c\r\n`));
	}

	/* RFC 9112 3: the request line */
	for (const method of ['', 'G{T', 'G(T', 'G/T', 'G:T', 'G"T', 'G@T', 'G\xe9T', 'G\0T', 'G\tT', 'GET\x7f']) {
		refused(`RFC 9112 3.1: method ${JSON.stringify(method)}`, line(`${method} /healthz HTTP/1.1`));
	}
	for (const target of ['', 'healthz', '*', 'x:80', '/a b', '/a\tb', '/a\0b', '/a\x01b', '/a\x7fb', '/caf\xe9', '/a#b', '\\healthz', 'http://', 'http:///healthz', 'http:/healthz']) {
		refused(`RFC 9112 3.2: target ${JSON.stringify(target)}`, line(`GET ${target} HTTP/1.1`));
	}
	for (const target of ['/c/%', '/c/a%4', '/c/a%zz', '/c/a%2', '/c/%%41', '/c/a%u0041', '/c/a%-1', '/c/a%0']) {
		it(`RFC 3986 2.1: percent-encoding ${target} is answered with 400`, TIMEOUT, async () => {
			const http = await RawHttp.open(server.port);
			http.send(request('GET', target));
			assertError(await http.response(), 400);
			http.destroy();
		});
	}
	for (const version of ['', 'HTTP', 'HTTP/', 'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/1.1x', 'HTTP/1.10', 'HTTP/11', 'HTTP/01.1', 'http/1.1', 'Http/1.1', 'HTP/1.1', 'HTTP /1.1', 'HTTP/ 1.1', 'HTTP/1,1', 'HTTP/1.1 ', 'HTTPS/1.1', 'HTTP/a.b', 'HTTP/1.\xb9']) {
		refused(`RFC 9112 2.3: version ${JSON.stringify(version)}`, line(`GET /healthz ${version}`), version === 'HTTP/01.1' ? [400, 505] : 400);
	}
	refused('RFC 9112 3: a request line without a version', line('GET /healthz'));
	refused('RFC 9112 3: two blanks before the target', line('GET  /healthz HTTP/1.1'));
	refused('RFC 9112 3: two blanks before the version', line('GET /healthz  HTTP/1.1'));
	refused('RFC 9112 3: tabs for blanks', line('GET\t/healthz\tHTTP/1.1'));
	refused('RFC 9112 3: a blank before the method', line(' GET /healthz HTTP/1.1'));
	for (const version of ['HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9', 'HTTP/9.9']) {
		refused(`RFC 9110 15.6.6: version ${version} is not supported`, line(`GET /healthz ${version}`), version === 'HTTP/0.9' ? [400, 505] : 505);
	}
	refused('RFC 9113 3.4: what only begins as the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nX', [400, 505]);
	refused('RFC 9112 2.2: a TLS hello', Buffer.from('16030100c8010000c403030a0d0a0d0a', 'hex'));
	refused('RFC 9112 2.2: zeros', Buffer.alloc(64));

	/* RFC 9112 3.2: Host */
	refused('RFC 9112 3.2: no Host', 'GET /healthz HTTP/1.1\r\n\r\n');
	refused('RFC 9112 3.2: Host twice', get('Host: x\r\n'));
	refused('RFC 9112 3.2: Host twice, different', get('host: y\r\n'));
	for (const host of ['a b', 'a/b', 'a@b', 'http://a', 'a\\b', 'a"b', 'a:b', 'a:80:80', 'a#b', 'a?b', '<a>']) {
		refused(`RFC 9110 7.2: Host: ${host}`, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
	}
});

describe('RFC 9112 requests that are accepted', { concurrency: 4 }, () => {
	const server = useServer();
	const accepted = (name, raw, status = 200) => {
		for (const chunk of [0, 1]) {
			it(chunk ? `${name}, byte by byte` : name, TIMEOUT, async () => {
				const data = typeof raw === 'function' ? raw() : raw;
				const http = await RawHttp.open(server.port);
				try {
					if (chunk) {
						await http.sendSlowly(Buffer.from(data, 'latin1'));
					} else {
						http.send(Buffer.from(data, 'latin1'));
					}
					const answer = await http.response();
					assert.equal(answer.status, status, answer.text);
				} finally {
					http.destroy();
				}
			});
		}
	};
	const get = (lines) => `GET /healthz HTTP/1.1\r\n${lines}\r\n`;
	for (const host of ['x', 'localhost', '127.0.0.1', '127.0.0.1:8000', '[::1]', '[::1]:8000', 'a-b.example.', 'EXAMPLE.com:80', 'a_b', 'xn--fsq.example']) {
		accepted(`RFC 9110 7.2: Host: ${host}`, get(`Host: ${host}\r\n`));
	}
	accepted('5.1: no blank behind the colon', get('Host:x\r\nX-A:b\r\n'));
	accepted('5.1: blanks and tabs around values', get('Host: \t x \t \r\nX-A:\t\tb  \r\n'));
	accepted('RFC 9110 5.5: an empty value', get('Host: x\r\nX-A:\r\nX-B: \r\n'));
	accepted('RFC 9110 5.5: a tab inside a value', get('Host: x\r\nX-A: b\tc\r\n'));
	accepted('RFC 9110 5.5: bytes above 127 in a value', get('Host: x\r\nX-A: caf\xe9 \xff\x80\r\n'));
	accepted('RFC 9110 5.1: every character of a token in a name', get("Host: x\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n"));
	accepted('2.2: an empty line before the request', `\r\n${get('Host: x\r\n')}`);
	accepted('2.3: HTTP/1.0 without Host', 'GET /healthz HTTP/1.0\r\n\r\n');
	accepted('2.3: HTTP/1.0 with Host', 'GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n');
	accepted('6.3: GET with Content-Length: 0', get('Host: x\r\nContent-Length: 0\r\n'));
	accepted('3.2.2: absolute form', 'GET http://example.com/healthz HTTP/1.1\r\nHost: example.com\r\n\r\n');
	accepted('3.2.2: absolute form with a port and a query', 'GET http://example.com:8000/healthz?a=b HTTP/1.1\r\nHost: example.com:8000\r\n\r\n');
	accepted('3.2.2: absolute form, the scheme in upper case', 'GET HTTP://example.com/healthz HTTP/1.1\r\nHost: example.com\r\n\r\n');
	accepted('3.2.2: absolute form without a path is the root', 'GET http://example.com HTTP/1.1\r\nHost: example.com\r\n\r\n');
	accepted('3.2.1: a query', 'GET /healthz?a=b&c=%00&d HTTP/1.1\r\nHost: x\r\n\r\n');
	accepted('RFC 9110 7.8: an Upgrade to something else is ignored', get('Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n'));
	accepted('6.1: Transfer-Encoding in upper case', () => `POST /c/${channelName()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n2\r\nab\r\n0\r\n\r\n`, 201);
	accepted('6.1: Transfer-Encoding with blanks around', () => `POST /c/${channelName()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \t chunked \r\n\r\n2\r\nab\r\n0\r\n\r\n`, 201);
	accepted('6.3: Content-Length with leading zeros', () => `POST /c/${channelName()} HTTP/1.1\r\nHost: x\r\nContent-Length: 0005\r\n\r\nhello`, 201);
	accepted('RFC 3986 2.1: a percent-encoded name', () => `POST /c/${channelName()}%20%C3%A9%2f%2F%41 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi`, 201);
	accepted('6.3: POST without a length has an empty body', () => `POST /c/${channelName()} HTTP/1.1\r\nHost: x\r\n\r\n`, 201);
});

describe('RFC 9112 7.1 chunked bodies', { concurrency: 4 }, () => {
	const server = useServer();
	const body = (name, coded, payload) => {
		for (const chunk of [0, 1, 3]) {
			it(`${name}${chunk ? `, in writes of ${chunk}` : ''}`, TIMEOUT, async () => {
				const channel = channelName('chunked');
				const http = await RawHttp.open(server.port);
				try {
					const data = Buffer.concat([
						request('POST', `/c/${channel}`, { 'Transfer-Encoding': 'chunked', 'Content-Type': 'text/plain' }),
						Buffer.from(coded, 'latin1'),
						request('GET', `/c/${channel}`),
					]);
					if (chunk) {
						await http.sendSlowly(data, chunk);
					} else {
						http.send(data);
					}
					const answer = await http.response();
					assert.equal(answer.status, 201, answer.text);
					const { messages } = (await http.response()).json;
					assert.equal(messages.length, 1);
					assert.equal(messages[0].id, answer.json.id);
					assert.equal(messages[0].data, payload);
				} finally {
					http.destroy();
				}
			});
		}
	};
	body('7.1: one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello');
	body('7.1: no chunk is an empty message', '0\r\n\r\n', '');
	body('7.1: chunks of one byte', chunked(...'hello world').toString('latin1'), 'hello world');
	body('7.1: sizes in upper case, lower case and with zeros', 'A\r\n0123456789\r\na\r\n0123456789\r\n0005\r\nabcde\r\n000\r\n\r\n', '01234567890123456789abcde');
	body('7.1.1: extensions are ignored', '5;a\r\nhello\r\n1;a=b;c="d;e"\r\n!\r\n0;last\r\n\r\n', 'hello!');
	body('7.1.2: trailers are read and dropped', '2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Other: \t2\r\n\r\n', 'ok');
	body('7.1.2: a trailer can not set a length', '2\r\nok\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: y\r\n\r\n', 'ok');
	body('7.1: a body that looks like a request', '20\r\nGET / HTTP/1.1\r\nHost: x\r\nA: bc\r\n\r\n0\r\n\r\n'.replace('20', (32).toString(16)), 'GET / HTTP/1.1\r\nHost: x\r\nA: bc\r\n'.slice(0, 32));
	body('7.1: a body with the end of a body inside', '5\r\n0\r\n\r\n\r\n0\r\n\r\n', '0\r\n\r\n');

	const broken = (name, coded, status = 400) => {
		for (const chunk of [0, 1]) {
			it(chunk ? `${name}, byte by byte` : name, TIMEOUT, async () => {
				const http = await RawHttp.open(server.port);
				try {
					const data = Buffer.concat([request('POST', '/c/broken', { 'Transfer-Encoding': 'chunked' }), Buffer.from(coded, 'latin1')]);
					if (chunk) {
						await http.sendSlowly(data);
					} else {
						http.send(Buffer.concat([data, Buffer.from(SMUGGLED)]));
					}
					assertError(await http.response(), status);
					await http.expectEnd();
				} finally {
					http.destroy();
				}
			});
		}
	};
	for (const size of ['g', '', ' ', '-1', '+5', '0x5', ' 5', '5 ', '5\t', '5g', '5,5', '"5"', '5\0', '\xb9', '5=6', '0 0']) {
		broken(`7.1: chunk size ${JSON.stringify(size)}`, `${size}\r\nhello\r\n0\r\n\r\n`);
	}
	for (const size of ['ffffffffffffffff', '8000000000000000', '10000000000000005', 'fffffffffffffffffffffffff', '7fffffffffffffff', '100000000', '0'.repeat(5000) + '5']) {
		broken(`7.1: chunk size ${size.slice(0, 30)}${size.length > 30 ? '…' : ''}`, `${size}\r\nhello\r\n0\r\n\r\n`, [400, 413, 431]);
	}
	broken('7.1: bare LF after a chunk size', '5\nhello\r\n0\r\n\r\n');
	broken('7.1: bare CR after a chunk size', '5\rhello\r\n0\r\n\r\n');
	broken('7.1: CR CR LF after a chunk size', '5\r\r\nhello\r\n0\r\n\r\n');
	broken('7.1: a chunk longer than its size', '5\r\nhello!\r\n0\r\n\r\n');
	broken('7.1: a chunk shorter than its size', '5\r\nhell\r\n0\r\n\r\n');
	broken('7.1: no line end behind a chunk', '5\r\nhello0\r\n\r\n');
	broken('7.1: bare LF behind a chunk', '5\r\nhello\n0\r\n\r\n');
	broken('7.1: bare CR behind a chunk', '5\r\nhello\r0\r\n\r\n');
	broken('7.1.1: NUL in an extension', '5;a\0\r\nhello\r\n0\r\n\r\n');
	broken('7.1.1: bare CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n');
	broken('7.1.1: bare LF in an extension', '5;a\nhello\r\n0\r\n\r\n');
	broken('7.1.2: a trailer without a colon', '0\r\nX-A\r\n\r\n');
	broken('7.1.2: a folded trailer', '0\r\nX-A: b\r\n c\r\n\r\n');
	broken('7.1.2: bare LF in trailers', '0\r\nX-A: b\n\r\n');
	broken('7.1.2: a bare LF as the end', '0\r\n\n');
	broken('7.1.2: a blank before the colon of a trailer', '0\r\nX-A : b\r\n\r\n');
	it('7.1.1: extensions without end are refused', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.send(request('POST', '/c/broken', { 'Transfer-Encoding': 'chunked' }));
			for (let i = 0; i < 64 && http.silent; i++) {
				await http.sendSlowly(Buffer.from(`${i ? '' : '5;'}${'a'.repeat(16384)}`), 16384);
			}
			assertError(await http.response(), [400, 413, 431]);
		} finally {
			http.destroy();
		}
	});
	it('7.1.2: trailers without end are refused', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.send(Buffer.concat([request('POST', '/c/broken', { 'Transfer-Encoding': 'chunked' }), Buffer.from('0\r\n')]));
			for (let i = 0; i < 4096 && http.silent; i++) {
				await http.sendSlowly(Buffer.from(`X-${i}: ${'a'.repeat(1000)}\r\n`), 2000);
			}
			assertError(await http.response(), [400, 413, 431]);
		} finally {
			http.destroy();
		}
	});
});
