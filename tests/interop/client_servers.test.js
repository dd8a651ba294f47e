// Our client against the servers of others, unchanged: npm ws, python3-websockets, libwebsockets' test server; each with and
// without TLS and compression, as far as it has them (Debian builds libwebsockets without extensions).
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { bound, random, until } from '../lib/time.js';
import { useDriver } from '../lib/wsclient.js';

const TIMEOUT = { timeout: bound(60) };
const PYTHON = '/usr/bin/python3';
const LWS = 'libwebsockets-test-server';
const here = path.dirname(fileURLToPath(import.meta.url));
const rnd = random(23);

const dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-client-'));
const cert = path.join(dir, 'cert.pem');
const key = path.join(dir, 'key.pem');
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert,
	'-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
after(() => rmSync(dir, { recursive: true, force: true }));

const has = (file, ...args) => {
	try {
		execFileSync(file, args, { stdio: 'ignore' });
		return true;
	} catch (error) {
		return error.code !== 'ENOENT' && file === LWS;
	}
};

/** npm ws, which echoes; `more` are its options. */
async function npm({ tls, deflate, ...more }) {
	const server = tls ? https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }) : http.createServer();
	const wss = new WebSocketServer({ server, perMessageDeflate: deflate, maxPayload: 0, handleProtocols: (p) => (p.has('v1') ? 'v1' : false), ...more });
	wss.on('connection', (ws) =>
		ws.on('message', (data, isBinary) => {
			if (data.toString() === 'close, please') {
				ws.close(4001, 'Grund: fertig ✓');
			} else if (data.toString() === 'ping, please') {
				ws.once('pong', (got) => ws.send(got.toString() === 'data' ? 'was answered' : 'wrong'));
				ws.ping('data');
			} else {
				ws.send(data, { binary: isBinary });
			}
		}));
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		port: server.address().port,
		stop: () => {
			wss.clients.forEach((ws) => ws.terminate());
			server.close();
		},
	};
}

async function python({ tls, deflate }) {
	const child = spawn(PYTHON, [path.join(here, 'websockets_server.py'), deflate ? 'deflate' : 'none', ...(tls ? [cert, key] : [])],
		{ stdio: ['pipe', 'pipe', 'inherit'] });
	let out = '';
	child.stdout.on('data', (data) => (out += data));
	await until(() => /^\d+\n/.test(out), bound(20), 'the port of python3-websockets');
	return { port: Number.parseInt(out, 10), stop: () => child.stdin.end() };
}

const wss = (tls, port) => `${tls ? 'wss' : 'ws'}://localhost:${port}/`;

async function echoes(client, driver, quick) {
	const sizes = quick ? [0, 1, 125, 126, 65536] : [0, 1, 31, 32, 125, 126, 1000, 65535, 65536, 300000];
	for (const n of sizes) {
		const body = rnd.bytes(n);
		assert.equal(await client.send('binary', body), 0);
		await client.expectMessage('binary', body);
		const words = '{"word":"漢 repeated"} '.repeat(Math.ceil(n / 20));
		assert.equal(await client.send('text', words), 0);
		await client.expectMessage('text', words);
	}
	for (let i = 0; i < 50; i++) {
		client.say('text', Buffer.from(`the same words again and again, number ${i}`).toString('hex'));
	}
	for (let i = 0; i < 50; i++) {
		await client.expectMessage('text', `the same words again and again, number ${i}`);
	}
}

