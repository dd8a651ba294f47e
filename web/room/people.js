// people.js - who is in the room, asked for every few seconds while someone looks at the page.

import { t } from '../lib/i18n.js';

const EVERY = 5_000; // ms
const SOON = 400;    // ms after something that may have changed who is there

/** A colour and a letter by which one recognises a person. */
export function hueOf(client) {
	let hash = 7;
	for (const char of client)
		hash = (hash * 31 + char.codePointAt(0)) % 3600;
	return hash / 10;
}

export const initialOf = name => [...name.trim()][0]?.toUpperCase() ?? '?';

export class People {
	#list;
	#counts;
	#me;
	#timer = 0;
	#ask = null;
	#known = { count: 0, members: [] };

	/** The room has said twice that we are not in it: our connection is dead and has not noticed. */
	onmissing = () => {};

	#misses = 0;

	/** list: the <ul>; counts: the elements that show how many. */
	constructor({ list, counts, me }) {
		this.#list = list;
		this.#counts = counts;
		this.#me = me;
		document.addEventListener('visibilitychange', () => this.soon());
	}

	/** Follows a channel: presence() is asked from now on. */
	follow(presence) {
		this.#misses = 0;
		this.#ask = presence;
		this.soon();
	}

	/** Looks again shortly: someone came, or we did. */
	soon() { this.#schedule(SOON); }

	knows(client) { return this.#known.members.some(member => member.client === client); }

	show() {
		const { count, members } = this.#known;
		for (const place of this.#counts)
			place.textContent = t('people', count);
		this.#list.replaceChildren(...members.map(member => this.#row(member)));
		if (count > members.length)
			this.#list.append(Object.assign(document.createElement('li'), { textContent: t('more', count - members.length) }));
	}

	#schedule(delay) {
		clearTimeout(this.#timer);
		if (this.#ask && document.visibilityState === 'visible')
			this.#timer = setTimeout(() => this.#look(), delay);
	}

	async #look() {
		const ask = this.#ask;
		try {
			const answer = await ask();
			if (ask !== this.#ask)
				return; // another room by now
			this.#known = answer;
			this.#miss(answer);
			this.show();
		} catch { /* the connection's state is shown elsewhere; what was known is the best we have */ }
		this.#schedule(EVERY);
	}

	#miss({ count, members }) {
		const there = count > members.length || members.some(member => member.client === this.#me);
		this.#misses = there ? 0 : this.#misses + 1;
		if (this.#misses === 2) {
			this.#misses = 0;
			this.onmissing();
		}
	}

	#row({ client, name, transports }) {
		const row = document.createElement('li');
		const avatar = document.createElement('span');
		const who = document.createElement('span');
		const how = document.createElement('span');
		const called = name || t('anonymous');

		avatar.className = 'avatar';
		avatar.textContent = initialOf(called);
		avatar.setAttribute('aria-hidden', 'true');
		avatar.style.setProperty('--hue', hueOf(client ?? ''));
		who.className = 'who';
		who.textContent = client === this.#me ? t('you', called) : called;
		how.className = 'tag';
		how.textContent = transports.map(transport => t(`transport.${transport}`)).join(' · ');
		row.append(avatar, who, how);
		return row;
	}
}
