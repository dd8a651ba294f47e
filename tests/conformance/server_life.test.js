// The life of the server: what it prints, /healthz, /readyz, /metrics, and how it ends.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, ask, assertError, request } from '../lib/rawhttp.js';
import { RawWs, close, text } from '../lib/rawws.js';
import { TRANSPORTS, openReader, poll, presence, publish } from '../lib/readers.js';
import { Server, channelName, useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

async function withServer(options, body) {
	const server = await Server.start(options);
	try {
		await body(server);
		await server.stop();
	} finally {
		server.kill();
	}
}

/** Starting it must fail; returns what it said. */
async function refusal(options) {
	const server = await Server.start(options).catch((error) => error);
	if (server instanceof Error) {
		assert.match(server.message, /ended before it listened/);
		return server.message;
	}
	server.kill();
	assert.fail('it started');
}

describe('start', () => {
	it('one line for each listener, and all of them serve', TIMEOUT, () =>
		withServer({ listen: ['http://127.0.0.1:0', 'http://127.0.0.1:0', 'http://[::1]:0'] }, async (server) => {
			assert.equal(server.urls.length, 3);
			assert.equal(new Set(server.urls).size, 3);
			assert.match(server.stdout, /^(listening on http:\/\/(127\.0\.0\.1|\[::1\]):\d+\n){3}$/);
			for (const url of server.urls) {
				const { hostname, port } = new URL(url);
				const http = await RawHttp.open(Number(port), hostname.replace(/[[\]]/g, ''));
				http.send(request('GET', '/healthz'));
				assert.equal((await http.response()).status, 200);
				http.destroy();
			}
		}).catch((error) => {
			/* a machine without IPv6 */
			if (!/EAFNOSUPPORT|EADDRNOTAVAIL|not available|not supported/i.test(error.message)) {
				throw error;
			}
		}));
	it('without --open, an address that others can reach is refused', TIMEOUT, async () => {
		assert.match(await refusal({ listen: ['http://0.0.0.0:0'] }), /open/);
	});
	it('a configuration that is wrong names file, line and key', TIMEOUT, async () => {
		assert.match(await refusal({ config: { limits: { mesage: 5 } } }), /crosstalk\.yaml:2.*mesage/);
	});
	it('a port that is taken is refused in words', TIMEOUT, () =>
		withServer({}, async (server) => {
			assert.match(await refusal({ listen: [server.url] }), /in use/i);
		}));
	it('--workers 1, 2 and 4 serve', TIMEOUT, async () => {
		for (const workers of [1, 2, 4]) {
			await withServer({ workers }, async (server) => {
				const channel = channelName();
				const id = await publish(server.port, channel, 'x');
				for (let i = 0; i < 8; i++) {
					assert.equal((await poll(server.port, channel)).messages[0].id, id);
				}
			});
		}
	});
});

describe('/healthz, /readyz and /metrics', () => {
	const server = useServer();
	for (const target of ['/healthz', '/readyz']) {
		it(`${target} is 200`, TIMEOUT, async () => assert.equal((await ask(server.port, request('GET', target))).status, 200));
	}

	/** The text format of Prometheus, strictly: { name: { type, samples: [{ labels, value }] } }. */
	const metrics = async () => {
		const answer = await ask(server.port, request('GET', '/metrics'));
		assert.equal(answer.status, 200);
		assert.match(answer.fields['content-type'], /^text\/plain; ?version=0\.0\.4/);
		assert.ok(answer.text.endsWith('\n'), 'the last line ends');
		const out = new Map();
		const series = new Set();
		for (const line of answer.text.slice(0, -1).split('\n')) {
			const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
			if (comment) {
				const [, kind, name, rest] = comment;
				out.has(name) || out.set(name, { samples: [] });
				const entry = out.get(name);
				assert.equal(entry[kind], undefined, `${kind} ${name} twice`);
				assert.equal(entry.samples.length, 0, `${kind} of ${name} stands before its samples`);
				entry[kind] = rest;
				if (kind === 'TYPE') {
					assert.ok(['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest), line);
				}
				continue;
			}
			const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|\+Inf|NaN)$/i.exec(line);
			assert.ok(sample, `not a line of metrics: ${JSON.stringify(line)}`);
			const [, name, labels = '', value] = sample;
			assert.ok(name.startsWith('crosstalk_'), `${name} has the prefix`);
			assert.ok(!series.has(`${name}{${labels}}`), `${name}{${labels}} twice`);
			series.add(`${name}{${labels}}`);
			const family = out.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
			assert.ok(out.get(family)?.TYPE, `${name} has a TYPE`);
			out.get(family).samples.push({ name, labels: Object.fromEntries([...labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1], m[2]])), value: Number(value) });
		}
		return out;
	};
	const sum = (all, name, labels = {}) =>
		[...all].filter(([key]) => name.test(key)).flatMap(([, { samples }]) => samples)
			.filter((s) => Object.entries(labels).every(([k, v]) => s.labels[k] === v)).reduce((n, s) => n + s.value, 0);

	it('/metrics is the text format of Prometheus', TIMEOUT, async () => {
		const all = await metrics();
		assert.ok(all.size >= 8, `${all.size} metrics`);
		for (const [name, { HELP, TYPE, samples }] of all) {
			assert.ok(HELP && TYPE, `${name} has HELP and TYPE`);
			if (TYPE === 'counter') {
				assert.match(name, /_total$/, 'the name of a counter ends with _total');
			}
			samples.forEach(({ value }) => assert.ok(Number.isFinite(value) && (TYPE !== 'counter' || value >= 0), name));
		}
		assert.ok([...all.values()].some(({ samples }) => samples.some((s) => 'worker' in s.labels)), 'there are numbers for each worker');
	});
	it('connections are counted by transport, and leave', TIMEOUT, async () => {
		const channel = channelName();
		const ways = ['websocket', 'sse', 'ndjson', 'iframe', 'longpoll'];
		const before = await metrics();
		const readers = await Promise.all(ways.map((transport) => openReader({ transport, port: server.port, channel })));
		await until(async () => (await presence(server.port, channel)).count === 5, bound(8), 'five readers');
		const now = await metrics();
		for (const transport of ways) {
			assert.equal(sum(now, /^crosstalk_connections$/, { transport }) - sum(before, /^crosstalk_connections$/, { transport }), 1, `crosstalk_connections{transport="${transport}"}`);
		}
		readers.forEach((reader) => reader.drop());
		await until(async () => {
			const after = await metrics();
			return ways.every((transport) => sum(after, /^crosstalk_connections$/, { transport }) === sum(before, /^crosstalk_connections$/, { transport }));
		}, bound(8), 'the numbers to go back');
	});
	it('messages, bytes and closes are counted', TIMEOUT, async () => {
		const channel = channelName();
		let seen;
		const before = await metrics();
		const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
		for (let i = 0; i < 10; i++) {
			ws.send(text('x'.repeat(100)));
			await ws.message();
		}
		ws.send(close(1000));
		await ws.expectClose(1000);
		const bad = await RawWs.open(server.port);
		bad.send(Buffer.from([0xff]));
		await bad.expectClose(1002);
		await until(async () => {
			const now = await metrics();
			const grown = (name, labels) => sum(now, new RegExp(`^crosstalk_${name}$`), labels) - sum(before, new RegExp(`^crosstalk_${name}$`), labels);
			seen = {
				in: grown('messages_in_total'), out: grown('messages_out_total'), bytesIn: grown('message_bytes_in_total'), bytesOut: grown('message_bytes_out_total'),
				peer: grown('closes_total', { reason: 'peer_closed' }) >= 1, wrong: grown('closes_total', { reason: 'protocol_error' }),
			};
			return JSON.stringify(seen) === JSON.stringify({ in: 10, out: 10, bytesIn: 1000, bytesOut: 1000, peer: true, wrong: 1 });
		}, bound(8), 'the counters to grow').catch((error) => assert.fail(`${error.message}: ${JSON.stringify(seen)}`));
	});
});

