// What the configuration says of a path: sizes, rates, connections of an address, origins, subprotocols.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, ask, assertError, chunked, post, request } from '../lib/rawhttp.js';
import { RawWs, binary, frame, more, ping, text } from '../lib/rawws.js';
import { openReader, poll } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, pause, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const bytes = (n) => Buffer.alloc(n, 'x');

/** A WebSocket that closes when the test is over. */
async function withWs(port, options, use) {
	const ws = await RawWs.open(port, options);
	try {
		await use(ws);
	} finally {
		ws.destroy();
	}
}

const rejected = (port, options, status, code) =>
	assert.rejects(RawWs.open(port, options), (error) => {
		assert.equal(error.status, status, error.message);
		assert.match(error.text, new RegExp(`"code":"${code}"`));
		return true;
	});

/** Not concurrent: some of these paths are the same channel. */
describe('sizes on a path', () => {
	const server = useServer({
		config: {
			limits: { message: '1KiB', echo: '2KiB', backlog: '1MiB' },
			paths: {
				'/echo': { message: 100, frame: 40 },
				'/c/small/': { message: 10 },
				'/c/small/but/larger/': { message: 5000, frame: 3000 },
				'/c/one': { message: 20 },
				'/c/größe/': { message: 30 },
				'/c/v1.2/': { message: 50 },
				'/c/frames/': { frame: 8 },
			},
		},
	});
	/** Path, and how long a message may be there. */
	for (const [path, limit] of [
		['/c/any', 1024], ['/c/small/a', 10], ['/c/small/a/b', 10], ['/c/small', 1024], ['/c/smaller', 1024], ['/c/small/but/larger/a', 5000], ['/c/small/but/larger', 10],
		['/c/one', 20], ['/c/one/more', 1024], ['/c/gr%C3%B6%C3%9Fe/x', 30], ['/c/v1.2/x', 50], ['/%63/small/a', null],
		['/c/sm%61ll/a', 10], ['/c/small%2Fa', 10], ['/c/sm%2561ll/a', 1024], ['/c/Small/a', 1024],
	]) {
		it(`POST ${path}: ${limit ?? 'no channel'}`, TIMEOUT, async () => {
			if (limit === null) {
				assert.equal((await ask(server.port, post(path, 'x'))).status, 404);
				return;
			}
			assert.equal((await ask(server.port, post(path, bytes(limit)))).status, 201, 'at the limit');
			assertError(await ask(server.port, post(path, bytes(limit + 1))), 413, 'body_too_large');
			const inChunks = (n) => Buffer.concat([request('POST', path, { 'Transfer-Encoding': 'chunked' }), chunked(bytes(n - 1), 'y')]);
			assert.equal((await ask(server.port, inChunks(limit))).status, 201, 'at the limit, in chunks');
			assertError(await ask(server.port, inChunks(limit + 1)), 413, 'body_too_large');
		});
		if (limit !== null) {
			it(`WebSocket ${path}: ${limit}`, TIMEOUT, () => withWs(server.port, { path }, async (ws) => {
				const cut = Math.min(limit, 2500);
				ws.send(Buffer.concat([frame(2, bytes(cut), { fin: false }), more(bytes(limit - cut))]));
				assert.equal((await ws.message()).data.length, limit);
				ws.send(Buffer.concat([frame(2, bytes(cut), { fin: false }), more(bytes(limit - cut + 1))]));
				await ws.expectClose(1009, { reason: /limit/ });
			}));
		}
	}
	it('/echo has its own, for messages and frames', TIMEOUT, () => withWs(server.port, {}, async (ws) => {
		ws.send(Buffer.concat([frame(2, bytes(40), { fin: false }), frame(0, bytes(40), { fin: false }), more(bytes(20))]));
		assert.equal((await ws.message()).data.length, 100);
		ws.send(Buffer.concat([frame(2, bytes(40), { fin: false }), frame(0, bytes(40), { fin: false }), more(bytes(21))]));
		await ws.expectClose(1009);
	}));
	for (const [name, data] of [
		['a whole message', () => binary(bytes(9))],
		['a first fragment', () => frame(1, bytes(9), { fin: false })],
		['a continuation', () => Buffer.concat([frame(1, bytes(8), { fin: false }), more(bytes(9))])],
		['the begin of a long one', () => frame(2, 'x', { length: 1000 })],
	]) {
		it(`frame: one byte more in ${name} is closed with 1009`, TIMEOUT, () => withWs(server.port, { path: '/c/frames/a' }, async (ws) => {
			ws.send(data());
			await ws.expectClose(1009, { reason: /frame/ });
		}));
	}
	it('frame: at the limit, any number of them, and a control frame that is longer', TIMEOUT, () => withWs(server.port, { path: '/c/frames/a' }, async (ws) => {
		ws.send(ping(bytes(100)));
		await ws.expect('pong', bytes(100));
		for (let i = 0; i < 20; i++) {
			ws.send(i === 0 ? frame(1, bytes(8), { fin: false }) : more(bytes(8), { fin: i === 19 }));
		}
		await ws.expect('text', bytes(160));
		ws.send(text(bytes(8)));
		await ws.expect('text', bytes(8));
		await ws.bye();
	}));
	it('a frame that comes byte by byte is judged by all of it', TIMEOUT, () => withWs(server.port, { path: '/c/frames/a' }, async (ws) => {
		await ws.sendSlowly(binary(bytes(8)));
		await ws.expect('binary', bytes(8));
		await ws.sendSlowly(binary(bytes(9)));
		await ws.expectClose(1009, { reason: /frame/ });
	}));
});

