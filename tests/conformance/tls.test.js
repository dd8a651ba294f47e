// tls.test.js - TLS of the https listener: versions, suites, names, protocols, sessions, clients' certificates, files.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync as read, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { RawHttp, request } from '../lib/rawhttp.js';
import { RawWs, binary, close } from '../lib/rawws.js';
import { STREAMS, openReader, poll, publish } from '../lib/readers.js';
import { Server, channelName, program, useServer } from '../lib/server.js';
import { bound, random, until, within } from '../lib/time.js';
import { Authority, authority, connectTls } from '../lib/tls.js';

const run = promisify(execFile);
const TIMEOUT = { timeout: bound(60) };
const WEAK = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' };

const flags = (...files) => files.flatMap(({ cert, key }) => ['--cert', cert, '--key', key]);
const https = (files, options = {}) => ({ listen: ['https://127.0.0.1:0'], args: flags(...files), ...options });
const serve = (...files) => useServer(() => https(files));

/** What the handshake agreed on. */
async function shake(port, options) {
	const socket = await connectTls(port, options);
	const facts = {
		version: socket.getProtocol(), cipher: socket.getCipher().name, name: socket.getPeerCertificate().subject?.CN,
		alpn: socket.alpnProtocol, reused: socket.isSessionReused(),
	};
	socket.destroy();
	return facts;
}

/** One GET over a socket; the answer as text. */
async function get(socket, target = '/healthz') {
	let text = '';
	const ended = new Promise((done) => socket.on('data', (data) => (text += data)).once('end', done).once('close', done));
	socket.write(request('GET', target, { Connection: 'close' }));
	await within(ended, bound(8), 'the answer');
	return text;
}

const refused = (promise, pattern) => assert.rejects(promise, pattern ?? { message: /alert|closed|disconnected|ECONNRESET|EPROTO/i });

describe('versions and suites', () => {
	const rsa = authority().make('rsa', { names: 'DNS:rsa.test', rsa: true });
	const server = serve(authority().own, rsa);

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		it(`${version} is spoken`, TIMEOUT, async () => {
			const socket = await connectTls(server.port, { minVersion: version, maxVersion: version });
			assert.equal(socket.getProtocol(), version);
			assert.match(await get(socket), /^HTTP\/1\.1 200 /);
		});
	}

	for (const version of ['TLSv1', 'TLSv1.1']) {
		it(`${version} is refused`, TIMEOUT, () => refused(shake(server.port, { ...WEAK, maxVersion: version })));
	}

	for (const cipher of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
		it(`TLS 1.3 with ${cipher}: bytes of all sizes there and back`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port, { tls: { ciphers: cipher } });
			assert.equal(ws.socket.getCipher().name, cipher);
			await echo(ws, [0, 1, 125, 126, 1000, 16383, 16384, 16385, 65536, 300000]);
		});
	}

	for (const kind of ['ECDSA', 'RSA']) {
		for (const cipher of ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']) {
			it(`TLS 1.2 with ECDHE-${kind}-${cipher}: bytes there and back`, TIMEOUT, async () => {
				const options = { ciphers: `ECDHE-${kind}-${cipher}`, maxVersion: 'TLSv1.2' };
				if (kind === 'RSA') {
					options.servername = 'rsa.test';
				}
				const ws = await RawWs.open(server.port, { tls: options });
				assert.equal(ws.socket.getCipher().name, options.ciphers);
				await echo(ws, [1, 1000, 16384, 16385, 300000]);
			});
		}
	}

	for (const cipher of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256', 'AES128-SHA',
		'DHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'ADH-AES128-SHA256', 'ECDHE-ECDSA-NULL-SHA']) {
		it(`TLS 1.2 with ${cipher} is refused`, TIMEOUT, () =>
			refused(shake(server.port, { ciphers: `${cipher}:@SECLEVEL=0`, maxVersion: 'TLSv1.2', servername: 'rsa.test', rejectUnauthorized: false })));
	}

	it('TLS 1.3 with CCM alone is refused', TIMEOUT, () => refused(shake(server.port, { ciphers: 'TLS_AES_128_CCM_SHA256' })));

	for (const curve of ['X25519', 'P-256', 'P-384']) {
		it(`keys are agreed on over ${curve}`, TIMEOUT, async () => {
			assert.equal((await shake(server.port, { ecdhCurve: curve })).version, 'TLSv1.3');
		});
	}

	it('no compression, and renegotiation is refused (RFC 5746 4.5 leaves it to us)', TIMEOUT, async () => {
		const socket = await connectTls(server.port, { maxVersion: 'TLSv1.2' });
		const ended = new Promise((done) => socket.once('close', done).once('error', done));
		assert.equal(socket.renegotiate({}, (error) => assert.ok(error, 'renegotiation went through')), true);
		await within(ended, bound(8), 'the end of who renegotiates');
	});
});

