// tls.test.js - TLS under load: certificates that change under 1,000 WebSockets, handshakes that hang, and what an idle
// WebSocket over TLS costs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import net from 'node:net';
import { describe, it } from 'node:test';
import { RawWs, binary } from '../lib/rawws.js';
import { Server, program } from '../lib/server.js';
import { bound, pause, until } from '../lib/time.js';
import { authority, connectTls } from '../lib/tls.js';

const CONNECTIONS = 1000;
const RELOADS = 10;
const HANGING = 200;
const IDLE = 3000;
const BYTES_EACH = 12 * 1024;
const HANDSHAKE_SECONDS = 2;

const TIMEOUT = { timeout: bound(180) };
const sanitized = /[at]san\b/.test(program());
const descriptors = Number(execFileSync('bash', ['-c', 'ulimit -n']).toString()) || 1e6;

const start = ({ cert, key } = authority().own, options = {}) =>
	Server.start({ listen: ['https://127.0.0.1:0'], args: ['--cert', cert, '--key', key], ...options });

/** `count` things made by `make`, at most `width` at a time. */
async function many(count, width, make) {
	const made = [];
	while (made.length < count) {
		made.push(...(await Promise.all(Array.from({ length: Math.min(width, count - made.length) }, make))));
	}
	return made;
}

/** Of all workers; reason: of the closes for it. */
async function metric(server, name, reason = '') {
	const { get } = await import('node:https');
	const text = await new Promise((resolve, reject) => {
		get(`${server.url}/metrics`, { ca: authority().ca, agent: false }, (response) => {
			let body = '';
			response.setEncoding('utf8').on('data', (data) => (body += data)).on('end', () => resolve(body));
		}).on('error', reject);
	});
	return [...text.matchAll(new RegExp(`^crosstalk_${name}\\{[^}]*${reason}[^}]*\\} (\\d+)`, 'gm'))].reduce((sum, m) => sum + Number(m[1]), 0);
}

/** Puts a new certificate in the place of `files`, as certbot does: each file by a rename. */
function replace(files, name) {
	const made = authority().make(name);
	for (const kind of ['cert', 'key']) {
		copyFileSync(made[kind], `${files[kind]}.new`);
		renameSync(`${files[kind]}.new`, files[kind]);
	}
}

describe('certificates that are replaced', () => {
	it(`${CONNECTIONS} WebSockets keep exchanging messages over ${RELOADS} reloads`, TIMEOUT, async (t) => {
		const files = authority().make('first');
		const server = await start(files);
		let going = true;
		let messages = 0;
		const talk = async (ws) => {
			for (let i = 0; going; i++) {
				const payload = Buffer.alloc(1 + (i * 37) % 3000, i & 0xff);
				ws.send(binary(payload));
				const { data } = await ws.next();
				assert.ok(payload.equals(data), 'the echo is the message');
				messages++;
				await pause(20);
			}
		};
		const sockets = await many(CONNECTIONS, 100, () => RawWs.open(server.port));
		const talks = sockets.map(talk);
		const failed = Promise.race(talks);
		for (let i = 1; i <= RELOADS; i++) {
			replace(files, `certificate-${i}`);
			const before = messages;
			await Promise.race([failed, until(async () => {
				const socket = await connectTls(server.port);
				const { CN } = socket.getPeerCertificate().subject;
				socket.destroy();
				return CN === `certificate-${i}` && messages > before + CONNECTIONS;
			}, bound(30), `certificate ${i} to be served, and ${CONNECTIONS} messages`)]);
		}
		going = false;
		await Promise.all(talks);
		t.diagnostic(`${messages} messages`);
		assert.ok(sockets.every((ws) => !ws.socket.destroyed), 'none dropped');
		sockets.forEach((ws) => ws.destroy());
		await server.stop();
	});
});

