// The limits of HTTP, each at its edge and one past it, and what a refusal looks like.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, ask, assertError, chunked, post, request } from '../lib/rawhttp.js';
import { RawWs } from '../lib/rawws.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(40) };

async function connected(port, body) {
	const http = await RawHttp.open(port);
	try {
		return await body(http);
	} finally {
		http.destroy();
	}
}

describe('limits of a request', { concurrency: 4 }, () => {
	const server = useServer();
	const target = (n) => `/healthz?${'a'.repeat(n - '/healthz?'.length)}`;
	it('limits.uri: 8192 bytes are accepted', TIMEOUT, async () => {
		assert.equal((await ask(server.port, request('GET', target(8192)))).status, 200);
	});
	for (const n of [8193, 12000, 100000]) {
		it(`limits.uri: ${n} bytes are answered with 414`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(request('GET', target(n)));
				assertError(await http.response(), 414, 'uri_too_long');
				await http.expectEnd();
			}));
	}
	it('limits.uri: 414 comes before the request line has ended', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(`GET ${target(20000)}`);
			assertError(await http.response(), 414, 'uri_too_long');
			await http.expectEnd();
		}));
	it('limits.uri: a request line that never ends, byte by byte', TIMEOUT, () =>
		connected(server.port, async (http) => {
			await http.sendSlowly(Buffer.from(`GET ${target(8300)}`));
			assertError(await http.response(), 414, 'uri_too_long');
		}));
	it('limits.header: 15,000 bytes are accepted', TIMEOUT, async () => {
		assert.equal((await ask(server.port, request('GET', '/healthz', { 'X-A': 'a'.repeat(15000) }))).status, 200);
	});
	for (const n of [16385, 20000, 100000]) {
		it(`limits.header: a field of ${n} bytes is answered with 431`, TIMEOUT, () =>
			connected(server.port, async (http) => {
				http.send(request('GET', '/healthz', { 'X-A': 'a'.repeat(n) }));
				assertError(await http.response(), 431, 'header_too_large');
				await http.expectEnd();
			}));
	}
	it('limits.header: many small fields over 16 KiB are answered with 431', TIMEOUT, async () => {
		const lines = Array.from({ length: 90 }, (_, i) => `X-${i}: ${'a'.repeat(200)}`);
		assertError(await ask(server.port, request('GET', '/healthz', ['Host: x', ...lines])), 431, 'header_too_large');
	});
	it('limits.header: 431 comes before the header has ended', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(17000)}`);
			assertError(await http.response(), 431, 'header_too_large');
			await http.expectEnd();
		}));
	it('100 fields are accepted', TIMEOUT, async () => {
		const lines = Array.from({ length: 99 }, (_, i) => `X-${i}: a`);
		assert.equal((await ask(server.port, request('GET', '/healthz', ['Host: x', ...lines]))).status, 200);
	});
	it('101 fields are answered with 431', TIMEOUT, async () => {
		const lines = Array.from({ length: 100 }, (_, i) => `X-${i}: a`);
		assertError(await ask(server.port, request('GET', '/healthz', ['Host: x', ...lines])), 431, 'header_too_large');
	});
	it('a megabyte behind a refused header does not destroy the answer', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(Buffer.concat([Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(1 << 20, 'x')]));
			assertError(await http.response(), 400);
			await http.expectEnd();
		}));
});

describe('limits.message on POST', { concurrency: 4 }, () => {
	const server = useServer({ config: { limits: { message: 65536 } } });
	it('a body of the limit is accepted', TIMEOUT, async () => {
		assert.equal((await ask(server.port, post(`/c/${channelName()}`, Buffer.alloc(65536, 'x')))).status, 201);
	});
	it('a body one byte longer is answered with 413, before it is sent', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('POST', '/c/large', { 'Content-Length': 65537 }));
			assertError(await http.response(), 413, 'body_too_large');
			await http.expectEnd();
		}));
	it('413 also comes when the body is sent', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(post('/c/large', Buffer.alloc(2_000_000, 'x')));
			assertError(await http.response(), 413, 'body_too_large');
			await http.expectEnd();
		}));
	for (const n of ['4294967296', '9223372036854775807', '18446744073709551615']) {
		it(`Content-Length: ${n} is answered with 413`, TIMEOUT, async () => {
			assertError(await ask(server.port, request('POST', '/c/large', { 'Content-Length': n })), [400, 413]);
		});
	}
	it('chunks up to the limit are accepted', TIMEOUT, async () => {
		const data = Buffer.concat([request('POST', `/c/${channelName()}`, { 'Transfer-Encoding': 'chunked' }), chunked(...Array.from({ length: 64 }, () => 'x'.repeat(1024)))]);
		assert.equal((await ask(server.port, data)).status, 201);
	});
	it('chunks one byte past the limit are answered with 413', TIMEOUT, () =>
		connected(server.port, async (http) => {
			const body = chunked('x'.repeat(65536), 'y');
			http.send(Buffer.concat([request('POST', '/c/large', { 'Transfer-Encoding': 'chunked' }), body]));
			assertError(await http.response(), 413, 'body_too_large');
			await http.expectEnd();
		}));
	it('413 comes as soon as a chunk size says so', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(Buffer.concat([request('POST', '/c/large', { 'Transfer-Encoding': 'chunked' }), Buffer.from('10001\r\n')]));
			assertError(await http.response(), 413, 'body_too_large');
			await http.expectEnd();
		}));
	it('a refused message is not published', TIMEOUT, async () => {
		const name = channelName();
		assert.equal((await ask(server.port, post(`/c/${name}`, Buffer.alloc(65537)))).status, 413);
		assert.deepEqual((await ask(server.port, request('GET', `/c/${name}`))).json.messages, []);
	});
});

describe('limits.message as it is without configuration', { concurrency: 2 }, () => {
	const server = useServer();
	it('1 MiB is accepted', TIMEOUT, async () => {
		assert.equal((await ask(server.port, post(`/c/${channelName()}`, Buffer.alloc(1 << 20, 'x')))).status, 201);
	});
	it('1 MiB and a byte is answered with 413', TIMEOUT, async () => {
		assertError(await ask(server.port, request('POST', '/c/large', { 'Content-Length': (1 << 20) + 1 })), 413, 'body_too_large');
	});
});

describe('slow senders', { concurrency: 4 }, () => {
	const server = useServer({ config: { limits: { header_timeout: 1, body_timeout: 1, idle_timeout: 1 } } });
	const slow = (name, start, { drip, status = 408 } = {}) =>
		it(name, TIMEOUT, () =>
			connected(server.port, async (http) => {
				const t = Date.now();
				http.send(start);
				const timer = drip && setInterval(() => !http.ended && http.silent && http.send(drip), 100);
				try {
					assertError(await http.response(), status, 'request_timeout');
				} finally {
					clearInterval(timer);
				}
				const took = Date.now() - t;
				assert.ok(took >= 500, `refused after ${took} ms already`);
				assert.ok(took <= bound(6), `refused only after ${took} ms`);
				await http.expectEnd();
			}));
	slow('limits.header_timeout: half a request line', 'GET /heal');
	slow('limits.header_timeout: a header without its end', 'GET /healthz HTTP/1.1\r\nHost: x\r\n');
	slow('limits.header_timeout: a header that drips', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ', { drip: 'a' });
	slow('limits.header_timeout: fields that drip', 'GET /healthz HTTP/1.1\r\nHost: x\r\n', { drip: 'X-A: b\r\n' });
	slow('limits.body_timeout: no body', request('POST', '/c/slow', { 'Content-Length': 10 }));
	slow('limits.body_timeout: half a body', request('POST', '/c/slow', { 'Content-Length': 10 }, 'hello'));
	slow('limits.body_timeout: half a chunk', request('POST', '/c/slow', { 'Transfer-Encoding': 'chunked' }, '5\r\nhe'));
	slow('limits.body_timeout: no last chunk', request('POST', '/c/slow', { 'Transfer-Encoding': 'chunked' }, '2\r\nhe\r\n'));
	it('limits.header_timeout: the second request of a connection', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(Buffer.concat([request('GET', '/healthz'), Buffer.from('GET /healthz HT')]));
			assert.equal((await http.response()).status, 200);
			assertError(await http.response(), 408, 'request_timeout');
			await http.expectEnd();
		}));
	it('limits.idle_timeout: a connection without a request is closed', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', '/healthz'));
			assert.equal((await http.response()).status, 200);
			await http.expectEnd();
		}));
	it('a slow but steady body is no fault', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('POST', `/c/${channelName()}`, { 'Content-Length': 15 }));
			let sent = 0;
			const timer = setInterval(() => sent++ < 15 && http.send('x'), 120);
			try {
				assert.equal((await http.response()).status, 201);
			} finally {
				clearInterval(timer);
			}
		}));
	it('a long poll is not a slow sender', TIMEOUT, () =>
		connected(server.port, async (http) => {
			http.send(request('GET', `/c/${channelName()}?wait=2.5`));
			let answer = await http.response();
			if (answer.status === 400) {
				http.send(request('GET', `/c/${channelName()}?wait=3`));
				answer = await http.response();
			}
			assert.equal(answer.status, 200);
			assert.deepEqual(answer.json.messages, []);
		}));
	it('an open WebSocket is not a slow sender', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		try {
			await connected(server.port, async (http) => {
				http.send(request('GET', `/c/${channelName()}?wait=3`));
				assert.equal((await http.response()).status, 200);
			});
			await ws.bye();
		} finally {
			ws.destroy();
		}
	});
});

for (const workers of [1, 2]) {
	describe(`limits.connections with ${workers} worker${workers > 1 ? 's' : ''}`, () => {
		/* Over TLS nothing can be said without a handshake: tls.test.js. */
		const server = useServer({ listen: ['http://127.0.0.1:0'], workers, config: { limits: { connections: 5 } } });
		it('one connection too many is answered with 503, and there is room again when one leaves', TIMEOUT, async () => {
			const open = [];
			try {
				for (let i = 0; i < 5; i++) {
					const http = await RawHttp.open(server.port);
					open.push(http);
					http.send(request('GET', '/healthz'));
					assert.equal((await http.response()).status, 200);
				}
				for (let i = 0; i < 3; i++) {
					await connected(server.port, async (http) => {
						http.send(request('GET', '/healthz'));
						assertError(await http.response(), 503, 'too_many_connections');
						await http.expectEnd();
					});
				}
				for (const http of open) {
					http.send(request('GET', '/healthz'));
					assert.equal((await http.response()).status, 200, 'the others are not disturbed');
				}
				open.pop().destroy();
				await until(async () => (await ask(server.port, request('GET', '/healthz'))).status === 200, bound(8), 'room for a connection');
			} finally {
				open.forEach((http) => http.destroy());
			}
		});
		it('WebSockets count too', TIMEOUT, async () => {
			const open = [];
			try {
				await until(async () => {
					const ws = await RawWs.open(server.port).catch(() => null);
					return ws && open.push(ws) >= 5;
				}, bound(8), 'five WebSockets');
				await connected(server.port, async (http) => {
					http.send(request('GET', '/healthz'));
					assertError(await http.response(), 503, 'too_many_connections');
				});
				await open.pop().bye();
				await until(async () => (await ask(server.port, request('GET', '/healthz'))).status === 200, bound(8), 'room for a connection');
			} finally {
				open.forEach((ws) => ws.destroy());
			}
		});
	});
}
