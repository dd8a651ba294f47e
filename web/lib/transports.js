// transports.js - the table of the transports: every way to read a channel, as a row.
//
// A transport is one function `open(line)`. It returns {close()} and, if it can publish, send(text).
// `line` is what it is given:
//
//	url(parameters)   where to read; asked anew for every request, as the position moves
//	interval          ms between two polls
//	refusal(response) the error that an HTTP refusal stands for
//	opened()          say: it is up
//	alive()           say: something came, if only a heartbeat
//	receive(object)   hand over a message, {event:'open',next} or {event:'lost',since,next,notice}
//	move(position)    the next request starts after this id
//	failed(error)     say: it ended; error.final if it is of no use to try again. Say it once, last
//
// `quiet` is for how many ms it may say nothing before it counts as dead; the server sends a heartbeat
// more often. 0: never (the browser answers pings of a WebSocket without telling the page).
// `blind`: it does not notice when its connection breaks; whatever else fails is a reason to look.

import { openWebSocket } from './transport/websocket.js';
import { openEventStream } from './transport/sse.js';
import { openNdjson } from './transport/ndjson.js';
import { openLongPoll, openPoll } from './transport/poll.js';
import { openFrame } from './transport/iframe.js';

export const transports = {
	websocket: { open: openWebSocket, quiet: 0 },
	sse: { open: openEventStream, quiet: 60_000 },
	ndjson: { open: openNdjson, quiet: 60_000 },
	longpoll: { open: openLongPoll, quiet: 45_000, polls: true },
	poll: { open: openPoll, quiet: 30_000, polls: true },
	iframe: { open: openFrame, quiet: 60_000, blind: true },
};
