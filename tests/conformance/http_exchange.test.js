// RFC 9110 and 9112: keep-alive, pipelining, HEAD, Expect, decoding of targets, methods, CORS.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, ask, assertError, chunked, post, request } from '../lib/rawhttp.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, random } from '../lib/time.js';

const TIMEOUT = { timeout: bound(40) };

async function connected(port, body) {
	const http = await RawHttp.open(port);
	try {
		return await body(http);
	} finally {
		http.destroy();
	}
}

describe('RFC 9112 9 connections', { concurrency: 4 }, () => {
	const server = useServer();
	it('9.3: a hundred requests one after the other', TIMEOUT, () =>
		connected(server.port, async (http) => {
			for (let i = 0; i < 100; i++) {
				http.send(request('GET', '/healthz'));
				assert.equal((await http.response()).status, 200);
			}
		}));
	for (const value of ['close', 'Close', 'CLOSE', 'x, close', 'keep-alive, close', ' close\t']) {
		it(`9.6: Connection: ${JSON.stringify(value)} ends it after the answer`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(Buffer.concat([request('GET', '/healthz', { Connection: value }), request('GET', '/healthz')]));
				const answer = await http.response();
				assert.equal(answer.status, 200);
				assert.match(answer.fields.connection ?? '', /\bclose\b/i);
				await http.expectEnd();
			}));
	}
	it('9.3: HTTP/1.0 ends after the answer', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', '/healthz', {}, '', { version: 'HTTP/1.0' }));
			assert.equal((await http.response()).status, 200);
			await http.expectEnd();
		}));
	it('9.3: HTTP/1.0 with Connection: keep-alive is answered', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', '/healthz', { Connection: 'keep-alive' }, '', { version: 'HTTP/1.0' }));
			const answer = await http.response();
			assert.equal(answer.status, 200);
			if (/keep-alive/i.test(answer.fields.connection ?? '')) {
				http.send(request('GET', '/healthz', {}, '', { version: 'HTTP/1.0' }));
				assert.equal((await http.response()).status, 200);
			}
			await http.expectEnd();
		}));
	it('9.3: keep-alive goes on after 404, 405 and 304', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', '/'));
			const { etag } = (await http.response()).fields;
			for (const [data, status, method] of [
				[request('GET', '/no/such/page'), 404], [request('HEAD', '/no/such/page'), 404, 'HEAD'], [post('/healthz', 'body'), 405],
				[request('GET', '/', { 'If-None-Match': etag }), 304], [request('PUT', '/c/x', { 'Content-Length': 3 }, 'abc'), 405], [request('GET', '/healthz'), 200],
			]) {
				http.send(data);
				const answer = await http.response(method);
				assert.equal(answer.status, status);
				if (/close/i.test(answer.fields.connection ?? '')) {
					return;
				}
			}
		}));
	it('9.6: a client that ends its side still gets its answers', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.socket.end(Buffer.concat([request('GET', '/healthz'), post(`/c/${channelName()}`, 'x'), request('GET', '/healthz')]));
			assert.equal((await http.response()).status, 200);
			assert.equal((await http.response()).status, 201);
			assert.equal((await http.response()).status, 200);
			await http.expectEnd();
		}));
	it('RFC 9110 6.6.1: answers have a Date', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', '/healthz'));
			const { date } = (await http.response()).fields;
			assert.match(date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/);
			assert.ok(Math.abs(Date.parse(date) - Date.now()) < 10_000, date);
		}));
});