const numbers = random(20240611);

async function echo(ws, sizes) {
	for (const size of sizes) {
		const payload = numbers.bytes(size);
		ws.send(binary(payload));
		const { data } = await ws.next();
		assert.ok(payload.equals(data), `${size} bytes come back as they were`);
	}
	ws.send(close(1000));
	const event = await ws.next();
	assert.equal(event.code, 1000);
	ws.destroy();
}

describe('records', () => {
	const server = serve(authority().own);

	for (const size of [64, 512, 4096]) {
		it(`a client whose records hold ${size} bytes at most`, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			ws.socket.setMaxSendFragment(Math.max(size, 512));
			await echo(ws, [1, 511, 512, 513, 20000]);
		});
	}

	/** A relay that hands on what the client sends in pieces of `size` bytes. */
	async function relay(size, body) {
		const listener = net.createServer((near) => {
			const far = net.connect(server.port, '127.0.0.1');
			far.setNoDelay(true);
			far.pipe(near);
			near.on('data', async (data) => {
				near.pause();
				for (let at = 0; at < data.length; at += size) {
					far.write(data.subarray(at, at + size));
					await new Promise((done) => setImmediate(done));
				}
				near.resume();
			});
			near.on('close', () => far.destroy()).on('error', () => {});
			far.on('close', () => near.destroy()).on('error', () => {});
		});
		await new Promise((done) => listener.listen(0, '127.0.0.1', done));
		try {
			await body(listener.address().port);
		} finally {
			listener.close();
		}
	}

	for (const [size, version] of [[1, 'TLSv1.3'], [1, 'TLSv1.2'], [7, 'TLSv1.3'], [1000, 'TLSv1.3']]) {
		it(`${version} whose bytes come ${size} at a time, hello and all`, TIMEOUT, () => relay(size, async (port) => {
			const socket = await connectTls(port, { maxVersion: version });
			assert.match(await get(socket), /^HTTP\/1\.1 200 /);
		}));
	}

	it('a KeyUpdate that asks for ours, and the connection goes on (RFC 8446 4.6.3)', TIMEOUT, async () => {
		const client = spawn('openssl', ['s_client', '-connect', server.host, '-CAfile', authority().file, '-tls1_3']);
		let out = '';
		client.stdout.on('data', (data) => (out += data));
		client.stderr.on('data', (data) => (out += data));
		try {
			await until(() => out.includes('Verify return code'), bound(15), 'the handshake');
			for (const [letter, answers] of [['K', 1], ['k', 2], ['K', 3]]) {
				client.stdin.write(`${letter}\n`);
				await until(() => out.split('KEYUPDATE').length > answers, bound(15), 'the word of the client');
				client.stdin.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
				await until(() => out.split('HTTP/1.1 200 OK').length > answers, bound(15), 'the answer');
			}
		} finally {
			client.kill();
		}
	});

	it('garbage in place of a record ends the connection, and no other', TIMEOUT, async () => {
		const other = await RawWs.open(server.port);
		const socket = net.connect(server.port, '127.0.0.1');
		const secure = tls.connect({ socket, ca: authority().ca, servername: 'localhost' });
		await new Promise((done) => secure.once('secureConnect', done));
		let words = '';
		const ended = new Promise((done) => secure.once('close', done).on('error', (error) => (words += error.message)));
		socket.write(Buffer.from('\x17\x03\x03\x00\x20thirty-two bytes of just nothing', 'latin1'));
		secure.on('data', () => {});
		await within(ended, bound(8), 'the end');
		assert.match(words, /bad record mac/i);
		await echo(other, [100]);
	});
});

