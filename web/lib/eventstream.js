// eventstream.js - reads `text/event-stream`, as the HTML standard says, from pieces of text.
//
// The browser's own EventSource hides comment lines, and with them the server's heartbeat: it cannot
// tell a quiet channel from a dead connection. Reading the stream with fetch shows every byte.

import { lineSplitter } from './lines.js';

/** A function that takes the next piece and returns the events that are now complete. */
export function eventParser() {
	const split = lineSplitter();
	let event = '', data = [], id = '', first = true;

	const field = {
		event: value => { event = value; },
		data: value => { data.push(value); },
		id: value => { if (!value.includes('\0')) id = value; },
	};

	function takeLine(line, out) {
		if (line === '') {
			if (data.length)
				out.push({ event: event || 'message', data: data.join('\n'), id });
			event = '';
			data = [];
			return;
		}
		const colon = line.indexOf(':');
		if (colon === 0)
			return; // a comment: the heartbeat
		const name = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (Object.hasOwn(field, name))
			field[name](value);
	}

	return piece => {
		if (first && piece !== '') {
			piece = piece.replace(/^\uFEFF/, '');
			first = false;
		}
		const out = [];
		for (const line of split(piece))
			takeLine(line, out);
		return out;
	};
}
