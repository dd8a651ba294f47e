// rawhttp.js - HTTP/1.1 over a plain TCP socket: any bytes go out in any chunks, and what comes back
// is read as strictly as RFC 9110 and 9112 allow.
import assert from 'node:assert/strict';
import { tcp, writeIn } from './rawws.js';
import { bound, within } from './time.js';

export { tcp };

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/** The bytes of a request. headers: an object, or lines; Host is added unless it is named (null: none). */
export function request(method, target, headers = {}, body = '', { version = 'HTTP/1.1' } = {}) {
	let out = `${method} ${target} ${version}\r\n`;
	if (Array.isArray(headers)) {
		out += headers.map((line) => `${line}\r\n`).join('');
	} else {
		const fields = { Host: '127.0.0.1', ...headers };
		for (const [name, value] of Object.entries(fields)) {
			for (const one of value === null ? [] : [value].flat()) {
				out += `${name}: ${one}\r\n`;
			}
		}
	}
	return Buffer.concat([Buffer.from(`${out}\r\n`, 'latin1'), Buffer.from(body)]);
}

/** A POST with its Content-Length. */
export function post(target, body, headers = {}) {
	const bytes = Buffer.from(body);
	return request('POST', target, { 'Content-Length': bytes.length, ...headers }, bytes);
}

/** A body in chunks of the chunked coding. */
export function chunked(...parts) {
	const out = parts.map((part) => {
		const bytes = Buffer.from(part);
		return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
	});
	return Buffer.concat([...out, Buffer.from('0\r\n\r\n')]);
}

export class RawHttp {
	#in = Buffer.alloc(0);
	#wake = null;
	ended = false;
	reset = false;

	static async open(port, host, options) {
		const http = new RawHttp();
		http.socket = await tcp(port, host, options);
		const wake = () => {
			http.#wake?.();
			http.#wake = null;
		};
		http.socket.on('data', (data) => {
			http.#in = Buffer.concat([http.#in, data]);
			wake();
		});
		http.socket.on('end', () => {
			http.ended = true;
			wake();
		});
		http.socket.on('error', (error) => {
			http.reset = error.code === 'ECONNRESET';
			http.ended = true;
			wake();
		});
		http.socket.on('close', () => {
			http.ended = true;
			wake();
		});
		return http;
	}

	send(data) {
		this.socket.write(data);
	}

	async sendSlowly(data, size = 1) {
		await writeIn(this.socket, data, size, () => this.ended);
	}

	destroy() {
		this.socket.destroy();
	}

