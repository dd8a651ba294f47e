// readers.js - the six ways to read a channel, each over node's own sockets, with one face: a reader
// gives events { kind: 'open' | 'message' | 'lost' | 'close' | 'end', … } in the order in which they came.
//
// Messages are objects with what the way of reading carries: id, data, and, where there is JSON,
// time, type and encoding. Readers do not reconnect: the tests do.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { RawWs, close } from './rawws.js';
import { Queue, bound, within } from './time.js';
import { authority, isTls } from './tls.js';

export const STREAMS = ['websocket', 'sse', 'ndjson', 'iframe'];
export const TRANSPORTS = [...STREAMS, 'longpoll', 'poll'];

const ID = /^(0|[1-9a-z][0-9a-z]{0,12})-(0|[1-9][0-9]{0,18})$/;

export const offsetOf = (id) => Number(id.slice(id.indexOf('-') + 1));
export const epochOf = (id) => id.slice(0, id.indexOf('-'));

/** The message object is as docs/channel.md says, with nothing missing and nothing more. */
export function assertMessage(message) {
	for (const key of Object.keys(message)) {
		assert.ok(['id', 'time', 'data', 'encoding', 'type'].includes(key), `unknown field ${key} in a message`);
	}
	assertId(message.id);
	assert.ok(Number.isInteger(message.time), 'time is a whole number');
	assert.ok('data' in message, 'there is data');
	if ('encoding' in message) {
		assert.equal(message.encoding, 'base64');
		assert.match(message.data, /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
	}
	if ('type' in message) {
		assert.equal(typeof message.type, 'string');
	}
}

export function assertId(id) {
	assert.match(id, ID, 'a message id');
}

/** The target of a request on a channel. `channel` is percent-encoded already. */
export function target(channel, parameters = {}) {
	const query = Object.entries(parameters)
		.filter(([, value]) => value !== undefined && value !== null)
		.map(([key, value]) => (value === true ? key : `${key}=${encodeURIComponent(value)}`));
	return `/c/${channel}${query.length ? `?${query.join('&')}` : ''}`;
}

/** An agent for the connections of that port. */
export const agentOn = (port, options) => new (isTls(port) ? https : http).Agent(options);
const requestOn = (port) => (isTls(port) ? (options, then) => https.request({ ca: authority().ca, ...options }, then) : http.request);

/** One HTTP request with node's own client, on a connection of its own unless an agent is given. */
export function fetchRaw(port, path, { method = 'GET', headers = {}, body, agent = false, ms = bound(60), host = '127.0.0.1', signal } = {}) {
	const answer = new Promise((resolve, reject) => {
		const request = requestOn(port)({ host, port, path, method, headers, agent, signal }, (response) => {
			const parts = [];
			response.on('data', (data) => parts.push(data));
			response.on('end', () => {
				const bytes = Buffer.concat(parts);
				resolve({
					status: response.statusCode, headers: response.headers, body: bytes, text: bytes.toString(),
					get json() {
						return JSON.parse(bytes.toString());
					},
				});
			});
			response.on('error', reject);
		});
		request.on('error', reject);
		request.setNoDelay(true);
		request.end(body);
	});
	return within(answer, ms, `${method} ${path}`);
}

/** Publishes and returns the id. type: the Content-Type (null: none). */
export async function publish(port, channel, body, type = 'text/plain', options = {}) {
	const bytes = Buffer.from(body);
	const headers = { 'Content-Length': bytes.length, ...(type === null ? {} : { 'Content-Type': type }) };
	const answer = await fetchRaw(port, target(channel), { method: 'POST', headers, body: bytes, ...options });
	assert.equal(answer.status, 201, answer.text);
	assert.deepEqual(Object.keys(answer.json), ['id']);
	assertId(answer.json.id);
	return answer.json.id;
}

/** What a poll, a long poll or ?history answers, checked. */
export async function poll(port, channel, parameters = {}, options = {}) {
	const answer = await fetchRaw(port, target(channel, parameters), options);
	assert.equal(answer.status, 200, answer.text);
	assert.match(answer.headers['content-type'], /^application\/json(;|$)/);
	const page = answer.json;
	for (const key of Object.keys(page)) {
		assert.ok(['messages', 'next', 'more', 'lost', 'notice'].includes(key), `unknown field ${key} in an answer`);
	}
	assertId(page.next);
	page.messages.forEach(assertMessage);
	assert.ok(page.messages.length <= 1000, `${page.messages.length} messages in one answer`);
	if (page.messages.length > 0) {
		assert.equal(page.next, page.messages.at(-1).id, 'next is the id of the last message');
	}
	if ('more' in page) {
		assert.equal(page.more, true);
	}
	if ('lost' in page) {
		assert.equal(page.lost, true);
		assert.equal(typeof page.notice, 'string');
		assert.notEqual(page.notice, '');
	}
	return page;
}

export async function presence(port, channel, options = {}) {
	const answer = await fetchRaw(port, target(channel, { presence: true }), options);
	assert.equal(answer.status, 200, answer.text);
	const { count, members } = answer.json;
	assert.ok(Number.isInteger(count));
	assert.ok(members.length <= 1000 && members.length <= count);
	for (const member of members) {
		for (const key of Object.keys(member)) {
			assert.ok(['client', 'name', 'transports', 'since'].includes(key), `unknown field ${key} in presence`);
		}
		assert.ok(Number.isInteger(member.since));
		assert.ok(member.transports.length > 0);
		member.transports.forEach((t) => assert.ok(TRANSPORTS.includes(t), `unknown transport ${t}`));
	}
	return answer.json;
}

class Reader {
	events = new Queue();
	heartbeats = 0;
	position = null; // what to give as `since` to go on from here
	bytes = 0;

	constructor(options) {
		this.options = options;
		this.emit = options.onEvent ?? ((event) => this.events.push(event));
	}

	parameters(extra = {}) {
		const { since, history, client, name, format, echo } = this.options;
		return { since, history, client, name, format, echo, ...extra };
	}

	/** An object of the JSON form: a message, or an event beside the messages. */
	object(value) {
		if ('event' in value) {
			const { event, ...rest } = value;
			if (event === 'close') {
				assert.match(value.reason, /^[a-z_]+$/);
				assert.equal(typeof value.notice, 'string');
				assert.notEqual(value.notice, '');
				this.emit({ kind: 'close', ...rest });
				return;
			}
			assert.ok(['open', 'lost'].includes(event), `unknown event ${event}`);
			assertId(value.next);
			if (event === 'lost') {
				assert.equal(typeof value.notice, 'string');
				assert.notEqual(value.notice, '');
			}
			this.position = value.next;
			this.emit({ kind: event, ...rest });
			return;
		}
		assertMessage(value);
		this.position = value.id;
		this.emit({ kind: 'message', ...value });
	}

	async next(what = 'an event', ms = bound(8)) {
		const event = await this.events.next(ms, `${what} on ${this.options.transport}`);
		assert.ok(event, `${this.options.transport} ended, waiting for ${what}`);
		return event;
	}

	/** The next message; an 'open' before it is passed over. */
	async message(what = 'a message', ms = bound(8)) {
		for (;;) {
			const event = await this.next(what, ms);
			if (event.kind === 'open') {
				continue;
			}
			assert.equal(event.kind, 'message', `expected ${what} on ${this.options.transport}, got ${JSON.stringify(event)}`);
			return event;
		}
	}

	/** The next `n` messages. */
	async messages(n, ms = bound(20)) {
		const out = [];
		while (out.length < n) {
			out.push(await this.message(`message ${out.length + 1} of ${n}`, ms));
		}
		return out;
	}

	fail(error) {
		this.events.end(error);
		this.onFail?.(error);
	}
}

class WebSocketReader extends Reader {
	async open() {
		const { port, host, channel, headers } = this.options;
		this.ws = await RawWs.open(port, { host, path: target(channel, this.parameters()), headers, early: undefined });
		this.ws.answerPings = this.options.answerPings ?? true;
		const take = (event) => {
			try {
				this.#take(event);
			} catch (error) {
				this.fail(error);
			}
		};
		const early = this.ws.events.drain();
		this.ws.emit = take;
		early.forEach(take);
		const ended = () => {
			this.emit({ kind: 'end' });
			this.events.end();
		};
		this.ws.socket.once('close', ended);
		return this;
	}

	#take({ type, data, code, reason }) {
		if (type === 'close') {
			this.emit({ kind: 'close', code, reason });
		} else if (type === 'text' && this.options.format === 'json') {
			this.object(JSON.parse(data.toString()));
		} else if (type === 'text') {
			this.emit({ kind: 'message', data: data.toString() });
		} else if (type === 'binary') {
			assert.notEqual(this.options.format, 'json', 'format=json is text');
			this.emit({ kind: 'message', data });
		}
	}

	get heartbeatCount() {
		return this.ws.pings;
	}

	send(frame) {
		this.ws.send(frame);
	}

	close() {
		this.ws.send(close(1000));
	}

	drop() {
		this.ws.destroy();
	}
}

