// crosstalk pub, sub and check against a real server and real files, and what every command has: help, usage errors,
// exit codes. (interop/command_line.test.js has the cases that need a server which misbehaves.)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { poll, presence, publish } from '../lib/readers.js';
import { Proxy } from '../lib/proxy.js';
import { channelName, program, useServer } from '../lib/server.js';
import { bound, until, within } from '../lib/time.js';

const TIMEOUT = { timeout: bound(40) };

/** Runs the program; input is its standard input. Returns { code, out, err } when it has ended. */
function start(args, input = '') {
	const child = spawn(program(), args, { stdio: ['pipe', 'pipe', 'pipe'] });
	child.out = '';
	child.err = '';
	child.stdout.setEncoding('utf8').on('data', (data) => (child.out += data));
	child.stderr.setEncoding('utf8').on('data', (data) => (child.err += data));
	child.stdin.on('error', () => {});
	if (input !== null) {
		child.stdin.end(input);
	}
	child.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code: code ?? signal, out: child.out, err: child.err })));
	return child;
}

const run = (args, input) => {
	const child = start(args, input);
	return within(child.ended, bound(20), `crosstalk ${args.join(' ')}`).finally(() => child.kill('SIGKILL'));
};

describe('crosstalk pub', { concurrency: 4 }, () => {
	const server = useServer();
	const pub = (args, input) => run(['pub', '--url', server.url, ...args], input);
	const kept = async (channel) => (await poll(server.port, encodeURIComponent(channel))).messages;
	it('publishes a message and says nothing', TIMEOUT, async () => {
		const channel = channelName();
		assert.deepEqual(await pub([channel, 'hello world']), { code: 0, out: '', err: '' });
		assert.deepEqual((await kept(channel)).map((m) => [m.data, m.type]), [['hello world', undefined]]);
	});
	it('--verbose prints the id', TIMEOUT, async () => {
		const channel = channelName();
		const { code, out } = await pub(['--verbose', channel, 'x']);
		assert.equal(code, 0);
		assert.ok(out.includes((await kept(channel))[0].id), out);
	});
	it('--type is the Content-Type', TIMEOUT, async () => {
		const channel = channelName();
		assert.equal((await pub(['--type', 'application/json', channel, '{"a":1}'])).code, 0);
		assert.deepEqual((await kept(channel)).map((m) => [m.data, m.type]), [[{ a: 1 }, 'application/json']]);
	});
	it('without a message, all of standard input is one', TIMEOUT, async () => {
		const channel = channelName();
		const body = 'one\ntwo\n漢\0\n';
		assert.equal((await pub([channel], body)).code, 0);
		assert.deepEqual((await kept(channel)).map((m) => m.data), [body]);
	});
	it('-: each line is a message, as it arrives', TIMEOUT, async () => {
		const channel = channelName();
		const child = start(['pub', '--url', server.url, channel, '-'], null);
		child.stdin.write('one\n');
		await until(async () => (await kept(channel)).length === 1, bound(10), 'the first line');
		child.stdin.write('two\n\nfo');
		await until(async () => (await kept(channel)).length === 3, bound(10), 'the third line');
		child.stdin.end('ur');
		assert.equal((await child.ended).code, 0);
		assert.deepEqual((await kept(channel)).map((m) => m.data), ['one', 'two', '', 'four']);
	});
	it('-: ten thousand lines', TIMEOUT, async () => {
		const channel = channelName();
		assert.equal((await pub([channel, '-'], Array.from({ length: 10000 }, (_, i) => `line ${i}\n`).join(''))).code, 0);
		const page = await poll(server.port, channel, { history: 1 });
		assert.equal(page.messages[0].data, 'line 9999');
		assert.match(page.next, /-10000$/);
	});
	it('1 MiB of standard input, and a byte more', TIMEOUT, async () => {
		const channel = channelName();
		assert.equal((await pub([channel], Buffer.alloc(1 << 20, 'x'))).code, 0);
		const { code, err } = await pub([channel], Buffer.alloc((1 << 20) + 1, 'x'));
		assert.equal(code, 1);
		assert.notEqual(err, '');
		assert.equal((await kept(channel)).length, 1);
	});
	for (const channel of ['sport/football/42', 'a b', '漢字', '100%', 'a?b#c', '+', "quote'\""]) {
		it(`the channel ${channel}`, TIMEOUT, async () => {
			assert.equal((await pub([channel, channel])).code, 0);
			assert.equal((await kept(channel)).at(-1).data, channel);
		});
	}
	it('a full URL for a channel', TIMEOUT, async () => {
		const channel = channelName();
		assert.equal((await run(['pub', `${server.url}/c/${channel}`, 'x'])).code, 0);
		assert.equal((await kept(channel)).length, 1);
	});
	it('what is refused is exit code 1, in words', TIMEOUT, async () => {
		const { code, err } = await pub(['--type', 'application/json', channelName(), '{broken']);
		assert.equal(code, 1);
		assert.match(err, /json/i);
	});
	it('no server is exit code 3, in words', TIMEOUT, async () => {
		const { code, err } = await run(['pub', '--url', 'http://127.0.0.1:1', 'x', 'y']);
		assert.equal(code, 3);
		assert.notEqual(err, '');
	});
});

