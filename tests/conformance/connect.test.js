// crosstalk connect in a pipe: lines in, lines out, and exit codes that say what happened; against our server, and
// against servers that refuse, vanish, stall or say what they should not. (connect_terminal.test.js is about people.)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import { Proxy } from '../lib/proxy.js';
import { BINARY, PONG, TEXT, acceptFor, close, frame } from '../lib/rawws.js';
import { poll, presence, publish } from '../lib/readers.js';
import { channelName, program, useServer } from '../lib/server.js';
import { Queue, bound, until, within } from '../lib/time.js';
import { authority } from '../lib/tls.js';

const TIMEOUT = { timeout: bound(60) };

/** A running `crosstalk connect`: its output so far, and `ended`, a promise of { code, out, err, bytes }. */
class Connect {
	chunks = [];
	err = '';

	constructor(...args) {
		this.child = spawn(program(), ['connect', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.child.stdout.on('data', (data) => this.chunks.push(data));
		this.child.stderr.setEncoding('utf8').on('data', (text) => (this.err += text));
		this.child.stdin.on('error', () => {});
		const ended = once(this.child, 'close').then(([code, signal]) => ({ code: code ?? signal, out: this.out, err: this.err, bytes: this.bytes }));
		this.ended = within(ended, bound(30), `the end of connect ${args.join(' ')}`).finally(() => this.child.kill('SIGKILL'));
		this.ended.catch(() => {});
	}

	get bytes() {
		return Buffer.concat(this.chunks);
	}

	get out() {
		return this.bytes.toString();
	}

	says(pattern, where = 'out') {
		return until(() => pattern.test(this[where]), bound(10), `${pattern} in ${this.out}${this.err}`);
	}
}

/** Runs it to its end with this standard input; null: none, and it stays open. */
function connect(input, ...args) {
	const started = new Connect(...args);
	if (input !== null) {
		started.child.stdin.end(input);
	}
	return started.ended;
}

/** A server of npm ws: `talk(socket, request)` for each connection. */
async function withServer(talk, body, options = {}) {
	const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
	await once(server, 'listening');
	server.on('connection', (socket, request) => {
		socket.on('error', () => {});
		talk(socket, request);
	});
	try {
		return await body(`ws://127.0.0.1:${server.address().port}`, server);
	} finally {
		server.clients.forEach((socket) => socket.terminate());
		await new Promise((done) => server.close(done));
	}
}

/** A server that is only a socket: `talk(socket, head)` when the head of a request has come. */
async function withSocket(talk, body) {
	const sockets = new Set();
	const server = net.createServer((socket) => {
		let head = '';
		sockets.add(socket.setNoDelay(true).on('error', () => {}));
		socket.on('data', function read(data) {
			head += data.toString('latin1');
			if (head.includes('\r\n\r\n')) {
				socket.off('data', read);
				talk(socket, head);
			}
		});
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	try {
		return await body(server.address().port);
	} finally {
		sockets.forEach((socket) => socket.destroy());
		await new Promise((done) => server.close(done));
	}
}

const accept = (head) => {
	const key = /^sec-websocket-key: *(\S+)/im.exec(head)[1];
	return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`;
};
const served = (opcode, payload, options) => frame(opcode, payload, { mask: null, ...options });
const closed = (code, reason) => close(code, reason, { mask: null });

describe('connect: lines', { concurrency: 4 }, () => {
	const server = useServer();
	const echo = () => `ws://${server.host}/echo`;
	it('a line is a message, a message is a line; nothing else is on standard output', TIMEOUT, async () => {
		const { code, out, err } = await connect('one\n\ntwo wörds 漢\nthe last without an end', echo());
		assert.deepEqual([code, out], [0, 'one\n\ntwo wörds 漢\nthe last without an end\n']);
		assert.match(err, /^crosstalk connect: connected to ws:\/\/.*\/echo/);
		assert.match(err, /closed: 1000 normal closure/);
	});
	it('--quiet says nothing', TIMEOUT, async () => {
		assert.deepEqual((({ code, out, err }) => [code, out, err])(await connect('x\n', '--quiet', echo())), [0, 'x\n', '']);
	});
	it('a URL without a scheme, with http, and with ws', TIMEOUT, async () => {
		for (const url of [`${server.host}/echo`, `http://${server.host}/echo`, `WS://${server.host}/echo`]) {
			assert.deepEqual((await connect('x\n', url)).out, 'x\n');
		}
	});
	it('messages come as they are: line ends and control characters too', TIMEOUT, () =>
		withServer((socket) => {
			socket.send('a\nb\x1b[31m\0');
			socket.close(1000);
		}, async (url) => {
			const { code, out } = await connect(null, url);
			assert.deepEqual([code, out], [0, 'a\nb\x1b[31m\0\n']);
		}));
	it('input is sent when it comes, answers are printed when they come', TIMEOUT, async () => {
		const it = new Connect(echo());
		it.child.stdin.write('one\n');
		await it.says(/^one\n$/);
		it.child.stdin.write('tw');
		it.child.stdin.write('o\n');
		await it.says(/^one\ntwo\n$/);
		it.child.stdin.end();
		assert.equal((await it.ended).code, 0);
	});
	it('200,000 lines come back in order, to a reader that begins late', TIMEOUT, async () => {
		const lines = Array.from({ length: 200000 }, (_, i) => `line ${i} of many\n`).join('');
		const it = new Connect('--quiet', echo());
		it.child.stdout.pause();
		it.child.stdin.end(lines);
		setTimeout(() => it.child.stdout.resume(), 300);
		const { code, out } = await it.ended;
		assert.equal(code, 0);
		assert.ok(out === lines, `${out.length} bytes of ${lines.length}`);
	});
	it('a reader that stops is not filled up with memory, and neither is a peer', TIMEOUT, async () => {
		const it = new Connect('--quiet', '--no-compression', echo());
		it.child.stdout.pause();
		const block = Buffer.from('x'.repeat(999).concat('\n').repeat(1000));
		let taken = 0;
		const write = () => it.child.stdin.write(block, () => (taken += block.length, taken < 200e6 && write()));
		write();
		let before = -1;
		await until(() => taken > 0 && taken === before || ((before = taken), false), bound(20), 'the input to stop').catch(() => {});
		await within(new Promise((done) => {
			const timer = setInterval(() => {
				if (taken === before && taken > 0) {
					clearInterval(timer);
					done();
				}
				before = taken;
			}, 200);
		}), bound(30), 'the input to stop');
		const memory = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${it.child.pid}/status`, 'utf8'))[1]) / 1024;
		if (!/san/.test(program())) {
			assert.ok(memory < 40, `${memory} MiB`);
		}
		assert.ok(taken < 100e6, `${taken} bytes were taken`);
		it.child.kill('SIGKILL');
		await it.ended;
	});
	for (const [form, line, bytes, back] of [
		['--binary', 'text', Buffer.from('text'), Buffer.from('text\n')],
		['--hex', '00 fF:10', Buffer.from([0, 255, 16]), Buffer.from('00ff10\n')],
		['--base64', 'AP8Q', Buffer.from([0, 255, 16]), Buffer.from('AP8Q\n')],
		['--base64', '', Buffer.alloc(0), Buffer.from('\n')],
	]) {
		it(`${form}: ${JSON.stringify(line)} is a binary message, and comes back as such`, TIMEOUT, () => {
			const got = [];
			return withServer((socket) => socket.on('message', (data, binary) => {
				got.push([data, binary]);
				socket.send(data, { binary });
			}), async (url) => {
				assert.deepEqual((await connect(`${line}\n`, form, url)).bytes, back);
				assert.deepEqual(got, [[bytes, true]]);
			});
		});
	}
	it('binary messages are hexadecimal where nothing else was asked for', TIMEOUT, () =>
		withServer((socket) => {
			socket.send(Buffer.from([1, 2, 255]));
			socket.close();
		}, async (url) => assert.equal((await connect(null, url)).out, '0102ff\n')));
	for (const [what, args, line] of [['not UTF-8', [], Buffer.from([0x61, 0xff, 10])], ['not hexadecimal', ['--hex'], 'xy\n'], ['not base64', ['--base64'], '*\n'], ['half a byte', ['--hex'], 'abc\n']]) {
		it(`a line that is ${what} ends it with 2, after what was before it`, TIMEOUT, async () => {
			const { code, err, out } = await connect(Buffer.concat([Buffer.from('00\n'), Buffer.from(line), Buffer.from('11\n')]), '--once', '2', ...args, echo());
			assert.equal(code, 2, err);
			assert.match(err, /a line of standard input was not sent: it is not/);
			assert.ok(!out.includes('11'), out);
		});
	}
	it('--json indents, without it JSON stays as it is', TIMEOUT, async () => {
		const json = '{"a":1.10,"text":"' + 'x'.repeat(80) + '"}\n';
		assert.equal((await connect(json, echo())).out, json);
		assert.equal((await connect(json, '--json', echo())).out, `{\n  "a": 1.10,\n  "text": "${'x'.repeat(80)}"\n}\n`);
		assert.equal((await connect('{"a":1}\n', '--json', '--color', 'always', echo())).out, '{\x1b[36m"a"\x1b[0m: \x1b[33m1\x1b[0m}\n');
	});
	it('--send, before standard input; repeated', TIMEOUT, async () => {
		assert.equal((await connect('three\n', '--send', 'one', '--send', 'two', echo())).out, 'one\ntwo\nthree\n');
		assert.equal((await connect('', '--hex', '--send', 'ff', echo())).out, 'ff\n');
	});
	it('--once ends after so many messages, standard input open or not', TIMEOUT, async () => {
		assert.deepEqual((({ code, out }) => [code, out])(await connect('1\n2\n3\n4\n', '--once', '2', echo())), [0, '1\n2\n']);
		assert.deepEqual((({ code, out }) => [code, out])(await connect(null, '--once', '1', '--send', 'x', echo())), [0, 'x\n']);
	});
	it('--time goes before each message', TIMEOUT, async () => {
		assert.match((await connect('x\n', '--time', echo())).out, /^\d\d:\d\d:\d\d\.\d{3} x\n$/);
	});
	it('slash commands are for people: in a pipe a line is a message', TIMEOUT, async () => {
		assert.equal((await connect('/quit\n//x\n', echo())).out, '/quit\n//x\n');
	});
});

describe('connect: after the end of standard input', { concurrency: 4 }, () => {
	const late = (ms) => (socket) => socket.on('message', (data) => setTimeout(() => socket.send(`late ${data}`), ms));
	it('what the peer says before it answers a ping is printed', TIMEOUT, () =>
		withServer((socket) => socket.on('message', (data) => socket.send(data.toString())),
			async (url) => assert.equal((await connect('a\nb\n', url)).out, 'a\nb\n')));
	it('--wait waits so long for more', TIMEOUT, () =>
		withServer(late(300), async (url) => {
			assert.equal((await connect('a\n', '--wait', '0', url)).out, '');
			assert.equal((await connect('a\n', '--wait', '20', '--once', '1', url)).out, 'late a\n');
			assert.equal((await connect('a\n', '--wait', '1', url)).out, 'late a\n');
		}));
	it('--wait forever: until the peer closes', TIMEOUT, () =>
		withServer((socket) => setTimeout(() => {
			socket.send('news');
			socket.close(1001);
		}, 200), async (url) => {
			const { code, out } = await connect('', '--wait', 'forever', url);
			assert.deepEqual([code, out], [0, 'news\n']);
		}));
	it('--once waits until they have come', TIMEOUT, () =>
		withServer(late(200), async (url) => assert.equal((await connect('a\nb\n', '--once', '2', url)).out, 'late a\nlate b\n')));
	it('a peer that does not answer pings is not waited for without end', TIMEOUT, () =>
		withServer((socket) => socket.on('message', (data) => socket.send(data.toString())),
			async (url) => {
				const { code, out } = await connect('a\n', url);
				assert.deepEqual([code, out], [0, 'a\n']);
			}, { autoPong: false }));
});

describe('connect: exit codes', { concurrency: 4 }, () => {
	const closes = (code, reason) => (socket) => (code ? socket.close(code, reason) : socket.close());
	for (const code of [1000, 1001, undefined]) {
		it(`0: the peer closes with ${code ?? 'no code'}`, TIMEOUT, () =>
			withServer(closes(code), async (url) => assert.equal((await connect(null, url)).code, 0)));
	}
	for (const code of [1002, 1008, 1011, 1013, 3000, 4410, 4999]) {
		it(`4: the peer closes with ${code}; the message names it`, TIMEOUT, () =>
			withServer(closes(code, 'because \x1b[31m'), async (url) => {
				const got = await connect(null, '--quiet', url);
				assert.equal(got.code, 4);
				assert.ok(got.err.includes(`closed: ${code} `) && got.err.includes('because \\x1b[31m'), got.err);
			}));
	}
	it('1: the handshake is refused; the message names the status', TIMEOUT, () =>
		withSocket((socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'), async (port) => {
			const { code, out, err } = await connect('x\n', `127.0.0.1:${port}`);
			assert.deepEqual([code, out], [1, '']);
			assert.match(err, /cannot connect to .*403 Forbidden/);
		}));
	for (const [what, answer] of [
		['a wrong Sec-WebSocket-Accept', 'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n'],
		['a status line with an escape sequence', 'HTTP/1.1 403 \x1b[31mRed\r\nContent-Length: 0\r\n\r\n'],
		['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n'],
		['a redirect', 'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
	]) {
		it(`1: ${what} for an answer`, TIMEOUT, () =>
			withSocket((socket) => socket.end(answer), async (port) => {
				const { code, err } = await connect('x\n', `127.0.0.1:${port}`);
				assert.equal(code, 1, err);
				assert.ok(!err.includes('\x1b'), JSON.stringify(err));
			}));
	}
	for (const [args, words] of [
		[[], /URL is missing/], [['a', 'b'], /one URL only/], [['--bogus', 'u'], /--bogus is not an option/], [['--once', '0', 'u'], /--once 0: a number from 1 on/],
		[['--json', '--no-json', 'u'], /do not go together/], [['ftp://x/'], /./], [['ws://'], /./], [['ws://x/#fragment'], /./], [['--header', 'no colon', 'ws://127.0.0.1:1/'], /./],
		[['--header', 'A: b\r\nC: d', 'ws://127.0.0.1:1/'], /./], [['--subprotocol', 'two words', 'ws://127.0.0.1:1/'], /./], [['--wait', 'x', 'u'], /--wait x/],
	]) {
		it(`2: crosstalk connect ${JSON.stringify(args.join(' ')).slice(1, -1)}`, TIMEOUT, async () => {
			const { code, out, err } = await connect('', ...args);
			assert.deepEqual([code, out], [2, ''], err);
			assert.match(err, words);
			assert.match(err, /Try: crosstalk help connect/);
		});
	}
	it('3: nobody listens there', TIMEOUT, async () => {
		const { code, err } = await connect('x\n', 'ws://127.0.0.1:1/');
		assert.equal(code, 3);
		assert.match(err, /cannot connect to ws:\/\/127\.0\.0\.1:1\/: .*refused/i);
	});
	it('3: there is no such host', TIMEOUT, async () => {
		const { code, err } = await connect('x\n', 'ws://nowhere.invalid/');
		assert.equal(code, 3, err);
	});
	it('3: the connection ends before an answer', TIMEOUT, () =>
		withSocket((socket) => socket.destroy(), async (port) => assert.equal((await connect('x\n', `127.0.0.1:${port}`)).code, 3)));
	for (const [what, end] of [['ends', (socket) => socket.end()], ['is reset', (socket) => socket.resetAndDestroy()]]) {
		it(`5: the connection ${what} without a Close frame; what came is printed`, TIMEOUT, () =>
			withSocket((socket, head) => socket.write(Buffer.concat([Buffer.from(accept(head)), served(TEXT, 'hello')]), () => setTimeout(() => end(socket), 100)),
				async (port) => {
					const { code, out, err } = await connect(null, `127.0.0.1:${port}`);
					assert.deepEqual([code, out], [5, 'hello\n'], err);
					assert.match(err, /1006 connection lost/);
				}));
	}
	it('5: the Close frame is not answered', TIMEOUT, () =>
		withSocket((socket, head) => socket.write(accept(head)), async (port) => {
			const { code, err } = await connect('x\n', '--wait', '0', `127.0.0.1:${port}`);
			assert.equal(code, 5, err);
		}));
	for (const [what, bytes, number] of [
		['a masked frame', frame(TEXT, 'x'), 1002], ['a reserved opcode', served(3, 'x'), 1002], ['a text that is not UTF-8', served(TEXT, Buffer.from([255])), 1007],
		['a fragmented ping', served(9, '', { fin: false }), 1002], ['an unasked-for compression', served(TEXT, 'x', { rsv: 4 }), 1002],
	]) {
		it(`4: the peer sends ${what}`, TIMEOUT, () =>
			withSocket((socket, head) => socket.write(Buffer.concat([Buffer.from(accept(head)), bytes])), async (port) => {
				const { code, err } = await connect(null, '--no-compression', `127.0.0.1:${port}`);
				assert.equal(code, 4, err);
				assert.match(err, new RegExp(`${number}`));
			}));
	}
	it('6: no answer within --timeout', TIMEOUT, () =>
		withSocket(() => {}, async (port) => {
			const { code, err } = await connect('x\n', '--timeout', '0.2', `127.0.0.1:${port}`);
			assert.equal(code, 6, err);
		}));
	it('6: --wait is over before --once messages came', TIMEOUT, () =>
		withServer(() => {}, async (url) => {
			const { code, err } = await connect('', '--once', '2', '--wait', '0.2', url);
			assert.equal(code, 6);
			assert.match(err, /only 0 of 2 messages came/);
		}));
});

describe('connect: the handshake', { concurrency: 4 }, () => {
	it('headers, cookies, origin, subprotocols', TIMEOUT, () => {
		let headers;
		return withServer((socket, request) => {
			({ headers } = request);
			socket.close(1000);
		}, async (url) => {
			const { err } = await connect(null, '--header', 'X-One: 1', '--header', 'X-Two:2', '--cookie', 'a=1', '--cookie', 'b=2', '--origin', 'https://example.com',
				'--subprotocol', 'first', '--subprotocol', 'second', url);
			assert.equal(headers['x-one'], '1');
			assert.equal(headers['x-two'], '2');
			assert.equal(headers.cookie, 'a=1; b=2');
			assert.equal(headers.origin, 'https://example.com');
			assert.equal(headers['sec-websocket-protocol'].replaceAll(' ', ''), 'first,second');
			assert.match(err, /subprotocol first/);
		});
	});
	it('--no-compression offers none', TIMEOUT, () => {
		let headers;
		return withServer((socket, request) => {
			({ headers } = request);
			socket.close(1000);
		}, async (url) => {
			await connect(null, '--no-compression', url);
			assert.equal(headers['sec-websocket-extensions'], undefined);
		});
	});
	it('--redirects follows so many', TIMEOUT, () =>
		withServer((socket) => socket.close(1000), (target) =>
			withSocket((socket) => socket.end(`HTTP/1.1 307 x\r\nLocation: ${target}/there\r\nContent-Length: 0\r\n\r\n`), async (port) => {
				const { code, err } = await connect(null, '--redirects', '1', `127.0.0.1:${port}`);
				assert.equal(code, 0, err);
				assert.ok(err.includes(`connected to ${target}/there`), err);
			})));
	it('--proxy goes through one', TIMEOUT, () =>
		withServer((socket) => socket.close(1000), async (target) => {
			const asked = [];
			const proxy = http.createServer().on('connect', (request, socket) => {
				asked.push(request.url);
				const far = net.connect(Number(request.url.split(':').at(-1)), '127.0.0.1', () => {
					socket.write('HTTP/1.1 200 OK\r\n\r\n');
					far.pipe(socket).pipe(far);
				});
				[far, socket].forEach((one) => one.on('error', () => {}));
			});
			await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
			const { code, err } = await connect(null, '--proxy', `http://127.0.0.1:${proxy.address().port}`, target);
			proxy.close();
			proxy.closeAllConnections();
			assert.equal(code, 0, err);
			assert.deepEqual(asked, [new URL(target).host]);
		}));
	it('--max-message: one at the limit, and one past it is 1009', TIMEOUT, () =>
		withServer((socket) => {
			socket.send('x'.repeat(1024));
			socket.send('x'.repeat(1025));
		}, async (url) => {
			const { code, out, err } = await connect(null, '--max-message', '1KiB', url);
			assert.equal(out, `${'x'.repeat(1024)}\n`);
			assert.equal(code, 4, err);
			assert.match(err, /1009/);
		}));
});

describe('connect: TLS', { concurrency: 4 }, () => {
	const made = authority();
	const other = made.make('client', { names: 'DNS:client.example', subject: '/CN=a client' });
	const server = useServer({ listen: ['https://127.0.0.1:0'], args: ['--cert', made.own.cert, '--key', made.own.key] });
	const strict = useServer({ listen: ['https://127.0.0.1:0'], args: ['--cert', made.own.cert, '--key', made.own.key], config: { tls: { clients: 'required', client_ca: made.file } } });
	const echo = (one, host = '127.0.0.1') => `wss://${host}:${one.port}/echo`;
	for (const [what, args] of [['--ca', ['--ca', made.file]], ['--insecure', ['--insecure']], ['--ca and --server-name', ['--ca', made.file, '--server-name', 'localhost']]]) {
		it(`0: ${what}`, TIMEOUT, async () => {
			const { code, out, err } = await connect('x\n', ...args, echo(server));
			assert.deepEqual([code, out], [0, 'x\n'], err);
		});
	}
	it('0: the name of the URL is the name of the certificate', TIMEOUT, async () => {
		assert.equal((await connect('x\n', '--ca', made.file, echo(server, 'localhost'))).out, 'x\n');
	});
	for (const [what, args] of [['a certificate of nobody known', []], ['another name', ['--ca', made.file, '--server-name', 'other.example']], ['signed by others', ['--ca', other.cert]]]) {
		it(`3: ${what}`, TIMEOUT, async () => {
			const { code, out, err } = await connect('x\n', ...args, echo(server));
			assert.deepEqual([code, out], [3, ''], err);
			assert.match(err, /cannot connect to wss:.*TLS: .*verif/i);
		});
	}
	it('3: no TLS there', TIMEOUT, () =>
		withServer(() => {}, async (url) => assert.equal((await connect('x\n', url.replace('ws:', 'wss:'))).code, 3)));
	it('--cert and --key, where the server wants one', TIMEOUT, async () => {
		const { code, out, err } = await connect('x\n', '--ca', made.file, '--cert', other.cert, '--key', other.key, echo(strict));
		assert.deepEqual([code, out], [0, 'x\n'], err);
		assert.notEqual((await connect('x\n', '--ca', made.file, echo(strict))).code, 0);
	});
	it('2: files that are none', TIMEOUT, async () => {
		assert.equal((await connect('x\n', '--ca', '/nonexistent', echo(server))).code, 2);
		assert.equal((await connect('x\n', '--cert', made.own.key, '--key', made.own.cert, echo(server))).code, 2);
	});
});

describe('connect: frames and pings', { concurrency: 4 }, () => {
	it('--show-frames: each, both ways, on standard error', TIMEOUT, () =>
		withSocket((socket, head) => {
			socket.write(Buffer.concat([Buffer.from(accept(head)), served(TEXT, 'he', { fin: false }), served(0, 'llo'), served(BINARY, Buffer.from([0, 255])), served(PONG, '\x1b'), closed(4000, 'bye')]));
			socket.on('data', () => {});
		}, async (port) => {
			const { out, err } = await connect(null, '--no-compression', '--show-frames', `127.0.0.1:${port}`);
			assert.equal(out, 'hello\n00ff\n');
			for (const line of ['in  text 2 bytes  "he"', 'in  FIN continuation 3 bytes  "llo"', 'in  FIN binary 2 bytes  00ff', 'in  FIN pong 1 byte  1b', "in  FIN close 5 bytes  4000 the application's own \"bye\"", 'out FIN close']) {
				assert.ok(err.split('\n').some((one) => one.startsWith(line)), `${line}\n${err}`);
			}
		}));
	it('--ping says how long the answers take', TIMEOUT, () =>
		withServer(() => {}, async (url) => {
			const it = new Connect('--ping', '0.05', url);
			await it.says(/(pong after \d+\.\d\d ms[^]*){3}/, 'err');
			it.child.stdin.end();
			assert.equal((await it.ended).code, 0);
		}));
});

describe('connect: channels', { concurrency: 4 }, () => {
	const server = useServer();
	const url = (channel) => `ws://${server.host}/c/${channel}`;
	const listens = (channel) => until(async () => (await presence(server.port, channel)).count === 1, bound(10), 'it to listen');
	it('publishes, and prints what is published', TIMEOUT, async () => {
		const channel = channelName();
		const it = new Connect('--channel', '--once', '2', url(channel));
		await listens(channel);
		await publish(server.port, channel, 'from outside');
		await it.says(/from outside/);
		it.child.stdin.end('from inside\n');
		const { code, out, err } = await it.ended;
		assert.deepEqual([code, out], [0, 'from outside\nfrom inside\n']);
		const { next } = await poll(server.port, channel);
		assert.ok(err.includes(`the last id: ${next}`), err);
	});
	it('--since begins after that message', TIMEOUT, async () => {
		const channel = channelName();
		const ids = [];
		for (const body of ['1', '2', '3']) {
			ids.push(await publish(server.port, channel, body));
		}
		assert.equal((await connect('', '--since', ids[0], '--once', '2', url(channel))).out, '2\n3\n');
	});
	it('--reconnect: a connection that is cut is taken up where it ended', TIMEOUT, async () => {
		const channel = channelName();
		const proxy = await Proxy.start(server.port);
		const it = new Connect('--channel', '--reconnect', '--once', '6', `${proxy.host}/c/${channel}`);
		try {
			await listens(channel);
			await publish(server.port, channel, '1');
			await publish(server.port, channel, '2');
			await it.says(/^1\n2\n$/);
			proxy.refuse = true;
			proxy.cut();
			await publish(server.port, channel, '3');
			await publish(server.port, channel, '4');
			proxy.refuse = false;
			await it.says(/^1\n2\n3\n4\n$/);
			await publish(server.port, channel, '5');
			await publish(server.port, channel, '6');
			const { code, out, err } = await it.ended;
			assert.deepEqual([code, out], [0, '1\n2\n3\n4\n5\n6\n'], err);
			assert.match(err, /again in \d/);
		} finally {
			it.child.kill('SIGKILL');
			proxy.stop();
		}
	});
	it('--reconnect: --send is sent each time; lines wait for the connection', TIMEOUT, async () => {
		const got = new Queue();
		await withServer((socket) => socket.on('message', (data) => {
			got.push(data.toString());
			if (data.toString() === 'one') {
				socket.terminate();
			}
		}), async (target) => {
			const it = new Connect('--reconnect', '--send', 'hello', target);
			it.child.stdin.write('one\n');
			assert.deepEqual([await got.next(), await got.next()], ['hello', 'one']);
			await it.says(/again in/, 'err');
			it.child.stdin.end('two\n');
			assert.deepEqual([await got.next(), await got.next()], ['hello', 'two']);
			assert.equal((await it.ended).code, 0);
		});
	});
});

describe('connect: a connection that is not made again', { concurrency: 4 }, () => {
	it('5: it is lost after the last line, and input is over', TIMEOUT, () =>
		withServer((socket) => socket.on('message', () => socket.terminate()), async (url, server) => {
			const it = new Connect('--reconnect', '--wait', '1', url);
			await it.says(/connected/, 'err');
			server.options.verifyClient = () => false;
			it.child.stdin.end('x\n');
			assert.equal((await it.ended).code, 5);
		}, { verifyClient: () => true }));
});

describe('connect: signals', { concurrency: 4 }, () => {
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		it(`${signal} closes with 1000 and ends with 0`, TIMEOUT, () => {
			const codes = new Queue();
			return withServer((socket) => {
				socket.on('close', (code) => codes.push(code));
				socket.send('ready');
			}, async (url) => {
				const it = new Connect(url);
				await it.says(/ready/);
				it.child.kill(signal);
				assert.equal((await it.ended).code, 0);
				assert.equal(await codes.next(), 1000);
			});
		});
	}
	it('a second SIGINT ends it at once', TIMEOUT, () =>
		withSocket((socket, head) => socket.write(accept(head)), async (port) => {
			const it = new Connect('--show-frames', `127.0.0.1:${port}`);
			await it.says(/connected/, 'err');
			it.child.kill('SIGINT');
			await it.says(/out FIN close/, 'err');
			const begin = Date.now();
			it.child.kill('SIGINT');
			assert.equal((await it.ended).code, 'SIGINT');
			assert.ok(Date.now() - begin < bound(2));
		}));
	it('a signal while it connects ends it by that signal', TIMEOUT, () => {
		const asked = new Queue();
		return withSocket(() => asked.push(1), async (port) => {
			const it = new Connect(`127.0.0.1:${port}`);
			await asked.next();
			it.child.kill('SIGTERM');
			assert.equal((await it.ended).code, 'SIGTERM');
		});
	});
	it('ends when the reader of its output has left, though nothing comes', TIMEOUT, () =>
		withServer((socket) => socket.send('x'), async (url) => {
			const it = new Connect('--quiet', url);
			await it.says(/x/);
			it.child.stdout.destroy();
			const { code, err } = await it.ended;
			assert.deepEqual([code, err], [0, '']);
		}));
	it('ends quietly when nobody reads its output any more', TIMEOUT, () => {
		let beat;
		return withServer((socket) => (beat = setInterval(() => socket.send('x'), 20)), async (url) => {
			const it = new Connect('--quiet', url);
			await it.says(/x/);
			it.child.stdout.destroy();
			const { code, err } = await it.ended;
			assert.deepEqual([code, err], [0, '']);
		}).finally(() => clearInterval(beat));
	});
});
