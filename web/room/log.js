// log.js - the conversation on the page: rows in the order of their ids, each once, anchored at the bottom
// until the reader scrolls up. What people wrote is put in as text, never as markup.

import { findLinks } from '../lib/links.js';
import { hasWord, locale, t } from '../lib/i18n.js';
import { hueOf, initialOf } from './people.js';

const KEEP = 1500;       // rows on the page; the oldest go
const NEAR = 60;         // px from the bottom that still count as the bottom
const GROUP = 5 * 60_000; // ms in which one person's messages stand under one name

/** element('p.note', 'text', child…): a small way to build what we show. */
export function element(kind, ...children) {
	const [tag, ...classes] = kind.split('.');
	const made = document.createElement(tag);
	made.className = classes.join(' ');
	made.append(...children);
	return made;
}

export class Log {
	#list;
	#scroller;
	#pill;
	#me;
	#keys = new Set();    // messages shown, by who and key: a retry that had arrived is shown once
	#pending = new Map(); // key -> row of a message that is not in the room yet
	#unread = 0;
	#stuck = true;        // at the bottom, and wanting to stay there

	/** me: the client id that tells which messages are the reader's own. */
	constructor({ list, scroller, pill, me }) {
		Object.assign(this, { onretry() {}, ondrop() {} });
		this.#list = list;
		this.#scroller = scroller;
		this.#pill = pill;
		this.#me = me;
		scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
		pill.addEventListener('click', () => this.toBottom());
		// A keyboard that opens, a window that narrows, a picture that loads: the bottom stays the bottom.
		const follow = new ResizeObserver(() => this.#stuck && this.toBottom());
		follow.observe(scroller);
		follow.observe(list);
	}

	clear() {
		this.#list.replaceChildren();
		this.#keys.clear();
		this.#pending.clear();
		this.toBottom();
	}

	/** Shows a message of the room (room/message.js). The channel delivers each once and in order. */
	add(message) {
		if (message.kind === 'chat' && message.key) {
			const key = `${message.from}:${message.key}`;
			if (this.#keys.has(key))
				return;
			this.#keys.add(key);
		}
		if (message.from === this.#me)
			this.#settle(message.key);
		this.#place(this.#row(message), this.#list.querySelector('.pending'));
		if (this.#list.childElementCount > KEEP)
			this.#list.firstElementChild.remove();
		this.#arrived(message.from !== this.#me);
	}

	/** A line about the conversation itself. */
	addNotice(text) {
		const row = element('li.notice', element('span', text));
		this.#place(row, this.#list.querySelector('.pending'));
		this.#arrived(false);
	}

	/** Shows where a message of the outbox stands; it keeps its place at the end until it comes back. */
	showPending(entry, name) {
		if (this.#keys.has(`${this.#me}:${entry.key}`))
			return;
		let row = this.#pending.get(entry.key);
		if (!row) {
			row = this.#row({ ...entry, kind: 'chat', from: this.#me, name });
			row.classList.add('pending');
			this.#pending.set(entry.key, row);
			this.#place(row, null);
			this.toBottom();
		}
		row.dataset.state = entry.state;
		row.querySelector('.state').replaceChildren(...this.#stateOf(entry));
	}

	dropPending(key) {
		this.#settle(key);
	}

	/** It was accepted and then lost with the history: it stays on this page as it is. */
	keepPending(key) {
		const row = this.#pending.get(key);
		this.#pending.delete(key);
		row?.classList.remove('pending');
		row?.querySelector('.state').replaceChildren();
	}

	toBottom() {
		this.#scroller.scrollTop = this.#scroller.scrollHeight;
		this.#stuck = true;
		this.#count(0);
	}

	/** Another language: dates, times and our own words anew. */
	retranslate() {
		for (const row of this.#list.children) {
			const time = row.querySelector('time');
			if (time)
				time.textContent = clock(Number(row.dataset.time));
			if (row.dataset.foreign !== undefined)
				row.querySelector('.who').textContent = t('anonymous');
		}
		this.#regroup(this.#list.firstElementChild);
		this.#count(this.#unread);
	}

	#settle(key) {
		const row = this.#pending.get(key);
		this.#pending.delete(key);
		const next = row?.nextElementSibling;
		row?.remove();
		if (next)
			this.#group(next);
	}

	#place(row, before) {
		this.#list.insertBefore(row, before);
		this.#group(row);
		if (row.nextElementSibling)
			this.#group(row.nextElementSibling);
	}

	/** Name and day are shown when they change. Both depend on the row before. */
	#group(row) {
		const before = row.previousElementSibling;
		const time = Number(row.dataset.time);
		const last = Number(before?.dataset.time ?? previousTime(row));
		row.classList.toggle('follows', !!row.dataset.from && before?.dataset.from === row.dataset.from
			&& before.dataset.name === row.dataset.name && time - last < GROUP && sameDay(time, last));
		if (time && !sameDay(time, last || 0))
			row.dataset.day = day(time);
		else
			delete row.dataset.day;
	}

	#regroup(row) {
		for (; row; row = row.nextElementSibling)
			this.#group(row);
	}

	#row(message) {
		const mine = message.from === this.#me;
		const foreign = message.kind !== 'chat';
		const name = foreign ? t('anonymous') : message.name || t('anonymous');
		const row = element(mine ? 'li.message.mine' : 'li.message');
		const avatar = element('span.avatar', initialOf(foreign ? '?' : name));
		const time = element('time', clock(message.time));

		avatar.setAttribute('aria-hidden', 'true');
		avatar.style.setProperty('--hue', hueOf(message.from || ''));
		time.dateTime = new Date(message.time).toISOString();
		time.title = fullTime(message.time);
		row.dataset.time = message.time;
		row.dataset.from = message.from ?? `type ${message.type}`;
		row.dataset.name = name;
		if (foreign)
			row.dataset.foreign = '';
		row.append(avatar, element('div.body',
			element('p.head', element('span.who', name), ...tag(foreign ? message.type : message.via)),
			element('div.bubble', content(message), element('span.meta', time, element('span.state')))));
		return row;
	}

	#stateOf({ state, key, reason }) {
		if (state !== 'failed')
			return [t(`state.${state}`)];
		const retry = element('button.small', t('retry'));
		const drop = element('button.small', t('discard'));
		retry.addEventListener('click', () => this.onretry(key));
		drop.addEventListener('click', () => this.ondrop(key));
		return [t('state.failed', reason), retry, drop];
	}

