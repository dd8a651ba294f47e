// permessage-deflate with the WebSocket of a real browser: what it agrees to, on /echo and on a channel, and that messages of
// every size come through, some of them compressed by both sides.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, missing, openWindow } from '../lib/browser.js';
import { fetchRaw } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';

const TIMEOUT = { timeout: bound(90) };

/** In the page: what was sent came back, in order, and which extension was agreed on. */
async function exchange(path) {
	const ws = new WebSocket(`${location.origin.replace('http', 'ws')}${path}`);
	const words = Array.from({ length: 4000 }, (_, i) => `word ${i % 89} 漢`).join(' ');
	const sent = [0, 1, 127, 128, 5000, words.length, 5, 5000].map((n) => words.slice(0, n));
	const got = [];
	await new Promise((resolve, reject) => {
		ws.onopen = () => sent.forEach((data) => ws.send(data));
		ws.onmessage = ({ data }) => got.push(data) === sent.length && resolve();
		ws.onclose = ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`));
	});
	ws.onclose = null;
	ws.close();
	return { extensions: ws.extensions, same: sent.every((data, i) => data === got[i]) };
}

describe('compression in Chromium', { skip: missing }, () => {
	const server = useServer({ workers: 1 });
	let browser;
	before(async () => {
		browser = await launch();
	}, { timeout: bound(90) });
	after(() => browser?.close());

	const compressed = async () =>
		[...(await fetchRaw(server.port, '/metrics')).text.matchAll(/^crosstalk_compressed_messages_total\{.*\} (\d+)$/gm)].map((m) => Number(m[1]));

	for (const [name, path, answer] of [
		['/echo', '/echo', 'permessage-deflate'],
		['a channel', `/c/${channelName()}`, 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
	]) {
		it(name, TIMEOUT, async () => {
			const page = await openWindow(browser);
			await page.goto(`${server.url}/`);
			const before = await compressed();
			const { extensions, same } = await page.evaluate(exchange, path);
			const after = await compressed();
			assert.equal(extensions, answer);
			assert.ok(same);
			after.forEach((n, i) => assert.ok(n > before[i], `${before} -> ${after}`));
			page.assertCalm();
			await page.leave();
		});
	}
});
