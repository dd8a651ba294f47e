// Connections come and go, in every way in which one can: after 100,000 of them the server holds as much memory as after
// the first tenth. What only grows while it warms up (allocator, slabs) has grown by then.
import assert from 'node:assert/strict';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Server, program } from '../lib/server.js';
import { bound, until, within } from '../lib/time.js';

const sanitized = /[at]san\b/.test(program());
const CYCLES = Number(process.env.SCENE_CYCLES) || (sanitized ? 5_000 : 100_000);
const AT_ONCE = 50;
// Less than a byte a cycle: a leak of anything would be many.
const GROWTH = 512 * 1024;

const request = (target) => `GET ${target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
	+ 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
const frame = (first, ...bytes) => Buffer.from([first, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes]);

const CLOSE = frame(0x88, 0x03, 0xe8);
const TEXT = frame(0x81, 0x68, 0x69);
const BEGUN = frame(0x01, 0x68);
const BROKEN = Buffer.from([0xff, 0xff]);

/** [what is asked for, what is sent then, reset in the end] */
const WAYS = [
	['/echo', [CLOSE]],
	['/c/churn', [CLOSE]],
	['/c/churn', [TEXT, CLOSE]],
	['/echo', [], true],
	['/c/churn', [], true],
	['/c/churn', [BEGUN], true],
	['/echo', [BROKEN]],
	['/c/churn/%zz', []],
];

function cycle(port, i) {
	const [target, then, reset] = WAYS[i % WAYS.length];
	return within(
		new Promise((resolve, reject) => {
			const socket = net.connect(port, '127.0.0.1', () => socket.write(request(target)));
			socket.once('data', () => {
				for (const bytes of then) {
					socket.write(bytes);
				}
				if (reset) {
					socket.resetAndDestroy();
				} else {
					socket.end();
				}
			});
			socket.on('data', () => {});
			socket.on('close', resolve);
			socket.on('error', (error) => (error.code === 'ECONNRESET' ? resolve() : reject(error)));
		}),
		bound(30),
		`cycle ${i}`,
	);
}

async function cycles(port, from, to) {
	let next = from;
	const one = async () => {
		while (next < to) {
			await cycle(port, next++);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Bytes of private memory of the process. */
function memory(pid) {
	const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
	return Number(/^Anonymous:\s+(\d+) kB/m.exec(rollup)[1]) * 1024;
}

describe('connections that come and go', () => {
	it(`${CYCLES} of them leave nothing behind`, { timeout: bound(300) }, async (t) => {
		const server = await Server.start({ config: { history: { messages: 10 } } });
		try {
			const open = async () => {
				const text = await (await fetch(`${server.url}/metrics`)).text();
				return [...text.matchAll(/^crosstalk_sockets\{.*\} (\d+)$/gm)].reduce((sum, row) => sum + Number(row[1]), 0);
			};
			await cycles(server.port, 0, CYCLES / 10);
			const before = memory(server.pid);
			await cycles(server.port, CYCLES / 10, CYCLES);
			await until(async () => (await open()) === 1, bound(10), 'the last to go');
			const grown = memory(server.pid) - before;
			t.diagnostic(`${grown} bytes more after ${CYCLES} cycles than after a tenth of them`);
			if (!sanitized) {
				assert.ok(grown < GROWTH, `${grown} bytes more`);
			}
		} finally {
			await server.stop();
		}
	});
});