describe('RFC 9112 9.3.2 pipelining', { concurrency: 4 }, () => {
	const server = useServer();
	const wanted = [
		[request('GET', '/healthz'), 200], [request('GET', '/no/such/page'), 404], [request('HEAD', '/'), 200, 'HEAD'], [request('GET', '/'), 200],
		[post(`/c/${channelName('pipe')}`, 'one'), 201], [post('/healthz', 'x'), 405], [request('GET', '/c/'), 400], [request('HEAD', '/no'), 404, 'HEAD'],
		[request('POST', `/c/${channelName('pipe')}`, { 'Transfer-Encoding': 'chunked' }, chunked('a', 'bc')), 201], [request('GET', '/readyz'), 200],
	];
	for (const size of [0, 1, 2, 7, 100, 1000]) {
		it(`ten requests in ${size ? `writes of ${size}` : 'one write'} are answered in order`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				const all = Buffer.concat(wanted.map(([data]) => data));
				if (size) {
					await http.sendSlowly(all, size);
				} else {
					http.send(all);
				}
				for (const [, status, method] of wanted) {
					assert.equal((await http.response(method)).status, status);
				}
			}));
	}
	it('500 messages posted in one write get ascending ids', TIMEOUT, () =>
		connected(server.port, async (http) => {
			const target = `/c/${channelName('pipe')}`;
			http.send(Buffer.concat(Array.from({ length: 500 }, (_, i) => post(target, `m${i}`))));
			for (let i = 1; i <= 500; i++) {
				const answer = await http.response();
				assert.equal(answer.status, 201);
				assert.equal(answer.json.id.split('-')[1], String(i));
			}
			http.send(request('GET', target));
			assert.deepEqual((await http.response()).json.messages.map((m) => m.data), Array.from({ length: 500 }, (_, i) => `m${i}`));
		}));
	it('posts to 50 channels and reads between them keep their order', TIMEOUT, () =>
		connected(server.port, async (http) => {
			const names = Array.from({ length: 50 }, () => channelName('pipe'));
			http.send(Buffer.concat(names.flatMap((name, i) => [post(`/c/${name}`, `m${i}`), request('GET', `/c/${name}`), request('GET', '/healthz')])));
			for (let i = 0; i < 50; i++) {
				const answer = await http.response();
				assert.equal(answer.status, 201);
				const { messages } = (await http.response()).json;
				assert.deepEqual(messages.map((m) => [m.id, m.data]), [[answer.json.id, `m${i}`]]);
				assert.equal((await http.response()).status, 200);
			}
		}));
	it('what is behind a long poll waits for it', TIMEOUT, () =>
		connected(server.port, async (http) => {
			const name = channelName('pipe');
			http.send(Buffer.concat([request('GET', `/c/${name}?wait=20`), request('GET', '/no/such/page')]));
			await connected(server.port, async (other) => {
				for (let tries = 0; tries < 200; tries++) {
					other.send(request('GET', `/c/${name}?presence`));
					if ((await other.response()).json.count === 1) {
						break;
					}
				}
				assert.ok(http.silent, 'the second answer came before the first');
				other.send(post(`/c/${name}`, 'news'));
				assert.equal((await other.response()).status, 201);
			});
			assert.deepEqual((await http.response()).json.messages.map((m) => m.data), ['news']);
			assert.equal((await http.response()).status, 404);
		}));
	it('a request whose answer is large, then a small one', TIMEOUT, () =>
		connected(server.port, async (http) => {
			const target = `/c/${channelName('pipe')}`;
			const large = 'x'.repeat(900_000);
			http.send(Buffer.concat([post(target, large), request('GET', target), request('GET', '/healthz')]));
			assert.equal((await http.response()).status, 201);
			assert.equal((await http.response()).json.messages[0].data, large);
			assert.equal((await http.response()).status, 200);
		}));
	for (let seed = 1; seed <= 6; seed++) {
		it(`random requests in random pieces give the same answers, ${seed}`, TIMEOUT, async () => {
			const r = random(seed);
			const name = channelName('pipe');
			const list = Array.from({ length: 40 }, (_, i) => [
				() => [request('GET', '/healthz'), 200],
				() => [request('GET', '/nowhere', { 'X-Pad': 'p'.repeat(r.below(2000)) }), 404],
				() => [post(`/c/${name}`, r.bytes(r.below(3000)), { 'Content-Type': 'application/octet-stream' }), 201],
				() => [request('POST', `/c/${name}`, { 'Transfer-Encoding': 'chunked' }, chunked(...Array.from({ length: r.below(5) }, () => r.bytes(1 + r.below(300))))), 201],
				() => [request('HEAD', '/'), 200, 'HEAD'],
				() => [post(`/c/${name}`, '{"broken', { 'Content-Type': 'application/json' }), 400],
				() => [request('OPTIONS', '/healthz', { 'X-N': String(i) }), null],
			][r.below(7)]());
			await connected(server.port, async (http) => {
				const all = Buffer.concat(list.map(([data]) => data));
				const reading = (async () => {
					for (const [, status, method] of list) {
						const answer = await http.response(method, bound(20));
						assert.ok(status === null || answer.status === status, `status ${answer.status}, expected ${status}`);
					}
				})();
				for (let at = 0; at < all.length;) {
					const piece = 1 + r.below(r.below(5) === 0 ? 4000 : 80);
					await http.sendSlowly(all.subarray(at, at + piece), piece);
					at += piece;
				}
				await reading;
			});
		});
	}
});