/** What the three chunked ways have in common. */
class StreamReader extends Reader {
	async open() {
		const { port, host = '127.0.0.1', channel, headers } = this.options;
		await within(new Promise((resolve, reject) => {
			this.request = requestOn(port)({
				host, port, agent: false, path: target(channel, this.parameters(this.query)), headers: { ...this.head, ...headers },
			});
			this.request.setNoDelay(true);
			this.request.once('error', reject);
			this.request.once('response', (response) => {
				this.response = response;
				if (response.statusCode !== 200) {
					const parts = [];
					response.on('data', (data) => parts.push(data));
					response.on('end', () => {
						const text = Buffer.concat(parts).toString();
						reject(Object.assign(new Error(`refused: ${response.statusCode} ${text}`), { status: response.statusCode, text }));
					});
					return;
				}
				try {
					assert.match(response.headers['content-type'], this.type);
				} catch (error) {
					this.drop();
					reject(error);
					return;
				}
				this.request.removeAllListeners('error').on('error', () => {});
				response.on('data', (data) => {
					this.bytes += data.length;
					try {
						this.data(data);
					} catch (error) {
						this.fail(error);
						this.drop();
					}
				});
				response.on('error', () => {});
				response.once('close', () => {
					this.emit({ kind: 'end', complete: response.complete });
					this.events.end();
				});
				resolve();
			});
			this.request.end();
		}), bound(10), `an answer on ${this.options.transport}`);
		return this;
	}

