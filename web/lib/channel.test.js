import test from 'node:test';
import assert from 'node:assert/strict';
import { channelPath } from './channel.js';
import { backoff } from './backoff.js';
import { covers, parse } from './messageid.js';

test('a channel name becomes a path that the browser leaves alone', () => {
	assert.equal(channelPath('sport/football/42'), '/c/sport/football/42');
	assert.equal(channelPath('chat/a b?#%'), '/c/chat/a%20b%3F%23%25');
	for (const name of ['chat/..', 'a/./b', 'chat/房'])
		assert.equal(decodeURIComponent(new URL(channelPath(name), 'http://h').pathname.slice(3)), name);
});

test('a position covers what came before it in its own epoch', () => {
	assert.equal(covers('a1-5', 'a1-5'), true);
	assert.equal(covers('a1-5', 'a1-4'), true);
	assert.equal(covers('a1-5', 'a1-6'), false);
	assert.equal(covers('a1-5', 'b2-1'), false);
	assert.equal(covers('a1-9223372036854775806', 'a1-9223372036854775807'), false);
	assert.equal(parse('A-1'), null);
	assert.equal(parse('a-'), null);
});

test('pauses double, are half chance, and end at half a minute', () => {
	assert.equal(backoff(1, () => 0), 250);
	assert.equal(backoff(1, () => 1), 500);
	assert.equal(backoff(3, () => 1), 2000);
	assert.equal(backoff(99, () => 1), 30_000);
});
