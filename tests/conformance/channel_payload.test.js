// docs/channel.md: what a payload is, and what each way of reading makes of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, assertError, post, request } from '../lib/rawhttp.js';
import { RawWs, binary, frame, more, text } from '../lib/rawws.js';
import { STREAMS, TRANSPORTS, dataBytes, fetchRaw, openReader, poll, publish, target } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, random } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

async function publishAny(port, channel, body, type) {
	return publish(port, channel, body, type ?? null);
}

describe('what a payload is', { concurrency: 4 }, () => {
	const server = useServer();
	const becomes = (name, body, type, wanted) =>
		it(name, TIMEOUT, async () => {
			const channel = channelName();
			await publishAny(server.port, channel, body, type);
			const [message] = (await poll(server.port, channel)).messages;
			const { data, encoding, type: kept } = message;
			assert.deepEqual({ data, encoding, type: kept }, { encoding: undefined, type: type ?? undefined, ...wanted });
		});
	const base64 = (body) => ({ data: Buffer.from(body).toString('base64'), encoding: 'base64' });

	becomes('text/plain is text', 'hello', 'text/plain', { data: 'hello' });
	becomes('a charset is kept', 'hello', 'text/plain; charset=utf-8', { data: 'hello' });
	becomes('no type and UTF-8 is text', 'hé漢😀', null, { data: 'hé漢😀' });
	becomes('no type and no UTF-8 is binary', Buffer.from([0xff, 0xfe]), null, base64([0xff, 0xfe]));
	becomes('text that is not UTF-8 is binary', Buffer.from('caf\xe9', 'latin1'), 'text/plain', base64(Buffer.from('caf\xe9', 'latin1')));
	becomes('a surrogate in UTF-8 is binary', Buffer.from([0xed, 0xa0, 0x80]), 'text/plain', base64([0xed, 0xa0, 0x80]));
	becomes('text with NUL and control characters is text', 'a\0\x01\x1f\x7f"\\/\b\f\n\r\t', 'text/plain', { data: 'a\0\x01\x1f\x7f"\\/\b\f\n\r\t' });
	becomes('text with all that JSON and HTML care about', '"\\</script><!--\u2028\u2029&amp;', 'text/html', { data: '"\\</script><!--\u2028\u2029&amp;' });
	becomes('an empty text', '', 'text/plain', { data: '' });
	becomes('an empty body without a type', '', null, { data: '' });
	becomes('a byte order mark stays', '\ufeffa', 'text/plain', { data: '\ufeffa' });
	becomes('XML is text', '<a/>', 'application/xml', { data: '<a/>' });
	becomes('a form is text', 'a=b&c=%20', 'application/x-www-form-urlencoded', { data: 'a=b&c=%20' });
	for (const type of ['application/octet-stream', 'image/png', 'audio/ogg', 'video/mp4', 'font/woff2', 'image/svg+xml', 'APPLICATION/OCTET-STREAM', 'application/octet-stream; x=y']) {
		becomes(`${type} is binary, also when it is UTF-8`, 'hello', type, base64('hello'));
	}
	becomes('an empty binary', '', 'application/octet-stream', base64(''));
	becomes('all byte values', Buffer.from(Array.from({ length: 256 }, (_, i) => i)), 'application/octet-stream', base64(Array.from({ length: 256 }, (_, i) => i)));
	for (const n of [1, 2, 3, 4, 5]) {
		becomes(`base64 of ${n} bytes`, Buffer.alloc(n, 0xfb), 'application/octet-stream', base64(Buffer.alloc(n, 0xfb)));
	}
	for (const value of [{ a: 1, b: [true, null, 'x'] }, [], {}, 'text', '', 0, -1.5e3, true, false, null, { 'ключ': '值😀', '': {} }, [[[[[[]]]]]]]) {
		becomes(`JSON ${JSON.stringify(value)}`, JSON.stringify(value), 'application/json', { data: value });
	}
	becomes('JSON with blanks and line ends', ' {\r\n\t"a" : [ 1 , 2 ]\n} ', 'application/json', { data: { a: [1, 2] } });
	becomes('a +json type', '{"a":1}', 'application/vnd.example+json', { data: { a: 1 } });
	becomes('a +json type with a charset', '{"a":1}', 'application/ld+json; charset=utf-8', { data: { a: 1 } });
	becomes('application/json in upper case', '{"a":1}', 'Application/JSON', { data: { a: 1 } });
	becomes('JSON nested 100 deep', '['.repeat(100) + ']'.repeat(100), 'application/json', { data: JSON.parse('['.repeat(100) + ']'.repeat(100)) });
	becomes('JSON that is not called so is text', '{"a":1}', 'text/plain', { data: '{"a":1}' });

	it('the numbers of JSON are not touched', TIMEOUT, async () => {
		for (const raw of ['12345678901234567890', '0.10', '1E400', '-0', '{"a":1.000}', '"\\u0041\\/"']) {
			const channel = channelName();
			await publish(server.port, channel, raw, 'application/json');
			const { text: body } = await fetchRaw(server.port, target(channel));
			assert.ok(body.includes(`"data":${raw}`), body);
		}
	});
	for (const raw of ['', ' ', '{', '}', '{"a":1,}', '[1,]', '[1 2]', '{"a" 1}', '{a:1}', "{'a':1}", 'nul', 'True', 'NaN', 'Infinity', '01', '1.', '.5', '+1', '1e', '0x1', '"a', '"\x01"', '"\n"', '"\\x"', '"\\u12"', '[1]x', '[1][2]', '1 2', '// c\n1', '\ufeff1', '[', '"\\']) {
		it(`application/json: ${JSON.stringify(raw)} is answered with 400`, TIMEOUT, async () => {
			const channel = channelName();
			assertError(await ask(server.port, post(`/c/${channel}`, raw, { 'Content-Type': 'application/json' })), 400, 'bad_json');
			assert.deepEqual((await poll(server.port, channel)).messages, [], 'it was not published');
		});
	}
	it('application/json that is not UTF-8 is answered with 400', TIMEOUT, async () => {
		for (const bytes of [[0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc3, 0x22]]) {
			assertError(await ask(server.port, post(`/c/${channelName()}`, Buffer.from(bytes), { 'Content-Type': 'application/json' })), 400, 'bad_json');
		}
	});
	it('JSON nested without end is answered with 400 or kept, and harms nobody', TIMEOUT, async () => {
		for (const [open, end] of [['[', ']'], ['{"a":', '}']]) {
			const n = 100_000;
			const body = open.repeat(n) + (open === '[' ? '' : '1') + end.repeat(n);
			const answer = await ask(server.port, post(`/c/${channelName()}`, body, { 'Content-Type': 'application/json' }));
			assert.ok(answer.status === 201 || answer.status === 400, `status ${answer.status}`);
		}
		assert.equal((await ask(server.port, request('GET', '/healthz'))).status, 200);
	});

	it('websocket: text is text, binary is binary, and neither has a type', TIMEOUT, async () => {
		const channel = channelName();
		const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
		ws.send(Buffer.concat([text('{"a":1}'), binary('{"a":1}'), text(''), binary(''), frame(1, 'hé', { fin: false }), more('llo')]));
		await ws.expect('text', '{"a":1}');
		await ws.expect('binary', '{"a":1}');
		await ws.expect('text', '');
		await ws.expect('binary', '');
		await ws.expect('text', 'héllo');
		const { messages } = await poll(server.port, channel);
		assert.deepEqual(messages.map(({ data, encoding, type }) => ({ data, encoding, type })), [
			{ data: '{"a":1}', encoding: undefined, type: undefined }, { ...base64('{"a":1}'), type: undefined }, { data: '', encoding: undefined, type: undefined },
			{ ...base64(''), type: undefined }, { data: 'héllo', encoding: undefined, type: undefined },
		]);
		await ws.bye();
	});
	it('websocket: what is no UTF-8 is not published', TIMEOUT, async () => {
		const channel = channelName();
		const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
		ws.send(Buffer.concat([text('good'), text(Buffer.from([0xff]))]));
		let event = await ws.next('a Close frame');
		if (event.type === 'text') {
			event = await ws.next('a Close frame'); /* its own message may come back first */
		}
		assert.equal(event.code, 1007);
		await ws.expectEnd();
		assert.deepEqual((await poll(server.port, channel)).messages.map((m) => m.data), ['good']);
	});
	it('websocket: half a message is not published', TIMEOUT, async () => {
		const channel = channelName();
		const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
		ws.send(Buffer.concat([text('whole'), frame(1, 'half', { fin: false })]));
		await ws.expect('text', 'whole');
		ws.send(frame(8, ''));
		await ws.expectClose(null);
		assert.deepEqual((await poll(server.port, channel)).messages.map((m) => m.data), ['whole']);
	});
	it('post: half a body is not published', TIMEOUT, async () => {
		const channel = channelName();
		const { RawHttp } = await import('../lib/rawhttp.js');
		const http = await RawHttp.open(server.port);
		http.send(Buffer.concat([post(`/c/${channel}`, 'whole'), request('POST', `/c/${channel}`, { 'Content-Length': 10 }, 'half')]));
		assert.equal((await http.response()).status, 201);
		http.socket.end();
		await new Promise((done) => http.socket.once('close', done));
		assert.deepEqual((await poll(server.port, channel)).messages.map((m) => m.data), ['whole']);
	});
});

