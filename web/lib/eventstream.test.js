import test from 'node:test';
import assert from 'node:assert/strict';
import { eventParser } from './eventstream.js';
import { lineSplitter } from './lines.js';

const stream = '\uFEFFevent: open\r\nid: a-0\r\ndata: {"next":"a-0"}\r\n\r\n:heartbeat\n\nid: a-1\ndata: one\ndata:two\n\ndata\n\nevent: x\n\n';
const expected = [
	{ event: 'open', data: '{"next":"a-0"}', id: 'a-0' },
	{ event: 'message', data: 'one\ntwo', id: 'a-1' },
	{ event: 'message', data: '', id: 'a-1' },
];

test('events come out whole however the stream is cut', () => {
	for (let size = 1; size <= stream.length; size++) {
		const parse = eventParser();
		const events = [];
		for (let at = 0; at < stream.length; at += size)
			events.push(...parse(stream.slice(at, at + size)));
		assert.deepEqual(events, expected, `pieces of ${size}`);
	}
});

test('a line may end in CR, LF or CRLF, also between two pieces', () => {
	const split = lineSplitter();
	assert.deepEqual([split('a\r'), split('\nb\rc\n'), split('\n'), split('d')].flat(), ['a', 'b', 'c', '']);
});
