// Chromium over TLS: it takes HTTP/2 by itself, and opens its WebSockets on streams of the connection that carries the page.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { launch, missing } from '../lib/browser.js';
import { Server, channelName } from '../lib/server.js';
import { authority } from '../lib/tls.js';
import { bound, until, within } from '../lib/time.js';

const TIMEOUT = { timeout: bound(90) };

describe('Chromium over HTTP/2', { skip: missing }, () => {
	let server;
	let browser;
	let page;
	let probe; // a connection of our own for the metrics
	const protocols = new Map(); // URL: what it came over
	const sockets = []; // answers to WebSockets

	before(async () => {
		const { cert, key } = authority().own;
		server = await Server.start({ listen: ['https://127.0.0.1:0'], workers: 1, config: { tls: { certificate: [cert], key: [key] } } });
		probe = http2.connect(server.url, { rejectUnauthorized: false });
		browser = await launch();
		const context = await browser.newContext({ ignoreHTTPSErrors: true, serviceWorkers: 'block' });
		page = await context.newPage();
		page.setDefaultTimeout(bound(15));
		const devtools = await context.newCDPSession(page);
		await devtools.send('Network.enable');
		devtools.on('Network.responseReceived', ({ response }) => protocols.set(response.url, response));
		devtools.on('Network.webSocketHandshakeResponseReceived', ({ response }) => sockets.push(response));
		await page.goto(`${server.url}/`);
	}, { timeout: bound(90) });
	after(async () => {
		await browser?.close();
		probe?.destroy();
		await server?.stop();
	}, { timeout: bound(60) });

	const metric = async (name) => {
		const request = probe.request({ ':path': '/metrics' });
		let text = '';
		await within((async () => {
			for await (const part of request) {
				text += part;
			}
		})(), bound(10), 'the metrics');
		return Number(new RegExp(`^crosstalk_${name} (\\d+)$`, 'm').exec(text)[1]);
	};

	it('the page and all that belongs to it came over one connection of HTTP/2', TIMEOUT, async () => {
		await until(() => protocols.size > 2, bound(10), 'what belongs to the page');
		const connections = new Set();
		for (const [url, response] of protocols) {
			if (url.startsWith(server.url)) {
				assert.equal(response.protocol, 'h2', url);
				connections.add(response.connectionId);
			}
		}
		assert.equal(connections.size, 1);
		assert.equal(await metric('http2_connections{worker="0"}'), 2, 'the browser and the probe');
	});

	it('they compress as they would without it (RFC 8441 5: extensions as ever)', TIMEOUT, async () => {
		await page.goto(`${server.url}/healthz`);
		const before = await metric('compressed_messages_total{worker="0",direction="in"}');
		const { extensions, same } = await page.evaluate(() => new Promise((done, fail) => {
			const ws = new WebSocket(`${location.origin.replace('https', 'wss')}/echo`);
			const words = 'word after word '.repeat(9000);
			ws.onopen = () => ws.send(words);
			ws.onmessage = ({ data }) => {
				ws.close();
				done({ extensions: ws.extensions, same: data === words });
			};
			ws.onerror = fail;
		}));
		assert.equal(extensions, 'permessage-deflate');
		assert.ok(same);
		assert.equal(await metric('compressed_messages_total{worker="0",direction="in"}'), before + 1);
	});

	it('its WebSockets are streams of that connection (RFC 8441)', TIMEOUT, async () => {
		await page.goto(`${server.url}/healthz`);
		await until(async () => (await metric('connections{worker="0",transport="websocket"}')) === 0, bound(10), 'those of the page before to be gone');
		const before = await metric('accepts_total{worker="0"}');
		const echoed = await page.evaluate(async () => {
			const url = `${location.origin.replace('https', 'wss')}/echo`;
			window.all = await Promise.all([1, 2, 3].map((n) => new Promise((done, fail) => {
				const ws = new WebSocket(url);
				ws.onopen = () => ws.send(`hello ${n}`);
				ws.onmessage = ({ data }) => done({ ws, data });
				ws.onerror = fail;
			})));
			return window.all.map(({ data }) => data);
		});
		assert.deepEqual(echoed, ['hello 1', 'hello 2', 'hello 3']);
		assert.equal(await metric('connections{worker="0",transport="websocket"}'), 3);
		assert.equal(await metric('accepts_total{worker="0"}'), before, 'no further socket was opened');
		assert.equal(await metric('http2_connections{worker="0"}'), 2);
		sockets.forEach((response) => assert.equal(response.status, 200, 'not 101: no upgrade'));
	});

	it('a large message echoes; a close has its code', TIMEOUT, async () => {
		const got = await page.evaluate(async () => {
			const { ws } = window.all[0];
			const size = await new Promise((done) => {
				ws.onmessage = ({ data }) => done(data.length);
				ws.send('x'.repeat(2000000));
			});
			const closed = new Promise((done) => (ws.onclose = ({ code, reason, wasClean }) => done({ code, reason, wasClean })));
			ws.close(4000, 'enough');
			return { size, ...(await closed) };
		});
		assert.deepEqual([got.size, got.code, got.wasClean], [2000000, 4000, true]);
	});

	it('EventSource, fetch and a WebSocket on one channel, all on that connection', TIMEOUT, async () => {
		const channel = channelName();
		const before = await metric('accepts_total{worker="0"}');
		const got = await page.evaluate(async (path) => {
			const events = new EventSource(path);
			const first = new Promise((done) => (events.onmessage = ({ data }) => done(data)));
			await new Promise((done) => events.addEventListener('open', done));
			const ws = new WebSocket(location.origin.replace('https', 'wss') + path);
			const second = new Promise((done) => (ws.onmessage = ({ data }) => done(data)));
			await new Promise((done) => (ws.onopen = done));
			const answer = await fetch(path, { method: 'POST', body: 'to both' });
			const all = [answer.status, await first, await second];
			events.close();
			ws.close();
			return all;
		}, `/c/${channel}`);
		assert.deepEqual(got, [201, 'to both', 'to both']);
		assert.equal(await metric('accepts_total{worker="0"}'), before);
	});
});
