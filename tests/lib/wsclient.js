// wsclient.js - the client of the library, driven through tests/driver/client.c: commands go in, events come out.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before } from 'node:test';
import { bytes } from './rawws.js';
import { program } from './server.js';
import { Queue, bound, within } from './time.js';

const FILE = path.join(path.dirname(program()), 'tests/driver/driver_client');
const SANITIZER = /Sanitizer|runtime error:/;

const encode = (value) => encodeURIComponent(String(value)).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);

/** What each event's words mean. */
const FIELDS = {
	refused: (w) => ({ error: Number(w[0]), words: w[1] }),
	open: (w) => ({ subprotocol: w[0], extensions: w[1] }),
	message: (w) => ({ kind: w[0], data: Buffer.from(w[1], 'hex'), id: w[2], channel: w[3] }),
	error: (w) => ({ error: Number(w[0]), words: w[1] }),
	close: (w) => ({ code: Number(w[0]), clean: w[1] === '1', retry: Number(w[2]), reason: w[3] }),
	pong: (w) => ({ data: Buffer.from(w[0], 'hex') }),
	frame: (w) => ({ way: w[0], first: Number(w[1]), length: Number(w[2]), data: Buffer.from(w[3], 'hex') }),
	result: (w) => ({ result: Number(w[0]) }),
	url: (w) => ({ url: w[0] }),
	field: (w) => ({ value: w[0] }),
	buffered: (w) => ({ bytes: Number(w[0]) }),
	drained: () => ({}),
};

class Client {
	events = new Queue();
	all = []; // every event, also those that were read

	constructor(driver, name) {
		this.driver = driver;
		this.name = name;
	}

	take(event) {
		this.all.push(event);
		this.events.push(event);
	}

	/** The next event, which must be of this type; those named in `skip` are passed over. */
	async expect(type, { skip = ['drained'], ms = bound(10) } = {}) {
		for (;;) {
			const event = await this.events.next(ms, `the event ${type} of ${this.name}`);
			assert.ok(event, `expected ${type}, the driver has ended${this.driver.log()}`);
			if (event.type === type) {
				return event;
			}
			assert.ok(skip.includes(event.type), `expected ${type}, got ${JSON.stringify(event)}`);
		}
	}

	/** Expects `error` with these words, then a last `close` with this code. */
	async expectFailure(words, code = 1006) {
		const error = await this.expect('error', { skip: ['drained', 'result'] });
		assert.match(error.words, words);
		const close = await this.expect('close', { skip: ['drained', 'result'] });
		assert.deepEqual([close.code, close.clean, close.retry], [code, false, -1]);
		return { error, close };
	}

	async expectClose(code, { clean = true, reason = '', retry = -1 } = {}) {
		const close = await this.expect('close', { skip: ['drained', 'result'] });
		assert.deepEqual([close.code, close.clean, close.retry, close.reason], [code, clean, retry, reason]);
		return close;
	}

	async expectMessage(kind, data) {
		const message = await this.expect('message', { skip: ['drained', 'result'] });
		assert.equal(message.kind, kind);
		assert.ok(message.data.equals(bytes(data)), `${message.data.length} bytes: ${message.data.subarray(0, 40).toString('hex')}`);
		return message;
	}

	say(...words) {
		this.driver.write(`${this.name} ${words.join(' ')}\n`);
	}

	async ask(...words) {
		this.say(...words);
		return (await this.expect('result')).result;
	}

	send(kind, data) {
		return this.ask(kind, bytes(data).toString('hex'));
	}

	async get(what, ...words) {
		this.say(what, ...words);
		return this.expect(what);
	}

	close(code, reason = '') {
		return this.ask('close', code, encode(reason));
	}
}

export class Driver {
	stderr = '';
	clients = new Map();
	#count = 0;
	#rest = '';

	constructor(file = FILE) {
		this.child = spawn(file, [], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
		this.child.stdout.setEncoding('latin1').on('data', (text) => this.#lines(text));
		this.child.stdin.on('error', () => {});
		this.ended = new Promise((resolve) =>
			this.child.once('close', (code, signal) => {
				for (const client of this.clients.values()) {
					client.events.end();
				}
				resolve({ code, signal });
			}),
		);
	}

	#lines(text) {
		const lines = (this.#rest + text).split('\n');
		this.#rest = lines.pop();
		for (const line of lines) {
			const [name, type, ...words] = line.split(' ');
			this.clients.get(name)?.take({ type, ...FIELDS[type](words.map(decodeURIComponent)) });
		}
	}

	write(text) {
		this.child.stdin.write(text);
	}

	log() {
		return `\n--- standard error\n${this.stderr.slice(-8000)}---`;
	}

	/** Options as in struct xt_websocket_options; lists for `subprotocols` and `headers`. */
	open(options) {
		const client = new Client(this, `c${++this.#count}`);
		const words = [];
		for (const [name, value] of Object.entries(options)) {
			for (const one of [value].flat()) {
				words.push(`${name.replace(/^(header|subprotocol)s$/, '$1')}=${encode(one)}`);
			}
		}
		this.clients.set(client.name, client);
		client.say('open', ...words);
		return client;
	}

	/** No more commands: the loop is freed with whatever is open, and must leave nothing behind. */
	async end() {
		this.child.stdin.end();
		const exit = await within(this.ended, bound(20), `the driver to end${this.log()}`);
		assert.ok(!SANITIZER.test(this.stderr), `a sanitizer found something${this.log()}`);
		assert.deepEqual(exit, { code: 0, signal: null }, `the driver's end${this.log()}`);
	}
}

/** One driver for all tests of a describe() block. */
export function useDriver() {
	const holder = {};
	before(() => void (holder.driver = new Driver()));
	after(async () => await holder.driver?.end(), { timeout: bound(60) });
	return { open: (options) => holder.driver.open(options) };
}