describe('ends', () => {
	const server = serve(authority().own);

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		it(`${version}: a whole request is answered after the client's close_notify`, TIMEOUT, async () => {
			const http = await RawHttp.open(server.port, undefined, { maxVersion: version });
			http.socket.end(request('GET', '/healthz'));
			assert.equal((await http.response()).status, 200);
			http.destroy();
		});

		it(`${version}: the server says close_notify before its FIN`, TIMEOUT, async () => {
			const socket = net.connect(server.port, '127.0.0.1');
			const seen = [];
			const secure = tls.connect({ socket, ca: authority().ca, servername: 'localhost', maxVersion: version, enableTrace: false });
			secure.once('end', () => seen.push('end'));
			secure.once('error', (error) => seen.push(error.message));
			await new Promise((done) => secure.once('secureConnect', done));
			assert.match(await get(secure), /^HTTP\/1\.1 200 /);
			assert.deepEqual(seen.slice(0, 1), ['end']);
		});
	}

	it('a FIN without close_notify behind a whole request: it is answered', TIMEOUT, async () => {
		const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
		const secure = tls.connect({ socket, ca: authority().ca, servername: 'localhost' });
		await new Promise((done) => secure.once('secureConnect', done));
		let text = '';
		const ended = new Promise((done) => secure.on('data', (data) => (text += data)).once('close', done).once('end', done));
		secure.on('error', () => {});
		secure.write(request('GET', '/healthz'), () => socket.end());
		await within(ended, bound(8), 'the answer');
		assert.match(text, /^HTTP\/1\.1 200 /);
	});
});

describe('names (RFC 6066 3)', () => {
	const first = authority().make('first', { names: 'DNS:first.test' });
	const second = authority().make('second', { names: 'DNS:second.test,DNS:also.second.test' });
	const wild = authority().make('wild', { names: 'DNS:*.wild.test' });
	const server = serve(first, second, wild);

	for (const [name, expected] of [['first.test', 'first'], ['second.test', 'second'], ['SECOND.test', 'second'], ['also.second.test', 'second'],
		['x.wild.test', 'wild'], ['x.y.wild.test', 'first'], ['wild.test', 'first'], ['unknown.test', 'first'], ['', 'first']]) {
		for (const version of ['TLSv1.2', 'TLSv1.3']) {
			it(`${version}: ${name || 'no name'} gets the certificate "${expected}"`, TIMEOUT, async () => {
				const options = { servername: name, rejectUnauthorized: false, maxVersion: version };
				assert.equal((await shake(server.port, options)).name, expected);
			});
		}
	}
});

describe('protocols (RFC 7301)', () => {
	const server = serve(authority().own);

	it('http/1.1 is agreed on', TIMEOUT, async () => {
		assert.equal((await shake(server.port, { ALPNProtocols: ['spdy/3', 'http/1.1'] })).alpn, 'http/1.1');
	});
	it('who offers nothing gets nothing', TIMEOUT, async () => {
		assert.equal((await shake(server.port)).alpn, false);
	});
	it('who offers only what nobody here speaks is refused with an alert', TIMEOUT, () =>
		refused(shake(server.port, { ALPNProtocols: ['ftp'] }), { message: /no application protocol/i }));
});

