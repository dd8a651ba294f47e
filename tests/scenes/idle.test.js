// What an idle WebSocket costs: 15,000 of them on one worker, each subscribed to a channel. The server's own memory is
// what its process holds more than before (the kernel's socket buffers are not in it), its idleness the CPU time that
// passes while nobody says anything.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { describe, it } from 'node:test';
import { Server, program } from '../lib/server.js';
import { bound, pause, until } from '../lib/time.js';

const CONNECTIONS = 15_000;
const BYTES_EACH = 600;
const IDLE_SECONDS = 5;
const CPU_SHARE = 0.01; // of one core

const TIMEOUT = { timeout: bound(120) };
const sanitized = /[at]san\b/.test(program());
const descriptors = Number(execFileSync('bash', ['-c', 'ulimit -n']).toString()) || 1e6;

/** Bytes of private memory of the process. */
function memory(pid) {
	const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
	return Number(/^Anonymous:\s+(\d+) kB/m.exec(rollup)[1]) * 1024;
}

/** CPU time of the process so far, in seconds. */
function cpu(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100; // utime, stime, in ticks of 10 ms
}

const HANDSHAKE = 'GET /c/idle/room HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
	+ 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

function connect(port) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1', () => socket.write(HANDSHAKE));
		socket.once('data', () => {
			socket.removeAllListeners('error');
			socket.on('error', () => {});
			resolve(socket);
		});
		socket.once('error', reject);
	});
}

/** At most 200 handshakes under way at a time. */
async function connectAll(port, count) {
	const sockets = [];
	while (sockets.length < count) {
		const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () => connect(port));
		sockets.push(...(await Promise.all(batch)));
	}
	return sockets;
}

describe('idle connections', () => {
	const skip = sanitized ? 'a sanitizer has its own idea of memory'
		: descriptors < CONNECTIONS + 500 ? `needs ${CONNECTIONS + 500} descriptors (ulimit -n)` : false;

	it(`${CONNECTIONS} subscribed WebSockets cost ${BYTES_EACH} bytes each at most, and no CPU worth naming`, { ...TIMEOUT, skip }, async (t) => {
		// No ping falls into the time that is measured.
		const server = await Server.start({ workers: 1, config: { heartbeat: { interval: 600, timeout: 60 } } });
		const { pid } = server.child;
		const warm = await connectAll(server.port, 100);
		const before = memory(pid);
		const sockets = await connectAll(server.port, CONNECTIONS);
		const each = (memory(pid) - before) / CONNECTIONS;
		const started = cpu(pid);
		await pause(IDLE_SECONDS * 1000);
		const share = (cpu(pid) - started) / IDLE_SECONDS;
		t.diagnostic(`${each.toFixed(0)} bytes each, ${(share * 100).toFixed(2)} % of a core`);
		[...warm, ...sockets].forEach((socket) => socket.destroy());
		await until(async () => /crosstalk_sockets\{worker="0"\} 1\n/.test(await (await fetch(`${server.url}/metrics`)).text()), bound(30), 'all to be gone');
		await server.stop();
		assert.ok(each <= BYTES_EACH, `${each.toFixed(0)} bytes each`);
		assert.ok(share <= CPU_SHARE, `${(share * 100).toFixed(2)} % of a core`);
	});
});