describe('crosstalk sub', { concurrency: 4 }, () => {
	const server = useServer();
	it('prints each message and a line end, and ends after --count', TIMEOUT, async () => {
		const channel = channelName();
		const child = start(['sub', '--url', server.url, '--count', '3', channel]);
		await until(async () => (await presence(server.port, channel)).count === 1, bound(10), 'sub to listen');
		for (const body of ['one', 'two lines\nof text', '漢']) {
			await publish(server.port, channel, body);
		}
		assert.deepEqual(await within(child.ended, bound(10), 'the end of sub'), { code: 0, out: 'one\ntwo lines\nof text\n漢\n', err: '' });
	});
	it('each message is printed as it comes, also into a pipe', TIMEOUT, async () => {
		const channel = channelName();
		const child = start(['sub', '--url', server.url, channel]);
		await until(async () => (await presence(server.port, channel)).count === 1, bound(10), 'sub to listen');
		await publish(server.port, channel, 'now');
		await until(() => child.out === 'now\n', bound(10), 'the message');
		child.kill('SIGTERM');
		await child.ended;
		await until(async () => (await presence(server.port, channel)).count === 0, bound(10), 'sub to leave');
	});
	it('--history and --since', TIMEOUT, async () => {
		const channel = channelName();
		const ids = [];
		for (const body of ['one', 'two', 'three']) {
			ids.push(await publish(server.port, channel, body));
		}
		assert.equal((await run(['sub', '--url', server.url, '--history', '2', '--count', '2', channel])).out, 'two\nthree\n');
		assert.equal((await run(['sub', '--url', server.url, '--since', ids[1], '--count', '1', channel])).out, 'three\n');
	});
	it('--json prints objects', TIMEOUT, async () => {
		const channel = channelName();
		const id = await publish(server.port, channel, '{"a":1}', 'application/json');
		const { out } = await run(['sub', '--url', server.url, '--json', '--history', '1', '--count', '1', channel]);
		const message = JSON.parse(out.trim());
		assert.deepEqual([message.id, message.data, message.type], [id, { a: 1 }, 'application/json']);
	});
	it('a connection that is cut is taken up where it ended', TIMEOUT, async () => {
		const channel = channelName();
		const proxy = await Proxy.start(server.port);
		const child = start(['sub', '--url', proxy.url, '--count', '6', channel]);
		try {
			await until(async () => (await presence(server.port, channel)).count === 1, bound(10), 'sub to listen');
			await publish(server.port, channel, '1');
			await publish(server.port, channel, '2');
			await until(() => child.out === '1\n2\n', bound(10), 'two messages');
			proxy.refuse = true;
			proxy.cut();
			await publish(server.port, channel, '3');
			await publish(server.port, channel, '4');
			proxy.refuse = false;
			await until(() => child.out === '1\n2\n3\n4\n', bound(20), 'what was missed');
			await publish(server.port, channel, '5');
			await publish(server.port, channel, '6');
			const { code, out } = await within(child.ended, bound(10), 'the end of sub');
			assert.deepEqual([code, out], [0, '1\n2\n3\n4\n5\n6\n']);
		} finally {
			child.kill('SIGKILL');
			proxy.stop();
		}
	});
	it('a since that is malformed is exit code 1', TIMEOUT, async () => {
		const { code, err } = await run(['sub', '--url', server.url, '--since', 'bad', channelName()]);
		assert.ok(code === 1 || code === 2, `exit code ${code}`);
		assert.notEqual(err, '');
	});
	it('what pub sends, sub prints', TIMEOUT, async () => {
		const channel = channelName();
		const child = start(['sub', '--url', server.url, '--count', '1000', channel]);
		await until(async () => (await presence(server.port, channel)).count === 1, bound(10), 'sub to listen');
		const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('');
		assert.equal((await run(['pub', '--url', server.url, channel, '-'], lines)).code, 0);
		assert.equal((await within(child.ended, bound(20), 'the end of sub')).out, lines);
	});
});