describe('sessions', () => {
	const server = serve(authority().own);

	/** A session that was given, with a request on it. */
	async function session(port, options) {
		const socket = await connectTls(port, options);
		/* Of TLS 1.2 it comes within the handshake. */
		const given = socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : new Promise((done) => socket.once('session', done));
		await get(socket);
		const ticket = await within(Promise.resolve(given), bound(8), 'a ticket');
		socket.destroy();
		return ticket;
	}

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		it(`${version}: a ticket is good on every worker, and more than once`, TIMEOUT, async () => {
			const options = { maxVersion: version };
			const ticket = await session(server.port, options);
			for (let i = 0; i < 12; i++) {
				const socket = await connectTls(server.port, { ...options, session: ticket });
				assert.equal(socket.isSessionReused(), true);
				assert.match(await get(socket), /^HTTP\/1\.1 200 /);
				socket.destroy();
			}
		});
	}

	it('a ticket of another server means a full handshake', TIMEOUT, async () => {
		const other = await Server.start(https([authority().own]));
		const ticket = await session(other.port);
		await other.stop();
		assert.equal((await shake(server.port, { session: ticket })).reused, false);
	});
});

describe("clients' certificates", () => {
	const strangers = new Authority('strangers');
	const client = () => {
		const { cert, key } = authority().make('alice', { subject: '/O=Example/CN=alice' });
		return { cert: read(cert), key: read(key) };
	};
	const stranger = () => {
		const { cert, key } = strangers.make('mallory');
		return { cert: read(cert), key: read(key) };
	};
	const config = (clients) => ({ config: { tls: { clients, client_ca: authority().file } } });

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		it(`${version}, required: with one it is served, without and with a stranger's it is not`, TIMEOUT, async () => {
			const server = await Server.start(https([authority().own], config('required')));
			const served = async (options) => {
				const socket = await connectTls(server.port, { maxVersion: version, ...options });
				const failed = new Promise((resolve, reject) => socket.once('error', reject));
				const text = await Promise.race([get(socket), failed]);
				assert.match(text, /^HTTP\/1\.1 200 /, 'closed without an answer');
			};
			await served(client());
			await refused(served({}), { message: /certificate required|handshake failure|closed|ECONNRESET/ });
			await refused(served(stranger()), { message: /unknown ca|closed|ECONNRESET/ });
			await server.stop();
		});

		it(`${version}, optional: without one it is served, a stranger's is refused`, TIMEOUT, async () => {
			const server = await Server.start(https([authority().own], config('optional')));
			for (const options of [client(), {}]) {
				const socket = await connectTls(server.port, { maxVersion: version, ...options });
				assert.match(await get(socket), /^HTTP\/1\.1 200 /);
			}
			await refused((async () => {
				const socket = await connectTls(server.port, { maxVersion: version, ...stranger() });
				const failed = new Promise((resolve, reject) => socket.once('error', reject));
				assert.match(await Promise.race([get(socket), failed]), /200/, 'closed without an answer');
			})(), { message: /unknown ca|closed|ECONNRESET/ });
			await server.stop();
		});
	}
});