describe('handshakes that hang', () => {
	/** The bytes of a ClientHello of node's own. */
	const hello = () => new Promise((resolve) => {
		const listener = net.createServer((socket) => socket.once('data', (data) => {
			resolve(data);
			socket.destroy();
			listener.close();
		}));
		listener.listen(0, '127.0.0.1', () => connectTls(listener.address().port).catch(() => {}));
	});

	/** The median time of a handshake with a message there and back, in ms. */
	async function latency(server) {
		const times = [];
		await many(HANGING, 10, async () => {
			const began = performance.now();
			const ws = await RawWs.open(server.port);
			ws.send(binary('x'));
			await ws.next();
			times.push(performance.now() - began);
			ws.destroy();
		});
		return times.sort((a, b) => a - b)[times.length / 2];
	}

	it(`half of ${2 * HANGING} handshakes hang midway: the rest is served, and they end`, TIMEOUT, async (t) => {
		const server = await start(undefined, { config: { limits: { header_timeout: HANDSHAKE_SECONDS } } });
		const alone = await latency(server);
		const bytes = await hello();
		const ends = [];
		const began = performance.now();
		const hanging = await many(HANGING, 50, () => new Promise((resolve, reject) => {
			const socket = net.connect(server.port, '127.0.0.1', () => {
				socket.write(hanging_part(bytes, ends.length));
				resolve(socket);
			});
			socket.on('data', () => {});
			socket.on('error', () => {});
			ends.push(new Promise((done) => socket.once('close', () => done(performance.now() - began))));
			socket.once('error', reject);
		}));
		const among = await latency(server);
		t.diagnostic(`handshake and echo: ${alone.toFixed(1)} ms alone, ${among.toFixed(1)} ms among ${HANGING} that hang (median)`);
		const closed = await Promise.all(ends);
		t.diagnostic(`those that hung were closed ${Math.min(...closed).toFixed(0)} to ${Math.max(...closed).toFixed(0)} ms after they began`);
		assert.ok(Math.min(...closed) >= HANDSHAKE_SECONDS * 1000 - 100, 'none before its time');
		assert.equal(hanging.length, HANGING);
		assert.equal(await metric(server, 'closes_total', 'slow_header'), HANGING);
		await server.stop();
	});
});

/** Half of them stop within the hello, half behind it. */
function hanging_part(bytes, i) {
	return i % 2 ? bytes : bytes.subarray(0, bytes.length >> 1);
}

describe('idle WebSockets over TLS', () => {
	const skip = sanitized ? 'a sanitizer has its own idea of memory'
		: descriptors < IDLE + 500 ? `needs ${IDLE + 500} descriptors (ulimit -n)` : false;

	/** Bytes of private memory of the process. */
	function memory(pid) {
		const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
		return Number(/^Anonymous:\s+(\d+) kB/m.exec(rollup)[1]) * 1024;
	}

	for (const version of ['TLSv1.3', 'TLSv1.2']) {
		it(`${IDLE} with ${version} cost ${BYTES_EACH} bytes each at most`, { ...TIMEOUT, skip }, async (t) => {
			const server = await start(undefined, { workers: 1, config: { heartbeat: { interval: 600, timeout: 60 } } });
			const { pid } = server.child;
			const open = () => RawWs.open(server.port, { path: '/c/idle', tls: { maxVersion: version } });
			const warm = await many(100, 50, open);
			const before = memory(pid);
			const sockets = await many(IDLE, 50, open);
			const each = (memory(pid) - before) / IDLE;
			t.diagnostic(`${each.toFixed(0)} bytes each`);
			for (const ws of [warm[0], sockets[0], sockets[IDLE - 1]]) {
				ws.send(binary('still there'));
			}
			const { type } = await sockets[0].next();
			assert.ok(type);
			[...warm, ...sockets].forEach((ws) => ws.destroy());
			await until(async () => (await metric(server, 'sockets')) === 1, bound(30), 'all to be gone');
			await server.stop();
			assert.ok(each <= BYTES_EACH, `${each.toFixed(0)} bytes each`);
		});
	}
});
