// poll.js - a channel by polling (ask, and ask again later) and long polling (ask, and be kept waiting).

const HOLD = 25; // s that the server holds a long poll: below the 30 s and 60 s that proxies like to cut at

/** Hands over one answer; true when the server has more to give at once. */
function deliver(line, { messages, next, lost, notice, more }, since) {
	if (lost)
		line.receive({ event: 'lost', notice, since, next });
	for (const message of messages)
		line.receive(message);
	line.move(next);
	return more === true;
}

function openPoller(line, parameters, pause) {
	const stop = new AbortController();
	let timer = 0;
	let first = true;

	async function ask() {
		try {
			// The first answer must come at once, so that a long poller knows where it stands.
			const url = line.url(first ? {} : parameters);
			const since = new URLSearchParams(url.split('?')[1]).get('since');
			const response = await fetch(url, { cache: 'no-store', signal: stop.signal });
			if (!response.ok)
				throw await line.refusal(response);
			const more = deliver(line, await response.json(), since);
			if (stop.signal.aborted)
				return;
			first = false;
			line.opened();
			line.alive();
			timer = setTimeout(ask, more ? 0 : pause);
		} catch (error) {
			line.failed(error);
		}
	}

	ask();
	return {
		close() {
			stop.abort();
			clearTimeout(timer);
		},
	};
}

export const openLongPoll = line => openPoller(line, { wait: HOLD }, 0);
export const openPoll = line => openPoller(line, {}, line.interval);
