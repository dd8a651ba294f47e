// Programs with a client in them: the example, and the echo client that suites of others are run against.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { TEXT, closePayload, frame } from '../lib/rawws.js';
import { program } from '../lib/server.js';
import { bound, until, within } from '../lib/time.js';
import { withPeer } from '../lib/wspeer.js';

const TIMEOUT = { timeout: bound(30) };
const plain = (opcode, payload) => frame(opcode, payload, { mask: null });

function start(file, ...args) {
	const child = spawn(path.join(path.dirname(program()), file), args, { stdio: ['pipe', 'pipe', 'pipe'] });
	const run = { child, stdout: '', stderr: '' };
	child.stdout.on('data', (data) => (run.stdout += data));
	child.stderr.on('data', (data) => (run.stderr += data));
	run.ended = within(new Promise((resolve) => child.once('close', resolve)), bound(20), `${file} to end`);
	return run;
}

describe('examples/client.c', { concurrency: 2 }, () => {
	it('prints what comes, sends lines, and closes at their end', TIMEOUT, () =>
		withPeer(async (server) => {
			const run = start('examples/example_client', server.url);
			const peer = await server.peer();
			await peer.accept();
			run.child.stdin.write('one\ntwo\n');
			await peer.expect('text', 'one');
			await peer.expect('text', 'two');
			peer.send(plain(TEXT, 'drei: ü'));
			await until(() => run.stdout === 'drei: ü\n', bound(10), 'the message to be printed');
			run.child.stdin.end();
			assert.equal((await peer.next()).code, 1000);
			peer.send(plain(8, closePayload(1000, 'bye')));
			peer.socket.end();
			assert.equal(await run.ended, 0);
			assert.equal(run.stderr, 'closed: 1000 bye\n');
		}));
	it('ends when the server closes', TIMEOUT, () =>
		withPeer(async (server) => {
			const run = start('examples/example_client', server.url);
			const peer = await server.peer();
			await peer.accept();
			peer.send(plain(8, closePayload(4001, 'go')));
			await peer.expectClose(4001);
			await run.ended;
			assert.equal(run.stderr, 'closed: 4001 go\n');
		}));
	it('says why there is no connection', TIMEOUT, async () => {
		const run = start('examples/example_client', 'foo://bar');
		await run.ended;
		assert.match(run.stderr, /^url "foo:\/\/bar": the scheme/);
	});
});

describe('tests/driver/ws_echo_client.c', { concurrency: 2 }, () => {
	it('sends back what comes; 0 after a clean close', TIMEOUT, () =>
		withPeer(async (server) => {
			const run = start('tests/driver/ws_echo_client', '--no-compression', server.url);
			const peer = await server.peer();
			await peer.accept();
			peer.send(plain(TEXT, 'a'), plain(2, 'b'));
			await peer.expect('text', 'a');
			await peer.expect('binary', 'b');
			peer.send(plain(8, closePayload(1000)));
			await peer.expectClose(1000);
			assert.equal(await run.ended, 0);
		}));
	it('1 after another end', TIMEOUT, () =>
		withPeer(async (server) => {
			const run = start('tests/driver/ws_echo_client', server.url);
			const peer = await server.peer();
			await peer.accept();
			peer.socket.end();
			assert.equal(await run.ended, 1);
		}));
	it('2 when it was never open', TIMEOUT, () =>
		withPeer(async (server) => {
			const run = start('tests/driver/ws_echo_client', server.url);
			await (await server.peer()).accept({ status: 'HTTP/1.1 404 Not Found' });
			assert.equal(await run.ended, 2);
		}));
});
