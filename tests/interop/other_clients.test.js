// Unchanged clients outside of Node: curl, and Debian's python3-websockets.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { epochOf, poll, presence, publish } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, random, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

const has = (file, ...args) => {
	try {
		execFileSync(file, args, { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
};

const run = (file, args) =>
	new Promise((resolve) => {
		execFile(file, args, { timeout: bound(40), maxBuffer: 64 << 20, encoding: 'buffer' }, (error, stdout, stderr) =>
			resolve({ code: error ? error.code ?? error.signal : 0, stdout: stdout.toString(), stderr: stderr.toString() }));
	});

describe('curl', { concurrency: 4, skip: !has('curl', '--version') && 'curl is not installed' }, () => {
	const server = useServer();
	const dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-curl-'));
	after(() => rmSync(dir, { recursive: true, force: true }));
	const url = (channel, query = '') => `http://${server.host}/c/${channel}${query}`;
	const curl = async (...args) => {
		const got = await run('curl', ['-sS', '--noproxy', '*', ...args]);
		assert.equal(got.code, 0, got.stderr);
		return got.stdout;
	};
	/** curl -N until `enough` of its output has come. */
	const stream = async (args, enough, act) => {
		const child = spawn('curl', ['-sSN', '--noproxy', '*', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
		let out = '';
		child.stdout.setEncoding('utf8').on('data', (data) => (out += data));
		try {
			await act?.(() => out);
			await until(() => enough(out), bound(10), 'the output of curl').catch((error) => assert.fail(`${error.message}: ${out}`));
			return out;
		} finally {
			child.kill();
		}
	};

	it('-d publishes, and GET polls', TIMEOUT, async () => {
		const channel = channelName();
		const { id } = JSON.parse(await curl('-d', 'hello', url(channel)));
		const page = JSON.parse(await curl(url(channel)));
		assert.deepEqual(page.messages.map((m) => [m.id, m.data, m.type]), [[id, 'hello', 'application/x-www-form-urlencoded']]);
	});
	it('-H "Content-Type: application/json" publishes JSON', TIMEOUT, async () => {
		const channel = channelName();
		await curl('-H', 'Content-Type: application/json', '-d', '{"a":[1,2]}', url(channel));
		assert.deepEqual((await poll(server.port, channel)).messages[0].data, { a: [1, 2] });
	});
	it('--data-binary of a file of 1 MiB, with Expect: 100-continue', TIMEOUT, async () => {
		const channel = channelName();
		const body = random(5).bytes(1 << 20);
		const file = path.join(dir, 'body.bin');
		writeFileSync(file, body);
		const got = await run('curl', ['-sSv', '--noproxy', '*', '-H', 'Content-Type: application/octet-stream', '-H', 'Expect: 100-continue', '--data-binary', `@${file}`, url(channel)]);
		assert.equal(got.code, 0, got.stderr);
		assert.match(got.stderr, /< HTTP\/1\.1 100 Continue/);
		assert.match(got.stderr, /< HTTP\/1\.1 201 /);
		assert.ok(Buffer.from((await poll(server.port, channel)).messages[0].data, 'base64').equals(body));
	});
	it('a body that is too large is refused before it is sent', TIMEOUT, async () => {
		const file = path.join(dir, 'large.bin');
		writeFileSync(file, Buffer.alloc(3 << 20));
		const got = await run('curl', ['-sSv', '--noproxy', '*', '-H', 'Expect: 100-continue', '--data-binary', `@${file}`, url(channelName())]);
		assert.match(got.stderr, /< HTTP\/1\.1 413 /);
		assert.equal(JSON.parse(got.stdout).error.code, 'body_too_large');
	});
	it('-T - sends chunks', TIMEOUT, async () => {
		const channel = channelName();
		const child = spawn('curl', ['-sS', '--noproxy', '*', '-X', 'POST', '-H', 'Content-Type: text/plain', '-T', '-', url(channel)], { stdio: ['pipe', 'pipe', 'inherit'] });
		child.stdin.write('one ');
		child.stdin.end('two');
		const code = await new Promise((resolve) => child.once('close', resolve));
		assert.equal(code, 0);
		assert.equal((await poll(server.port, channel)).messages[0].data, 'one two');
	});
	it('-N with Accept: text/event-stream listens, and Last-Event-ID goes on', TIMEOUT, async () => {
		const channel = channelName();
		const accept = ['-H', 'Accept: text/event-stream'];
		const ids = [];
		const out = await stream([...accept, url(channel)], (o) => o.includes('data: two\n'), async () => {
			await until(async () => (await presence(server.port, channel)).count === 1, bound(8), 'curl to listen');
			for (const body of ['one', 'two']) {
				ids.push(await publish(server.port, channel, body));
			}
		});
		assert.match(out, new RegExp(`id: ${ids[0]}\\n`));
		assert.match(out, /data: one\n/);
		const again = await stream([...accept, '-H', `Last-Event-ID: ${ids[0]}`, url(channel)], (o) => o.includes('data: two\n'));
		assert.ok(!again.includes('data: one'));
		assert.match(again, new RegExp(`id: ${ids[1]}\\n`));
	});
	it('-N with ?stream=ndjson listens', TIMEOUT, async () => {
		const channel = channelName();
		const out = await stream([url(channel, '?stream=ndjson')], (o) => o.split('\n').length > 2, async () => {
			await until(async () => (await presence(server.port, channel)).count === 1, bound(8), 'curl to listen');
			await publish(server.port, channel, 'line');
		});
		const [open, message] = out.trim().split('\n').map((line) => JSON.parse(line));
		assert.equal(open.event, 'open');
		assert.equal(message.data, 'line');
	});
	it('a long poll', TIMEOUT, async () => {
		const channel = channelName();
		const first = await publish(server.port, channel, 'one');
		const waiting = curl(url(channel, `?since=${first}&wait=20`));
		await until(async () => (await presence(server.port, channel)).count === 1, bound(8), 'curl to wait');
		await publish(server.port, channel, 'two');
		assert.deepEqual(JSON.parse(await waiting).messages.map((m) => m.data), ['two']);
	});
	it('-X DELETE, -I and ?presence', TIMEOUT, async () => {
		const channel = channelName();
		const id = await publish(server.port, channel, 'one');
		assert.equal(await curl('-X', 'DELETE', '-w', '%{http_code}', url(channel)), '204');
		assert.match(await curl('-I', url(channel)), /^HTTP\/1\.1 200 /);
		assert.deepEqual(JSON.parse(await curl(url(channel, '?presence'))), { count: 0, members: [] });
		assert.equal(epochOf(JSON.parse(await curl(url(channel))).next), epochOf(id));
	});
	it('several URLs over one connection', TIMEOUT, async () => {
		const channel = channelName();
		const out = await curl('-w', '%{num_connects}\\n', '-d', 'x', url(channel), url(channel), url(channel));
		assert.equal([...out.matchAll(/"id":"[^"]+"/g)].length, 3);
		assert.deepEqual([...out.matchAll(/^(?:\{.*\})?(\d)$/gm)].map((m) => m[1]), ['1', '0', '0']);
	});
	it('--http1.0', TIMEOUT, async () => {
		const channel = channelName();
		assert.ok(JSON.parse(await curl('--http1.0', '-d', 'old', url(channel))).id);
		assert.equal(JSON.parse(await curl('--http1.0', url(channel))).messages[0].data, 'old');
	});
	it('HTTP/2 is asked for by Upgrade, and HTTP/1.1 answers', TIMEOUT, async () => {
		assert.equal(await curl('--http2', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', `http://${server.host}/healthz`), '1.1 200');
	});
	it('a page with its compression asked for', TIMEOUT, async () => assert.match(await curl('--compressed', `http://${server.host}/`), /<!doctype html>/i));
});

const PYTHON = '/usr/bin/python3';

describe("Debian's python3-websockets", { concurrency: 2, skip: !has(PYTHON, '-c', 'import websockets') && 'python3-websockets is not installed' }, () => {
	const server = useServer();
	const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'websockets_client.py');
	for (const part of ['echo', 'fragments', 'ping', 'close', 'limit', 'channel', 'refused', 'compression']) {
		it(part, TIMEOUT, async () => {
			const got = await run(PYTHON, [script, part, `ws://${server.host}`, channelName('py')]);
			assert.equal(got.code, 0, got.stderr + got.stdout);
			assert.match(got.stdout, /^ok\n$/);
		});
	}
});
