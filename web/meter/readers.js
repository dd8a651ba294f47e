// readers.js - the four ways to read that the lab compares, each in its leanest form and with its bytes
// counted. lib/channel.js would do the reading better; here it is the bytes that matter.
//
// A reader is a function (path, meter, signal): it reads the channel until the signal aborts and tells the
// meter {setup(bytes), exchange(bytes), message(text, bytesAround)}. It ends with an error when its
// connection does; who started it may start it again.

import { eventParser } from '../lib/eventstream.js';
import {
	bodyBytes, bytesOf, chunkBytes, frameBytes, handshakeBytes, measureRequests, responseHeadBytes,
} from './wire.js';

const HOLD = 25; // s

const pause = (ms, signal) => new Promise(resolve => {
	setTimeout(resolve, ms);
	signal.addEventListener('abort', resolve, { once: true });
});

/** One poll: counts it, hands over its messages, and returns the next position. */
async function exchange(path, costOf, meter, signal) {
	const response = await fetch(path, { cache: 'no-store', signal });
	if (!response.ok)
		throw new Error(`${response.status}`);
	const body = await response.text();
	const { messages, next, ...rest } = JSON.parse(body);
	const empty = bytesOf(JSON.stringify({ messages: [], next, ...rest }));
	const framing = bodyBytes(bytesOf(body), response.headers) - bytesOf(body);

	meter.exchange(costOf(path) + responseHeadBytes(response) + framing + empty);
	const around = messages.length
		&& (bytesOf(body) - empty - messages.reduce((sum, { data }) => sum + bytesOf(data), 0)) / messages.length;
	for (const { data } of messages)
		meter.message(data, around);
	return next;
}

/** Where a poller begins: at the end. Not counted, as it happens once. */
async function end(path, signal) {
	const response = await fetch(`${path}?history=0`, { cache: 'no-store', signal });
	return (await response.json()).next;
}

async function poll(path, meter, signal) {
	const costOf = await measureRequests({});
	for (let since = await end(path, signal); ; await pause(meter.interval(), signal))
		since = await exchange(`${path}?since=${since}`, costOf, meter, signal);
}

async function longPoll(path, meter, signal) {
	const costOf = await measureRequests({});
	for (let since = await end(path, signal); ;)
		since = await exchange(`${path}?wait=${HOLD}&since=${since}`, costOf, meter, signal);
}

async function eventStream(path, meter, signal) {
	const headers = { Accept: 'text/event-stream' };
	const costOf = await measureRequests({ headers });
	const response = await fetch(path, { headers, cache: 'no-store', signal });
	if (!response.ok)
		throw new Error(`${response.status}`);
	meter.setup(costOf(path) + responseHeadBytes(response));

	const chunked = response.headers.has('transfer-encoding') ? chunkBytes : size => size;
	const reader = response.body.getReader();
	const decoder = new TextDecoder();
	const parse = eventParser();
	for (let unread = 0; ;) {
		const { done, value } = await reader.read();
		if (done)
			throw new Error('the stream ended');
		unread += value.length;
		const events = parse(decoder.decode(value, { stream: true }));
		const texts = events.filter(({ event }) => event === 'message').map(({ data }) => data);
		// What came since the last message (heartbeats, `open`) is part of what the next one costs.
		const around = (chunked(unread) - texts.reduce((sum, text) => sum + bytesOf(text), 0)) / texts.length;
		for (const text of texts)
			meter.message(text, around);
		if (texts.length)
			unread = 0;
	}
}

function webSocket(path, meter, signal) {
	return new Promise((_, reject) => {
		const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${path}`);
		signal.addEventListener('abort', () => socket.close(), { once: true });
		socket.onopen = () => meter.setup(handshakeBytes({
			host: location.host, origin: location.origin, path, languages: navigator.languages.join(','),
			agent: navigator.userAgent, extensions: socket.extensions,
		}));
		socket.onmessage = ({ data }) => meter.message(data, frameBytes(bytesOf(data)) - bytesOf(data));
		socket.onclose = () => reject(new Error('closed'));
	});
}

/** The readers in the order in which they are shown. */
export const readers = { poll, longpoll: longPoll, sse: eventStream, websocket: webSocket };