function suite(name, start, skip) {
	describe(`client against ${name}`, { concurrency: 2, skip }, () => {
		const driver = useDriver();
		for (const tls of [false, true]) {
			for (const deflate of [false, true]) {
				const label = `${tls ? 'TLS' : 'plain'}, ${deflate ? 'compressed' : 'uncompressed'}`;
				const options = { ca_file: cert, quiet: 1, subprotocols: ['v1'] };
				describe(label, () => {
					let server;
					before(async () => void (server = await start({ tls, deflate })));
					after(() => server.stop());
					it(`${label}: echoes, and a close of ours`, TIMEOUT, async () => {
						const client = driver.open({ url: wss(tls, server.port), ...options });
						const open = await client.expect('open');
						assert.equal(open.subprotocol, 'v1');
						assert.equal(/permessage-deflate/.test(open.extensions), deflate, open.extensions);
						await echoes(client, driver);
						await client.close(3001, 'so');
						await client.expectClose(3001, { reason: 'so' });
					});
					it(`${label}: a close of the server`, TIMEOUT, async () => {
						const client = driver.open({ url: wss(tls, server.port), ...options });
						await client.expect('open');
						await client.send('text', 'close, please');
						await client.expectClose(4001, { reason: 'Grund: fertig ✓' });
					});
					it(`${label}: pings both ways`, TIMEOUT, async () => {
						const client = driver.open({ url: wss(tls, server.port), ...options });
						await client.expect('open');
						await client.send('ping', 'ours');
						assert.equal((await client.expect('pong')).data.toString(), 'ours');
						await client.send('text', 'ping, please');
						await client.expectMessage('text', 'was answered');
						await client.close(1000);
						await client.expectClose(1000);
					});
					if (deflate) {
						it(`${label}: not offered, not used`, TIMEOUT, async () => {
							const client = driver.open({ url: wss(tls, server.port), ...options, no_compression: 1 });
							assert.equal((await client.expect('open')).extensions, '');
							await echoes(client, driver, true);
							await client.close(1000);
							await client.expectClose(1000);
						});
					}
				});
			}
		}
	});
}

suite('npm ws', npm);
suite('python3-websockets', python, !has(PYTHON, '-c', 'import websockets') && 'python3-websockets is not installed');

describe('client against npm ws: parameters of permessage-deflate', { concurrency: 2 }, () => {
	const driver = useDriver();
	for (const deflate of [
		{ serverNoContextTakeover: true }, { clientNoContextTakeover: true }, { serverNoContextTakeover: true, clientNoContextTakeover: true },
		{ serverMaxWindowBits: 10 }, { clientMaxWindowBits: 9 }, { serverMaxWindowBits: 9, clientMaxWindowBits: 10, serverNoContextTakeover: true }, { threshold: 0 },
	]) {
		it(JSON.stringify(deflate), TIMEOUT, async () => {
			const server = await npm({ deflate });
			try {
				const client = driver.open({ url: wss(false, server.port), quiet: 1 });
				assert.match((await client.expect('open')).extensions, /permessage-deflate/);
				await echoes(client, driver);
				await client.close(1000);
				await client.expectClose(1000);
			} finally {
				server.stop();
			}
		});
	}
});

