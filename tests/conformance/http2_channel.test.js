// Every way of the channel URL over HTTP/2, and WebSockets on its streams (RFC 8441).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { H2 } from '../lib/h2.js';
import { CODES, END_HEADERS, END_STREAM, HEADERS, PING, RawH2, WINDOW_UPDATE, data, headers, ping as h2ping } from '../lib/rawh2.js';
import { BINARY, RawWs, TEXT, binary, close, frame, more, ping, pong, text } from '../lib/rawws.js';
import { openReader, presence, publish } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { SLOW, bound, random, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const MiB = 1 << 20;
const rnd = random(8441);

const resident = (pid) => Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

function useH2(server) {
	const holder = {};
	before(async () => (holder.h2 = await H2.open(server.url)));
	after(() => holder.h2?.close());
	return new Proxy(holder, { get: (target, key) => (typeof target.h2[key] === 'function' ? target.h2[key].bind(target.h2) : target.h2[key]) });
}

describe('the channel URL over HTTP/2', () => {
	const server = useServer();
	const h2 = useH2(server);
	const post = async (channel, body) => {
		const answer = await h2.ask(`/c/${channel}`, { method: 'POST', body, headers: { 'content-type': 'text/plain' } });
		assert.equal(answer.status, 201, answer.text);
		return answer.json.id;
	};

	it('POST and poll', TIMEOUT, async () => {
		const channel = channelName();
		const id = await post(channel, 'hello');
		const page = await h2.ask(`/c/${channel}`);
		assert.equal(page.json.messages[0].data, 'hello');
		assert.equal(page.json.next, id);
		assert.equal(page.headers['cache-control'], 'no-store');
	});
	it('long poll: waits, and answers at once when there is news', TIMEOUT, async () => {
		const channel = channelName();
		const id = await post(channel, 'first');
		const waiting = h2.ask(`/c/${channel}?since=${id}&wait=30`);
		await post(channel, 'second');
		assert.equal((await waiting).json.messages[0].data, 'second');
	});
	it('a long poll that is cancelled waits no more', TIMEOUT, async () => {
		const channel = channelName();
		const stream = h2.session.request({ ':path': `/c/${channel}?wait=60&client=gone` });
		stream.on('error', () => {});
		const there = async () => (await presence(server.port, channel)).members.length;
		await until(async () => (await there()) === 1, bound(8), 'the poller to be there');
		stream.close(CODES.CANCEL);
		const held = async () => /crosstalk_http_held\{worker="0"\} (\d+)/.exec((await h2.ask('/metrics')).text)[1];
		await until(async () => (await held()) === '0', bound(8), 'the poll to end');
	});
	it('server-sent events, resumed with Last-Event-ID', TIMEOUT, async () => {
		const channel = channelName();
		const reader = await h2.lines(`/c/${channel}`, { headers: { accept: 'text/event-stream' } });
		assert.match(reader.headers['content-type'], /^text\/event-stream/);
		assert.equal(reader.headers['content-length'], undefined);
		assert.equal(await reader.lines.next(), 'event: open');
		await reader.lines.next();
		await reader.lines.next();
		await reader.lines.next();
		const id = await post(channel, 'a\nb');
		assert.equal(await reader.lines.next(), `id: ${id}`);
		assert.equal(await reader.lines.next(), 'data: a');
		assert.equal(await reader.lines.next(), 'data: b');
		reader.stream.close(CODES.CANCEL);
		await post(channel, 'later');
		const again = await h2.lines(`/c/${channel}`, { headers: { accept: 'text/event-stream', 'last-event-id': id } });
		for (;;) {
			if ((await again.lines.next()) === 'data: later') {
				break;
			}
		}
		again.stream.close(CODES.CANCEL);
	});
	it('a GET whose END_STREAM comes with an empty DATA is answered, and its stream stays', TIMEOUT, async () => {
		const channel = channelName();
		const stream = h2.session.request({ ':path': `/c/${channel}`, accept: 'text/event-stream' }, { endStream: false });
		stream.end();
		let text = '';
		stream.setEncoding('utf8').on('data', (part) => (text += part));
		await until(() => text.includes('event: open'), bound(8), 'the stream to begin');
		await post(channel, 'still here');
		await until(() => text.includes('data: still here'), bound(8), 'the message');
		stream.close(CODES.CANCEL);
		const poll = await h2.ask(`/c/${channel}`, { body: Buffer.alloc(0) });
		assert.equal(poll.json.messages.length, 1);
	});
	for (const kind of ['ndjson', 'iframe']) {
		it(`${kind}: one object a message, no chunks`, TIMEOUT, async () => {
			const channel = channelName();
			const reader = await h2.lines(`/c/${channel}?stream=${kind}`);
			await post(channel, 'hello');
			for (;;) {
				const line = await reader.lines.next();
				assert.doesNotMatch(line, /^[0-9a-f]+\r$/, 'no chunk sizes');
				if (line.includes('"data":"hello"')) {
					break;
				}
			}
			reader.stream.close(CODES.CANCEL);
		});
	}
	it('presence names all ways, whatever carries them', TIMEOUT, async () => {
		const channel = channelName();
		const ws = await h2.websocket(`/c/${channel}?client=a&name=Ann`);
		const sse = await h2.begin(`/c/${channel}?client=b`, { headers: { accept: 'text/event-stream' } });
		const old = await openReader({ transport: 'websocket', port: server.port, channel, client: 'c' });
		const answer = await h2.ask(`/c/${channel}?presence`);
		assert.equal(answer.json.count, 3);
		assert.deepEqual(answer.json.members.map((m) => `${m.client} ${m.transports}`).sort(), ['a websocket', 'b sse', 'c websocket']);
		await ws.bye();
		sse.stream.close(CODES.CANCEL);
		old.drop();
		await until(async () => (await presence(server.port, channel)).count === 0, bound(8), 'all to have gone');
	});
	it('a message reaches every way, over HTTP/1.1 and HTTP/2, with the same id', TIMEOUT, async () => {
		const channel = channelName();
		const h1 = await openReader({ transport: 'websocket', port: server.port, channel, format: 'json' });
		const ws = await h2.websocket(`/c/${channel}?format=json`);
		const nd = await h2.lines(`/c/${channel}?stream=ndjson`);
		const id = await publish(server.port, channel, 'to all');
		assert.equal((await h1.message()).id, id);
		const seen = [];
		while (!seen.includes(id)) {
			seen.push(JSON.parse((await ws.message()).data).id);
		}
		for (;;) {
			const line = await nd.lines.next();
			if (line && JSON.parse(line).id === id) {
				break;
			}
		}
		h1.drop();
		await ws.bye();
		nd.stream.close(CODES.CANCEL);
	});
});

describe('RFC 8441 the opening', () => {
	const server = useServer();
	const h2 = useH2(server);
	const refused = (name, headersOf, status, words) =>
		it(name, TIMEOUT, async () => {
			await assert.rejects(h2.websocket('/echo', headersOf), (error) => {
				assert.equal(error.status, status, error.message);
				assert.match(error.text, words);
				return true;
			});
		});
	it('5: 200, without what belongs to HTTP/1.1', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo');
		assert.equal(ws.response.status, 200);
		for (const name of ['sec-websocket-accept', 'upgrade', 'connection', 'content-length', 'transfer-encoding']) {
			assert.equal(ws.response.headers[name], undefined, name);
		}
		await ws.bye();
	});
	it('5: a key is not looked at', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo', { 'sec-websocket-key': 'nonsense' });
		assert.equal(ws.response.headers['sec-websocket-accept'], undefined);
		await ws.bye();
	});
	refused('5: version 8 is refused, with the one that is spoken', { 'sec-websocket-version': '8' }, 400, /version 13/);
	refused('RFC 6455 4.2.1: a list of subprotocols that is none', { 'sec-websocket-protocol': 'a b' }, 400, /Protocol/);
	it('4: another protocol is 501', TIMEOUT, async () => {
		const answer = await h2.ask('/echo', { method: 'CONNECT', end: false, headers: { ':protocol': 'connect-udp' } });
		assert.equal(answer.status, 501);
	});
	it('4: a path without a WebSocket is refused, not answered with 2xx', TIMEOUT, async () => {
		for (const path of ['/healthz', '/metrics', '/']) {
			const answer = await h2.ask(path, { method: 'CONNECT', end: false, headers: { ':protocol': 'websocket', 'sec-websocket-version': '13' } });
			assert.equal(answer.status, 400, path);
			assert.match(answer.json.error.message, /no WebSocket/);
		}
	});
	it('GET on a path that is only a WebSocket says how it is opened', TIMEOUT, async () => {
		const answer = await h2.ask('/echo');
		assert.equal(answer.status, 400);
		assert.match(answer.json.error.message, /CONNECT/);
	});
	it('a channel name that is none is refused before the opening', TIMEOUT, async () => {
		await assert.rejects(h2.websocket('/c/'), (error) => error.status === 400);
	});
});

