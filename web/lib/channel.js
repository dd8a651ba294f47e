// channel.js - a reader and publisher of one channel, with one interface over every transport.
//
//	const channel = new Channel('sport/football/42', { transport: 'sse', history: 50 });
//	channel.onmessage = message => console.log(message.id, message.data);
//	channel.open();
//	await channel.publish('hello');
//
//	         open()              the transport is up
//	closed ─────────▶ connecting ─────────────────▶ open
//	                   ▲      │ it failed             │ it ended
//	                   │      ▼                       │
//	                   └── waiting ◀──────────────────┘      refused: the server said no, and why
//
// It resumes after the last message it has delivered, whichever transport delivered it, and drops what
// it has seen: nothing is lost and nothing comes twice over a reconnection or a change of transport.

import { backoff } from './backoff.js';
import { covers } from './messageid.js';
import { transports } from './transports.js';

const CONNECT_LIMIT = 15_000; // ms for a transport to come up
const REQUEST_LIMIT = 15_000; // ms for the answer to a request
const STABLE = 5_000;         // ms after which a connection counts as a good one

/** The path of a channel. A segment `.` or `..` would be eaten by the browser, so its slash is escaped. */
export function channelPath(name) {
	const segments = name.split('/').map(encodeURIComponent);
	const eaten = segments.some(segment => segment === '.' || segment === '..');
	return '/c/' + segments.join(eaten ? '%2F' : '/');
}

/** What went wrong with an HTTP answer, in the server's words; `.status` is there to decide by. */
export async function refusal(response) {
	const answer = await response.json().catch(() => null);
	const error = new Error(answer?.error?.message ?? `${response.status} ${response.statusText}`);
	error.status = response.status;
	// A client's fault stays one however often it is repeated; time-outs and full servers pass.
	error.final = response.status >= 400 && response.status < 500
		&& response.status !== 408 && response.status !== 429;
	return error;
}

export class Channel {
	/** One message object, as docs/channel.md has it. */
	onmessage = () => {};
	/** 'connecting' · 'open' · 'waiting' {delay, reason} · 'refused' {reason} · 'closed' */
	onstate = () => {};
	/** {notice, since, next}: messages between since and next are gone. */
	onlost = () => {};

	#name;
	#options;
	#state = 'closed';
	#transport;          // the name of the transport in use
	#link = null;        // what a transport returned: {close, send?}
	#turn = 0;           // counts links, so that a late word of an old one is not heard
	#attempt = 0;
	#upSince = 0;
	#retry = 0;
	#watchdog = 0;
	#resume;             // where the next link starts
	#seen = null;        // the last message delivered

	/**
	 * options: transport ('websocket'), since or history (else from the next message on), client and
	 * name for the presence list, interval of the poll transport in ms (2000).
	 */
	constructor(name, options = {}) {
		this.#name = name;
		this.#options = { interval: 2000, ...options };
		this.#resume = options.since;
		this.#transport = options.transport ?? 'websocket';
		this.online = () => this.#wake(true);
		this.visible = () => document.visibilityState === 'visible' && this.#wake(false);
	}