describe('client and certificates', { concurrency: 2 }, () => {
	const driver = useDriver();
	let server;
	before(async () => void (server = await npm({ tls: true })));
	after(() => server.stop());
	const cases = [
		['the system knows nothing of it', {}, /certificate/i],
		['another authority', { ca_file: '/etc/ssl/certs/ca-certificates.crt' }, /certificate/i],
		['another name', { ca_file: cert, server_name: 'example.org' }, /certificate|name/i],
	];
	for (const [name, options, words] of cases) {
		it(`refused: ${name}; it is not tried again`, TIMEOUT, async () => {
			const client = driver.open({ url: wss(true, server.port), reconnect: 1, ...options });
			await client.expectFailure(words);
		});
	}
	const good = [
		['by its name', { ca_file: cert }, 'localhost'], ['by its address', { ca_file: cert }, '127.0.0.1'], ['by another name', { ca_file: cert, server_name: 'localhost' }, '127.0.0.1'],
		['unverified', { insecure: 1 }, 'localhost'],
	];
	for (const [name, options, host] of good) {
		it(`accepted: ${name}`, TIMEOUT, async () => {
			const client = driver.open({ url: `wss://${host}:${server.port}/`, ...options });
			await client.expect('open');
			await client.close(1000);
			await client.expectClose(1000);
		});
	}
	it('a file that is not there is told at once', TIMEOUT, async () => {
		const refused = await driver.open({ url: wss(true, server.port), ca_file: '/does/not/exist.pem' }).expect('refused');
		assert.match(refused.words, /exist\.pem/);
	});
	it('a plain server is no TLS server', TIMEOUT, async () => {
		const plain = await npm({});
		try {
			const client = driver.open({ url: wss(true, plain.port), ca_file: cert, open_timeout_ms: 5000 });
			await client.expectFailure(/./);
		} finally {
			plain.stop();
		}
	});
	it('through a proxy', TIMEOUT, async () => {
		const proxy = http.createServer();
		const asked = [];
		proxy.on('connect', (request, near) => {
			asked.push(request.url);
			const far = net.connect(server.port, '127.0.0.1', () => {
				near.write('HTTP/1.1 200 OK\r\n\r\n');
				near.pipe(far).pipe(near);
			});
			far.on('error', () => near.destroy());
			near.on('error', () => far.destroy());
		});
		await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
		const client = driver.open({ url: `wss://localhost:${server.port}/`, ca_file: cert, proxy: `http://127.0.0.1:${proxy.address().port}`, quiet: 1 });
		await client.expect('open');
		await echoes(client, driver, true);
		await client.close(1000);
		await client.expectClose(1000);
		assert.deepEqual(asked, [`localhost:${server.port}`]);
		proxy.close();
	});
	it('a redirect from wss to ws is not followed, one to wss is', TIMEOUT, async () => {
		const redirecting = https.createServer({ cert: readFileSync(cert), key: readFileSync(key) });
		redirecting.on('upgrade', (request, socket) => {
			const scheme = request.url === '/down' ? 'ws' : 'wss';
			socket.end(`HTTP/1.1 302 Found\r\nLocation: ${scheme}://localhost:${server.port}/\r\n\r\n`);
		});
		await new Promise((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
		const url = `wss://localhost:${redirecting.address().port}`;
		await driver.open({ url: `${url}/down`, ca_file: cert, max_redirects: 3 }).expectFailure(/without TLS/);
		const client = driver.open({ url: `${url}/`, ca_file: cert, max_redirects: 3 });
		await client.expect('open');
		await client.close(1000);
		await client.expectClose(1000);
		redirecting.close();
	});
});

describe('client against libwebsockets', { concurrency: 2, skip: !has(LWS, '--help') && 'libwebsockets-test-server is not installed' }, () => {
	const driver = useDriver();
	const freePort = () =>
		new Promise((resolve) => {
			const probe = net.createServer().listen(0, '127.0.0.1', () => {
				const { port } = probe.address();
				probe.close(() => resolve(port));
			});
		});
	for (const tls of [false, true]) {
		const label = tls ? 'TLS' : 'plain';
		describe(label, () => {
			let child;
			let port;
			before(async () => {
				port = await freePort();
				child = spawn(LWS, [`--port=${port}`, '-d', '3', ...(tls ? ['--ssl', '-C', cert, '-K', key] : [])], { stdio: 'ignore' });
				await until(() => new Promise((resolve) => {
					const socket = net.connect(port, '127.0.0.1', () => resolve(socket.end())).on('error', () => resolve(false));
				}), bound(15), 'libwebsockets to listen');
			});
			after(() => child.kill());
			it(`${label}: lws-mirror-protocol echoes`, TIMEOUT, async () => {
				const client = driver.open({ url: wss(tls, port), ca_file: cert, subprotocols: ['lws-mirror-protocol'], quiet: 1 });
				assert.equal((await client.expect('open')).subprotocol, 'lws-mirror-protocol');
				for (const n of [1, 125, 126, 1000, 4000]) {
					assert.equal(await client.send('text', 'a'.repeat(n)), 0);
					await client.expectMessage('text', 'a'.repeat(n));
				}
				await client.close(1000);
				await client.expectClose(1000);
			});
			it(`${label}: dumb-increment-protocol counts`, TIMEOUT, async () => {
				const client = driver.open({ url: wss(tls, port), ca_file: cert, subprotocols: ['dumb-increment-protocol'], quiet: 1 });
				await client.expect('open');
				for (let i = 0; i < 5; i++) {
					await client.expectMessage('text', `${i}`);
				}
				client.say('ping', '70');
				await client.expect('pong', { skip: ['message', 'result'] });
				client.say('close', '1000');
				assert.equal((await client.expect('close', { skip: ['message', 'result'] })).clean, true);
			});
			it(`${label}: an unknown protocol is refused`, TIMEOUT, async () => {
				const client = driver.open({ url: wss(tls, port), ca_file: cert, subprotocols: ['no-such-protocol'] });
				await client.expectFailure(/./);
			});
		});
	}
});