describe('messages and bytes a second on a path', { concurrency: 4 }, () => {
	const server = useServer({
		config: {
			paths: {
				'/c/slow/': { messages_per_second: 5 },
				'/c/thin/': { bytes_per_second: 1000 },
				'/c/both/': { messages_per_second: 4, bytes_per_second: 100 },
				'/echo': { messages_per_second: 5 },
				'/c/post/1': { messages_per_second: 3 }, '/c/post/2': { messages_per_second: 3 }, '/c/post/3': { messages_per_second: 1 },
				'/c/post/4': { bytes_per_second: 1000 }, '/c/post/5': { bytes_per_second: 1000 }, '/c/post/6': { messages_per_second: 2 },
			},
		},
	});
	const slow = (name) => `/c/slow/${channelName(name)}`;
	for (const path of ['/c/slow/a', '/echo']) {
		it(`${path}: five at once pass, the sixth is closed with 1008 in words`, TIMEOUT, () => withWs(server.port, { path }, async (ws) => {
			ws.send(Buffer.concat(['1', '2', '3', '4', '5'].map((m) => text(m))));
			for (const m of ['1', '2', '3', '4', '5']) {
				await ws.expect('text', m);
			}
			/* all in less than the time of one */
			ws.send(Buffer.concat([text('6'), text('7'), text('8'), text('9')]));
			const got = [];
			for (let event; (event = await ws.next()).type !== 'close'; got.push(event));
			assert.ok(got.length <= 3, 'those that time has allowed');
			assert.equal(ws.closed.code, 1008);
			assert.match(ws.closed.reason, /messages_per_second/);
		}));
	}
	it('so many a second are never too many', TIMEOUT, () => withWs(server.port, { path: slow('steady') }, async (ws) => {
		for (let i = 0; i < 12; i++) {
			await pause(220);
			ws.send(text(String(i)));
			await ws.expect('text', String(i));
		}
		await ws.bye();
	}));
	it('who has used it up may go on after its time', TIMEOUT, () => withWs(server.port, { path: slow('again') }, async (ws) => {
		for (let round = 0; round < 2; round++) {
			ws.send(Buffer.concat(Array.from({ length: 5 }, () => text('x'))));
			for (let i = 0; i < 5; i++) {
				await ws.expect('text', 'x');
			}
			await pause(1100);
		}
		await ws.bye();
	}));
	it('it counts messages, not fragments, pings or what is read', TIMEOUT, async () => {
		const path = slow('count');
		await withWs(server.port, { path }, (a) => withWs(server.port, { path }, async (b) => {
			for (let i = 0; i < 30; i++) {
				a.send(ping(''));
				await a.expect('pong', '');
				a.send(i === 0 ? frame(1, 'f', { fin: false }) : more('f', { fin: i === 29 }));
			}
			await a.expect('text', 'f'.repeat(30));
			await b.expect('text', 'f'.repeat(30));
			for (const ws of [a, b]) {
				for (let i = 0; i < 4; i++) {
					ws.send(text(String(i)));
				}
			}
			for (let i = 0; i < 8; i++) {
				await a.message();
				await b.message();
			}
			await a.bye();
			await b.bye();
		}));
	});
	it('each WebSocket has its own', TIMEOUT, async () => {
		const path = slow('own');
		const all = await Promise.all(Array.from({ length: 5 }, () => RawWs.open(server.port, { path })));
		try {
			all.forEach((ws) => ws.send(Buffer.concat(Array.from({ length: 5 }, () => text('x')))));
			for (const ws of all) {
				for (let i = 0; i < 25; i++) {
					await ws.expect('text', 'x');
				}
			}
		} finally {
			all.forEach((ws) => ws.destroy());
		}
	});
	it('bytes: up to the last at once, one more is closed with 1008', TIMEOUT, () => withWs(server.port, { path: '/c/thin/a' }, async (ws) => {
		ws.send(Buffer.concat([binary(bytes(400)), binary(bytes(600))]));
		assert.equal((await ws.message()).data.length, 400);
		assert.equal((await ws.message()).data.length, 600);
		ws.send(binary(bytes(500)));
		await ws.expectClose(1008, { reason: /bytes_per_second/ });
	}));
	it('bytes: a message that is larger passes alone, the next is too much', TIMEOUT, () => withWs(server.port, { path: '/c/thin/b' }, async (ws) => {
		ws.send(binary(bytes(3000)));
		assert.equal((await ws.message()).data.length, 3000);
		await pause(1100);
		ws.send(text('x'));
		await ws.expectClose(1008);
	}));
	it('both: the one that is used up first says no', TIMEOUT, async () => {
		await withWs(server.port, { path: '/c/both/a' }, async (ws) => {
			ws.send(Buffer.concat([text(bytes(99)), text('1')]));
			await ws.expect('text', bytes(99));
			await ws.expect('text', '1');
			ws.send(text(bytes(60)));
			await ws.expectClose(1008);
		});
		await withWs(server.port, { path: '/c/both/b' }, async (ws) => {
			ws.send(Buffer.concat(['1', '2', '3', '4'].map((m) => text(m))));
			for (const m of ['1', '2', '3', '4']) {
				await ws.expect('text', m);
			}
			ws.send(Buffer.concat([text('5'), text('6'), text('7')]));
			for (let event; (event = await ws.next()).type !== 'close';);
			assert.equal(ws.closed.code, 1008);
		});
	});
	const tooMany = (answer) => {
		assertError(answer, 429, 'too_many_messages');
		assert.match(answer.fields['retry-after'], /^[1-9]\d*$/);
		return Number(answer.fields['retry-after']);
	};
	it('POST: three of an address pass on all its connections together, the fourth is 429 with Retry-After', TIMEOUT, async () => {
		const answers = await Promise.all(Array.from({ length: 8 }, () => ask(server.port, post('/c/post/1', 'x'))));
		const good = answers.filter((a) => a.status === 201).length;
		assert.ok(good === 3 || good === 4, `${good} passed`);
		assert.equal(tooMany(answers.find((a) => a.status !== 201)), 1);
		assert.equal((await poll(server.port, 'post%2F1')).messages.length, good, 'what was refused was not published');
	});
	it('POST: after the time that Retry-After says it passes', TIMEOUT, async () => {
		for (let i = 0; i < 3; i++) {
			assert.equal((await ask(server.port, post('/c/post/2', 'x'))).status, 201);
		}
		const again = async () => {
			const answer = await ask(server.port, post('/c/post/2', 'x'));
			return answer.status === 201 || !tooMany(answer);
		};
		const t = Date.now();
		await until(again, bound(5), 'to be let through');
		assert.ok(Date.now() - t <= bound(2), 'within about a second');
	});
	it('POST on one connection: it stays open', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		http.send(Buffer.concat([post('/c/post/3', 'x'), post('/c/post/3', 'y'), request('GET', '/healthz')]));
		assert.equal((await http.response('POST')).status, 201);
		tooMany(await http.response('POST'));
		assert.equal((await http.response()).status, 200);
		http.destroy();
	});
	it('POST: bytes, at the limit and one past it', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		http.send(Buffer.concat([post('/c/post/4', bytes(1000)), post('/c/post/4', bytes(500))]));
		assert.equal((await http.response('POST')).status, 201);
		tooMany(await http.response('POST'));
		http.destroy();
	});
	it('POST: Retry-After says how long a large one has to be paid for', TIMEOUT, async () => {
		assert.equal((await ask(server.port, post('/c/post/5', bytes(60_000)))).status, 201);
		const seconds = tooMany(await ask(server.port, post('/c/post/5', 'x')));
		assert.ok(seconds >= 55 && seconds <= 60, `${seconds} seconds`);
	});
	it('POST: another address has its own', TIMEOUT, async () => {
		const from = async (localAddress) => {
			const { connect } = await import('node:net');
			const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
			try {
				const first = new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
				socket.write(post('/c/post/6', 'x'));
				return Number((await first).toString().slice(9, 12));
			} finally {
				socket.destroy();
			}
		};
		assert.deepEqual([await from('127.0.0.2'), await from('127.0.0.2'), await from('127.0.0.2')], [201, 201, 429]);
		assert.deepEqual([await from('127.0.0.3'), await from('127.0.0.3'), await from('127.0.0.3')], [201, 201, 429]);
	});
	it('DELETE and GET are none of this', TIMEOUT, async () => {
		for (let i = 0; i < 5; i++) {
			assert.equal((await ask(server.port, request('DELETE', '/c/post/3'))).status, 204);
			assert.equal((await ask(server.port, request('GET', '/c/post/3'))).status, 200);
		}
	});
});