	get heartbeatCount() {
		return this.heartbeats;
	}

	close() {
		this.drop();
	}

	drop() {
		this.request.destroy();
	}
}

/** Splits bytes at LF; a line may come in any number of pieces. */
class Lines {
	#parts = [];

	constructor(take) {
		this.take = take;
	}

	push(data) {
		let from = 0;
		for (let at; (at = data.indexOf(10, from)) >= 0; from = at + 1) {
			this.#parts.push(data.subarray(from, at));
			const line = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
			this.#parts = [];
			this.take(line.toString());
		}
		if (from < data.length) {
			this.#parts.push(Buffer.from(data.subarray(from)));
		}
	}
}

class SseReader extends StreamReader {
	head = { Accept: 'text/event-stream', ...(this.options.lastEventId ? { 'Last-Event-ID': this.options.lastEventId } : {}) };
	type = /^text\/event-stream(; ?charset=utf-8)?$/i;
	#lines = new Lines((line) => this.#line(line));
	#data = [];
	#event = '';
	#id = null;

	data(data) {
		this.#lines.push(data);
	}

	#line(raw) {
		const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
		assert.doesNotMatch(line, /\r/, 'a CR inside an event stream line');
		if (line === '') {
			this.#dispatch();
		} else if (line.startsWith(':')) {
			this.heartbeats++;
		} else {
			const field = /^(data|event|id|retry)(?:: ?([^]*))?$/.exec(line);
			assert.ok(field, `not a line of an event stream: ${JSON.stringify(line.slice(0, 100))}`);
			const [, name, value = ''] = field;
			if (name === 'data') {
				this.#data.push(value);
			} else if (name === 'event') {
				this.#event = value;
			} else if (name === 'id') {
				assertId(value);
				this.#id = value;
			}
		}
	}

	#dispatch() {
		const [data, event, id] = [this.#data, this.#event, this.#id];
		this.#data = [];
		this.#event = '';
		this.#id = null;
		if (data.length === 0) {
			return; /* a heartbeat, or only an id */
		}
		const text = data.join('\n');
		if (event === 'close') {
			assert.equal(id, null, 'event: close has no id');
			this.object(JSON.parse(text));
			return;
		}
		if (event === 'open' || event === 'lost') {
			const value = JSON.parse(text);
			assert.equal(value.event ?? event, event);
			if (event === 'open') {
				assert.equal(id, value.next, 'event: open has the id of its position');
			}
			this.object({ ...value, event });
			return;
		}
		assert.ok(id, 'each message has an id');
		if (this.options.format === 'json') {
			assert.equal(data.length, 1, 'the object is one line');
			const value = JSON.parse(text);
			assert.equal(value.id, id);
			this.object(value);
			return;
		}
		assert.ok(event === '' || event === 'binary' || event === 'message', `unknown event ${event}`);
		this.position = id;
		this.emit({ kind: 'message', id, data: event === 'binary' ? Buffer.from(text, 'base64') : text });
	}
}

