// sender.js - brings one written message to the channel, and knows whether it arrived.

const PROOF = 6_000; // ms in which what went over a WebSocket must come back

/** Waits for keys to be seen in the room: the only acknowledgement that a WebSocket gives. */
export class Sender {
	#channel;
	#waiting = new Map(); // key -> {resolve, reject}

	constructor(channel) {
		this.#channel = channel;
	}

	/** Resolves when the server has it. Over the WebSocket if there is one, else by POST. */
	async send(key, body) {
		if (!this.#channel.canSend)
			return this.#channel.publish(body, { type: 'application/json' });
		const proof = this.#proof(key);
		await this.#channel.publish(body);
		return proof;
	}

	/** The message came back. */
	seen(key) { this.#waiting.get(key)?.resolve(); }

	/** The connection is gone, and with it the hope for an echo. */
	disconnected() {
		for (const { reject } of [...this.#waiting.values()])
			reject(new Error('disconnected'));
	}

	#proof(key) {
		return new Promise((resolve, reject) => {
			// Silence means that the connection is dead and nobody noticed: make a new one.
			const timer = setTimeout(() => this.#channel.reconnect(), PROOF);
			const settle = done => value => {
				clearTimeout(timer);
				this.#waiting.delete(key);
				done(value);
			};
			this.#waiting.set(key, { resolve: settle(resolve), reject: settle(reject) });
		});
	}
}
