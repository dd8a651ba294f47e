// outbox.js - the messages that were written but have not come back from the room yet.
//
//	put() ─▶ waiting ─▶ sending ─▶ accepted ─▶ (gone: it was seen in the room)
//	            ▲          │  │
//	            └──────────┘  └─▶ failed: the server refused it, and would again
//	         no answer, try again
//
// A message that was sent again although it had arrived has the same key, so the room shows it once.
// They are sent one after the other: a later one never overtakes an earlier one.

import { backoff } from '../lib/backoff.js';

export class Outbox {
	/** Called with an entry {key, text, state, time, reason} whenever its state changes. */
	onchange = () => {};

	#entries = new Map();
	#send;
	#save;
	#busy = false;
	#closed = false;
	#attempt = 0;
	#timer = 0;

	/** send(entry) resolves when the server has it and throws an error (`final`: for good) when not. */
	constructor(send, { saved = [], save = () => {} } = {}) {
		this.#send = send;
		this.#save = save;
		for (const entry of saved)
			this.#entries.set(entry.key, { ...entry, state: 'waiting' });
	}

	get entries() { return [...this.#entries.values()]; }

	put(key, text) {
		const entry = { key, text, time: Date.now(), state: 'waiting' };
		this.#entries.set(key, entry);
		this.#change(entry, 'waiting');
		this.flush();
	}

	/** It has not come back from the room yet. */
	has(key) { return this.#entries.has(key); }

	/** It was seen in the room. */
	seen(key) {
		if (this.#entries.delete(key))
			this.#store();
	}

	/** The writer gives up, or tries a refused one again. */
	drop(key) { this.seen(key); }

	again(key) {
		const entry = this.#entries.get(key);
		if (entry)
			this.#change(entry, 'waiting');
		this.flush();
	}

	/** Sends what waits. Call it when a connection is there; it also comes back by itself. */
	async flush() {
		if (this.#busy || this.#closed)
			return;
		clearTimeout(this.#timer);
		this.#busy = true;
		for (let entry; !this.#closed && (entry = this.#next());)
			if (!await this.#try(entry))
				break;
		this.#busy = false;
	}

	/** Sends nothing more: the room was left. What is unsent stays saved. */
	close() {
		clearTimeout(this.#timer);
		this.#closed = true;
	}

	#next() { return this.entries.find(entry => entry.state === 'waiting'); }

	async #try(entry) {
		this.#change(entry, 'sending');
		try {
			await this.#send(entry);
			this.#attempt = 0;
			this.#change(entry, 'accepted');
			return true;
		} catch (error) {
			if (error.final) {
				this.#change(entry, 'failed', error.message);
				return true;
			}
			this.#change(entry, 'waiting', error.message);
			clearTimeout(this.#timer);
			this.#timer = setTimeout(() => this.flush(), backoff(++this.#attempt));
			return false;
		}
	}

	#change(entry, state, reason) {
		Object.assign(entry, { state, reason });
		this.#store();
		if (this.#entries.has(entry.key) && !this.#closed) // it may have been seen while its answer was under way
			this.onchange(entry);
	}

	#store() {
		// What was accepted will be in the history after a reload, and need not be sent again.
		this.#save(this.entries.filter(e => e.state !== 'accepted').map(({ key, text, time }) => ({ key, text, time })));
	}
}