describe('RFC 9110 9.3.2 HEAD', { concurrency: 4 }, () => {
	const server = useServer();
	for (const target of ['/', '/chat', '/healthz', '/readyz', '/no/such/page', '/c/', '/c/head-of-nothing', '/metrics']) {
		it(`HEAD ${target} has the fields of GET and no body`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(Buffer.concat([request('GET', target), request('HEAD', target), request('GET', '/healthz')]));
				const get = await http.response();
				const head = await http.response('HEAD');
				assert.equal(head.status, get.status);
				assert.equal(head.fields['content-type'], get.fields['content-type']);
				assert.equal(head.fields.etag, get.fields.etag);
				if (target !== '/metrics' && head.fields['content-length'] !== undefined) {
					assert.equal(head.fields['content-length'], get.fields['content-length']);
				}
				assert.equal((await http.response()).status, 200, 'the next answer follows at once');
			}));
	}
});

describe('RFC 9110 10.1.1 Expect', { concurrency: 4 }, () => {
	const server = useServer({ config: { limits: { message: 100000 } } });
	const EXPECT = { Expect: '100-continue' };
	for (const value of ['100-continue', '100-Continue', '100-CONTINUE']) {
		it(`Expect: ${value} is answered before the body`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(request('POST', `/c/${channelName()}`, { 'Content-Length': 5, Expect: value }));
				assert.equal((await http.response()).status, 100);
				http.send('hello');
				assert.equal((await http.response()).status, 201);
			}));
	}
	it('it is answered for a chunked body too', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('POST', `/c/${channelName()}`, { 'Transfer-Encoding': 'chunked', ...EXPECT }));
			assert.equal((await http.response()).status, 100);
			http.send(chunked('hello'));
			assert.equal((await http.response()).status, 201);
		}));
	it('a body that has come already needs no 100', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(post(`/c/${channelName()}`, 'hello', EXPECT));
			let answer = await http.response();
			if (answer.status === 100) {
				answer = await http.response();
			}
			assert.equal(answer.status, 201);
		}));
	it('a body that is too large is refused at once with 413', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('POST', `/c/${channelName()}`, { 'Content-Length': 100001, ...EXPECT }));
			assertError(await http.response(), 413, 'body_too_large');
			await http.expectEnd();
		}));
	for (const [target, status] of [['/no/such/page', 404], ['/healthz', 405], ['/c/', 400]]) {
		it(`POST ${target} is answered with ${status}, without 100`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(request('POST', target, { 'Content-Length': 5, ...EXPECT }));
				assertError(await http.response(), status === 404 ? [404, 405] : status);
			}));
	}
	it('HTTP/1.0 gets no 100', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('POST', `/c/${channelName()}`, { 'Content-Length': 5, ...EXPECT }, 'hello', { version: 'HTTP/1.0' }));
			assert.equal((await http.response()).status, 201);
		}));
	it('GET without a body gets no 100', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', '/healthz', EXPECT));
			assert.equal((await http.response()).status, 200);
		}));
	for (const value of ['200-ok', '100-continue, x', 'x', '100', '']) {
		it(`Expect: ${JSON.stringify(value)} is answered with 417`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(request('POST', `/c/${channelName()}`, { 'Content-Length': 5, Expect: value }, 'hello'));
				const answer = await http.response();
				if (value === '' && answer.status === 201) {
					return; /* an empty list expects nothing */
				}
				assertError(answer, 417);
			}));
	}
});

