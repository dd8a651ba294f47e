// time.js - time bounds, and the only ways in which a test waits.
//
// Nothing here sleeps for a fixed time in the hope that something has happened: a test waits for an
// event, with a bound. SLOW=4 in the environment makes all bounds four times longer, for busy machines; builds
// with sanitizers, known by their directory (build-asan, build-tsan), get that by themselves.

export const SLOW = Number(process.env.SLOW) || (/[at]san\b/.test(process.env.CROSSTALK ?? '') ? 4 : 1);

/** A bound of `n` seconds, in milliseconds, on this machine. */
export const bound = (n) => Math.round(n * 1000 * SLOW);

/** `promise`, or an error that says `what` was waited for when `ms` have passed. */
export async function within(promise, ms, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/** Resolves after `ms`. For pacing and for "nothing more comes", never for "it must be done now". */
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Calls `probe` until it returns something true, which is the result. */
export async function until(probe, ms, what) {
	const end = Date.now() + ms;
	let tries = 0;
	let last;
	for (;;) {
		try {
			const value = await probe();
			if (value) {
				return value;
			}
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (Date.now() > end) {
			throw new Error(`waited ${ms} ms for ${what}${last ? `: ${last.message}` : ''}`);
		}
		await pause(Math.min(15, ++tries));
	}
}

/** A queue that is filled by events and read with `await`, one reader at a time. */
export class Queue {
	#items = [];
	#first = 0;
	#waiting = null;
	#end = null;

	get size() {
		return this.#items.length - this.#first;
	}

	/** Takes the items out that are there now. */
	drain() {
		const items = this.#items.slice(this.#first);
		this.#items = [];
		this.#first = 0;
		return items;
	}

	push(item) {
		if (this.#end) {
			return;
		}
		this.#items.push(item);
		this.#wake();
	}

	/** After the items that are still in it, next() returns undefined, or throws `error`. */
	end(error = null) {
		this.#end ??= { error };
		this.#wake();
	}

	get ended() {
		return this.#end !== null;
	}

	#wake() {
		const waiting = this.#waiting;
		this.#waiting = null;
		waiting?.();
	}

	async next(ms = bound(8), what = 'the next event') {
		const end = Date.now() + ms;
		while (this.size === 0) {
			if (this.#end) {
				if (this.#end.error) {
					throw this.#end.error;
				}
				return undefined;
			}
			const left = end - Date.now();
			if (left <= 0) {
				throw new Error(`waited ${ms} ms for ${what}`);
			}
			await within(new Promise((wake) => (this.#waiting = wake)), left, what);
		}
		const item = this.#items[this.#first];
		this.#items[this.#first++] = undefined;
		if (this.#first > 1000 && this.#first * 2 > this.#items.length) {
			this.#items = this.#items.slice(this.#first);
			this.#first = 0;
		}
		return item;
	}
}

/** Small seeded numbers (mulberry32), so that what failed once can be run again. */
export function random(seed) {
	let a = seed >>> 0;
	const next = () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = a;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	/** A whole number from 0 to n - 1. */
	next.below = (n) => Math.floor(next() * n);
	next.bytes = (n) => {
		const out = Buffer.allocUnsafe(n);
		for (let i = 0; i < n; i++) {
			out[i] = next() * 256;
		}
		return out;
	};
	return next;
}
