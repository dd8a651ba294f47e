// sse.js - a channel as server-sent events, read with fetch (eventstream.js says why).

import { eventParser } from '../eventstream.js';
import { readBody } from './body.js';

export function openEventStream(line) {
	const stop = new AbortController();
	const parse = eventParser();

	// With format=json every event's data is the whole object, `open` and `lost` included.
	readBody(line, line.url({ format: 'json' }), 'text/event-stream', stop.signal, text => {
		for (const event of parse(text))
			line.receive(JSON.parse(event.data));
	});
	return { close: () => stop.abort() };
}