describe('RFC 3986 2 targets are decoded once', { concurrency: 4 }, () => {
	const server = useServer();
	const same = (a, b) =>
		it(`/c/${a} and /c/${b} are one channel`, TIMEOUT, async () => {
			const prefix = channelName('decode');
			const answer = await ask(server.port, post(`/c/${prefix}${a}`, 'x'));
			assert.equal(answer.status, 201, answer.text);
			const { messages } = (await ask(server.port, request('GET', `/c/${prefix}${b}`))).json;
			assert.deepEqual(messages.map((m) => m.id), [answer.json.id]);
		});
	same('abc', '%61%62%63');
	same('a%2Fb', 'a/b');
	same('a%2fb', 'a%2Fb');
	same('%E9%A2%91%E9%81%93', '%e9%a2%91%e9%81%93');
	same('a+b', 'a%2Bb');
	same('a%20b', '%61%20%62');
	same('a:b@c!d$e', 'a%3Ab%40c%21d%24e');
	same('%3F%23', '%3f%23');
	const different = (a, b) =>
		it(`/c/${a} and /c/${b} are two channels`, TIMEOUT, async () => {
			const prefix = channelName('decode');
			assert.equal((await ask(server.port, post(`/c/${prefix}${a}`, 'x'))).status, 201);
			assert.deepEqual((await ask(server.port, request('GET', `/c/${prefix}${b}`))).json.messages, []);
		});
	different('a+b', 'a%20b');
	different('a%2541', 'a%41');
	different('A', 'a');
	different('a', 'a/');
	different('a%3Fb', 'a?b');
});

describe('RFC 9110 9 methods and paths', { concurrency: 4 }, () => {
	const server = useServer();
	for (const method of ['PUT', 'PATCH', 'TRACE', 'BREW', 'get', 'LINK', 'PROPFIND']) {
		it(`${method} on a channel is answered with 405`, TIMEOUT, async () => {
			const answer = await ask(server.port, request(method, '/c/methods'));
			assertError(answer, 405, 'method_not_allowed');
			for (const allowed of ['GET', 'HEAD', 'POST', 'DELETE']) {
				assert.match(answer.fields.allow, new RegExp(`\\b${allowed}\\b`));
			}
		});
	}
	for (const target of ['/', '/chat', '/healthz', '/readyz', '/metrics']) {
		for (const method of ['POST', 'PUT', 'DELETE']) {
			it(`${method} ${target} is answered with 405`, TIMEOUT, async () => {
				const answer = await ask(server.port, request(method, target, { 'Content-Length': 0 }));
				assertError(answer, 405, 'method_not_allowed');
				assert.match(answer.fields.allow, /\bGET\b/);
				assert.doesNotMatch(answer.fields.allow, new RegExp(`\\b${method}\\b`));
			});
		}
	}
	for (const target of ['/no/such/page', '/c', '/healthz/', '/Healthz', '/ech', '/chatt', '/api/no', '/c%2fx']) {
		it(`GET ${target} is answered with 404`, TIMEOUT, async () => {
			const answer = await ask(server.port, request('GET', target));
			if (target === '/c%2fx' && answer.status === 200) {
				return; /* a server that decodes before it looks for the route finds a channel */
			}
			assertError(answer, target === '/c%2fx' ? [400, 404] : 404);
		});
	}
	it('GET /lab/headers tells how many bytes the request had', TIMEOUT, async () => {
		for (const headers of [{}, { Accept: 'text/event-stream' }, { 'X-A': 'b'.repeat(1000), Cookie: 'a=b' }]) {
			const data = request('GET', '/lab/headers', headers);
			const answer = await ask(server.port, data);
			assert.equal(answer.status, 200);
			assert.deepEqual(answer.json, { request_bytes: data.length });
		}
	});
	it('CONNECT is refused', TIMEOUT, async () => {
		const answer = await ask(server.port, Buffer.from('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'));
		assertError(answer, [400, 405, 501]);
	});
	it('OPTIONS * is answered', TIMEOUT, async () => {
		const answer = await ask(server.port, request('OPTIONS', '*'));
		assert.ok([200, 204, 400, 405].includes(answer.status), `status ${answer.status}`);
	});
});

