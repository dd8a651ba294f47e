import test from 'node:test';
import assert from 'node:assert/strict';
import { Outbox } from './outbox.js';

const settle = () => new Promise(resolve => setTimeout(resolve, 5));

test('messages go one after the other, and stay until they are seen', async () => {
	const sent = [];
	const box = new Outbox(async ({ key }) => { await settle(); sent.push(key); });
	box.put('a', '1');
	box.put('b', '2');
	await settle(); await settle(); await settle(); await settle();
	assert.deepEqual(sent, ['a', 'b']);
	assert.deepEqual(box.entries.map(entry => entry.state), ['accepted', 'accepted']);
	box.seen('a');
	assert.deepEqual(box.entries.map(entry => entry.key), ['b']);
});

test('a failure keeps the order and is tried again', async () => {
	let down = true;
	const sent = [];
	const box = new Outbox(async ({ key }) => { if (down) throw new Error('down'); sent.push(key); });
	box.put('a', '1');
	box.put('b', '2');
	await settle();
	assert.deepEqual(box.entries.map(entry => entry.state), ['waiting', 'waiting']);
	down = false;
	await box.flush();
	assert.deepEqual(sent, ['a', 'b']);
});

test('a refusal stands aside, the next ones go', async () => {
	const box = new Outbox(async ({ key }) => { if (key === 'a') throw Object.assign(new Error('too large'), { final: true }); });
	box.put('a', '1');
	box.put('b', '2');
	await settle();
	assert.deepEqual(box.entries.map(entry => [entry.state, entry.reason]), [['failed', 'too large'], ['accepted', undefined]]);
	box.drop('a');
	assert.equal(box.entries.length, 1);
});

test('what is not accepted is saved, and sent by the next page', async () => {
	let saved;
	const first = new Outbox(async () => { throw new Error('down'); }, { save: entries => { saved = entries; } });
	first.put('a', '1');
	await settle();
	first.close();
	const sent = [];
	const second = new Outbox(async ({ key, text }) => { sent.push(key + text); }, { saved, save: entries => { saved = entries; } });
	await second.flush();
	assert.deepEqual(sent, ['a1']);
	assert.deepEqual(saved, []);
});