describe('connections of an address on a path', () => {
	const config = { paths: { '/echo': { connections_per_address: 3 }, '/c/few/': { connections_per_address: 5 }, '/c/one/': { connections_per_address: 1 } } };
	for (const workers of [1, 2]) {
		describe(`with ${workers} worker${workers > 1 ? 's' : ''}`, () => {
			const server = useServer({ config, workers });
			it('/echo: three, and the fourth is answered with 429 before the handshake; one that left makes room', TIMEOUT, async () => {
				const all = [];
				try {
					for (let i = 0; i < 3; i++) {
						all.push(await RawWs.open(server.port));
					}
					for (let i = 0; i < 5; i++) {
						await rejected(server.port, {}, 429, 'too_many_connections');
					}
					await all.pop().bye();
					await until(() => RawWs.open(server.port).then((ws) => all.push(ws)), bound(8), 'room for another');
					await rejected(server.port, {}, 429, 'too_many_connections');
				} finally {
					all.forEach((ws) => ws.destroy());
				}
			});
			it('many at the same time: never more than five', TIMEOUT, async () => {
				const path = '/c/few/a';
				for (let round = 0; round < 3; round++) {
					const tried = await Promise.allSettled(Array.from({ length: 30 }, () => RawWs.open(server.port, { path })));
					const open = tried.filter((one) => one.status === 'fulfilled').map((one) => one.value);
					assert.ok(open.length <= 5 && (round > 0 || open.length === 5), `${open.length} are open`);
					assert.ok(tried.every((one) => one.status === 'fulfilled' || one.reason.status === 429));
					open.forEach((ws) => ws.destroy());
					await until(async () => {
						const ws = await RawWs.open(server.port, { path });
						ws.destroy();
						return true;
					}, bound(8), 'room when they are gone');
					await pause(50);
				}
			});
			for (const transport of ['sse', 'ndjson', 'iframe', 'longpoll', 'websocket']) {
				it(`${transport}: a reader counts`, TIMEOUT, async () => {
					const channel = `one%2F${transport}`;
					const path = `/c/one/${transport}`;
					/* all channels below the path count together: wait for the test before */
					const reader = await until(() => openReader({ transport, port: server.port, channel }), bound(8), 'room');
					try {
						if (transport === 'longpoll') {
							/* a poll that looks whether it waits could take its place */
							const present = () => ask(server.port, request('GET', `${path}?presence`));
							await until(async () => JSON.parse((await present()).text).count === 1, bound(8), 'it to wait');
						}
						await rejected(server.port, { path }, 429, 'too_many_connections');
						assertError(await ask(server.port, request('GET', `${path}?stream=ndjson`)), 429, 'too_many_connections');
						assert.equal((await ask(server.port, post(path, 'x'))).status, 201, 'publishing is no connection');
						assert.equal((await ask(server.port, request('GET', `${path}?presence`))).status, 200, 'nor is asking who is there');
					} finally {
						reader.drop();
					}
				});
			}
			it('a handshake that fails does not count', TIMEOUT, async () => {
				const path = '/c/one/fails';
				await until(() => withWs(server.port, { path }, (ws) => ws.bye()).then(() => true), bound(8), 'room');
				for (let i = 0; i < 3; i++) {
					await rejected(server.port, { path, headers: { 'Sec-WebSocket-Key': 'x' } }, 400, 'bad_request');
					await rejected(server.port, { path: `${path}?since=bad` }, 400, 'bad_parameter');
				}
				await until(() => withWs(server.port, { path }, (ws) => ws.bye()).then(() => true), bound(8), 'room');
			});
			it('a poll is over when it is answered', TIMEOUT, async () => {
				const path = '/c/one/poll';
				await until(async () => (await ask(server.port, request('GET', path))).status === 200, bound(8), 'room');
				const http = await RawHttp.open(server.port);
				for (let i = 0; i < 5; i++) {
					http.send(request('GET', path));
					assert.equal((await http.response()).status, 200);
				}
				http.destroy();
			});
			it('other paths are not counted', TIMEOUT, async () => {
				const all = await Promise.all(Array.from({ length: 8 }, () => RawWs.open(server.port, { path: '/c/many' })));
				all.forEach((ws) => ws.destroy());
			});
		});
	}
});