describe('CORS', { concurrency: 4 }, () => {
	const server = useServer({ config: { cors: { origins: ['https://app.example', 'http://localhost:3000'] } } });
	const preflight = (origin, method = 'POST', headers = 'content-type') =>
		request('OPTIONS', '/c/cors', { Origin: origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': headers });
	for (const origin of ['https://app.example', 'http://localhost:3000']) {
		for (const method of ['POST', 'DELETE', 'GET']) {
			it(`a preflight of ${origin} for ${method} is allowed`, TIMEOUT, async () => {
				const { status, fields } = await ask(server.port, preflight(origin, method));
				assert.ok(status === 200 || status === 204, `status ${status}`);
				assert.equal(fields['access-control-allow-origin'], origin);
				assert.match(fields['access-control-allow-methods'], new RegExp(`(^|[ ,])${method}($|[ ,])`));
				assert.match(fields['access-control-allow-headers'], /(^|[ ,])content-type($|[ ,])/i);
				assert.match(fields.vary ?? '', /\borigin\b/i);
			});
		}
		it(`GET, POST and errors can be read by ${origin}`, TIMEOUT, async () => {
			for (const data of [
				request('GET', '/c/cors', { Origin: origin }), post('/c/cors', 'x', { Origin: origin }), request('GET', '/c/cors?since=bad', { Origin: origin }),
			]) {
				const { fields } = await ask(server.port, data);
				assert.equal(fields['access-control-allow-origin'], origin);
				assert.match(fields.vary ?? '', /\borigin\b/i);
			}
		});
	}
	it('an event stream can be read from elsewhere, and Last-Event-ID may be sent', TIMEOUT, async () => {
		const { fields } = await ask(server.port, preflight('https://app.example', 'GET', 'last-event-id'));
		assert.match(fields['access-control-allow-headers'], /last-event-id/i);
		await connected(server.port, async (http) => {
			http.send(request('GET', '/c/cors', { Origin: 'https://app.example', Accept: 'text/event-stream' }));
			assert.equal((await http.head()).fields['access-control-allow-origin'], 'https://app.example');
		});
	});
	for (const origin of ['https://evil.example', 'http://app.example', 'https://app.example.evil.example', 'https://app.example:444', 'https://APP.example.', 'null', 'https://xapp.example', '']) {
		it(`origin ${JSON.stringify(origin)} is not allowed`, TIMEOUT, async () => {
			for (const data of [preflight(origin), request('GET', '/c/cors', { Origin: origin }), request('GET', '/c/', { Origin: origin })]) {
				assert.equal((await ask(server.port, data)).fields['access-control-allow-origin'], undefined);
			}
		});
	}
	it('without Origin there are no CORS fields', TIMEOUT, async () => {
		const { fields } = await ask(server.port, request('GET', '/c/cors'));
		assert.equal(fields['access-control-allow-origin'], undefined);
	});
});

describe('CORS for all', () => {
	const server = useServer({ config: { cors: { origins: ['*'] } } });
	it('with * any origin is allowed', TIMEOUT, async () => {
		const { fields } = await ask(server.port, request('GET', '/c/cors', { Origin: 'https://any.example' }));
		assert.ok(['*', 'https://any.example'].includes(fields['access-control-allow-origin']));
		assert.notEqual(fields['access-control-allow-credentials'], 'true');
	});
});

describe('CORS when nothing is configured', () => {
	const server = useServer();
	it('no origin is allowed', TIMEOUT, async () => {
		for (const data of [
			request('GET', '/c/cors', { Origin: 'https://app.example' }),
			request('OPTIONS', '/c/cors', { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' }),
		]) {
			assert.equal((await ask(server.port, data)).fields['access-control-allow-origin'], undefined);
		}
	});
});