describe('echo', { concurrency: 4 }, () => {
	const server = useServer();
	it('without echo=0 the sender receives its own message', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port, { path: `/c/${channelName()}` });
		ws.send(text('mine'));
		await ws.expect('text', 'mine');
		await ws.bye();
	});
	for (const format of ['payload', 'json']) {
		it(`echo=0 leaves out what this connection sent, and nothing else, format=${format}`, TIMEOUT, async () => {
			const channel = channelName();
			const own = await openReader({ transport: 'websocket', port: server.port, channel, echo: 0, format });
			const other = await openReader({ transport: 'websocket', port: server.port, channel, format });
			try {
				for (let i = 0; i < 10; i++) {
					own.send(text(`own ${i}`));
					assert.equal((await other.message()).data, `own ${i}`);
					other.send(text(`other ${i}`));
					assert.equal((await own.message()).data, `other ${i}`);
					assert.equal((await other.message()).data, `other ${i}`);
				}
			} finally {
				own.drop();
				other.drop();
			}
		});
	}
	it('echo=0 does not leave out what was sent before, on another connection', TIMEOUT, async () => {
		const channel = channelName();
		const first = await RawWs.open(server.port, { path: `/c/${channel}?echo=0` });
		first.send(text('before'));
		first.send(frame(9, 'done'));
		await first.expect('pong', 'done');
		await first.bye();
		const { messages } = await poll(server.port, channel);
		assert.deepEqual(messages.map((m) => m.data), ['before']);
		const second = await RawWs.open(server.port, { path: target(channel, { echo: 0, history: 1 }) });
		await second.expect('text', 'before');
		await second.bye();
	});
});

