import test from 'node:test';
import assert from 'node:assert/strict';
import { read, write } from './message.js';

const ours = { key: 'k', from: 'me', name: 'Ann', text: 'hi', via: 'sse' };

test('our own message is read as JSON and as the text of a WebSocket', () => {
	for (const data of [ours, write(ours)])
		assert.deepEqual(read({ id: 'a-1', time: 5, data }), { id: 'a-1', time: 5, type: '', kind: 'chat', ...ours });
});

test('whatever else is published is shown as what it is', () => {
	assert.equal(read({ data: 'hello', type: 'text/plain; charset=utf-8' }).type, 'text/plain');
	for (const data of ['hello', '{"text":', '{"a":1}', 'null'])
		assert.deepEqual([read({ data }).kind, read({ data }).text], ['text', data]);
	for (const data of [null, 7, true, [1], { text: 5 }])
		assert.equal(read({ data }).text, JSON.stringify(data));
	assert.equal(read({ data: 'YWJjZGU=', encoding: 'base64' }).size, 5);
	assert.equal(read({ data: 'YQ==', encoding: 'base64', type: 'image/png' }).src, 'data:image/png;base64,YQ==');
	assert.equal(read({ data: 'YQ==', encoding: 'base64', type: 'image/svg+xml' }).kind, 'bytes');
});

test('fields of a wrong type are no harm', () => {
	const message = read({ data: { text: 'x', name: {}, key: 5, from: null, via: [] } });
	assert.deepEqual([message.name, message.key, message.from, message.via], ['', '', '', '']);
});