describe('crosstalk check', { concurrency: 4 }, () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-check-'));
	after(() => rmSync(dir, { recursive: true, force: true }));
	let n = 0;
	const check = (text) => {
		const file = path.join(dir, `${n++}.yaml`);
		writeFileSync(file, text);
		return run(['check', '--config', file]).then((got) => ({ ...got, file }));
	};
	for (const text of ['', 'workers: 2\n', 'limits:\n  message: 256KiB\n  header_timeout: 5s\nhistory:\n  messages: 500\n  age: 2h\ncors:\n  origins:\n    - https://example.com\n', 'limits.message: 1000\n', 'listen: http://127.0.0.1:0\n', '# only a comment\n', 'heartbeat: {interval: 0.5, timeout: 1}\n']) {
		it(`good: ${JSON.stringify(text.slice(0, 40))}`, TIMEOUT, async () => {
			const { code, out, file } = await check(text);
			assert.deepEqual([code, out], [0, `${file}: ok\n`]);
		});
	}
	for (const [text, line, word] of [
		['colour: red\n', 1, 'colour'], ['workers: 2\nlimits:\n  mesage: 5\n', 3, 'mesage'], ['workers: many\n', 1, 'workers'], ['workers: 257\n', 1, '256'], ['limits:\n  message: -1\n', 2, 'message'],
		['limits:\n  message: 10 apples\n', 2, 'message'], ['workers: 1\nworkers: 2\n', 2, 'workers'], ['listen: ftp://x\n', 1, 'listen'], ['cors:\n  origins:\n    - example.com\n', 3, 'origins'], ['a: [\n', null, ''], ['\tworkers: 1\n', 1, ''],
		['open: maybe\n', 1, 'open'], ['limits:\n  - 1\n', null, 'limits'], ['workers:\n  a: 1\n', null, 'workers'], ['- 1\n', 1, ''], ['heartbeat:\n  interval: 0\n', 2, 'interval'], ['workers: 1\0\n', null, ''], ['workers: \xff\n', null, ''],
	]) {
		it(`wrong: ${JSON.stringify(text)}`, TIMEOUT, async () => {
			const { code, out, err, file } = await check(Buffer.from(text, 'latin1'));
			assert.equal(code, 1);
			const words = out + err;
			assert.ok(words.includes(`${file}:${line === null ? '' : `${line}:`}`) && words.includes(word), words);
		});
	}
	it('a file that is not there', TIMEOUT, async () => {
		const { code, out, err } = await run(['check', '--config', path.join(dir, 'none.yaml')]);
		assert.equal(code, 1);
		assert.match(out + err, /none\.yaml/);
	});
});

describe('every command', { concurrency: 4 }, () => {
	for (const args of [['--help'], ['serve', '--help'], ['pub', '--help'], ['sub', '--help'], ['check', '--help'], ['connect', '--help'], ['--version']]) {
		it(`crosstalk ${args.join(' ')} prints something and ends with 0`, TIMEOUT, async () => {
			const { code, out, err } = await run(args);
			assert.equal(code, 0);
			assert.equal(err, '');
			assert.ok(out.length > 5);
		});
	}
	for (const args of [[], ['fly'], ['serve', '--fly'], ['serve', '--workers', 'x'], ['serve', '--listen'], ['serve', 'extra'], ['pub'], ['pub', 'a', 'b', 'c'], ['sub'], ['sub', 'a', 'b'], ['sub', '--count', 'x', 'a'], ['check'], ['check', '--config'], ['connect'], ['connect', '--fly', 'u'], ['connect', 'a', 'b']]) {
		it(`crosstalk ${args.join(' ')} is a usage error`, TIMEOUT, async () => {
			const { code, err, out } = await run(args);
			assert.equal(code, 2, err + out);
			assert.notEqual(err, '');
		});
	}
});
