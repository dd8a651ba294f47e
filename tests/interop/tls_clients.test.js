// Unchanged clients over TLS, with compression and without: npm ws and eventsource, undici, Node's fetch,
// python3-websockets, libwebsockets, curl. Each verifies the server's certificate.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { EventSource } from 'eventsource';
import { Agent, WebSocket as UndiciWebSocket, fetch as undiciFetch } from 'undici';
import WS from 'ws';
import { ROOT, channelName, program, useServer } from '../lib/server.js';
import { authority } from '../lib/tls.js';
import { Queue, bound, random, within } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const rnd = random(11);
const ca = authority();
const pem = ca.ca;

const run = (file, args, env = {}) =>
	new Promise((resolve) => {
		// the libraries would take a proxy from the environment, for loopback too
		const { http_proxy: _1, https_proxy: _2, ...rest } = process.env;
		execFile(file, args, { env: { ...rest, ...env }, timeout: bound(50) }, (error, stdout, stderr) =>
			resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }));
	});

describe('clients over TLS', { concurrency: 4 }, () => {
	const server = useServer({
		listen: ['https://127.0.0.1:0'],
		args: ['--cert', ca.own.cert, '--key', ca.own.key],
	});
	const host = () => `localhost:${server.port}`;
	const agent = new Agent({ connect: { ca: pem } });

	for (const compressed of [false, true]) {
		const how = compressed ? 'compressed' : 'as it is';
		it(`npm ws, ${how}`, TIMEOUT, async () => {
			const ws = new WS(`wss://${host()}/echo`, { ca: pem, perMessageDeflate: compressed });
			const queue = new Queue();
			ws.on('message', (data, isBinary) => queue.push({ data, isBinary }));
			await within(new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject)), bound(10), 'open');
			assert.equal(ws.extensions.startsWith('permessage-deflate'), compressed);
			for (const n of [0, 1, 125, 126, 16384, 65536, 1 << 20]) {
				for (const body of [rnd.bytes(n), Buffer.alloc(n, 'abc')]) {
					ws.send(body);
					const got = await queue.next();
					assert.ok(got.isBinary && got.data.equals(body), `${n} bytes`);
				}
				ws.send('字'.repeat(n / 3));
				assert.equal((await queue.next()).data.toString(), '字'.repeat(n / 3));
			}
			ws.close(1000);
			await within(new Promise((resolve) => ws.once('close', resolve)), bound(10), 'close');
		});
	}
	it('a certificate that is not known is refused by the client, and the server goes on', TIMEOUT, async () => {
		const ws = new WS(`wss://${host()}/echo`);
		await assert.rejects(new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject)), /certificate|self-signed|unable to verify/);
		assert.equal((await undiciFetch(`https://${host()}/healthz`, { dispatcher: agent })).status, 200);
	});
	it('undici: WebSocket (which offers compression) and fetch', TIMEOUT, async () => {
		const name = channelName();
		const ws = new UndiciWebSocket(`wss://${host()}/c/${name}`, { dispatcher: agent });
		const queue = new Queue();
		ws.onmessage = (event) => queue.push(event.data);
		await within(new Promise((resolve, reject) => ((ws.onopen = resolve), (ws.onerror = reject))), bound(10), 'open');
		assert.match(ws.extensions, /^permessage-deflate/);
		const answer = await undiciFetch(`https://${host()}/c/${name}`, { method: 'POST', body: 'x'.repeat(5000), dispatcher: agent });
		assert.equal(answer.status, 201);
		assert.equal(await queue.next(), 'x'.repeat(5000));
		ws.send('from the WebSocket');
		assert.equal(await queue.next(), 'from the WebSocket');
		ws.close();
	});
	it('npm eventsource', TIMEOUT, async () => {
		const name = channelName();
		const source = new EventSource(`https://${host()}/c/${name}`, {
			fetch: (url, init) => undiciFetch(url, { ...init, dispatcher: agent }),
		});
		const queue = new Queue();
		source.onmessage = (event) => queue.push([event.lastEventId, event.data]);
		await within(new Promise((resolve) => source.addEventListener('open', resolve)), bound(10), 'open');
		const answer = await undiciFetch(`https://${host()}/c/${name}`, { method: 'POST', body: 'news', dispatcher: agent });
		const { id } = await answer.json();
		assert.deepEqual(await queue.next(), [id, 'news']);
		source.close();
	});
	for (const version of ['--http1.1', '--http2']) {
		it(`curl ${version}: publish, poll, server-sent events`, TIMEOUT, async () => {
			const name = channelName();
			const curl = (...args) => run('curl', ['-sS', '--cacert', ca.file, version, ...args]);
			const url = `https://${host()}/c/${name}`;
			const posted = await curl('-d', 'hello', url);
			assert.equal(posted.code, 0, posted.stderr);
			const polled = JSON.parse((await curl(url)).stdout);
			assert.equal(polled.messages[0].data, 'hello');
			const stream = await curl('-N', '-m', '1', '-H', 'Accept: text/event-stream', `${url}?history=1`);
			assert.match(stream.stdout, /\ndata: hello\n/);
		});
	}

	const script = path.join(ROOT, 'tests/interop/websockets_client.py');
	for (const part of ['echo', 'fragments', 'ping', 'close', 'limit', 'channel', 'refused', 'compression']) {
		it(`python3-websockets: ${part}`, TIMEOUT, async (t) => {
			if ((await run('/usr/bin/python3', ['-c', 'import websockets'])).code !== 0) {
				return t.skip('python3-websockets is not installed');
			}
			const got = await run('/usr/bin/python3', [script, part, `wss://${host()}`, channelName('py')], { SSL_CERT_FILE: ca.file });
			assert.equal(got.code, 0, got.stderr + got.stdout);
			assert.match(got.stdout, /^ok\n$/);
		});
	}

	const lws = path.join(path.dirname(program()), 'tests/interop/lws_client');
	for (const deflate of [[], ['--deflate']]) {
		it(`libwebsockets ${deflate}`, { ...TIMEOUT, skip: !existsSync(lws) && 'libwebsockets-dev is not installed' }, async () => {
			const got = await run(lws, ['--ca', ca.file, ...deflate, `wss://${host()}/echo`]);
			assert.equal(got.code, 0, got.stderr + got.stdout);
			assert.match(got.stdout, deflate.length ? /^permessage-deflate.*\nok\n/ : /^\nok\n/);
		});
	}
});
