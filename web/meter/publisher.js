// publisher.js - publishes numbered messages of a set size at a set rate, each with its time of birth.

import { channelPath } from '../lib/channel.js';

const JITTER = 0.3; // of a pause: else one publishes in step with a poller, and every delay is the same
const AT_ONCE = 4; // POSTs under way; a server that is behind is not flooded

/** The payload of a message: its number and time, filled up to `size` bytes of plain text. */
export function compose(number, time, size) {
	return `${number} ${time.toFixed(1)} `.padEnd(size, 'x');
}

export function parse(text) {
	const [number, time] = text.split(' ', 2).map(Number);
	return { number, time };
}

export class Publisher {
	rate = 1;  // messages a second
	size = 64; // bytes of payload

	#path;
	#timer = 0;
	#number = 0;
	#underWay = 0;

	constructor(channel) {
		this.#path = channelPath(channel);
	}

	start() {
		this.stop();
		this.#timer = setTimeout(() => {
			this.#publish();
			this.start();
		}, (1000 / this.rate) * (1 + JITTER * (Math.random() * 2 - 1)));
	}

	stop() { clearTimeout(this.#timer); }

	async #publish() {
		if (this.#underWay >= AT_ONCE)
			return;
		this.#underWay++;
		const body = compose(++this.#number, performance.now(), this.size);
		await fetch(this.#path, { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body })
			.catch(() => {}); // the readers show that nothing comes
		this.#underWay--;
	}
}