describe('origins of a path', { concurrency: 4 }, () => {
	const server = useServer({
		config: {
			cors: { origins: ['https://all.example'] },
			paths: { '/c/app/': { origins: ['https://app.example'] }, '/c/open/': { origins: ['*'] }, '/echo': { origins: ['https://echo.example'] } },
		},
	});
	for (const [path, origin, allowed] of [
		['/c/app/a', 'https://app.example', true], ['/c/app/a', 'https://all.example', true], ['/c/app/a', 'https://echo.example', false],
		['/c/other', 'https://app.example', false], ['/c/other', 'https://all.example', true], ['/c/open/a', 'https://evil.example', true], ['/c/open/a', 'null', true],
		['/echo', 'https://echo.example', true], ['/echo', 'https://app.example', false],
	]) {
		it(`${path} ${origin}: ${allowed ? 'yes' : 'no'}`, TIMEOUT, async () => {
			const headers = { Origin: origin };
			if (allowed) {
				await withWs(server.port, { path, headers }, (ws) => ws.bye());
			} else {
				await rejected(server.port, { path, headers }, 403, 'origin_not_allowed');
			}
			if (path === '/echo') {
				return;
			}
			const answer = await ask(server.port, post(path, 'x', headers));
			assert.equal(answer.status, allowed ? 201 : 403);
			const wanted = !allowed ? undefined : path.startsWith('/c/open') ? '*' : origin;
			assert.equal(answer.fields['access-control-allow-origin'], wanted, 'the page may read the answer too');
			const before = await ask(server.port, request('OPTIONS', path, { ...headers, 'Access-Control-Request-Method': 'POST' }));
			assert.equal(before.status, allowed ? 204 : 403);
			assert.equal(before.fields['access-control-allow-origin'], wanted);
		});
	}
});