	#arrived(countIt) {
		if (this.#stuck)
			this.toBottom();
		else if (countIt)
			this.#count(this.#unread + 1);
	}

	#scrolled() {
		const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
		this.#stuck = scrollHeight - scrollTop - clientHeight < NEAR;
		if (this.#stuck)
			this.#count(0);
	}

	#count(unread) {
		this.#unread = unread;
		this.#pill.hidden = unread === 0;
		this.#pill.textContent = t('newMessages', unread);
	}
}

function content(message) {
	if (message.kind === 'picture') {
		const picture = element('img.picture');
		picture.src = message.src;
		picture.alt = message.type;
		return picture;
	}
	if (message.kind === 'bytes')
		return element('p.text.bytes', t('bytes', message.size));
	return element('p.text', ...findLinks(message.text).map(({ text, href }) => (href ? link(text, href) : text)));
}

function link(text, href) {
	const made = element('a', text);
	made.href = href;
	made.target = '_blank';
	made.rel = 'noopener noreferrer';
	return made;
}

/** By which transport it was sent, or as what type it came: small, beside the name. */
const tag = words => (words ? [element('span.tag', hasWord(`transport.${words}`) ? t(`transport.${words}`) : words)] : []);

/** The time of the last row that has one: a notice has none. */
function previousTime(row) {
	while (row && !row.previousElementSibling?.dataset.time)
		row = row.previousElementSibling;
	return row?.previousElementSibling.dataset.time;
}

const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();
const clock = time => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(time);
const fullTime = time => new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'medium' }).format(time);
const day = time => new Intl.DateTimeFormat(locale(), { dateStyle: 'full' }).format(time);
