// Two windows of a real browser in one room of /chat, on every transport; cut connections, another server, and
// people who type HTML.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connected, expectHeard, heard, joinChat, launch, missing, openWindow, say, useTransport } from '../lib/browser.js';
import { Proxy } from '../lib/proxy.js';
import { publish } from '../lib/readers.js';
import { Server, channelName, useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(120) };
const TRANSPORTS = ['websocket', 'sse', 'longpoll', 'poll', 'iframe'];

describe('/chat in two windows', { skip: missing }, () => {
	const server = useServer({ config: { presence: { poll_linger: 3 } } });
	let browser;
	before(async () => {
		browser = await launch();
	}, { timeout: bound(90) });
	after(() => browser?.close());

	/** Both windows say something in turn, and both hear all of it in the same order. */
	const talk = async (a, b, n = 2) => {
		const all = await heard(a);
		for (let i = 0; i < n; i++) {
			for (const [page, who] of [[a, 'a'], [b, 'b']]) {
				const text = `${who} says ${all.length}`;
				await say(page, text);
				all.push(text);
				await expectHeard(a, all);
				await expectHeard(b, all);
			}
		}
	};

	for (const transport of [...TRANSPORTS, 'ndjson']) {
		it(`messages pass both ways on ${transport}`, TIMEOUT, async () => {
			const room = channelName('room');
			const a = await joinChat(browser, server.url, { room, name: 'Ann', transport });
			const b = await joinChat(browser, server.url, { room, name: 'Bo', transport });
			await talk(a, b);
			a.assertCalm();
			b.assertCalm();
			await Promise.all([a.leave(), b.leave()]);
		});
	}
	it('five windows, each on another transport, hear the same', TIMEOUT, async () => {
		const room = channelName('room');
		const pages = [];
		for (const transport of TRANSPORTS) {
			pages.push(await joinChat(browser, server.url, { room, name: `on ${transport}`, transport }));
		}
		const all = [];
		for (const [i, page] of pages.entries()) {
			all.push(`from ${TRANSPORTS[i]} 😀`);
			await say(page, all.at(-1));
			for (const other of pages) {
				await expectHeard(other, all);
			}
		}
		for (const page of pages) {
			await until(async () => (await page.locator('#people li').count()) === 5, bound(15), 'five people in the list');
			const people = (await page.locator('#people').textContent());
			for (const transport of TRANSPORTS) {
				assert.ok(people.includes(`on ${transport}`), people);
			}
			page.assertCalm();
		}
		await Promise.all(pages.map((page) => page.leave()));
	});
	it('a transport can be changed in the room, and nothing is lost or shown twice', TIMEOUT, async () => {
		const room = channelName('room');
		const a = await joinChat(browser, server.url, { room, name: 'Ann' });
		const b = await joinChat(browser, server.url, { room, name: 'Bo' });
		const all = [];
		for (const transport of ['sse', 'longpoll', 'poll', 'iframe', 'ndjson', 'websocket', 'poll', 'sse']) {
			const change = useTransport(a, transport);
			for (let i = 0; i < 3; i++) {
				all.push(`while a goes to ${transport}, ${i}, ${all.length}`);
				await say(b, all.at(-1));
			}
			await change;
			await expectHeard(a, all);
			all.push(`a is on ${transport}, ${all.length}`);
			await say(a, all.at(-1));
			await expectHeard(b, all);
			await expectHeard(a, all);
		}
		a.assertCalm();
		b.assertCalm();
		await Promise.all([a.leave(), b.leave()]);
	});
	it('who joins later sees what was said', TIMEOUT, async () => {
		const room = channelName('room');
		const a = await joinChat(browser, server.url, { room, name: 'Ann' });
		const all = ['one', 'two', 'three'];
		for (const text of all) {
			await say(a, text);
		}
		await expectHeard(a, all);
		for (const transport of TRANSPORTS) {
			const late = await joinChat(browser, server.url, { room, name: 'Late', transport });
			await expectHeard(late, all);
			await late.leave();
		}
		await a.leave();
	});
	it('what people type never runs as script', TIMEOUT, async () => {
		const room = channelName('room');
		const evil = [
			'<script>window.hacked=1</script>', '<img src=x onerror="window.hacked=2">', '"><svg onload=window.hacked=3>', '<iframe srcdoc="<script>parent.hacked=4</script>"></iframe>',
			'javascript:window.hacked=5', '</script><script>window.hacked=6</script>', '<!--<script>', '{{constructor.constructor("window.hacked=7")()}}', '<a href="javascript:window.hacked=8">x</a>', '\u2028window.hacked=9',
		];
		const a = await joinChat(browser, server.url, { room, name: '<img src=x onerror=hacked=10>' });
		const pages = [a];
		for (const transport of TRANSPORTS) {
			pages.push(await joinChat(browser, server.url, { room, name: `<b>${transport}</b>`, transport }));
		}
		for (const text of evil) {
			await say(a, text);
		}
		for (const page of pages) {
			await expectHeard(page, evil.map((text) => text.trim()));
		}
		/* what comes from elsewhere, in any type, is shown as text or as a picture without script */
		const channel = `chat/${room}`;
		for (const [body, type] of [
			['<script>window.hacked=11</script>', 'text/html'], ['{"text":"<img src=x onerror=hacked=12>","name":"<svg onload=hacked=13>","kind":"chat"}', 'application/json'], ['["<script>"]', 'application/json'],
			['<svg xmlns="http://www.w3.org/2000/svg" onload="parent.hacked=14"><script>parent.hacked=15</script></svg>', 'image/svg+xml'], ['{"__proto__":{"hacked":16},"from":null,"text":{"toString":1}}', 'application/json'], ['null', 'application/json'],
		]) {
			await publish(server.port, channel, body, type);
		}
		await publish(server.port, channel, 'the end', 'text/plain');
		for (const page of pages) {
			await until(async () => (await heard(page)).includes('the end'), bound(15), 'the last message');
			assert.equal(await page.evaluate(() => window.hacked ?? {}.hacked), undefined, 'a script ran');
			assert.equal(await page.locator('[role=log] script, [role=log] iframe, [role=log] svg, [role=log] [onerror], [role=log] a[href^="javascript"]').count(), 0);
			page.assertCalm();
		}
		await Promise.all(pages.map((page) => page.leave()));
	});

	for (const transport of TRANSPORTS) {
		it(`${transport}: a connection that is cut comes back, and nothing is lost or shown twice`, TIMEOUT, async () => {
			const room = channelName('room');
			const proxy = await Proxy.start(server.port);
			const a = await joinChat(browser, proxy.url, { room, name: 'Ann', transport });
			const b = await joinChat(browser, server.url, { room, name: 'Bo' });
			try {
				const all = ['before'];
				await say(b, 'before');
				await expectHeard(a, all);
				for (let round = 0; round < 2; round++) {
					proxy.refuse = true;
					proxy.cut();
					for (let i = 0; i < 3; i++) {
						all.push(`in the dark ${round} ${i}`);
						await say(b, all.at(-1));
						await expectHeard(b, all);
					}
					await say(a, `typed in the dark ${round}`);
					assert.ok(!(await heard(a)).includes(`in the dark ${round} 0`));
					proxy.refuse = false;
					all.push(`typed in the dark ${round}`);
					await expectHeard(a, all, bound(45));
					await expectHeard(b, all);
					all.push(`after ${round}`);
					await say(b, all.at(-1));
					await expectHeard(a, all);
				}
				a.assertCalm({ cut: true });
				b.assertCalm();
			} finally {
				await Promise.all([a.leave(), b.leave()]);
				proxy.stop();
			}
		});
	}
	it('two windows of one room survive the end of the server and the start of another', { timeout: bound(150) }, async () => {
		const room = channelName('room');
		let current = await Server.start();
		const proxy = await Proxy.start(() => current.port);
		const pages = [];
		try {
			for (const [i, transport] of TRANSPORTS.entries()) {
				pages.push(await joinChat(browser, proxy.url, { room, name: `P${i}`, transport }));
			}
			await say(pages[0], 'to the old server');
			for (const page of pages) {
				await expectHeard(page, ['to the old server']);
			}
			proxy.refuse = true;
			await current.stop();
			proxy.cut();
			await say(pages[0], 'while there is none');
			current = await Server.start();
			proxy.refuse = false;
			for (const page of pages) {
				await until(async () => (await heard(page)).filter((text) => text === 'while there is none').length === 1, bound(60), 'the message that waited');
				await connected(page);
			}
			await say(pages[1], 'to the new server');
			for (const page of pages) {
				await until(async () => (await heard(page)).at(-1) === 'to the new server', bound(20), 'a message of the new server');
				const texts = await heard(page);
				assert.deepEqual(texts.filter((text) => /server|none/.test(text) && !/no longer/.test(text)), ['to the old server', 'while there is none', 'to the new server']);
				page.assertCalm({ cut: true });
			}
		} finally {
			await Promise.all(pages.map((page) => page.leave()));
			proxy.stop();
			await current.stop();
		}
	});
	it('a window that is closed leaves the list of people', TIMEOUT, async () => {
		const room = channelName('room');
		const a = await joinChat(browser, server.url, { room, name: 'Ann' });
		for (const transport of TRANSPORTS) {
			const b = await joinChat(browser, server.url, { room, name: `Bo ${transport}`, transport });
			await until(async () => (await a.locator('#people').textContent()).includes(`Bo ${transport}`), bound(15), 'Bo in the list');
			await b.close({ runBeforeUnload: true });
			await until(async () => !(await a.locator('#people').textContent()).includes(`Bo ${transport}`), bound(45), 'Bo to leave the list');
			await b.leave();
		}
		a.assertCalm();
		await a.leave();
	});
	it('the chat in Chinese, on a phone', TIMEOUT, async () => {
		const page = await openWindow(browser, { width: 390, height: 780, locale: 'zh-CN' });
		await page.goto(`${server.url}/chat?room=${channelName('room')}`);
		assert.match(await page.locator('html').getAttribute('lang'), /^zh/);
		const dialog = page.getByRole('dialog');
		await dialog.locator('input').first().fill('小明');
		await dialog.getByRole('button').first().click();
		await connected(page);
		const field = page.locator('textarea');
		await field.fill('你好');
		await field.press('Enter');
		await expectHeard(page, ['你好']);
		assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone');
		page.assertCalm();
		await page.leave();
	});
});