	/** Waits for more input; false at the end of the connection. */
	async #more(ms, what) {
		if (this.ended) {
			return false;
		}
		await within(new Promise((wake) => (this.#wake = wake)), ms, what);
		return true;
	}

	async #fill(n, ms, what) {
		while (this.#in.length < n) {
			if (!(await this.#more(ms, what))) {
				assert.fail(`the connection ended ${this.reset ? 'by a reset ' : ''}inside ${what}`);
			}
		}
	}

	#take(n) {
		const out = Buffer.from(this.#in.subarray(0, n));
		this.#in = this.#in.subarray(n);
		return out;
	}

	async #line(ms, what) {
		let end;
		while ((end = this.#in.indexOf('\n')) < 0) {
			await this.#fill(this.#in.length + 1, ms, what);
		}
		const line = this.#take(end + 1);
		assert.equal(line.at(-2), 13, `${what}: a line ends with CRLF`);
		const text = line.toString('latin1').slice(0, -2);
		assert.doesNotMatch(text, /[\r\0]/, `${what}: no CR or NUL in a line`);
		return text;
	}

	/** Status line and fields of the next answer, its body still unread. */
	async head(ms = bound(8)) {
		const what = 'an answer';
		const start = /^HTTP\/1\.1 ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/.exec(await this.#line(ms, what));
		assert.ok(start, 'a status line');
		const fields = {};
		for (;;) {
			const line = await this.#line(ms, what);
			if (line === '') {
				break;
			}
			const field = FIELD.exec(line);
			assert.ok(field, `a header field: ${JSON.stringify(line)}`);
			const name = field[1].toLowerCase();
			assert.ok(!(name in fields && ['content-length', 'content-type', 'transfer-encoding', 'etag', 'date'].includes(name)), `${name} twice`);
			fields[name] = name in fields ? `${fields[name]}, ${field[2]}` : field[2];
		}
		const status = Number(start[1]);
		if (status < 200 || status === 204) {
			assert.equal(fields['content-length'], undefined, `no Content-Length in a ${status}`);
			assert.equal(fields['transfer-encoding'], undefined, `no Transfer-Encoding in a ${status}`);
		}
		assert.ok(!(fields['content-length'] && fields['transfer-encoding']), 'not both framings');
		return { status, fields };
	}

	/** One chunk of a chunked body; empty at its end. */
	async chunk(ms = bound(8)) {
		const size = /^([0-9a-fA-F]{1,15})$/.exec(await this.#line(ms, 'a chunk size'));
		assert.ok(size, 'a chunk size');
		const n = parseInt(size[1], 16);
		if (n === 0) {
			while ((await this.#line(ms, 'trailers')) !== '');
			return Buffer.alloc(0);
		}
		await this.#fill(n + 2, ms, 'a chunk');
		const data = this.#take(n);
		assert.equal(this.#take(2).toString('latin1'), '\r\n', 'a chunk ends with CRLF');
		return data;
	}

	/** The next whole answer. method: of the request, because HEAD has no body. */
	async response(method = 'GET', ms = bound(8)) {
		const answer = await this.head(ms);
		const { status, fields } = answer;
		answer.body = Buffer.alloc(0);
		if (method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304) {
			if (fields['transfer-encoding'] !== undefined) {
				assert.equal(fields['transfer-encoding'].toLowerCase(), 'chunked');
				for (;;) {
					const data = await this.chunk(ms);
					if (data.length === 0) {
						break;
					}
					answer.body = Buffer.concat([answer.body, data]);
				}
			} else if (fields['content-length'] !== undefined) {
				assert.match(fields['content-length'], /^\d+$/);
				await this.#fill(Number(fields['content-length']), ms, 'a body');
				answer.body = this.#take(Number(fields['content-length']));
			} else {
				assert.fail('an answer with neither Content-Length nor chunks');
			}
		}
		answer.text = answer.body.toString();
		Object.defineProperty(answer, 'json', { get: () => JSON.parse(answer.text) });
		return answer;
	}

	/** The server ends the connection, and sends nothing more before. */
	async expectEnd(ms = bound(8)) {
		while (this.#in.length === 0 && (await this.#more(ms, 'the end of the connection')));
		assert.equal(this.#in.toString('latin1'), '', 'bytes where the connection should have ended');
		assert.equal(this.reset, false, 'the connection was reset instead of ended');
	}

	/** Nothing has come, and the connection is open. */
	get silent() {
		return this.#in.length === 0 && !this.ended;
	}
}

/** One request on a connection of its own. */
export async function ask(port, data, { method, chunk } = {}) {
	const http = await RawHttp.open(port);
	try {
		if (chunk) {
			await http.sendSlowly(data, chunk);
		} else {
			http.send(data);
		}
		return await http.response(method ?? data.subarray(0, 5).toString().split(' ')[0]);
	} finally {
		http.destroy();
	}
}

/** The JSON body that every refusal has. */
export function assertError(answer, status, code) {
	const wanted = [status].flat();
	assert.ok(wanted.includes(answer.status), `status ${answer.status}, expected ${wanted.join(' or ')}: ${answer.text}`);
	assert.match(answer.fields['content-type'] ?? '', /^application\/json(;|$)/, 'an error is JSON');
	const { error } = answer.json;
	assert.equal(typeof error.code, 'string');
	assert.match(error.code, /^[a-z_]+$/);
	assert.equal(typeof error.message, 'string');
	assert.notEqual(error.message, '', 'an error has a message in words');
	if (code) {
		assert.ok([code].flat().includes(error.code), `error code ${error.code}, expected ${code}`);
	}
	if (answer.status === 405) {
		assert.ok('allow' in answer.fields, '405 has Allow');
	}
	if (answer.status === 426) {
		assert.equal(answer.fields['sec-websocket-version'], '13', '426 tells the version');
		assert.match(answer.fields.upgrade ?? '', /^websocket$/i, 'RFC 9110 15.5.22: 426 has Upgrade');
	}
}