describe('subprotocols of a path', () => {
	const server = useServer({ config: { paths: { '/c/chat/': { subprotocols: ['chat.v1', 'chat.v2'] }, '/echo': { subprotocols: ['echo'] } } } });
	for (const [path, offered, chosen] of [
		['/c/chat/a', 'chat.v1', 'chat.v1'], ['/c/chat/a', 'chat.v2', 'chat.v2'], ['/c/chat/a', 'chat.v2, chat.v1', 'chat.v2'], ['/c/chat/a', 'chat.v1,chat.v2', 'chat.v1'],
		['/c/chat/a', 'x, y, chat.v2', 'chat.v2'], ['/c/chat/a', ['x', 'chat.v1'], 'chat.v1'], ['/c/chat/a', ['x', 'y, chat.v2', 'chat.v1'], 'chat.v2'],
		['/c/chat/a', 'x', undefined], ['/c/chat/a', 'CHAT.v1', undefined], ['/c/chat/a', 'chat', undefined], ['/c/chat/a', null, undefined],
		['/c/other', 'chat.v1', undefined], ['/echo', 'echo', 'echo'], ['/echo', 'chat.v1', undefined],
	]) {
		it(`${path}: ${JSON.stringify(offered)} → ${chosen ?? 'none'}`, TIMEOUT, () =>
			withWs(server.port, { path, headers: { 'Sec-WebSocket-Protocol': offered } }, async (ws) => {
				assert.equal(ws.response.fields['sec-websocket-protocol'], chosen);
				ws.send(text('x'));
				await ws.expect('text', 'x');
				await ws.bye();
			}));
	}
	it('other ways of reading do not answer it', TIMEOUT, async () => {
		const answer = await ask(server.port, request('GET', '/c/chat/a', { 'Sec-WebSocket-Protocol': 'chat.v1' }));
		assert.equal(answer.fields['sec-websocket-protocol'], undefined);
	});
	it('a refused handshake does not answer it', TIMEOUT, async () => {
		const error = await RawWs.open(server.port, { path: '/c/chat/a', headers: { 'Sec-WebSocket-Protocol': 'chat.v1', Origin: 'https://evil.example' } }).catch((e) => e);
		assert.equal(error.status, 403);
		assert.equal(error.fields['sec-websocket-protocol'], undefined);
	});
});