describe('files that change', () => {
	const name = async (server) => (await shake(server.port)).name;

	async function changes(server, expected) {
		await until(async () => (await name(server)) === expected, bound(15), `the certificate ${expected}`);
	}

	it('a rename, with connections and sessions that stay', TIMEOUT, async () => {
		const files = authority().make('before');
		const server = await Server.start(https([files]));
		const ws = await RawWs.open(server.port);
		const made = authority().make('behind');
		renameSync(made.cert, files.cert);
		renameSync(made.key, files.key);
		await changes(server, 'behind');
		await echo(ws, [1, 100000]);
		await until(() => server.stderr.includes('the certificates were read again'), bound(8), 'a line in the log');
		await server.stop();
	});

	it('a symbolic link that points elsewhere, as certbot leaves it', TIMEOUT, async () => {
		const files = authority().make('before');
		const made = authority().make('behind');
		const dir = authority().path('live');
		mkdirSync(dir);
		const link = (to, kind) => {
			symlinkSync(to[kind], `${dir}/${kind}.new`);
			renameSync(`${dir}/${kind}.new`, `${dir}/${kind}`);
		};
		link(files, 'cert');
		link(files, 'key');
		const server = await Server.start(https([{ cert: `${dir}/cert`, key: `${dir}/key` }]));
		assert.equal(await name(server), 'before');
		link(made, 'cert');
		link(made, 'key');
		await changes(server, 'behind');
		await server.stop();
	});

	it('what can not be used is logged, and the certificate of before stays', TIMEOUT, async () => {
		const files = authority().make('before');
		const server = await Server.start(https([files]));
		const good = read(files.cert);
		writeFileSync(files.cert, '-----BEGIN CERTIFICATE-----\nnonsense\n');
		await until(() => /holds no certificate that can be used \(PEM\); the certificates of before stay/.test(server.stderr), bound(15), 'a line in the log');
		assert.equal(await name(server), 'before');
		const lines = server.stderr.split('of before stay').length;
		writeFileSync(files.cert, good);
		await until(() => server.stderr.includes('were read again'), bound(15), 'the good file to be read');
		assert.equal(server.stderr.split('of before stay').length, lines, 'it is logged once');
		await server.stop();
	});

	it('SIGHUP looks at once', TIMEOUT, async () => {
		const files = authority().make('before');
		const server = await Server.start(https([files]));
		const made = authority().make('behind');
		copyFileSync(made.cert, files.cert);
		copyFileSync(made.key, files.key);
		server.signal('SIGHUP');
		await changes(server, 'behind');
		await server.stop();
	});
});

describe('what is said when it can not start', () => {
	const other = authority().make('other');
	const { own } = authority();
	const listen = ['--listen', 'https://127.0.0.1:0'];
	const nonsense = authority().path('nonsense');
	writeFileSync(nonsense, 'nonsense');

	for (const [what, args, words] of [
		['no certificate', [], 'listen: https://127.0.0.1:0 needs a certificate: tls.certificate and tls.key, or --cert and --key'],
		['no key', ['--cert', own.cert], 'tls.key: each tls.certificate needs its tls.key, in the same order (certificates: 1, keys: 0)'],
		['a file that is not there', ['--cert', '/none.pem', '--key', own.key], 'tls: /none.pem: cannot be read: No such file or directory'],
		['a key that is not there', ['--cert', own.cert, '--key', '/none.key'], 'tls: /none.key: cannot be read: No such file or directory'],
		['a certificate that is none', ['--cert', nonsense, '--key', own.key], `tls: ${nonsense}: holds no certificate that can be used (PEM)`],
		['a key that is none', ['--cert', own.cert, '--key', nonsense], `tls: ${nonsense}: holds no private key that can be used (PEM, without a passphrase)`],
		['the key of another', ['--cert', own.cert, '--key', other.key], `tls: ${other.key}: is not the key of the certificate ${own.cert}`],
	]) {
		it(what, TIMEOUT, async () => {
			const failed = await run(program(), ['serve', ...listen, ...args], { timeout: bound(15) }).then(() => null, (error) => error);
			assert.equal(failed?.code, 1);
			assert.equal(failed.stderr, `crosstalk serve: ${words}\n`);
			assert.equal(failed.stdout, '');
		});
	}
});

