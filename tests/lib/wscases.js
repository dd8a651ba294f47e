// wscases.js - runs one case of the RFC 6455 suites against /echo.
//
// A case is a name that cites its clause, the bytes that a client sends after the handshake, and what
// must come back: a list of events, of which the last may be a Close. Each can be sent whole or one
// byte per write. A case that ends in a failure is sent in two more ways: with good frames behind it,
// which must not be answered, and only up to its first wrong byte, after which nothing more comes.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RawWs, bytes, ping, show, text } from './rawws.js';
import { bound } from './time.js';
import { model } from './wsmodel.js';

export const TIMEOUT = { timeout: bound(30) };

export const Text = (data) => ({ type: 'text', data: bytes(data) });
export const Binary = (data) => ({ type: 'binary', data: bytes(data) });
export const Pong = (data = '') => ({ type: 'pong', data: bytes(data) });
export const Close = (code = null) => ({ type: 'close', code });

const same = (a, b) =>
	a.type === b.type && (a.type === 'close' ? a.code === b.code : a.data.equals(b.data));

function agree(name, found, expected) {
	assert.equal(found.length, expected.length, `${name}: the model expects ${found.map(brief)}`);
	found.forEach((event, i) => assert.ok(same(event, expected[i]), `${name}: the model expects ${brief(event)}`));
}

const brief = (event) => (event.type === 'close' ? `close ${event.code}` : show(event));

/** Reads what is expected, and nothing else before the end or the echo of the last word. */
async function expectAll(ws, expected, at) {
	for (const event of expected) {
		if (event.type === 'close') {
			const got = await ws.expectClose(event.code);
			if (at.failure) {
				assert.notEqual(got.reason, '', 'a Close frame after an error has a reason in words');
			}
			return;
		}
		await ws.expect(event.type, event.data);
	}
	ws.send(text('last word'));
	await ws.expect('text', 'last word');
	await ws.bye();
}

/**
 * Registers the tests of one case. server: what useServer() returned. modes: any of
 *   whole    all bytes in one write; after a failure or close, good frames follow in the same write
 *   bytes    one byte per write (for a failure: up to the first wrong byte, then silence)
 *   first    up to the first wrong byte in one write, then silence
 */
export function wsCase(server, name, sent, expected, modes = ['whole']) {
	const data = Array.isArray(sent) ? Buffer.concat(sent) : sent;
	const found = model(data);
	agree(name, found.events, expected);
	const failure = found.refused;
	const upTo = found.at >= 0 ? data.subarray(0, found.at + 1) : data;
	for (const mode of modes) {
		const label = { whole: name, bytes: `${name}, byte by byte`, first: `${name}, at the first wrong byte` }[mode];
		it(label, TIMEOUT, async () => {
			const ws = await RawWs.open(server.port);
			try {
				if (mode === 'whole') {
					const after = found.at >= 0 ? [text('too late'), ping('too late')] : [];
					ws.send(Buffer.concat([data, ...after]));
				} else if (mode === 'bytes') {
					await ws.sendSlowly(upTo);
				} else {
					ws.send(upTo);
				}
				await expectAll(ws, expected, { failure });
			} finally {
				ws.destroy();
			}
		});
	}
}
