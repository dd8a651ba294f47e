// Mistakes that were found by reading: each with the shortest way to see it again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawHttp, post, request } from '../lib/rawhttp.js';
import { RawWs, frame, more, ping } from '../lib/rawws.js';
import { H2 } from '../lib/h2.js';
import { openReader, presence, publish } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, pause, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const MiB = 1 << 20;

describe('messages that have not come whole', () => {
	const server = useServer({ workers: 1, config: { limits: { echo: '16MiB' } } });

	/** A WebSocket that has sent so many bytes of a message and keeps the rest back; the server has them. */
	const begin = async (bytes) => {
		const ws = await RawWs.open(server.port);
		ws.send(Buffer.concat([frame(2, Buffer.alloc(bytes), { fin: false }), ping('here')]));
		await ws.expect('pong', 'here');
		return ws;
	};

	it('hold 64 MiB of a worker together; who brings one byte more is closed with 1013, and short ones pass', TIMEOUT, async () => {
		const holders = [];
		try {
			for (let i = 0; i < 4; i++) {
				holders.push(await begin(16 * MiB));
			}
			/* the first 4 KiB of each message are free */
			const last = await begin(5 * 4096);
			const late = await begin(4096);
			late.send(frame(0, 'b', { fin: false }));
			await late.expectClose(1013, { reason: /complete/ });
			late.destroy();
			const short = await begin(4096);
			short.send(more(''));
			assert.equal((await short.message()).data.length, 4096, 'short messages always get through');
			last.send(frame(0, 'b', { fin: false }));
			await last.expectClose(1013, { reason: /complete/ });
			last.destroy();
			holders[0].send(more(''));
			assert.equal((await holders[0].message(bound(20))).data.length, 16 * MiB);
			const long = await begin(16 * MiB);
			long.send(more(''));
			assert.equal((await long.message(bound(20))).data.length, 16 * MiB, 'there is room again');
			await long.bye();
			await short.bye();
		} finally {
			holders.forEach((ws) => ws.destroy());
		}
		/* more than was left while the others held theirs */
		const roomy = () => Promise.all([begin(15 * MiB), begin(15 * MiB)]).then((both) => both.every((ws) => !ws.destroy()), () => false);
		await until(roomy, bound(20), 'room for others when who held it is gone');
	});
});

describe('a stream that was silent for long', () => {
	const server = useServer({ config: { heartbeat: { interval: 1, timeout: 3 }, limits: { backlog: '64MiB' } } });

	for (const transport of ['sse', 'ndjson', 'iframe']) {
		it(`${transport}: a burst that waits when the next heartbeat is due does not end it`, { timeout: bound(60) }, async () => {
			const channel = channelName();
			const reader = await openReader({ transport, port: server.port, channel });
			try {
				await until(() => reader.heartbeatCount >= 5, bound(20), 'more silence than interval and timeout');
				const { socket } = reader.response;
				reader.response.pause();
				socket.pause();
				for (let i = 0; i < 20; i++) {
					await publish(server.port, channel, String(i).padEnd(900_000, '.'));
				}
				/* one heartbeat is due in this time, and the timeout is not over */
				await pause(1500);
				assert.equal((await presence(server.port, channel)).count, 1, 'it is still there');
				reader.response.resume();
				socket.resume();
				for (let i = 0; i < 20; i++) {
					assert.equal(parseInt((await reader.message('the burst', bound(20))).data, 10), i);
				}
			} finally {
				reader.drop();
			}
		});
	}
	it('sse: who reads nothing is gone after interval and timeout', { timeout: bound(60) }, async () => {
		const channel = channelName();
		const reader = await openReader({ transport: 'sse', port: server.port, channel });
		try {
			reader.response.pause();
			reader.response.socket.pause();
			for (let i = 0; i < 20; i++) {
				await publish(server.port, channel, String(i).padEnd(900_000, '.'));
			}
			const t = Date.now();
			await until(async () => (await presence(server.port, channel)).count === 0, bound(15), 'the reader to leave');
			assert.ok(Date.now() - t >= 2500, 'not before the timeout');
		} finally {
			reader.drop();
		}
	});
});

describe('a client that closes its side behind a request', () => {
	const server = useServer({ workers: 4 });

	for (const [what, ask, status] of [
		['POST', (channel) => post(`/c/${channel}`, 'x'), 201],
		['DELETE', (channel) => request('DELETE', `/c/${channel}`), 204],
		['poll', (channel) => request('GET', `/c/${channel}`), 200],
		['presence', (channel) => request('GET', `/c/${channel}?presence`), 200],
	]) {
		it(`${what}: is answered, wherever the channel's home is`, TIMEOUT, async () => {
			for (let i = 0; i < 40; i++) {
				const http = await RawHttp.open(server.port);
				http.socket.end(ask(channelName()));
				assert.equal((await http.response(what)).status, status);
				await http.expectEnd();
				http.destroy();
			}
		});
	}
});

/* The answer to a request for a stream used to leave before the channel's home knew of the reader. */
describe('who has its answer hears what is published from then on', () => {
	const server = useServer({ workers: 4 });
	const ROUNDS = 150;

	it('a WebSocket', TIMEOUT, async () => {
		for (let i = 0; i < ROUNDS; i++) {
			const name = channelName();
			const ws = await RawWs.open(server.port, { path: `/c/${name}` });
			await publish(server.port, name, 'news');
			assert.equal((await ws.message()).data.toString(), 'news', `round ${i}`);
			ws.destroy();
		}
	});
	it('a stream', TIMEOUT, async () => {
		for (let i = 0; i < ROUNDS; i++) {
			const name = channelName();
			const stream = await fetch(`${server.url}/c/${name}?stream=ndjson`);
			const id = await publish(server.port, name, 'news');
			let text = '';
			for await (const piece of stream.body.pipeThrough(new TextDecoderStream())) {
				text += piece;
				if (text.split('\n').length > 2) {
					break;
				}
			}
			assert.equal(JSON.parse(text.split('\n')[1]).id, id, `round ${i}`);
		}
	});
	it('a stream and a WebSocket over HTTP/2', TIMEOUT, async () => {
		const h2 = await H2.open(server.url);
		for (let i = 0; i < ROUNDS; i++) {
			const name = channelName();
			const ws = await h2.websocket(`/c/${name}`);
			const { lines, stream } = await h2.lines(`/c/${name}?stream=ndjson`);
			await publish(server.port, name, 'news');
			assert.equal((await ws.message()).data.toString(), 'news', `round ${i}`);
			await lines.next();
			assert.equal(JSON.parse(await lines.next()).data, 'news', `round ${i}`);
			ws.destroy();
			stream.close();
		}
		h2.close();
	});
});