class NdjsonReader extends StreamReader {
	head = {};
	query = { stream: 'ndjson' };
	type = /^application\/x-ndjson(;|$)/i;
	#lines = new Lines((line) => {
		if (line === '') {
			this.heartbeats++;
		} else {
			this.object(JSON.parse(line));
		}
	});

	data(data) {
		this.#lines.push(data);
	}
}

class IframeReader extends StreamReader {
	head = {};
	query = { stream: 'iframe' };
	type = /^text\/html; ?charset=utf-8$/i;
	#text = '';
	#decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
	page = ''; // what stands outside of the calls

	data(data) {
		this.#text += this.#decoder.decode(data, { stream: true });
		for (;;) {
			const found = /<script>([^]*?)<\/script>|<!--[^]*?-->/.exec(this.#text);
			if (!found) {
				return;
			}
			this.page += this.#text.slice(0, found.index);
			this.#text = this.#text.slice(found.index + found[0].length);
			if (found[1] === undefined) {
				this.heartbeats++;
				continue;
			}
			const call = /^\s*parent\.crosstalk\(([^]*)\);?\s*$/.exec(found[1]);
			assert.ok(call, `not a call of parent.crosstalk: ${found[1].slice(0, 100)}`);
			assert.doesNotMatch(call[1], /<[!/s]/i, 'what could end or change a script is escaped');
			assert.doesNotMatch(call[1], /[\u2028\u2029]/, 'line separators of JavaScript are escaped');
			this.object(JSON.parse(call[1]));
		}
	}
}

/** Polls again and again: with `wait` held by the server, without it at a pace of its own. */
class PollReader extends Reader {
	#stopped = false;
	polls = 0;
	empty = 0;

	async open() {
		const { port, host, since, history, transport } = this.options;
		this.agent = agentOn(port, { keepAlive: true, maxSockets: 1 });
		this.abort = new AbortController();
		this.position = since;
		if (since === undefined && (history === undefined || history === 0)) {
			/* the position now: what comes after this call will be seen */
			this.position = (await poll(port, this.options.channel, { history: 0 }, { host })).next;
		}
		this.#run(transport === 'longpoll' ? { wait: this.options.wait ?? 20 } : {}).catch((error) => {
			if (!this.#stopped) {
				this.fail(error);
			}
			this.emit({ kind: 'end' });
			this.events.end();
		});
		return this;
	}

	async #run(extra) {
		const { port, host, channel, client, name, history, pace = 10 } = this.options;
		while (!this.#stopped) {
			const parameters = { client, name, ...(this.position === undefined ? { history } : { since: this.position }), ...extra };
			const page = await poll(port, channel, parameters, { host, agent: this.agent, signal: this.abort.signal });
			if (this.#stopped) {
				return;
			}
			this.polls++;
			if (page.lost) {
				this.emit({ kind: 'lost', notice: page.notice, since: this.position, next: page.next });
			}
			this.position = page.next;
			for (const message of page.messages) {
				if (this.#stopped) {
					return;
				}
				this.position = message.id;
				this.emit({ kind: 'message', ...message });
			}
			if (page.messages.length === 0) {
				this.empty++;
				if (!extra.wait) {
					await new Promise((done) => setTimeout(done, pace));
				}
			}
		}
	}

	close() {
		this.drop();
	}

	drop() {
		this.#stopped = true;
		this.abort.abort();
		this.agent.destroy();
		this.events.end();
	}
}

const KINDS = { websocket: WebSocketReader, sse: SseReader, ndjson: NdjsonReader, iframe: IframeReader, longpoll: PollReader, poll: PollReader };

/**
 * Opens a reader. Options: transport, port, channel (percent-encoded), since, history, client, name,
 * format, echo, lastEventId, wait, headers, onEvent. Rejects with { status, text } when it is refused.
 */
export function openReader(options) {
	return new KINDS[options.transport](options).open();
}

/** The data of a message as bytes, whatever the way it came. */
export function dataBytes({ data, encoding }) {
	if (Buffer.isBuffer(data)) {
		return data;
	}
	return encoding === 'base64' ? Buffer.from(data, 'base64') : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
}