	get state() { return this.#state; }
	get transport() { return this.#transport; }
	get position() { return this.#resume; }

	open() {
		if (this.#state !== 'closed' && this.#state !== 'refused')
			return;
		addEventListener('online', this.online);
		document.addEventListener('visibilitychange', this.visible);
		this.#attempt = 0;
		this.#connect();
	}

	close() {
		removeEventListener('online', this.online);
		document.removeEventListener('visibilitychange', this.visible);
		this.#hangUp();
		this.#enter('closed');
	}

	/** Changes the transport in mid-stream. */
	use(transport) {
		if (transport === this.#transport)
			return;
		const running = this.#state !== 'closed';
		this.#hangUp(); // before the name changes: leaving is the old transport's business
		this.#transport = transport;
		if (running)
			this.reconnect();
	}

	/** Drops the connection and makes a new one at once: for a doubt, or to show a changed name. */
	reconnect(changed = {}) {
		Object.assign(this.#options, changed);
		if (this.#state === 'closed')
			return;
		this.#hangUp();
		this.#attempt = 0;
		this.#connect();
	}

	/**
	 * Publishes a string or bytes. With POST: {id}, once the server has it. Without a `type` it goes
	 * over the WebSocket if there is one, which acknowledges nothing: {}; the proof is that it comes back.
	 */
	async publish(body, { type } = {}) {
		if (type === undefined && this.canSend) {
			this.#link.send(body);
			return {};
		}
		return this.#request('', {
			method: 'POST',
			headers: { 'Content-Type': type ?? 'text/plain; charset=utf-8' },
			body,
		});
	}

	/** True when publish() without a type would use a WebSocket. */
	get canSend() { return this.#state === 'open' && !!this.#link?.send; }

	/** Who is there: {count, members}. */
	async presence() {
		return this.#request('?presence', { cache: 'no-store' });
	}

	/** Tells the server that a poller is gone, which it could else only guess. Safe while a page unloads. */
	leave() {
		if (!transports[this.#transport].polls || !this.#options.client)
			return;
		const query = `?presence&client=${encodeURIComponent(this.#options.client)}`;
		fetch(channelPath(this.#name) + query, { method: 'DELETE', keepalive: true }).catch(() => {});
	}

	async #request(query, options) {
		const signal = AbortSignal.timeout(REQUEST_LIMIT);
		const response = await fetch(channelPath(this.#name) + query, { ...options, signal }).catch(error => {
			if (this.#state === 'open' && transports[this.#transport].blind)
				this.reconnect();
			throw error;
		});
		if (!response.ok)
			throw await refusal(response);
		return response.json();
	}

	/** The URL that a transport reads from; `more` are the parameters that are its own. */
	#url(more) {
		const { client, name, history } = this.#options;
		const query = new URLSearchParams(more);
		if (this.#resume !== undefined)
			query.set('since', this.#resume);
		else if (history !== undefined)
			query.set('history', history);
		else if (transports[this.#transport].polls)
			query.set('history', 0); // a poll would else begin with the oldest message
		if (client)
			query.set('client', client);
		if (name)
			query.set('name', name);
		return `${channelPath(this.#name)}?${query}`;
	}

	#connect() {
		const turn = ++this.#turn;
		const heard = hear => (...words) => { if (turn === this.#turn) hear(...words); };
		const { open, quiet } = transports[this.#transport];

		this.#enter('connecting');
		this.#watch(CONNECT_LIMIT);
		this.#upSince = 0;
		this.#link = open({
			url: more => this.#url(more),
			interval: this.#options.interval,
			refusal,
			opened: heard(() => this.#opened()),
			alive: heard(() => this.#watch(quiet)),
			receive: heard(object => this.#receive(object)),
			move: heard(position => { this.#resume = position; }),
			failed: heard(error => this.#failed(error)),
		});
	}

	#opened() {
		if (this.#state === 'open')
			return;
		this.#upSince = Date.now();
		this.#watch(transports[this.#transport].quiet);
		this.#enter('open');
	}

	#receive(object) {
		if (object.event === 'open') {
			this.#resume ??= object.next;
		} else if (object.event === 'lost') {
			this.#resume = object.next;
			this.onlost(object);
		} else if (object.event) {
			// `close`: why the stream ends, which it does next; and whatever a later server may tell.
		} else if (!this.#seen || !covers(this.#seen, object.id)) {
			this.#resume = this.#seen = object.id;
			this.onmessage(object);
		}
	}

	#failed(error) {
		this.#hangUp();
		if (error.final) {
			this.#enter('refused', { reason: error.message });
			return;
		}
		if (this.#upSince && Date.now() - this.#upSince > STABLE)
			this.#attempt = 0;
		const delay = backoff(++this.#attempt);
		this.#enter('waiting', { delay, reason: error.message });
		this.#retry = setTimeout(() => this.#connect(), delay);
	}

	/** The network is back or someone looks at the page: no reason to wait any longer. */
	#wake(networkChanged) {
		// A WebSocket over a network that went away may not notice for minutes; resuming costs little.
		if (this.#state === 'waiting' || (networkChanged && this.#state === 'open'))
			this.reconnect();
	}

	/** Fails the link unless something is heard within `limit` ms; 0 for a link that may be quiet. */
	#watch(limit) {
		clearTimeout(this.#watchdog);
		if (limit)
			this.#watchdog = setTimeout(() => this.#failed(new Error('no heartbeat')), limit);
	}

	#hangUp() {
		this.#turn++;
		clearTimeout(this.#retry);
		clearTimeout(this.#watchdog);
		this.#link?.close();
		this.#link = null;
	}

	#enter(state, detail = {}) {
		this.#state = state;
		this.onstate(state, detail);
	}
}
