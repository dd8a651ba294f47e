// ndjson.js - a channel as newline-delimited JSON; what used to be called XHR streaming.

import { lineSplitter } from '../lines.js';
import { readBody } from './body.js';

export function openNdjson(line) {
	const stop = new AbortController();
	const split = lineSplitter();

	readBody(line, line.url({ stream: 'ndjson' }), 'application/x-ndjson', stop.signal, text => {
		for (const object of split(text).filter(Boolean)) // an empty line is a heartbeat
			line.receive(JSON.parse(object));
	});
	return { close: () => stop.abort() };
}
