// crosstalk bench: each scenario, short and small, against our server; what its JSON promises; errors and exit codes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { describe, it } from 'node:test';
import { Server, channelName, program, useServer } from '../lib/server.js';
import { bound, pause, until, within } from '../lib/time.js';
import { authority } from '../lib/tls.js';

const TIMEOUT = { timeout: bound(40) };
const SHORT = ['--seconds', '0.4', '--warmup', '0.1'];

/** Runs it; { code, out, err } when it has ended. */
function bench(...args) {
	const child = spawn(program(), ['bench', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	let out = '';
	let err = '';
	child.stdout.setEncoding('utf8').on('data', (data) => (out += data));
	child.stderr.setEncoding('utf8').on('data', (data) => (err += data));
	const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code: code ?? signal, out, err })));
	return within(ended, bound(30), `crosstalk bench ${args.join(' ')}`).finally(() => child.kill('SIGKILL'));
}

/** The object of a run that has gone well. */
async function measured(...args) {
	const { code, out, err } = await bench('--json', ...SHORT, ...args);
	assert.equal(code, 0, err + out);
	assert.equal(err, '');
	assert.equal(out.trim().split('\n').length, 1);
	return JSON.parse(out);
}

const PERCENTILES = ['min', 'p50', 'p90', 'p99', 'p99_9', 'max'];
const COUNTS = ['connections', 'in_flight', 'size', 'messages', 'published', 'bytes_in', 'bytes_out', 'lost', 'missing', 'strange', 'refused'];

/** What holds for every run on which nothing went wrong. */
function checkFigures(report) {
	for (const name of COUNTS) {
		assert.ok(Number.isInteger(report[name]) && report[name] >= 0, `${name}: ${report[name]}`);
	}
	assert.deepEqual([report.lost, report.missing, report.strange, report.refused], [0, 0, 0, 0]);
	assert.ok(report.messages > 0, 'nothing was counted');
	assert.ok(report.seconds >= 0.4 && report.seconds < bound(10) / 1000, `${report.seconds} s`);
	assert.ok(Math.abs(report.rate - report.messages / report.seconds) < 1 + report.rate / 100);
	const latencies = PERCENTILES.map((name) => report.latency_us[name]);
	assert.deepEqual(latencies, [...latencies].sort((a, b) => a - b));
	assert.ok(latencies[0] > 0 && report.latency_us.mean >= latencies[0] && report.latency_us.mean <= latencies.at(-1));
	checkUsage(report.generator);
	assert.ok(report.machine.steal >= 0);
	for (const name of ['generator_limited', 'disturbed', 'behind']) {
		assert.equal(typeof report[name], 'boolean', name);
	}
}

function checkUsage({ cores, cpu_us: cpu, user_us: user, system_us: system }) {
	assert.ok(cores >= 0 && cores < 64 && cpu >= 0);
	assert.ok(Math.abs(cpu - user - system) < 0.001 + cpu / 1000, `${user} + ${system} is not ${cpu}`);
}

