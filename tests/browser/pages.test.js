// The pages in a real browser: no errors, no violations of the policy, nothing wider than the screen, both
// languages, and a lab whose numbers grow.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, missing, openWindow } from '../lib/browser.js';
import { useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(90) };

describe('pages', { skip: missing }, () => {
	const server = useServer();
	let browser;
	before(async () => {
		browser = await launch();
	}, { timeout: bound(90) });
	after(() => browser?.close());

	for (const [size, width, height] of [['a phone', 360, 740], ['a desktop', 1440, 900]]) {
		for (const target of ['/', '/chat', '/lab']) {
			it(`${target} on ${size}: no errors, no violations, nothing too wide`, TIMEOUT, async () => {
				const page = await openWindow(browser, { width, height });
				const elsewhere = [];
				page.on('request', (request) => !request.url().startsWith(server.url) && !request.url().startsWith('data:') && !request.url().startsWith('ws:') && elsewhere.push(request.url()));
				const failed = [];
				page.on('response', (response) => response.status() >= 400 && failed.push(`${response.status()} ${response.url()}`));
				const answer = await page.goto(server.url + target);
				assert.equal(answer.status(), 200);
				await page.locator('h1').waitFor({ state: 'attached' });
				await until(async () => (await page.title()) !== '' && (await page.locator('body').innerText()).length > 20, bound(10), 'words on the page');
				for (const language of ['zh', 'en']) {
					const button = page.locator(`[data-language=${language}]`).first();
					if (await button.isVisible() && target !== '/chat') {
						await button.click();
						await until(async () => (await page.locator('html').getAttribute('lang')).startsWith(language), bound(10), `the language ${language}`);
					}
					const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
					assert.ok(wide <= 0, `${wide} px too wide in ${language}`);
				}
				assert.deepEqual(elsewhere, [], 'everything comes from here');
				assert.deepEqual(failed, [], 'everything is there');
				page.assertCalm();
				await page.leave();
			});
		}
	}
	it('/ leads to what runs here', TIMEOUT, async () => {
		const page = await openWindow(browser);
		await page.goto(`${server.url}/`);
		await until(async () => (await page.locator('a[href]').count()) > 2, bound(10), 'links');
		const links = await page.locator('a[href]').evaluateAll((all) => [...new Set(all.map((a) => a.href))]);
		for (const wanted of ['/chat', '/lab']) {
			assert.ok(links.some((href) => new URL(href).pathname === wanted), `a link to ${wanted}`);
		}
		for (const href of links.filter((one) => one.startsWith(server.url))) {
			assert.equal((await fetch(href)).status, 200, href);
		}
		await page.leave();
	});
	it('/: what is sent comes back through its doors', TIMEOUT, async () => {
		const page = await openWindow(browser);
		await page.goto(`${server.url}/`);
		const field = page.locator('form input[type=text], form input:not([type])').first();
		await field.fill('hello from the test');
		await field.press('Enter');
		await until(async () => (await page.locator('main').innerText()).split('hello from the test').length > 3, bound(15), 'the message at three doors');
		page.assertCalm();
		await page.leave();
	});
	it('an inline script is refused by the policy', TIMEOUT, async () => {
		const page = await openWindow(browser);
		await page.goto(`${server.url}/chat`);
		await page.evaluate(() => {
			const script = document.createElement('script');
			script.textContent = 'window.inline = 1';
			document.body.append(script);
			const image = document.createElement('div');
			image.innerHTML = '<img src="data:," onerror="window.inline = 2">';
			document.body.append(image);
		});
		await until(() => page.complaints.length > 0, bound(10), 'a violation to be reported');
		assert.equal(await page.evaluate(() => window.inline), undefined);
		assert.match(page.complaints.join('\n'), /Content.Security.Policy/i);
		await page.leave();
	});
	it('/lab: the counts grow on all four transports, and the bytes with them', TIMEOUT, async () => {
		const page = await openWindow(browser);
		await page.goto(`${server.url}/lab`);
		const numbers = async () => {
			const rows = await page.locator('#table tbody tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
			return rows.map(([, messages]) => Number(messages.replace(/\D/g, '')));
		};
		await until(async () => {
			const now = await numbers();
			return now.length === 4 && now.every((n) => n >= 3);
		}, bound(30), 'messages on all four transports');
		const before = await numbers();
		await until(async () => (await numbers()).every((n, i) => n >= before[i] + 5), bound(30), 'more of them');
		const lanes = await page.locator('[data-lane]').evaluateAll((all) => all.map((lane) => lane.dataset.lane).sort());
		assert.deepEqual(lanes, ['longpoll', 'poll', 'sse', 'websocket']);
		for (const lane of lanes) {
			assert.match(await page.locator(`[data-lane=${lane}] .last`).textContent(), /^# \d+/);
			assert.match(await page.locator(`[data-lane=${lane}] .bytes`).textContent(), /[1-9]/);
		}
		const painted = await page.locator('#bytes-plot, #delay-plot').evaluateAll((all) => all.map((canvas) => {
			const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
			return new Set(new Uint32Array(data.buffer)).size;
		}));
		assert.ok(painted.length >= 2 && painted.every((colours) => colours > 4), `colours in the plots: ${painted}`);
		page.assertCalm();
		await page.leave();
	});
	it('/lab: pause and start again', TIMEOUT, async () => {
		const page = await openWindow(browser);
		await page.goto(`${server.url}/lab`);
		const total = async () => (await page.locator('.last').allTextContents()).map((text) => Number(text.replace(/\D/g, '')));
		await until(async () => (await total()).every((n) => n > 2), bound(30), 'messages');
		await page.locator('#run').click();
		await page.waitForTimeout(1500);
		const paused = await total();
		await page.waitForTimeout(2000);
		assert.deepEqual(await total(), paused, 'nothing moves while it is paused');
		await page.locator('#run').click();
		await until(async () => (await total()).every((n, i) => n > paused[i]), bound(30), 'more messages');
		page.assertCalm();
		await page.leave();
	});
});
