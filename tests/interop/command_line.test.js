// The program as people type it: help and refusals, check, pub and sub. Where a fault is needed
// (a lost connection, an answer cut in the middle), a server of a few lines stands in for ours.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { channelName, program, useServer } from '../lib/server.js';
import { bound, within } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

/** A running program: its output so far, and `ended`, a promise of { code, stdout, stderr }. */
class Run {
	out = [];
	stderr = '';

	constructor(...args) {
		this.child = spawn(program(), args, { stdio: ['pipe', 'pipe', 'pipe'] });
		this.child.stdout.on('data', (data) => this.out.push(data));
		this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
		this.child.stdin.on('error', () => {});
		this.ended = once(this.child, 'close').then(([code, signal]) => ({
			code, signal, bytes: this.bytes, stdout: this.bytes.toString(), stderr: this.stderr,
		}));
	}

	get bytes() {
		return Buffer.concat(this.out);
	}

	/** Resolves once standard output holds `count` lines. */
	async lines(count) {
		await within((async () => {
			while (this.bytes.toString().split('\n').length <= count) {
				await once(this.child.stdout, 'data');
			}
		})(), bound(10), `${count} lines: ${this.bytes}${this.stderr}`);
		return this.bytes.toString().split('\n').slice(0, count);
	}
}

const run = (...args) => {
	const started = new Run(...args);
	started.child.stdin.end();
	return within(started.ended, bound(20), `the end of ${args.join(' ')}`);
};

const piped = (input, ...args) => {
	const started = new Run(...args);
	started.child.stdin.end(input);
	return within(started.ended, bound(20), `the end of ${args.join(' ')}`);
};

describe('usage', () => {
	it('--help and help list the commands', TIMEOUT, async () => {
		for (const args of [['--help'], ['help'], ['-h']]) {
			const { code, stdout } = await run(...args);
			assert.equal(code, 0);
			for (const name of ['serve', 'check', 'pub', 'sub', 'connect']) {
				assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
			}
		}
	});
	it('help COMMAND and COMMAND --help are the same', TIMEOUT, async () => {
		for (const name of ['serve', 'check', 'pub', 'sub', 'connect']) {
			const [a, b] = await Promise.all([run('help', name), run(name, '--help')]);
			assert.equal(a.code, 0);
			assert.match(a.stdout, new RegExp(`^Usage: crosstalk ${name} `));
			assert.equal(a.stdout, b.stdout);
		}
	});
	it('--version', TIMEOUT, async () => {
		assert.match((await run('--version')).stdout, /^crosstalk \d+\.\d+\.\d+\n$/);
	});
	const wrong = [
		[[], /Usage/],
		[['bogus'], /bogus is not a command/],
		[['--bogus'], /--bogus is not an option/],
		[['serve', '--bogus'], /--bogus is not an option/],
		[['serve', '-x'], /-x is not an option/],
		[['serve', '--listen'], /--listen needs a value/],
		[['serve', '--listen', 'ftp://localhost:1'], /listen: /],
		[['serve', '--workers', 'two'], /workers: "two" is not a number, allowed: 0 to 256/],
		[['serve', '--data', 'x'], /--data comes in a later version/],
		[['serve', 'more'], /more is too much/],
		[['check'], /--config FILE is missing/],
		[['pub'], /CHANNEL is missing/],
		[['pub', ''], /name of the channel is empty/],
		[['pub', 'c', 'two', 'words'], /words is too much/],
		[['pub', '--url', 'localhost', 'c', 'x'], /the URL of a server/],
		[['sub'], /CHANNEL is missing/],
		[['sub', '--count', '0', 'c'], /--count 0/],
		[['sub', '--since', 'a-1', '--history', '2', 'c'], /do not go together/],
	];
	for (const [args, words] of wrong) {
		it(`crosstalk ${args.join(' ')}: exit status 2 and words`, TIMEOUT, async () => {
			const { code, stdout, stderr } = await run(...args);
			assert.deepEqual([code, stdout], [2, '']);
			assert.match(stderr, words);
		});
	}
});