describe('SIGTERM', () => {
	for (const workers of [1, 2]) {
		it(`every way is ended as it should be, ${workers} worker${workers > 1 ? 's' : ''}`, TIMEOUT, () =>
			withServer({ workers }, async (server) => {
				const channel = channelName();
				const readers = await Promise.all(['websocket', 'sse', 'ndjson', 'iframe'].map((transport) => openReader({ transport, port: server.port, channel })));
				const echo = await RawWs.open(server.port);
				const { next } = await poll(server.port, channel);
				const held = poll(server.port, channel, { since: next, wait: 60 }, { ms: bound(20) });
				await until(async () => (await presence(server.port, channel)).count === 5, bound(8), 'five readers');
				await publish(server.port, channel, 'the last word');
				assert.deepEqual((await held).messages.map((m) => m.data), ['the last word']);
				const again = poll(server.port, channel, { since: (await poll(server.port, channel)).next, wait: 60 }, { ms: bound(20) });
				await until(async () => (await presence(server.port, channel)).count === 5, bound(8), 'the long poll to be back');
				const t = Date.now();
				server.signal('SIGTERM');
				assert.deepEqual((await again).messages, [], 'the long poll returns');
				for (const reader of readers) {
					assert.equal((await reader.message()).data, 'the last word', 'what was published arrives');
					const event = await reader.next('the end');
					if (reader.options.transport === 'websocket') {
						assert.equal(event.kind, 'close');
						assert.equal(event.code, 1001);
						assert.notEqual(event.reason, '');
						reader.send(close(1001));
					} else {
						assert.equal(event.kind, 'close');
						assert.equal(event.reason, 'shutdown');
						const end = await reader.next('the end');
						assert.equal(end.kind, 'end');
						assert.equal(end.complete, true, `${reader.options.transport}: the last chunk comes`);
					}
				}
				assert.equal((await echo.next()).code, 1001);
				echo.send(close(1001));
				await until(() => server.exit, bound(10), 'the end of the server');
				assert.ok(Date.now() - t < bound(8), 'it ended late');
			}));
	}
	it('with nobody there it ends at once', TIMEOUT, () =>
		withServer({}, async (server) => {
			server.signal('SIGTERM');
			await until(() => server.exit, bound(3), 'the end of the server');
		}));
	it('idle connections do not keep it', TIMEOUT, () =>
		withServer({}, async (server) => {
			const http = await RawHttp.open(server.port);
			http.send(request('GET', '/healthz'));
			await http.response();
			const silent = await RawHttp.open(server.port);
			server.signal('SIGTERM');
			await until(() => server.exit, bound(5), 'the end of the server');
			http.destroy();
			silent.destroy();
		}));
	it('during the drain it is not ready, and takes nothing new', TIMEOUT, () =>
		withServer({ config: { drain: { timeout: 3 } } }, async (server) => {
			/* a peer that never answers the Close keeps the drain going */
			const ws = await RawWs.open(server.port);
			const kept = await RawHttp.open(server.port);
			kept.send(request('GET', '/readyz'));
			assert.equal((await kept.response()).status, 200);
			/* half a request is no idle connection: its answer comes, and tells of the drain */
			kept.send('GET /readyz HTTP/1.1\r\n');
			await ask(server.port, request('GET', '/healthz'));
			server.signal('SIGTERM');
			assert.equal((await ws.next('a Close frame')).code, 1001);
			try {
				kept.send('Host: x\r\n\r\n');
				const answer = await kept.response();
				assertError(answer, 503, 'shutting_down');
			} catch (error) {
				if (error.code === 'ERR_ASSERTION' && !/ended/.test(error.message)) {
					throw error;
				}
			}
			const fresh = await ask(server.port, request('GET', '/readyz')).catch(() => null);
			if (fresh) {
				assertError(fresh, 503, 'shutting_down');
			}
			kept.destroy();
			ws.destroy();
		}));
	it('drain.timeout ends those who do not leave', TIMEOUT, () =>
		withServer({ config: { drain: { timeout: 0.5 } } }, async (server) => {
			const ws = await RawWs.open(server.port);
			const half = await RawHttp.open(server.port);
			half.send('POST /c/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
			server.signal('SIGTERM');
			await until(() => server.exit, bound(5), 'the end of the server');
			ws.destroy();
			half.destroy();
		}));
	it('a second signal ends it at once', TIMEOUT, async () => {
		const server = await Server.start();
		const ws = await RawWs.open(server.port); /* never answers the Close: the drain would take long */
		try {
			server.signal('SIGTERM');
			assert.equal((await ws.next('a Close frame')).code, 1001);
			server.signal('SIGTERM');
			await until(() => server.exit, bound(4), 'the end of the server');
		} finally {
			ws.destroy();
			server.kill();
		}
	});
	it('SIGINT ends it too', TIMEOUT, () =>
		withServer({}, async (server) => {
			server.signal('SIGINT');
			await until(() => server.exit, bound(5), 'the end of the server');
			assert.deepEqual(server.exit, { code: 0, signal: null });
		}));
	it('it ends cleanly under load', TIMEOUT, async () => {
		for (let round = 0; round < 3; round++) {
			await withServer({ workers: 2 }, async (server) => {
				const channel = channelName();
				const readers = await Promise.all(TRANSPORTS.flatMap((transport) => [1, 2, 3].map(() => openReader({ transport, port: server.port, channel, onEvent: () => {} }))));
				readers.forEach((reader) => (reader.onFail = () => {}));
				const publishers = await Promise.all([1, 2, 3].map(() => RawWs.open(server.port, { path: `/c/${channel}` })));
				publishers.forEach((ws) => (ws.emit = () => {}));
				for (let i = 0; i < 200; i++) {
					publishers.forEach((ws) => !ws.socket.destroyed && ws.send(text(`load ${i}`)));
					if (i === 150) {
						server.signal('SIGTERM');
					}
					await new Promise((done) => setImmediate(done));
				}
				publishers.forEach((ws) => !ws.socket.destroyed && ws.send(close(1001)));
				readers.forEach((reader) => reader.drop());
				publishers.forEach((ws) => ws.destroy());
			});
		}
	});
});