describe('crosstalk bench', { concurrency: 2 }, () => {
	const server = useServer();
	const ws = (path) => `${server.url.replace('http', 'ws')}${path}`;

	it('echo: each message comes back, and takes its bytes', TIMEOUT, async () => {
		const report = await measured('echo', '--connections', '7', '--in-flight', '3', '--size', '100', ws('/echo'));
		checkFigures(report);
		assert.deepEqual([report.scenario, report.unit, report.subscribe, report.url], ['echo', 'messages', 'ws', ws('/echo')]);
		assert.deepEqual([report.connections, report.in_flight, report.size], [7, 3, 100]);
		// 102 bytes a frame of the server, 106 of ours; the edges of the measurement are not the same for both
		assert.ok(Math.abs(report.bytes_in - report.messages * 102) <= 21 * 106, `${report.bytes_in}`);
		assert.ok(Math.abs(report.bytes_out - report.messages * 106) <= 21 * 106, `${report.bytes_out}`);
		assert.ok(report.opening_seconds > 0);
		assert.equal(report.server, undefined);
		assert.equal(report.machine.others, null);
	});
	for (const size of ['0', '125', '126', '65535', '65536', '300KiB']) {
		it(`echo: messages of ${size}, binary`, TIMEOUT, async () => {
			checkFigures(await measured('echo', '--connections', '2', '--in-flight', '5', '--binary', '--size', size, ws('/echo')));
		});
	}
	it('echo --rate: so many a second, and not more', TIMEOUT, async () => {
		const report = await measured('echo', '--connections', '3', '--rate', '500', '--seconds', '1', ws('/echo'));
		checkFigures(report);
		assert.equal(report.rate_asked, 500);
		assert.ok(report.messages > 300 && report.messages <= 700, `${report.messages}`);
	});
	it('a rate that no server reaches is said', TIMEOUT, async () => {
		const report = await measured('echo', '--connections', '1', '--rate', '1e9', ws('/echo'));
		assert.equal(report.behind, true);
		// Counted from when they were due: the last has waited about as long as was measured.
		assert.ok(report.latency_us.p99 > 100e3, `${report.latency_us.p99}`);
	});
	for (const [subscribe, publish] of [['ws', 'ws'], ['ws', 'post'], ['sse', 'ws'], ['sse', 'post'], ['longpoll', 'ws'], ['longpoll', 'post']]) {
		it(`fanout by ${publish} to ${subscribe}: each message reaches each`, TIMEOUT, async () => {
			const report = await measured('fanout', '--connections', '10', '--in-flight', '4', '--subscribe', subscribe,
				'--publish', publish, ws(`/c/${channelName()}`));
			checkFigures(report);
			assert.equal(report.subscribe, subscribe);
			assert.ok(Math.abs(report.messages - report.published * 10) <= 80, `${report.published} published, ${report.messages} delivered`);
		});
	}
	it('fanout with a URL to publish to, on a schedule', TIMEOUT, async () => {
		const path = `/c/${channelName()}`;
		const report = await measured('fanout', '--connections', '5', '--rate', '100', '--seconds', '1', '--publish', `${server.url}${path}`, ws(path));
		checkFigures(report);
		assert.ok(report.published > 60 && report.published <= 140, `${report.published}`);
	});
	it('fanout takes no message of before for its own', TIMEOUT, async () => {
		const url = ws(`/c/${channelName()}`);
		for (let i = 0; i < 2; i++) {
			checkFigures(await measured('fanout', '--connections', '3', '--subscribe', 'longpoll', url));
		}
	});
	it('fanout to where nothing is passed on: missing, and it ends', TIMEOUT, async () => {
		const report = await measured('fanout', '--connections', '2', '--seconds', '4', '--publish', ws(`/c/${channelName()}`), ws(`/c/${channelName()}`));
		assert.equal(report.messages, 0);
		assert.ok(report.missing > 0);
	});
	for (const subscribe of ['ws', 'sse', 'longpoll']) {
		it(`idle ${subscribe}: what each costs in memory`, TIMEOUT, async () => {
			const report = await measured('idle', '--connections', '300', '--subscribe', subscribe, '--pid', String(server.pid), ws(`/c/${channelName()}`));
			checkFigures(report);
			assert.equal(report.messages, 300);
			assert.equal(typeof report.memory.per_connection, 'number');
			assert.ok(report.memory.after > 100000, JSON.stringify(report.memory));
		});
	}
	it('churn: connections that come and go', TIMEOUT, async () => {
		const report = await measured('churn', '--connections', '5', ws('/echo'));
		checkFigures(report);
		assert.equal(report.unit, 'connections');
	});
	it('churn --rate', TIMEOUT, async () => {
		const report = await measured('churn', '--connections', '5', '--rate', '100', '--seconds', '1', ws('/echo'));
		checkFigures(report);
		assert.ok(report.messages > 60 && report.messages <= 140, `${report.messages}`);
	});
	it('poll', TIMEOUT, async () => {
		const report = await measured('poll', '--connections', '4', ws(`/c/${channelName()}`));
		checkFigures(report);
		assert.deepEqual([report.unit, report.subscribe], ['requests', 'poll']);
	});
	it('quantum: four ways side by side, with what each should cost', TIMEOUT, async () => {
		const { rows, scenario } = await measured('quantum', '--connections', '20', '--seconds', '2', ws(`/c/${channelName()}`));
		assert.equal(scenario, 'quantum');
		assert.deepEqual(rows.map((row) => row.clients), [1000, 10000, 100000].flatMap((n) => [n, n, n, n]));
		assert.deepEqual(rows.slice(0, 4).map((row) => row.way), ['polling', 'long polling', 'events', 'WebSocket']);
		assert.deepEqual(rows.map((row) => row.published_mbit_s), [6.6452, 0, 0, 0.0153, 66.452, 0, 0, 0.1526, 664.5203, 0, 0, 1.5259]);
		for (const [i, row] of rows.entries()) {
			assert.equal(row.measured, 20);
			assert.equal(row.bytes, rows[i % 4].bytes);
			assert.ok(Math.abs(row.mbit_s - (row.bytes * row.clients * 8) / 1048576) < 0.01 + row.mbit_s / 100);
		}
		const [polling, longpoll, events, websocket] = rows;
		assert.equal(websocket.bytes, 2);
		assert.ok(events.bytes > 10 && events.bytes < 100, `${events.bytes}`);
		assert.ok(longpoll.bytes > 150 && polling.bytes > 150, `${longpoll.bytes} ${polling.bytes}`);
		assert.ok(polling.p50_us > 10 * websocket.p50_us || polling.p50_us > 100e3, `${polling.p50_us} ${websocket.p50_us}`);
	});
	it('fanout to those who poll once a second', TIMEOUT, async () => {
		const report = await measured('fanout', '--subscribe', 'poll', '--rate', '10', '--seconds', '2.5', '--connections', '5', ws(`/c/${channelName()}`));
		checkFigures(report);
		assert.ok(report.messages >= 50, `${report.messages}`);
		assert.ok(report.latency_us.p50 > 100e3, `${report.latency_us.p50}`);
	});
	it('poll --subscribe longpoll waits for news', TIMEOUT, async () => {
		const report = await measured('poll', '--subscribe', 'longpoll', '--connections', '4', ws(`/c/${channelName()}`));
		checkFigures(report);
		assert.equal(report.scenario, 'fanout');
	});
	it('--pid: the CPU time of the server', TIMEOUT, async () => {
		const report = await measured('echo', '--connections', '4', '--pid', String(server.pid), ws('/echo'));
		checkFigures(report);
		checkUsage(report.server);
		assert.ok(report.server.cpu_us > 0.1 && report.server.cpu_us < bound(1), JSON.stringify(report.server));
		assert.ok(report.machine.others >= 0);
	});
	it('--source and --cpu', TIMEOUT, async () => {
		const report = await measured('echo', '--connections', '16', '--source', '127.0.0.1-127.0.0.8', '--cpu', '0', ws('/echo'));
		checkFigures(report);
		assert.notEqual(report.machine.others, null);
	});
	it('for people: no colours and no bars in a pipe', TIMEOUT, async () => {
		const { code, out, err } = await bench('echo', ...SHORT, '--connections', '3', '--pid', String(server.pid), ws('/echo'));
		assert.equal(code, 0, err);
		assert.equal(err, '');
		assert.match(out, /^echo ws:\/\/.*\n {2}3 connections, 1 in flight, ws, 64 B, 0\.\d\d s\n\n {2}messages +[\d,]+, [\d,]+\/s/);
		assert.match(out, /^ {2}latency +p50 .*, p90 .*, p99 .*, p99\.9 .*, max .*$/m);
		assert.match(out, /^ {2}generator +.* CPU each: .* user, .* system; [\d.]+ % of a core$/m);
		assert.match(out, /^ {2}server +.* CPU each/m);
		assert.doesNotMatch(out, /\x1b|\r|##/);
	});
	it('SIGINT ends it, and what was measured is shown', TIMEOUT, async () => {
		const child = spawn(program(), ['bench', 'echo', '--json', '--seconds', '60', '--warmup', '0', '--connections', '2', '--pid', String(server.pid), ws('/echo')],
			{ stdio: ['ignore', 'pipe', 'inherit'] });
		let out = '';
		child.stdout.setEncoding('utf8').on('data', (data) => (out += data));
		const ended = new Promise((resolve) => child.once('close', resolve));
		const timer = setInterval(() => child.kill('SIGINT'), 500);
		try {
			const code = await within(ended, bound(20), 'the end after SIGINT');
			if (out) { // it had begun to measure
				assert.equal(code, 0);
				assert.ok(JSON.parse(out).seconds < 30);
			} else {
				assert.equal(code, 1);
			}
		} finally {
			clearInterval(timer);
			child.kill('SIGKILL');
		}
	});

	describe('what does not work is said, with an exit code', () => {
		const fails = (name, expected, pattern, ...args) => it(name, TIMEOUT, async () => {
			const { code, out, err } = await bench(...SHORT, ...args.map((arg) => (typeof arg === 'function' ? arg() : arg)));
			assert.deepEqual([code, out], [expected, ''], err);
			assert.match(err, pattern);
		});
		fails('no scenario', 2, /echo, fanout, idle, churn, poll or quantum/);
		fails('an unknown scenario', 2, /nonsense/, 'nonsense', 'ws://127.0.0.1:1/');
		fails('no URL', 2, /URL is missing/, 'echo');
		fails('a bad URL', 2, /scheme/, 'echo', 'ftp://127.0.0.1/');
		fails('a bad number', 2, /--connections 0: a number from 1/, 'echo', '--connections', '0', 'x');
		fails('too many connections', 2, /1000000/, 'echo', '--connections', '1000001', 'x');
		fails('too long', 2, /16MiB/, 'echo', '--size', '17MiB', 'x');
		fails('a bad rate', 2, /--rate/, 'echo', '--rate', '-1', 'x');
		fails('a bad range', 2, /--source/, 'echo', '--source', '127.0.0.9-127.0.0.1', 'ws://127.0.0.1:1/');
		fails('a header of two lines', 2, /--header/, 'echo', '--header', 'a: b\r\nc: d', 'x');
		fails('fan-out without room for the number', 2, /--size is 8/, 'fanout', '--size', '7', () => ws('/c/x'));
		fails('binary to those who get base64', 2, /base64/, 'fanout', '--binary', '--subscribe', 'sse', () => ws('/c/x'));
		fails('nobody listens', 3, /refused/i, 'echo', 'ws://127.0.0.1:1/');
		fails('no such host', 3, /nosuch/, 'echo', 'ws://nosuch.invalid/');
		fails('an address that is not ours', 3, /--source/, 'echo', '--source', '192.0.2.1', () => ws('/echo'));
		fails('the handshake is refused', 1, /answered with 404/, 'echo', () => ws('/nothing'));
		fails('no stream', 1, /no stream of events/, 'fanout', '--subscribe', 'sse', () => ws('/echo'));
		fails('no channel', 1, /\/c\/NAME/, 'poll', () => ws('/nothing'));
	});
});

describe('crosstalk bench over TLS', { concurrency: 2 }, () => {
	const server = useServer(() => ({ listen: ['https://127.0.0.1:0'], args: ['--cert', authority().own.cert, '--key', authority().own.key] }));
	const wss = (path) => `${server.url.replace('https', 'wss')}${path}`;
	for (const [name, ...args] of [
		['echo', '--in-flight', '8', '--size', '20KiB'],
		['churn'],
	]) {
		it(name, TIMEOUT, async () => {
			checkFigures(await measured(name, '--connections', '4', ...args, wss('/echo')));
		});
	}
	for (const subscribe of ['ws', 'sse', 'longpoll']) {
		it(`fanout to ${subscribe}`, TIMEOUT, async () => {
			checkFigures(await measured('fanout', '--connections', '4', '--in-flight', '4', '--subscribe', subscribe, wss(`/c/${channelName()}`)));
		});
	}
	it('poll and idle', TIMEOUT, async () => {
		checkFigures(await measured('poll', '--connections', '4', wss(`/c/${channelName()}`)));
		checkFigures(await measured('idle', '--connections', '4', wss('/echo')));
	});
});

describe('crosstalk bench and servers that misbehave', { concurrency: 4 }, () => {
	/** A server that answers each connection with `answer`; the result of a bench against it. */
	async function against(answer, ...args) {
		const sockets = new Set();
		const server = net.createServer((socket) => {
			sockets.add(socket);
			socket.on('error', () => {});
			socket.once('data', () => answer(socket));
		});
		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
		try {
			return await bench(...args, ...SHORT, '--connections', '2', `ws://127.0.0.1:${server.address().port}/`);
		} finally {
			sockets.forEach((socket) => socket.destroy());
			server.close();
		}
	}

	it('one that closes at once', TIMEOUT, async () => {
		const { code, err } = await against((socket) => socket.destroy(), 'echo');
		assert.equal(code, 5);
		assert.match(err, /closed|reset/i);
	});
	it('one that says nothing', TIMEOUT, async () => {
		const { code, err } = await against(() => {}, 'echo', '--timeout', '0.3');
		assert.equal(code, 6);
		assert.match(err, /--timeout/);
	});
	it('one that is no WebSocket', TIMEOUT, async () => {
		const { code, err } = await against((socket) => socket.write('HTTP/1.1 101 X\r\nSec-WebSocket-Accept: x\r\n\r\n'), 'echo');
		assert.equal(code, 1);
		assert.match(err, /Sec-WebSocket-Accept/);
	});
	it('one that is no HTTP', TIMEOUT, async () => {
		const { code, err } = await against((socket) => socket.write('hello\r\n\r\n'), 'echo');
		assert.equal(code, 1);
		assert.match(err, /not HTTP/);
	});
	it('one whose answer does not end', TIMEOUT, async () => {
		const { code, err } = await against((socket) => socket.write(Buffer.alloc(2 << 20, 'x')), 'echo');
		assert.equal(code, 1);
		assert.match(err, /1 MiB/);
	});
	it('one that stands still: with a rate, all that was due meanwhile counts as late', TIMEOUT, async () => {
		const server = await Server.start();
		try {
			const running = bench('echo', '--json', '--rate', '1000', '--seconds', '2', '--warmup', '0', '--connections', '2', `${server.url.replace('http', 'ws')}/echo`);
			await until(async () => /crosstalk_connections\{[^}]*"websocket"\} [1-9]/.test(await (await fetch(`${server.url}/metrics`)).text()),
				bound(10), 'connections');
			server.child.kill('SIGSTOP');
			await pause(800); // a pause of that length is what is measured
			server.child.kill('SIGCONT');
			const { code, out, err } = await running;
			assert.equal(code, 0, err);
			const { latency_us: latency, messages } = JSON.parse(out);
			// 800 of 2000 were due in it; a closed loop would have met it with two messages.
			assert.ok(latency.p90 > 300e3 && latency.max > 600e3, JSON.stringify(latency));
			assert.ok(messages > 1500, `${messages}`);
		} finally {
			server.child.kill('SIGCONT');
			await server.stop();
		}
	});
	it('one that is stopped in the middle: connections were lost', TIMEOUT, async () => {
		const server = await Server.start();
		const child = bench('echo', '--seconds', '20', '--warmup', '0', '--connections', '3', `${server.url.replace('http', 'ws')}/echo`);
		await until(async () => /crosstalk_connections\{[^}]*"websocket"\} [1-9]/.test(await (await fetch(`${server.url}/metrics`)).text()),
			bound(10), 'connections');
		await server.stop();
		const { code } = await child;
		assert.equal(code, 5);
	});
});
