// tally.js - what one transport has cost and brought so far.

import { quantile } from './quantile.js';

const RECENT = 1000; // delays kept for the median

export class Tally {
	messages = 0;
	last = 0;           // the number of the last message
	setup = 0;          // bytes to open a connection: a handshake, the head of a stream
	exchanges = 0;      // requests with their answers, where there are any
	exchangeBytes = 0;  // bytes that every exchange costs, whether it brings anything or not
	messageBytes = 0;   // bytes around the payloads
	payloadBytes = 0;
	delays = [];        // ms, the newest last

	addSetup(bytes) { this.setup += bytes; }

	addExchange(bytes) {
		this.exchanges++;
		this.exchangeBytes += bytes;
	}

	/** payload and around: bytes; number: which message; delay: ms from publishing to receiving. */
	addMessage({ payload, around, number, delay }) {
		this.messages++;
		this.last = number;
		this.payloadBytes += payload;
		this.messageBytes += around;
		this.delays.push(delay);
		if (this.delays.length > RECENT)
			this.delays.shift();
	}

	get bytes() { return this.setup + this.exchangeBytes + this.messageBytes + this.payloadBytes; }
	get bytesPerMessage() { return this.messages ? this.bytes / this.messages : NaN; }
	get median() { return quantile(this.delays, 0.5); }
	get p95() { return quantile(this.delays, 0.95); }

	/** Bytes of overhead for a message when messages come one by one, each in an exchange of its own. */
	get overhead() {
		if (!this.messages)
			return NaN;
		return this.messageBytes / this.messages + (this.exchanges ? this.exchangeBytes / this.exchanges : 0);
	}
}