describe('what each way carries', { concurrency: 4 }, () => {
	const server = useServer();
	const rnd = random(77);
	const samples = {
		'a word': ['hello', 'text/plain'],
		'nothing': ['', 'text/plain'],
		'Chinese and emoji': ['实时消息 😀', 'text/plain'],
		'three lines': ['one\ntwo\n\nfour', 'text/plain'],
		'a line end at the end': ['one\n', 'text/plain'],
		'a line end alone': ['\n', 'text/plain'],
		'a blank in front': [' hello', 'text/plain'],
		'colons in front': [':hello\n: x\ndata: y\nid: z\n\nevent: open', 'text/plain'],
		'HTML and scripts': ['</script><script>alert(1)</script><!-- --> <!--<script>', 'text/html'],
		'separators of JavaScript': ['a\u2028b\u2029c', 'text/plain'],
		'a quote, a backslash, NUL': ['"\\\0', 'text/plain'],
		'JSON': ['{"a":[1,2,{"b":"</script>"}],"c":"😀"}', 'application/json'],
		'JSON over lines': ['{\n  "a": 1\n}', 'application/json'],
		'a JSON string': ['"text"', 'application/json'],
		'binary': [Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 13]), 'application/octet-stream'],
		'nothing, binary': [Buffer.alloc(0), 'application/octet-stream'],
		'64 KiB of binary': [rnd.bytes(65536), 'application/octet-stream'],
		'1 MiB of text': ['漢'.repeat(349525) + 'a', 'text/plain'],
		'1 MiB of binary': [rnd.bytes(1 << 20), 'application/octet-stream'],
	};
	for (const [name, [body, type]] of Object.entries(samples)) {
		const isBinary = type === 'application/octet-stream';
		for (const transport of TRANSPORTS) {
			for (const format of transport === 'websocket' || transport === 'sse' ? ['payload', 'json'] : [undefined]) {
				it(`${transport}${format ? `, format=${format}` : ''}: ${name}`, TIMEOUT, async () => {
					const channel = channelName();
					const reader = await openReader({ transport, port: server.port, channel, format });
					try {
						const id = await publish(server.port, channel, body, type);
						const got = await reader.message('the message', bound(20));
						if (format !== 'payload') {
							assert.equal(got.id, id);
							assert.equal(got.type, type);
							if (isBinary) {
								assert.equal(got.encoding, 'base64');
							} else {
								assert.equal(got.encoding, undefined);
							}
							if (type === 'application/json') {
								assert.deepEqual(got.data, JSON.parse(body));
							} else {
								assert.ok(dataBytes(got).equals(Buffer.from(body)), 'byte for byte');
							}
						} else if (isBinary) {
							assert.ok(Buffer.isBuffer(got.data), 'it came as binary');
							assert.ok(got.data.equals(body), 'byte for byte');
						} else {
							assert.equal(typeof got.data, 'string');
							assert.ok(got.data === body, `byte for byte: ${JSON.stringify(got.data.slice(0, 80))}`);
						}
					} finally {
						reader.drop();
					}
				});
			}
		}
	}
	it('sse: line ends CR, LF and CRLF all arrive as LF', TIMEOUT, async () => {
		const channel = channelName();
		const reader = await openReader({ transport: 'sse', port: server.port, channel });
		await publish(server.port, channel, 'a\rb\nc\r\nd\r\re\n\r');
		assert.equal((await reader.message()).data, 'a\nb\nc\nd\n\ne\n\n');
		reader.drop();
		const exact = await openReader({ transport: 'sse', port: server.port, channel, format: 'json', history: 1 });
		assert.equal((await exact.message()).data, 'a\rb\nc\r\nd\r\re\n\r');
		exact.drop();
	});
	it('iframe: the page is HTML from its first byte', TIMEOUT, async () => {
		const channel = channelName();
		const reader = await openReader({ transport: 'iframe', port: server.port, channel });
		await publish(server.port, channel, 'x');
		await reader.message();
		assert.match(reader.page, /^\s*<!doctype html>/i);
		reader.drop();
	});
	for (const transport of STREAMS) {
		it(`${transport}: a message of text that arrives in a fragment of its own comes whole`, TIMEOUT, async () => {
			const channel = channelName();
			const reader = await openReader({ transport, port: server.port, channel });
			const ws = await RawWs.open(server.port, { path: `/c/${channel}?echo=0` });
			ws.send(frame(1, 'a', { fin: false }));
			ws.send(frame(9, 'between'));
			await ws.expect('pong', 'between');
			assert.equal(reader.events.drain().filter((e) => e.kind === 'message').length, 0);
			ws.send(more('b'));
			assert.equal((await reader.message()).data, 'ab');
			ws.destroy();
			reader.drop();
		});
	}
});

