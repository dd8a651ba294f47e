// Unchanged clients of HTTP/2: curl, nghttp, h2load, Debian's python3-h2.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publish } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { SLOW, bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const HERE = path.dirname(fileURLToPath(import.meta.url));

const lacks = (file, ...args) => {
	try {
		execFileSync(file, args, { stdio: 'ignore' });
		return false;
	} catch {
		return `${file} is not installed`;
	}
};

const run = (file, ...args) =>
	new Promise((resolve, reject) => {
		execFile(file, args, { timeout: bound(40), maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
			error ? reject(new Error(`${file}: ${error.message}\n${stdout}\n${stderr}`)) : resolve(stdout));
	});

describe('curl --http2-prior-knowledge', { skip: lacks('curl', '--version') }, () => {
	const server = useServer();
	const curl = (...args) => run('curl', '-sS', '--noproxy', '*', '--http2-prior-knowledge', ...args);
	it('publishes, polls, and says that it was HTTP/2', TIMEOUT, async () => {
		const url = `${server.url}/c/${channelName()}`;
		const { id } = JSON.parse(await curl('-d', 'hello', url));
		assert.equal(JSON.parse(await curl(url)).next, id);
		assert.match(await curl('-o', '/dev/null', '-w', '%{http_version} %{response_code}', url), /^2 200$/);
	});
	it('publishes 64 KiB', TIMEOUT, async () => {
		const answer = await curl('-d', `${'x'.repeat(65536)}`, '-w', ' %{response_code}', `${server.url}/c/${channelName()}`);
		assert.match(answer, / 201$/);
	});
	it('-N reads server-sent events', TIMEOUT, async () => {
		const channel = channelName();
		const child = spawn('curl', ['-sSN', '--noproxy', '*', '--http2-prior-knowledge', '-H', 'Accept: text/event-stream', `${server.url}/c/${channel}`]);
		let out = '';
		child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
		try {
			await until(() => out.includes('event: open'), bound(10), 'the stream to begin');
			await publish(server.port, channel, 'hello');
			await until(() => out.includes('data: hello'), bound(10), 'the event');
		} finally {
			child.kill();
		}
	});
});

describe('nghttp2', { skip: lacks('nghttp', '--version') }, () => {
	const server = useServer({ config: { limits: { header: '64KiB' } } });
	it('nghttp: ten times the page, in streams of one connection, with a window of 2^14', TIMEOUT, async () => {
		const out = await run('nghttp', '-nv', '-m', '10', '-w', '14', `${server.url}/`);
		assert.equal(out.match(/:status: 200/g).length, 10);
		assert.equal(out.match(/recv DATA frame <[^>]*flags=0x01/g).length, 10, 'each ends with END_STREAM');
		assert.doesNotMatch(out, /recv (RST_STREAM|GOAWAY)/);
	});
	it('nghttp: padding, CONTINUATION and trailers', TIMEOUT, async () => {
		const out = await run('nghttp', '-nv', '-b', '100', '--continuation', '--trailer', 'x-check: 1', '-d', path.join(HERE, 'http2_clients.test.js'),
			`${server.url}/c/${channelName()}`);
		assert.match(out, /:status: 201/);
	});
	it('nghttp: Expect: 100-continue', TIMEOUT, async () => {
		const out = await run('nghttp', '-nv', '--expect-continue', '-d', path.join(HERE, 'h2_client.py'), `${server.url}/c/${channelName()}`);
		assert.match(out, /:status: 100[^]*:status: 201/);
	});
	it('h2load: 5,000 requests on 5 connections, 50 at a time on each: all good', TIMEOUT, async () => {
		const n = SLOW > 1 ? 1000 : 5000;
		const out = await run('h2load', '-n', String(n), '-c', '5', '-m', '50', `${server.url}/healthz`);
		assert.match(out, new RegExp(`${n} succeeded, 0 failed, 0 errored`));
	});
	it('h2load: pages of the binary, with small windows', TIMEOUT, async () => {
		const out = await run('h2load', '-n', '500', '-c', '5', '-m', '20', '-w', '10', '-W', '12', `${server.url}/`);
		assert.match(out, /500 succeeded, 0 failed, 0 errored/);
	});
});

describe('python3-h2', { skip: lacks('/usr/bin/python3', '-c', 'import h2') }, () => {
	const server = useServer();
	it('50 requests at once, a body and an answer of 900,000 bytes, a WebSocket', TIMEOUT, async () => {
		assert.equal(await run('/usr/bin/python3', path.join(HERE, 'h2_client.py'), String(server.port)), 'ok\n');
	});
});