describe('WebSockets over HTTP/2', () => {
	const server = useServer();
	const h2 = useH2(server);
	it('echo of every size', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo');
		for (const n of [0, 1, 125, 126, 127, 4096, 16383, 16384, 16385, 65535, 65536, 131071, 131072, 131073, MiB, 3 * MiB]) {
			const body = rnd.bytes(n);
			ws.send(binary(body));
			await ws.expect('binary', body);
		}
		await ws.bye();
	});
	it('a thousand small messages in one write', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo');
		ws.send(Buffer.concat(Array.from({ length: 1000 }, (_, i) => text(`message ${i}`))));
		for (let i = 0; i < 1000; i++) {
			await ws.expect('text', `message ${i}`);
		}
		await ws.bye();
	});
	it('fragments with a ping between, byte by byte', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo');
		await ws.sendSlowly(Buffer.concat([text('a', { fin: false }), ping('p'), more('b', { fin: false }), more('c')]));
		await ws.expect('pong', 'p');
		await ws.expect('text', 'abc');
		await ws.bye();
	});
	it('pongs nobody asked for are ignored', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo');
		ws.send(Buffer.concat([pong('x'), text('y')]));
		await ws.expect('text', 'y');
		await ws.bye();
	});
	for (const [name, bytes, code] of [
		['a frame without a mask', frame(TEXT, 'x', { mask: null }), 1002], ['a reserved bit', text('x', { rsv: 4 }), 1002],
		['text that is not UTF-8', frame(TEXT, Buffer.from([0xff])), 1007], ['a reserved opcode', frame(3, ''), 1002],
		['more than limits.echo', frame(BINARY, 'x', { form: 64, length: 17n << 20n }), 1009],
	]) {
		it(`${name}: Close ${code}, then END_STREAM; the connection goes on`, TIMEOUT, async () => {
			const ws = await h2.websocket('/echo');
			ws.send(bytes);
			await ws.expectClose(code);
			assert.equal((await h2.ask('/healthz')).status, 200);
		});
	}
	it('a Close with a code comes back with it', TIMEOUT, async () => {
		const ws = await h2.websocket('/echo');
		ws.send(close(4321, 'bye'));
		await ws.expectClose(4321);
	});
	it('END_STREAM without a Close ends it, RST_STREAM too', TIMEOUT, async () => {
		const channel = channelName();
		const there = async () => (await presence(server.port, channel)).count;
		const one = await h2.websocket(`/c/${channel}`);
		const two = await h2.websocket(`/c/${channel}`);
		await until(async () => (await there()) === 2, bound(8), 'both to be there');
		one.socket.end();
		await until(async () => (await there()) === 1, bound(8), 'one to have gone');
		two.socket.close(CODES.CANCEL);
		await until(async () => (await there()) === 0, bound(8), 'the other to have gone');
	});
	it('a CONNECT that comes with END_STREAM is over at once', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		raw.send(headers(1, raw.fields({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/echo', 'sec-websocket-version': '13' })));
		await raw.expectReset(1, CODES.CANCEL);
		raw.destroy();
	});
	it('on the wire: END_STREAM follows the Close frame, and no RST_STREAM', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		raw.send(headers(1, raw.fields({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/echo', 'sec-websocket-version': '13' }), END_HEADERS));
		const head = await raw.until([HEADERS]);
		assert.equal(head.flags & END_STREAM, 0);
		raw.send(data(1, text('a')), data(1, close(1000), END_STREAM));
		const answer = await raw.answer(1).catch((error) => error);
		assert.equal(answer.reset, null);
		assert.equal(Buffer.from(answer.body, 'latin1').length, 3 + 4, 'the echo and the Close');
		await raw.expectAlive();
		raw.destroy();
	});
	it('90 of them on one connection, all busy', TIMEOUT, async () => {
		const all = await Promise.all(Array.from({ length: 90 }, () => h2.websocket('/echo')));
		const metrics = (await h2.ask('/metrics')).text;
		const sum = (name) => [...metrics.matchAll(new RegExp(`^crosstalk_${name} (\\d+)$`, 'gm'))].reduce((n, m) => n + Number(m[1]), 0);
		assert.equal(sum('http2_connections\\{[^}]*\\}'), 1);
		assert.equal(sum('connections\\{[^}]*transport="websocket"\\}'), 90);
		for (let round = 0; round < 5; round++) {
			all.forEach((ws, i) => ws.send(binary(Buffer.alloc(20000, i))));
			await Promise.all(all.map((ws, i) => ws.expect('binary', Buffer.alloc(20000, i))));
		}
		await Promise.all(all.map((ws) => ws.bye()));
	});
	it('a broadcast reaches 80 readers on one connection, in order', TIMEOUT, async () => {
		const channel = channelName();
		const all = await Promise.all(Array.from({ length: 80 }, () => h2.websocket(`/c/${channel}`)));
		for (let i = 0; i < 50; i++) {
			await publish(server.port, channel, `message ${i}`);
		}
		await Promise.all(all.map(async (ws) => {
			for (let i = 0; i < 50; i++) {
				await ws.expect('text', `message ${i}`);
			}
		}));
		await Promise.all(all.map((ws) => ws.bye()));
	});
	it('what is published on it reaches the others', TIMEOUT, async () => {
		const channel = channelName();
		const a = await h2.websocket(`/c/${channel}?echo=0`);
		const b = await RawWs.open(server.port, { path: `/c/${channel}?echo=0` });
		a.send(text('over HTTP/2'));
		await b.expect('text', 'over HTTP/2');
		b.send(text('over HTTP/1.1'));
		await a.expect('text', 'over HTTP/1.1');
		await a.bye();
		await b.bye();
	});
});

describe('flow control', () => {
	const server = useServer({ workers: 1, config: { limits: { message: 65536, backlog: 262144 }, history: { messages: 10 } } });
	const filler = '.'.repeat(60000);
	const tunnel = (raw, stream, path) => raw.send(headers(stream, raw.fields({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' }), END_HEADERS));

	it('a reader that gives no window is closed as too slow; others on its connection get everything', TIMEOUT, async () => {
		const channel = channelName();
		const other = channelName();
		const h2 = await H2.open(server.url);
		const slow = await h2.begin(`/c/${channel}?client=slow`, { headers: { accept: 'text/event-stream' } });
		slow.stream.pause();
		const fast = await h2.websocket(`/c/${other}`);
		const before = resident(server.pid);
		let sent = 0;
		const there = async () => (await presence(server.port, channel)).members.some((m) => m.client === 'slow');
		while (await there()) {
			assert.ok(sent < 400, 'after 24 MB the slow reader is still there');
			await publish(server.port, channel, `${sent}${filler}`);
			await publish(server.port, other, `${sent}`);
			await fast.expect('text', `${sent++}`);
		}
		assert.ok(resident(server.pid) - before < (SLOW > 1 ? 400 : 64) * MiB);
		assert.match((await h2.ask('/metrics')).text, /slow_readers_total\{worker="0"\} 1\n/);
		await fast.bye();
		await h2.close();
	});
	it('a WebSocket that gives no window keeps limits.backlog at most, and hears why it is closed once it reads', TIMEOUT, async () => {
		const channel = channelName();
		const h2 = await H2.open(server.url);
		const slow = await h2.websocket(`/c/${channel}?client=slow`);
		slow.socket.pause();
		const there = async () => (await presence(server.port, channel)).members.some((m) => m.client === 'slow');
		for (let i = 0; await there(); i++) {
			assert.ok(i < 400);
			await publish(server.port, channel, `${i}${filler}`);
		}
		slow.socket.resume();
		for (let i = 0; ; i++) {
			const event = await slow.next();
			if (event.type === 'close') {
				assert.equal(event.code, 1013);
				break;
			}
			assert.equal(Number(event.data.subarray(0, event.data.indexOf('.'))), i, 'in order, without gaps');
		}
		await h2.close();
	});
	it('the window of the connection at 0: nothing but control frames come, and memory stays', TIMEOUT, async () => {
		const channel = channelName();
		const raw = await RawH2.open(server.port, { settings: [[4, 0x7fffffff]] });
		const before = resident(server.pid);
		for (let i = 0; i < 50; i++) {
			tunnel(raw, 1 + 2 * i, `/c/${channel}`);
		}
		await until(async () => (await presence(server.port, channel)).count === 50, bound(8), '50 WebSockets');
		for (let i = 0; i < 60; i++) {
			await publish(server.port, channel, `${i}${filler}`);
		}
		assert.ok(raw.window >= 0, 'never more than the window');
		await raw.expectAlive();
		assert.equal(raw.window, 0);
		assert.ok(resident(server.pid) - before < (SLOW > 1 ? 400 : 48) * MiB, `${(resident(server.pid) - before) / MiB} MiB`);
		raw.destroy();
		await until(async () => (await presence(server.port, channel)).count === 0, bound(8), 'all to have gone');
	});
	it('a WebSocket that echoes to who does not read takes no more than its windows', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port, { settings: [[4, 1000]] });
		tunnel(raw, 1, '/echo');
		tunnel(raw, 3, '/echo');
		await raw.until([HEADERS]);
		const before = resident(server.pid);
		let window = 128 * 1024;
		const body = Buffer.alloc(16000, 'x');
		let taken = 0;
		/* as much as the server gives window for, until it gives none */
		for (let quiet = 0; quiet < 3;) {
			while (window >= body.length + 8) {
				const bytes = binary(body);
				raw.send(data(1, bytes));
				window -= bytes.length;
				taken += bytes.length;
			}
			raw.send(h2ping());
			let grew = false;
			for (;;) {
				const event = await raw.next('an answer');
				if (event.type === WINDOW_UPDATE && event.stream === 1) {
					window += event.payload.readUInt32BE(0);
					grew = true;
				} else if (event.type === PING) {
					break;
				}
			}
			quiet = grew ? 0 : quiet + 1;
			assert.ok(taken < 4 * MiB, 'the server takes everything from who reads nothing');
		}
		assert.ok(resident(server.pid) - before < (SLOW > 1 ? 200 : 16) * MiB);
		raw.send(data(3, text('and I?')));
		for (;;) {
			const event = await raw.next('the echo on the other stream');
			if (event.stream === 3 && event.type === 0) {
				assert.equal(event.payload.subarray(2).toString(), 'and I?');
				break;
			}
		}
		raw.destroy();
	});
	it('a sender of bodies nobody reads gets the window of the connection back', TIMEOUT, async () => {
		const raw = await RawH2.open(server.port);
		for (let i = 0, id = 1; i < 30; i++, id += 2) {
			raw.send(headers(id, raw.fields({ ':method': 'POST', ':path': '/healthz' }), END_HEADERS), ...Array.from({ length: 4 }, () => data(id, Buffer.alloc(16000))));
			assert.equal((await raw.answer(id)).status, 405);
		}
		raw.send(headers(101, raw.fields({ ':method': 'POST', ':path': '/c/h2back' }), END_HEADERS), data(101, 'x', END_STREAM));
		assert.equal((await raw.answer(101)).status, 201);
		raw.destroy();
	});
});
