import test from 'node:test';
import assert from 'node:assert/strict';
import { linearTicks, logTicks } from './plot.js';
import { compose, parse } from './publisher.js';
import { quantile } from './quantile.js';
import { Tally } from './tally.js';
import { bodyBytes, chunkBytes, frameBytes, handshakeBytes, responseHeadBytes } from './wire.js';

test('a frame has a header of 2, 4 or 10 bytes, and 4 more with a mask', () => {
	assert.deepEqual([0, 125, 126, 65_535, 65_536].map(size => frameBytes(size) - size), [2, 2, 4, 4, 10]);
	assert.equal(frameBytes(5, true), 11);
});

test('a chunk has its size in hexadecimal and two line ends', () => {
	assert.equal(chunkBytes(0), 0);
	assert.equal(chunkBytes(16), '10\r\n'.length + 16 + 2);
	assert.equal(bodyBytes(16, new Headers({ 'transfer-encoding': 'chunked' })), 22 + 5);
	assert.equal(bodyBytes(16, new Headers()), 16);
});

test('the head of an answer is what is on the wire', () => {
	const head = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n';
	const response = new Response('{}', { statusText: 'OK', headers: { 'Content-Length': '2', 'Content-Type': 'application/json' } });
	assert.equal(responseHeadBytes(response), head.length);
});

test('a handshake is a request and an answer', () => {
	const bytes = handshakeBytes({ host: 'h', origin: 'http://h', path: '/c/x', languages: 'en', agent: 'a', extensions: '' });
	assert.ok(bytes > 350 && bytes < 600, String(bytes));
});

test('the tally splits what an exchange costs from what a message costs', () => {
	const tally = new Tally();
	tally.addSetup(500);
	tally.addExchange(800);
	tally.addExchange(800);
	tally.addMessage({ payload: 64, around: 40, number: 1, delay: 10 });
	assert.equal(tally.bytes, 500 + 1600 + 104);
	assert.equal(tally.overhead, 840);
	assert.equal(tally.median, 10);
});

test('quantiles, ticks and payloads', () => {
	assert.equal(quantile([3, 1, 2], 0.5), 2);
	assert.ok(Number.isNaN(quantile([], 0.5)));
	assert.deepEqual(linearTicks(90), [0, 25, 50, 75, 100]);
	assert.deepEqual(logTicks(2, 300), [1, 10, 100, 1000]);
	assert.deepEqual(logTicks(10, 10), [10, 100]);
	assert.equal(compose(7, 123.45, 64).length, 64);
	assert.deepEqual(parse(compose(7, 123.4, 64)), { number: 7, time: 123.4 });
});
