// h2.js - a connection of HTTP/2 with node's own client: requests, streams of events, WebSockets (RFC 8441), many at once.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { RawWs } from './rawws.js';
import { authority, isTls } from './tls.js';
import { Queue, bound, within } from './time.js';

export class H2 {
	static async open(url, options = {}) {
		const h2 = new H2();
		const { port } = new URL(url);
		h2.session = http2.connect(url, { ...(isTls(Number(port)) ? { ca: authority().ca, servername: 'localhost' } : {}), ...options });
		h2.session.on('error', (error) => (h2.error = error));
		h2.goaway = new Promise((done) => h2.session.once('goaway', (code, last) => done({ code, last })));
		h2.closed = new Promise((done) => h2.session.once('close', done));
		await within(new Promise((done, fail) => h2.session.once('remoteSettings', done).once('error', fail)), bound(8), 'SETTINGS of the server');
		assert.equal(h2.session.remoteSettings.enableConnectProtocol, true, 'RFC 8441 3');
		return h2;
	}

	/** One request; resolves when its head has come: { status, headers, stream }. */
	begin(path, { method = 'GET', headers = {}, body, end = true } = {}) {
		const stream = this.session.request({ ':method': method, ':path': path, ...headers }, { endStream: end && body === undefined });
		if (body !== undefined) {
			stream.end(body);
		}
		const interim = [];
		stream.on('headers', (fields) => interim.push(fields[':status']));
		return within(new Promise((resolve, reject) => {
			stream.once('response', (fields) => resolve({ status: fields[':status'], headers: fields, stream, interim }));
			stream.once('error', reject);
			stream.once('close', () => reject(new Error(`reset with ${stream.rstCode} before an answer`)));
		}), bound(20), `${method} ${path}`);
	}

	/** One request and its whole answer. */
	async ask(path, options) {
		const answer = await this.begin(path, options);
		const parts = [];
		await within(new Promise((resolve, reject) => {
			answer.stream.on('data', (data) => parts.push(data));
			answer.stream.once('end', resolve);
			answer.stream.once('error', reject);
		}), bound(30), `the body of ${path}`);
		answer.body = Buffer.concat(parts);
		answer.text = answer.body.toString();
		Object.defineProperty(answer, 'json', { get: () => JSON.parse(answer.text) });
		return answer;
	}

	/** A stream that does not end: its lines, in a queue. */
	async lines(path, options) {
		const answer = await this.begin(path, options);
		const lines = new Queue();
		let rest = '';
		answer.stream.setEncoding('utf8').on('data', (text) => {
			const all = (rest + text).split('\n');
			rest = all.pop();
			all.forEach((line) => lines.push(line));
		});
		answer.stream.on('error', () => {});
		answer.stream.once('end', () => lines.end());
		answer.stream.once('close', () => lines.end());
		return { ...answer, lines };
	}

	/** RFC 8441 5: a WebSocket on a stream of its own. */
	async websocket(path, headers = {}) {
		const answer = await this.begin(path, {
			method: 'CONNECT', end: false, headers: { ':protocol': 'websocket', 'sec-websocket-version': '13', ...headers },
		});
		if (answer.status !== 200) {
			let text = '';
			for await (const part of answer.stream) {
				text += part;
			}
			throw Object.assign(new Error(`refused: ${answer.status} ${text}`), answer, { text });
		}
		const ws = RawWs.over(answer.stream, answer.headers);
		ws.response = answer;
		return ws;
	}

	async close() {
		this.session.destroy();
		await this.closed;
	}
}