describe('a request without TLS on a port with it', () => {
	const server = serve(authority().own);

	for (const method of ['GET', 'POST', 'OPTIONS', 'BREW']) {
		it(`${method} is answered with 400 in words`, TIMEOUT, async () => {
			const socket = net.connect(server.port, '127.0.0.1');
			let text = '';
			const ended = new Promise((done) => socket.on('data', (data) => (text += data)).once('close', done));
			socket.write(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20000)}`);
			await within(ended, bound(8), 'the end');
			assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
			assert.equal(JSON.parse(text.split('\r\n\r\n')[1]).error.code, 'https_only');
		});
	}

	it('curl says what is the matter', TIMEOUT, async () => {
		const { stdout } = await run('curl', ['-sS', `http://${server.host}/`]);
		assert.match(stdout, /this port speaks HTTPS/);
	});
});

describe('all that http does', () => {
	const server = serve(authority().own);

	it('says its URL', TIMEOUT, () => assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/));

	it('curl reads, publishes and asks for metrics', TIMEOUT, async () => {
		const channel = channelName();
		const curl = async (...args) => (await run('curl', ['-sS', '--cacert', authority().file, ...args])).stdout;
		assert.equal(await curl(`${server.url}/healthz`), 'ok\n');
		assert.match(await curl('-d', 'from curl', `${server.url}/c/${channel}`), /"id"/);
		assert.match(await curl(`${server.url}/c/${channel}?history=1`), /from curl/);
		assert.match(await curl(`${server.url}/metrics`), /crosstalk_tls_handshakes_total\{worker="0"\} \d/);
		assert.equal((await curl('-o', '/dev/null', '-w', '%{size_download}', `${server.url}/`)) > 0, true);
	});

	for (const transport of STREAMS) {
		it(`${transport} reads what POST publishes`, TIMEOUT, async () => {
			const channel = channelName();
			const reader = await openReader({ transport, port: server.port, channel });
			for (const size of [1, 1000, 20000, 100000]) {
				await publish(server.port, channel, 'x'.repeat(size));
				assert.equal((await reader.message()).data.length, size);
			}
			reader.drop();
		});
	}

	it('a page of http:// on the same host is another site (RFC 6454 5), one of https:// is not', TIMEOUT, async () => {
		const from = (scheme) => publish(server.port, channelName(), 'x', 'text/plain', { headers: { Origin: `${scheme}://${server.host}`, 'Content-Type': 'text/plain' } });
		await from('https');
		await assert.rejects(from('http'), /origin_not_allowed/);
	});

	it('a long poll waits and is answered', TIMEOUT, async () => {
		const channel = channelName();
		const since = await publish(server.port, channel, 'one');
		const waiting = poll(server.port, channel, { since, wait: 20 });
		await publish(server.port, channel, 'two');
		assert.equal((await waiting).messages[0].data, 'two');
	});

	it('a body of a megabyte, and a message of 16 MiB', TIMEOUT, async () => {
		await publish(server.port, channelName(), 'y'.repeat(1 << 20));
		const ws = await RawWs.open(server.port);
		await echo(ws, [16 << 20]);
	});
});

describe('limits', () => {
	it('one connection too many is closed without a word', TIMEOUT, async () => {
		const server = await Server.start(https([authority().own], { config: { limits: { connections: 3 } } }));
		const sockets = [await connectTls(server.port), await connectTls(server.port), await connectTls(server.port)];
		await refused(connectTls(server.port));
		sockets.pop().destroy();
		await until(async () => /^HTTP\/1\.1 200 /.test(await get(await connectTls(server.port))), bound(8), 'room again');
		sockets.forEach((socket) => socket.destroy());
		await server.stop();
	});

	it('after the handshake a client may wait as long as any without a request', TIMEOUT, async () => {
		const server = await Server.start(https([authority().own], { config: { limits: { header_timeout: 0.3, idle_timeout: 1.5 } } }));
		const socket = await connectTls(server.port);
		const began = performance.now();
		await within(new Promise((done) => socket.resume().once('end', done)), bound(8), 'the end');
		assert.ok(performance.now() - began > 1000, 'it had its idle time');
		socket.destroy();
		await server.stop();
	});
});