describe('compression of a path', () => {
	const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
	for (const [level, paths] of [[1, { '/c/never/': 0, '/echo': 0, '/c/small/': 9 }], [0, { '/c/small/': 9, '/c/never/': 0 }]]) {
		describe(`where compression.level is ${level}`, () => {
			const rules = Object.fromEntries(Object.entries(paths).map(([path, compression]) => [path, { compression }]));
			const server = useServer({ config: { compression: { level }, paths: rules } });
			for (const [path, offered] of [['/c/never/a', paths['/c/never/']], ['/c/small/a', 9], ['/c/other', level], ['/echo', paths['/echo'] ?? level]]) {
				it(`${path}: ${offered ? 'is agreed on' : 'is not'}`, TIMEOUT, () => withWs(server.port, { path, headers: offer }, async (ws) => {
					assert.equal(/^permessage-deflate/.test(ws.response.fields['sec-websocket-extensions'] ?? ''), offered > 0);
				}));
			}
		});
	}
});

describe('the same by flags', () => {
	const server = useServer({ args: ['--set', 'paths./c/a/.message=5', '--set', 'paths./c/a/.subprotocols=one', '--set', 'paths./c/a/.subprotocols=two', '--set', 'limits.message=10'] });
	it('they hold', TIMEOUT, async () => {
		assert.equal((await ask(server.port, post('/c/a/x', bytes(5)))).status, 201);
		assertError(await ask(server.port, post('/c/a/x', bytes(6))), 413);
		assert.equal((await ask(server.port, post('/c/b', bytes(10)))).status, 201);
		assertError(await ask(server.port, post('/c/b', bytes(11))), 413);
		for (const name of ['one', 'two']) {
			await withWs(server.port, { path: '/c/a/x', headers: { 'Sec-WebSocket-Protocol': name } }, (ws) => {
				assert.equal(ws.response.fields['sec-websocket-protocol'], name);
			});
		}
	});
});
