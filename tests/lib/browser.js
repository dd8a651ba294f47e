// browser.js - headless Chromium with windows that know nothing of each other, and an account of everything
// that a page complained about.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { bound } from './time.js';

export const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
export const missing = existsSync(CHROMIUM) ? false : `${CHROMIUM} is not installed`;

const ARGS = [
	'--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

export async function launch() {
	return chromium.launch({ executablePath: CHROMIUM, args: ARGS, timeout: bound(60) });
}

/** What the browser itself says when a connection ends that a test has cut. */
const NETWORK = /net::ERR_|WebSocket connection to .* failed|Failed to load resource: the server responded|ERR_INCOMPLETE_CHUNKED/;

/** A window with storage of its own. complaints: errors, refused scripts, violations of the policy. */
export async function openWindow(browser, { width = 1280, height = 900, locale = 'en-US' } = {}) {
	const context = await browser.newContext({ viewport: { width, height }, locale, serviceWorkers: 'block' });
	const page = await context.newPage();
	page.setDefaultTimeout(bound(15));
	page.complaints = [];
	page.on('console', (message) => {
		if (message.type() === 'error' || /Content.Security.Policy/i.test(message.text())) {
			page.complaints.push(`console: ${message.text()}`);
		}
	});
	page.on('pageerror', (error) => page.complaints.push(`error: ${error.message}`));
	page.on('dialog', (dialog) => {
		page.complaints.push(`dialog: ${dialog.message()}`);
		dialog.dismiss();
	});
	await page.addInitScript(() => {
		addEventListener('securitypolicyviolation', (event) => console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
	});
	/** Nothing but what a cut connection explains. */
	page.assertCalm = ({ cut = false } = {}) =>
		assert.deepEqual(page.complaints.filter((text) => !(cut && NETWORK.test(text))), [], 'the page complained');
	page.leave = () => context.close();
	return page;
}

/** Opens the chat and joins the room. Resolves when the window is connected. */
export async function joinChat(browser, base, { room, name, transport = 'websocket', ...options }) {
	const page = await openWindow(browser, options);
	await page.goto(`${base}/chat?room=${encodeURIComponent(room)}&transport=${transport}`);
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Your name').fill(name);
	await dialog.getByRole('button', { name: 'Join' }).click();
	await connected(page);
	return page;
}

export async function connected(page) {
	await page.locator('[role=status][data-state=open]').waitFor();
}

export async function say(page, text) {
	const field = page.getByRole('textbox', { name: 'Message' });
	await field.fill(text);
	await field.press('Enter');
}

/** The texts that are in the room, as the window shows them; what is not sent yet is not in it. */
export async function heard(page) {
	return page.locator('[role=log] li:not(.pending) .text').allTextContents();
}

/** Waits until the window shows exactly these texts, in this order. */
export async function expectHeard(page, texts, ms = bound(20)) {
	const end = Date.now() + ms;
	let now;
	while (JSON.stringify((now = await heard(page))) !== JSON.stringify(texts)) {
		if (Date.now() > end) {
			assert.deepEqual(now, texts);
		}
		await page.waitForTimeout(50);
	}
}

/** Chooses another transport, in the room. */
export async function useTransport(page, transport) {
	await page.locator(`input[type=radio][value=${transport}]`).check();
	await connected(page);
}