describe('check', () => {
	let dir;
	before(() => (dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-test-'))));
	after(() => rmSync(dir, { recursive: true }));
	const check = (text) => {
		const file = path.join(dir, 'c.yaml');
		writeFileSync(file, text);
		return run('check', '--config', file).then((result) => ({ ...result, file }));
	};
	it('a good file', TIMEOUT, async () => {
		const { code, stdout, stderr, file } = await check('limits:\n  message: 2MiB\n');
		assert.deepEqual([code, stdout, stderr], [0, `${file}: ok\n`, '']);
	});
	it('a bad key names file, line, key and what is allowed', TIMEOUT, async () => {
		const { code, stdout, stderr, file } = await check('# x\nlimits:\n  mesage: 2MiB\n');
		assert.deepEqual([code, stdout], [1, '']);
		assert.ok(stderr.startsWith(`${file}:3: limits.mesage: unknown key, did you mean limits.message? Allowed`), stderr);
	});
	it('keys that contradict each other', TIMEOUT, async () => {
		const { code, stderr, file } = await check('listen: http://0.0.0.0:1\n');
		assert.equal(code, 1);
		assert.ok(stderr.startsWith(`${file}:1: listen: http://0.0.0.0:1 can be reached`), stderr);
	});
	it('no file', TIMEOUT, async () => {
		const { code, stderr } = await run('check', '--config', path.join(dir, 'none'));
		assert.equal(code, 1);
		assert.match(stderr, /No such file/);
	});
});

/** A stand-in for the server: `answer(request, response, body)`; collects what was asked. */
async function standIn(answer) {
	const asked = [];
	const server = http.createServer((request, response) => {
		const chunks = [];
		request.on('data', (data) => chunks.push(data));
		request.on('end', () => {
			const body = Buffer.concat(chunks);
			asked.push({ method: request.method, url: request.url, type: request.headers['content-type'], body, port: request.socket.remotePort });
			answer(request, response, body, asked.length);
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const close = () => new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	});
	return { url: `http://127.0.0.1:${server.address().port}`, asked, close };
}

async function withStandIn(answer, body) {
	const server = await standIn(answer);
	try {
		await body(server);
	} finally {
		await server.close();
	}
}

const created = (request, response, body, n) => response.writeHead(201).end(`{"id":"e-${n}"}`);

describe('pub', () => {
	it('encodes the name by segments and sends no Content-Type of its own', TIMEOUT, () =>
		withStandIn(created, async ({ url, asked }) => {
			assert.equal((await run('pub', '--url', url, 'a b/ü?#%', 'hello')).code, 0);
			assert.equal(asked[0].url, '/c/a%20b/%C3%BC%3F%23%25');
			assert.equal(asked[0].type, undefined);
			assert.equal(asked[0].body.toString(), 'hello');
		}));
	it('takes a full URL and a type', TIMEOUT, () =>
		withStandIn(created, async ({ url, asked }) => {
			assert.equal((await run('pub', '--type', 'application/json', `${url}/c/x%20y`, '{}')).code, 0);
			assert.deepEqual([asked[0].url, asked[0].type], ['/c/x%20y', 'application/json']);
		}));
	it('-: each line as it arrives, on one connection', TIMEOUT, () =>
		withStandIn(created, async ({ url, asked }) => {
			const pub = new Run('pub', '--url', url, '--verbose', 'c', '-');
			pub.child.stdin.write('one\n');
			assert.deepEqual(await pub.lines(1), ['e-1']);
			pub.child.stdin.end('\nthree');
			const { code, stdout } = await within(pub.ended, bound(10), 'its end');
			assert.deepEqual([code, stdout], [0, 'e-1\ne-2\ne-3\n']);
			assert.deepEqual(asked.map((a) => a.body.toString()), ['one', '', 'three']);
			assert.equal(new Set(asked.map((a) => a.port)).size, 1);
		}));
	it('without a message: all of standard input, any bytes', TIMEOUT, () =>
		withStandIn(created, async ({ url, asked }) => {
			const bytes = Buffer.from(Array.from({ length: 300000 }, (_, i) => (i * 7) & 255));
			assert.equal((await piped(bytes, 'pub', '--url', url, 'c')).code, 0);
			assert.deepEqual(asked[0].body, bytes);
		}));
	it('a refusal is told in the words of the server, exit status 1', TIMEOUT, () =>
		withStandIn((request, response) => response.writeHead(413).end('{"error":{"code":"body_too_large","message":"over 1 MiB"}}'),
			async ({ url, asked }) => {
				const { code, stderr } = await piped('a\nb\n', 'pub', '--url', url, 'c', '-');
				assert.equal(code, 1);
				assert.match(stderr, /refused: over 1 MiB \(413 body_too_large\)/);
				assert.equal(asked.length, 1, 'it went on after a refusal');
			}));
	it('no server: exit status 3', TIMEOUT, async () => {
		const server = await standIn(created);
		await server.close();
		const { code, stderr } = await run('pub', '--url', server.url, 'c', 'x');
		assert.equal(code, 3);
		assert.match(stderr, /cannot reach http:/);
	});
});

const ndjson = (response, ...parts) => {
	response.writeHead(200, { 'content-type': 'application/x-ndjson' });
	response.write(parts.join(''));
};

describe('sub', () => {
	it('prints payloads; JSON as it was written, binary as bytes', TIMEOUT, () =>
		withStandIn((request, response) => ndjson(response, '{"event":"open","next":"e-0"}\n', '\n',
			'{"id":"e-1","data":"a\\u00e9"}\n', '{"id":"e-2","data":{"x":1.10},"type":"application/json"}\n',
			'{"id":"e-3","data":"AAH/","encoding":"base64"}\n'),
		async ({ url, asked }) => {
			const { code, bytes } = await run('sub', '--url', url, '--history', '5', '--count', '3', 'c');
			assert.equal(code, 0);
			assert.deepEqual(bytes, Buffer.concat([Buffer.from('aé\n{"x":1.10}\n'), Buffer.from([0, 1, 255, 10])]));
			assert.equal(asked[0].url, '/c/c?stream=ndjson&history=5');
		}));
	it('--json prints the objects as they came', TIMEOUT, () =>
		withStandIn((request, response) => ndjson(response, '{"event":"open","next":"e-0"}\n', '{"id":"e-1","time":5,"data":"x"}\n'),
			async ({ url }) => {
				const { stdout } = await run('sub', '--url', url, '--json', '--count', '1', 'c');
				assert.equal(stdout, '{"id":"e-1","time":5,"data":"x"}\n');
			}));
	it('goes on from the last id after a lost connection; half a line is no message', TIMEOUT, () =>
		withStandIn((request, response, body, n) => {
			if (n === 1) {
				ndjson(response, '{"event":"open","next":"e-0"}\n', '{"id":"e-1","data":"one"}\n', '{"id":"e-2","da');
				setTimeout(() => response.socket.destroy(), 50);
			} else if (n === 2) {
				response.writeHead(503).end('{"error":{"code":"shutting_down","message":"…"}}');
			} else {
				ndjson(response, '{"id":"e-2","data":"two"}\n');
			}
		}, async ({ url, asked }) => {
			const { code, stdout, stderr } = await run('sub', '--url', url, '--count', '2', 'c');
			assert.deepEqual([code, stdout], [0, 'one\ntwo\n']);
			assert.deepEqual(asked.map((a) => a.url), ['/c/c?stream=ndjson', '/c/c?stream=ndjson&since=e-1', '/c/c?stream=ndjson&since=e-1']);
			assert.match(stderr, /connection is lost, again in \d/);
		}));
	it('before the first message it goes on from where the stream was opened', TIMEOUT, () =>
		withStandIn((request, response, body, n) => {
			ndjson(response, n === 1 ? '{"event":"open","next":"e-7"}\n' : '{"id":"e-8","data":"x"}\n');
			setTimeout(() => response.socket.destroy(), 50);
		}, async ({ url, asked }) => {
			assert.equal((await run('sub', '--url', url, '--count', '1', 'c')).stdout, 'x\n');
			assert.equal(asked[1].url, '/c/c?stream=ndjson&since=e-7');
		}));
	it('says that messages were lost', TIMEOUT, () =>
		withStandIn((request, response) => ndjson(response, '{"event":"lost","notice":"only 1000 are kept","since":"d-1","next":"e-4"}\n', '{"id":"e-5","data":"x"}\n'),
			async ({ url }) => {
				const { stdout, stderr } = await run('sub', '--url', url, '--since', 'd-1', '--count', '1', 'c');
				assert.equal(stdout, 'x\n');
				assert.match(stderr, /messages were lost: only 1000 are kept/);
			}));
	it('a refusal: exit status 1; no server: 3', TIMEOUT, async () => {
		const server = await standIn((request, response) => response.writeHead(400).end('{"error":{"code":"bad_parameter","message":"since is malformed"}}'));
		const { code, stderr } = await run('sub', '--url', server.url, '--since', 'zzz', 'c');
		assert.equal(code, 1);
		assert.match(stderr, /since is malformed \(400 bad_parameter\)/);
		await server.close();
		assert.equal((await run('sub', '--url', server.url, 'c')).code, 3);
	});
	it('ends quietly when nobody reads its output any more', TIMEOUT, () => {
		let beat;
		return withStandIn((request, response) => {
			ndjson(response, '{"id":"e-1","data":"x"}\n');
			beat = setInterval(() => response.write('{"id":"e-2","data":"y"}\n'), 20);
		}, async ({ url }) => {
			const sub = new Run('sub', '--url', url, 'c');
			await sub.lines(1);
			sub.child.stdout.destroy();
			const { stderr } = await within(sub.ended, bound(10), 'its end');
			assert.equal(stderr, '');
		}).finally(() => clearInterval(beat));
	});
});

describe('pub and sub on the server', () => {
	const server = useServer({});
	it('what pub sends, sub prints', TIMEOUT, async () => {
		const channel = channelName('cli/ü b');
		const sub = new Run('sub', '--url', server.url, '--history', '10', '--count', '4', channel);
		const pub = await piped('one\ntwo\n\n', 'pub', '--url', server.url, '--verbose', channel, '-');
		assert.equal(pub.code, 0, pub.stderr);
		assert.match(pub.stdout, /^(\w+-[123]\n){3}$/);
		assert.equal((await piped(Buffer.from([255, 0, 10]), 'pub', '--url', server.url, '--type', 'application/octet-stream', channel)).code, 0);
		const { code, bytes, stderr } = await within(sub.ended, bound(15), 'four messages');
		assert.deepEqual([code, stderr], [0, '']);
		assert.deepEqual(bytes, Buffer.concat([Buffer.from('one\ntwo\n\n'), Buffer.from([255, 0, 10, 10])]));
	});
	it('JSON comes out as it was written, a string too', TIMEOUT, async () => {
		const channel = channelName('json');
		for (const text of ['"s"', '1.10', '123456789012345678901234567890', '{"a": [1,  2]}', 'null']) {
			assert.equal((await run('pub', '--url', server.url, '--type', 'application/json', channel, text)).code, 0);
		}
		const { stdout } = await run('sub', '--url', server.url, '--history', '5', '--count', '5', channel);
		assert.equal(stdout, '"s"\n1.10\n123456789012345678901234567890\n{"a": [1,  2]}\nnull\n');
	});
	it('since=ID goes on after that message', TIMEOUT, async () => {
		const channel = channelName('since');
		const { stdout } = await piped('1\n2\n3\n', 'pub', '--url', server.url, '--verbose', channel, '-');
		const first = stdout.split('\n')[0];
		assert.equal((await run('sub', '--url', server.url, '--since', first, '--count', '2', channel)).stdout, '2\n3\n');
	});
	it('a bad JSON message is refused in words', TIMEOUT, async () => {
		const { code, stderr } = await run('pub', '--url', server.url, '--type', 'application/json', channelName(), '{');
		assert.equal(code, 1);
		assert.match(stderr, /400 bad_json/);
	});
});