describe('limits.message on a WebSocket of a channel', { concurrency: 4 }, () => {
	const server = useServer({ config: { limits: { message: 50000 } } });
	const on = async (body, channel = channelName()) => {
		const ws = await RawWs.open(server.port, { path: `/c/${channel}` });
		try {
			await body(ws, channel);
		} finally {
			ws.destroy();
		}
	};
	for (const type of ['text', 'binary']) {
		const opcode = type === 'text' ? 1 : 2;
		const body = Buffer.alloc(50000, 'x');
		it(`a ${type} of the limit is published`, TIMEOUT, () => on(async (ws) => {
			ws.send(frame(opcode, body));
			await ws.expect(type, body);
			await ws.bye();
		}));
		it(`a ${type} of the limit in fragments is published`, TIMEOUT, () => on(async (ws) => {
			ws.send(Buffer.concat([frame(opcode, body.subarray(0, 49999), { fin: false }), more(body.subarray(49999))]));
			await ws.expect(type, body);
			await ws.bye();
		}));
		it(`a ${type} one byte longer is closed with 1009, at its header`, TIMEOUT, () => on(async (ws, channel) => {
			ws.send(frame(opcode, Buffer.alloc(50001), {}).subarray(0, 4));
			await ws.expectClose(1009, { reason: /./ });
			assert.deepEqual((await poll(server.port, channel)).messages, []);
		}));
		it(`a ${type} that grows past the limit in fragments is closed with 1009`, TIMEOUT, () => on(async (ws, channel) => {
			ws.send(Buffer.concat([frame(opcode, body, { fin: false }), more('x')]));
			await ws.expectClose(1009, { reason: /./ });
			assert.deepEqual((await poll(server.port, channel)).messages, []);
		}));
	}
	it('/echo has a limit of its own', TIMEOUT, async () => {
		const ws = await RawWs.open(server.port);
		ws.send(binary(Buffer.alloc(200_000)));
		await ws.expect('binary', Buffer.alloc(200_000));
		await ws.bye();
	});
});
