// docs/channel.md: what each way of reading gives, in which order, and how it begins.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertError, ask, post, request } from '../lib/rawhttp.js';
import { RawWs, binary, close, text } from '../lib/rawws.js';
import { STREAMS, TRANSPORTS, epochOf, fetchRaw, offsetOf, openReader, poll, presence, publish, target } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

/** A WebSocket tells ids only with format=json; the others tell them as they are. */
const withIds = (transport) => (transport === 'websocket' ? { format: 'json' } : {});

async function reading(server, transport, channel, options, body) {
	const reader = await openReader({ transport, port: server.port, channel, ...withIds(transport), ...options });
	try {
		return await body(reader);
	} finally {
		reader.drop();
	}
}

async function fill(server, channel, n, from = 1) {
	const ids = [];
	for (let i = from; i < from + n; i++) {
		ids.push(await publish(server.port, channel, `m${i}`));
	}
	return ids;
}

const brief = (messages) => messages.map((m) => [m.id, m.data]);
const pairs = (ids, from = 1) => ids.map((id, i) => [id, `m${from + i}`]);

for (const workers of [1, 2]) {
	describe(`reading a channel, ${workers} worker${workers > 1 ? 's' : ''}`, { concurrency: 4 }, () => {
		const server = useServer({ workers });

		for (const transport of TRANSPORTS) {
			it(`${transport}: begins with the next message`, TIMEOUT, async () => {
				const channel = channelName();
				await fill(server, channel, 3);
				await reading(server, transport, channel, {}, async (reader) => {
					const ids = await fill(server, channel, 2, 4);
					assert.deepEqual(brief(await reader.messages(2)), pairs(ids, 4));
				});
			});
			it(`${transport}: on a channel that nobody has used`, TIMEOUT, async () => {
				const channel = channelName();
				await reading(server, transport, channel, {}, async (reader) => {
					const ids = await fill(server, channel, 2);
					assert.deepEqual(ids.map(offsetOf), [1, 2]);
					assert.deepEqual(brief(await reader.messages(2)), pairs(ids));
				});
			});
			it(`${transport}: since=EPOCH-0 gives all that is kept, then what comes`, TIMEOUT, async () => {
				const channel = channelName();
				const ids = await fill(server, channel, 5);
				await reading(server, transport, channel, { since: `${epochOf(ids[0])}-0` }, async (reader) => {
					assert.deepEqual(brief(await reader.messages(5)), pairs(ids));
					const more = await fill(server, channel, 2, 6);
					assert.deepEqual(brief(await reader.messages(2)), pairs(more, 6));
				});
			});
			it(`${transport}: since gives what follows, each message once`, TIMEOUT, async () => {
				const channel = channelName();
				const ids = await fill(server, channel, 6);
				for (const at of [0, 2, 4]) {
					await reading(server, transport, channel, { since: ids[at] }, async (reader) => {
						assert.deepEqual(brief(await reader.messages(5 - at)), pairs(ids.slice(at + 1), at + 2));
					});
				}
			});
			it(`${transport}: since the last message gives only what comes`, TIMEOUT, async () => {
				const channel = channelName();
				const ids = await fill(server, channel, 3);
				await reading(server, transport, channel, { since: ids[2] }, async (reader) => {
					const more = await fill(server, channel, 1, 4);
					assert.deepEqual(brief(await reader.messages(1)), pairs(more, 4));
				});
			});
			for (const n of [0, 1, 2, 5, 10000]) {
				it(`${transport}: history=${n} gives the last ${n}, then what comes`, TIMEOUT, async () => {
					const channel = channelName();
					const ids = await fill(server, channel, 5);
					await reading(server, transport, channel, { history: n }, async (reader) => {
						const old = Math.min(n, 5);
						assert.deepEqual(brief(await reader.messages(old)), pairs(ids.slice(5 - old), 6 - old));
						const more = await fill(server, channel, 2, 6);
						assert.deepEqual(brief(await reader.messages(2)), pairs(more, 6));
					});
				});
			}
			it(`${transport}: a reader that comes back with its last id misses nothing`, TIMEOUT, async () => {
				const channel = channelName();
				let since = `${epochOf((await poll(server.port, channel)).next)}-0`;
				const seen = [];
				for (let round = 0; round < 5; round++) {
					await fill(server, channel, 3, round * 5 + 1);
					await reading(server, transport, channel, { since }, async (reader) => {
						seen.push(...await reader.messages(3));
						await fill(server, channel, 2, round * 5 + 4);
						seen.push(await reader.message());
						since = seen.at(-1).id;
					});
				}
				await reading(server, transport, channel, { since }, async (reader) => seen.push(...await reader.messages(25 - seen.length)));
				assert.deepEqual(seen.map((m) => m.data), Array.from({ length: 25 }, (_, i) => `m${i + 1}`));
			});
			it(`${transport}: 500 messages in order, with ids that count up by one`, TIMEOUT, async () => {
				const channel = channelName();
				await reading(server, transport, channel, {}, async (reader) => {
					const publisher = await RawWs.open(server.port, { path: `/c/${channel}` });
					for (let i = 1; i <= 500; i++) {
						publisher.send(text(`m${i}`));
					}
					const messages = await reader.messages(500);
					messages.forEach((m, i) => {
						assert.equal(offsetOf(m.id), i + 1);
						assert.equal(m.data, `m${i + 1}`);
					});
					assert.equal(new Set(messages.map((m) => epochOf(m.id))).size, 1);
					publisher.destroy();
				});
			});
		}

		it('all ways of reading see the same messages, ids and order, from several publishers', TIMEOUT, async () => {
			const channel = channelName();
			const readers = await Promise.all(TRANSPORTS.map((transport) => openReader({ transport, port: server.port, channel, ...withIds(transport) })));
			try {
				const sockets = await Promise.all([1, 2].map(() => RawWs.open(server.port, { path: `/c/${channel}?echo=0` })));
				await Promise.all([
					...sockets.map(async (ws, n) => {
						for (let i = 0; i < 100; i++) {
							ws.send(text(`ws${n} ${i}`));
							await new Promise((done) => setImmediate(done));
						}
					}),
					...[1, 2].map(async (n) => {
						for (let i = 0; i < 50; i++) {
							await publish(server.port, channel, `post${n} ${i}`);
						}
					}),
				]);
				const all = await Promise.all(readers.map((reader) => reader.messages(300, bound(30))));
				for (const messages of all) {
					assert.deepEqual(brief(messages), brief(all[0]));
				}
				assert.deepEqual(all[0].map((m) => offsetOf(m.id)), Array.from({ length: 300 }, (_, i) => i + 1));
				for (const who of ['ws0', 'ws1', 'post1', 'post2']) {
					const own = all[0].filter((m) => m.data.startsWith(`${who} `)).map((m) => Number(m.data.split(' ')[1]));
					assert.deepEqual(own, own.map((_, i) => i), `the order of ${who}`);
				}
				sockets.forEach((ws) => ws.destroy());
			} finally {
				readers.forEach((reader) => reader.drop());
			}
		});
		it('channels do not mix', TIMEOUT, async () => {
			const names = Array.from({ length: 20 }, () => channelName());
			const readers = await Promise.all(names.map((channel, i) => openReader({ transport: STREAMS[i % 4], port: server.port, channel, ...withIds(STREAMS[i % 4]) })));
			try {
				await Promise.all(names.map((name) => publish(server.port, name, `for ${name}`)));
				for (let i = 0; i < names.length; i++) {
					assert.equal((await readers[i].message()).data, `for ${names[i]}`);
					assert.equal(readers[i].events.size, 0);
				}
			} finally {
				readers.forEach((reader) => reader.drop());
			}
		});
		it('time is when the server took the message', TIMEOUT, async () => {
			const channel = channelName();
			const before = Date.now();
			await fill(server, channel, 2);
			const after = Date.now();
			const { messages } = await poll(server.port, channel);
			assert.ok(messages[0].time >= before - 50 && messages[1].time <= after + 50 && messages[0].time <= messages[1].time, `${before} ${messages.map((m) => m.time)} ${after}`);
		});
	});
}

describe('how a stream begins', { concurrency: 4 }, () => {
	const server = useServer();
	for (const transport of STREAMS) {
		it(`${transport}: open comes first and tells the position`, TIMEOUT, async () => {
			const channel = channelName();
			await reading(server, transport, channel, {}, async (reader) => {
				const open = await reader.next();
				assert.equal(open.kind, 'open');
				assert.equal(offsetOf(open.next), 0);
				const id = await publish(server.port, channel, 'm1');
				assert.equal(epochOf(id), epochOf(open.next));
				assert.equal((await reader.message()).id, id);
				await reading(server, transport, channel, { since: open.next }, async (again) => assert.equal((await again.message()).id, id));
			});
			const [, last] = [await fill(server, channel, 2), await publish(server.port, channel, 'last')];
			await reading(server, transport, channel, {}, async (reader) => assert.equal((await reader.next()).next, last));
		});
		it(`${transport}: with since, open tells where the messages begin`, TIMEOUT, async () => {
			const channel = channelName();
			const ids = await fill(server, channel, 4);
			for (const options of [{ since: ids[1] }, { history: 2 }]) {
				await reading(server, transport, channel, options, async (reader) => {
					const open = await reader.next();
					assert.equal(open.kind, 'open');
					assert.equal(open.next, ids[1]);
					assert.deepEqual(brief(await reader.messages(2)), pairs(ids.slice(2), 3));
				});
			}
		});
	}
	it('websocket: payloads alone have no open and no ids', TIMEOUT, async () => {
		const channel = channelName();
		const [id] = await fill(server, channel, 2);
		const ws = await RawWs.open(server.port, { path: target(channel, { since: id }) });
		await ws.expect('text', 'm2');
		await publish(server.port, channel, 'm3');
		await ws.expect('text', 'm3');
		await ws.bye();
	});
	for (const [name, format, first] of [['payload', 'payload', 'm1'], ['json', 'json', null]]) {
		it(`websocket: format=${name} by name`, TIMEOUT, async () => {
			const channel = channelName();
			const ws = await RawWs.open(server.port, { path: target(channel, { format }) });
			const id = await publish(server.port, channel, 'm1');
			const event = await ws.message();
			if (first) {
				assert.equal(event.data.toString(), first);
			} else {
				assert.equal(JSON.parse(event.data).event, 'open');
				assert.equal(JSON.parse((await ws.message()).data).id, id);
			}
			await ws.bye();
		});
	}
	it('sse: Last-Event-ID means since', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 4);
		await reading(server, 'sse', channel, { lastEventId: ids[1] }, async (reader) => assert.deepEqual(brief(await reader.messages(2)), pairs(ids.slice(2), 3)));
	});
	it('sse: Last-Event-ID wins over since', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 4);
		await reading(server, 'sse', channel, { lastEventId: ids[2], since: ids[0] }, async (reader) => assert.deepEqual(brief(await reader.messages(1)), pairs(ids.slice(3), 4)));
	});
	it('sse: Last-Event-ID wins over history', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 4);
		const reader = await openReader({ transport: 'sse', port: server.port, channel, lastEventId: ids[2], history: 4 }).catch((error) => error);
		if (reader instanceof Error) {
			assert.equal(reader.status, 400);
		} else {
			assert.deepEqual(brief(await reader.messages(1)), pairs(ids.slice(3), 4));
			reader.drop();
		}
	});
	for (const accept of ['text/event-stream', 'text/event-stream, */*', 'Text/Event-Stream', 'text/html, text/event-stream;q=0.9']) {
		it(`sse: Accept: ${accept}`, TIMEOUT, async () => reading(server, 'sse', channelName(), { headers: { Accept: accept } }, async (reader) => assert.equal((await reader.next()).kind, 'open')));
	}
	for (const accept of ['*/*', 'application/json', 'text/html', 'text/*']) {
		it(`poll: Accept: ${accept} is no event stream`, TIMEOUT, async () => {
			const { headers } = await fetchRaw(server.port, target(channelName()), { headers: { Accept: accept } });
			assert.match(headers['content-type'], /^application\/json/);
		});
	}
	it('streams may not be cached or changed on their way', TIMEOUT, async () => {
		for (const transport of ['sse', 'ndjson', 'iframe']) {
			await reading(server, transport, channelName(), {}, async (reader) => {
				assert.match(reader.response.headers['cache-control'] ?? '', /no-store|no-cache/, transport);
				assert.equal(reader.response.headers['transfer-encoding'], 'chunked');
			});
		}
		assert.match((await fetchRaw(server.port, target(channelName()))).headers['cache-control'] ?? '', /no-store|no-cache/, 'poll');
	});
	it('HTTP/1.0 gets a stream that ends with the connection', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 1);
		const { RawHttp } = await import('../lib/rawhttp.js');
		const http = await RawHttp.open(server.port);
		try {
			http.send(request('GET', target(channel, { stream: 'ndjson', since: `${epochOf(ids[0])}-0` }), {}, '', { version: 'HTTP/1.0' }));
			const { status, fields } = await http.head();
			assert.equal(status, 200);
			assert.equal(fields['transfer-encoding'], undefined);
			assert.equal(fields['content-length'], undefined);
		} finally {
			http.destroy();
		}
	});
});

describe('poll and long poll', { concurrency: 4 }, () => {
	const server = useServer({ config: { history: { messages: 5000, bytes: 64 << 20 } } });
	it('a poll without since gives what is kept, from the oldest on', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 3);
		const page = await poll(server.port, channel);
		assert.deepEqual(brief(page.messages), pairs(ids));
		assert.equal(page.more, undefined);
		assert.equal(page.lost, undefined);
	});
	it('a poll of an empty channel has next, which goes on from there', TIMEOUT, async () => {
		const channel = channelName();
		const page = await poll(server.port, channel);
		assert.deepEqual(page.messages, []);
		assert.equal(offsetOf(page.next), 0);
		const ids = await fill(server, channel, 2);
		assert.deepEqual(brief((await poll(server.port, channel, { since: page.next })).messages), pairs(ids));
	});
	it('a poll without news has next as it was', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 2);
		for (let i = 0; i < 3; i++) {
			const page = await poll(server.port, channel, { since: ids[1] });
			assert.deepEqual(page.messages, []);
			assert.equal(page.next, ids[1]);
		}
	});
	it('an answer holds at most 1,000 messages, and says that there are more', TIMEOUT, async () => {
		const channel = channelName();
		const { RawHttp } = await import('../lib/rawhttp.js');
		const http = await RawHttp.open(server.port);
		http.send(Buffer.concat(Array.from({ length: 2500 }, (_, i) => post(`/c/${channel}`, `m${i + 1}`))));
		for (let i = 0; i < 2500; i++) {
			assert.equal((await http.response()).status, 201);
		}
		http.destroy();
		const seen = [];
		let since;
		for (const [n, more] of [[1000, true], [1000, true], [500, undefined]]) {
			const page = await poll(server.port, channel, { since });
			assert.equal(page.messages.length, n);
			assert.equal(page.more, more);
			seen.push(...page.messages);
			since = page.next;
		}
		assert.deepEqual(seen.map((m) => m.data), Array.from({ length: 2500 }, (_, i) => `m${i + 1}`));
		const exact = await poll(server.port, channel, { since: seen[1499].id });
		assert.equal(exact.messages.length, 1000);
		assert.equal(exact.more, undefined, 'exactly 1,000 are not more');
		assert.equal((await poll(server.port, channel, { since: seen[1498].id })).more, true);
		const last = await poll(server.port, channel, { history: 2000 });
		assert.ok(last.messages.length === 1000 && last.more === true, 'history=2000 gives the first 1,000 of the last 2,000');
		assert.equal(last.messages[0].data, 'm501');
		const waiting = await poll(server.port, channel, { since: seen[0].id, wait: 20 });
		assert.equal(waiting.messages.length, 1000);
		assert.equal(waiting.more, true);
	});
	it('an answer holds about 1 MiB, and at least one message', TIMEOUT, async () => {
		const channel = channelName();
		const sizes = [300_000, 300_000, 300_000, 300_000, 1_048_576, 10, 10, 700_000, 700_000];
		for (const n of sizes) {
			await publish(server.port, channel, 'x'.repeat(n));
		}
		const seen = [];
		for (let since, more = true; more; ) {
			const answer = await fetchRaw(server.port, target(channel, { since }));
			const page = answer.json;
			assert.ok(page.messages.length === 1 || answer.body.length <= 1_600_000, `${page.messages.length} messages of ${answer.body.length} bytes`);
			assert.ok(page.messages.length > 0);
			seen.push(...page.messages.map((m) => m.data.length));
			since = page.next;
			more = page.more;
		}
		assert.deepEqual(seen, sizes);
	});
	it('?history=N as a poll answers it', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 4);
		for (const n of [0, 1, 3, 4, 100]) {
			const page = await poll(server.port, channel, { history: n });
			const count = Math.min(n, 4);
			assert.deepEqual(brief(page.messages), pairs(ids.slice(4 - count), 5 - count));
			assert.equal(page.next, ids[3]);
		}
	});
	it('a long poll answers at once when there is news', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 3);
		const page = await poll(server.port, channel, { since: ids[0], wait: 60 }, { ms: bound(10) });
		assert.deepEqual(brief(page.messages), pairs(ids.slice(1), 2));
	});
	it('a long poll with history answers at once when there is some', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 3);
		assert.deepEqual(brief((await poll(server.port, channel, { history: 2, wait: 60 }, { ms: bound(10) })).messages), pairs(ids.slice(1), 2));
	});
	for (const parameters of [{}, { history: 0 }]) {
		it(`a long poll ${parameters.history === 0 ? 'with history=0' : 'without since'} waits for the next message`, TIMEOUT, async () => {
			const channel = channelName();
			await fill(server, channel, 2);
			const answer = poll(server.port, channel, { ...parameters, wait: 30 });
			await until(async () => (await presence(server.port, channel)).count === 1, bound(8), 'the long poll to wait');
			const ids = await fill(server, channel, 1, 3);
			assert.deepEqual(brief((await answer).messages), pairs(ids, 3));
		});
	}
	it('a long poll that waits is answered when there is news', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 1);
		const answer = poll(server.port, channel, { since: ids[0], wait: 30 });
		await until(async () => (await presence(server.port, channel)).count === 1, bound(8), 'the long poll to wait');
		const t = Date.now();
		const [id] = await fill(server, channel, 1, 2);
		assert.deepEqual(brief((await answer).messages), [[id, 'm2']]);
		assert.ok(Date.now() - t < bound(5), 'it came late');
	});
	it('a long poll without news is empty after its time', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 1);
		const t = Date.now();
		const page = await poll(server.port, channel, { since: ids[0], wait: 1 });
		const took = Date.now() - t;
		assert.deepEqual(page.messages, []);
		assert.equal(page.next, ids[0]);
		assert.ok(took >= 900 && took < bound(4), `after ${took} ms`);
	});
	it('wait=0 does not wait', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 2);
		const t = Date.now();
		assert.deepEqual((await poll(server.port, channel, { since: ids[1], wait: 0 })).messages, []);
		assert.ok(Date.now() - t < bound(2));
	});
	it('one message answers a hundred waiting polls', TIMEOUT, async () => {
		const channel = channelName();
		const since = (await poll(server.port, channel)).next;
		const answers = Array.from({ length: 100 }, () => poll(server.port, channel, { since, wait: 30 }));
		await until(async () => (await presence(server.port, channel)).count === 100, bound(10), '100 long polls to wait');
		const ids = await fill(server, channel, 1);
		for (const page of await Promise.all(answers)) {
			assert.deepEqual(brief(page.messages), pairs(ids));
		}
	});
	it('a long poll whose client goes away leaves nothing behind', TIMEOUT, async () => {
		const channel = channelName();
		const abort = new AbortController();
		const answer = poll(server.port, channel, { wait: 60 }, { signal: abort.signal });
		await until(async () => (await presence(server.port, channel)).count === 1, bound(8), 'the long poll to wait');
		abort.abort();
		await assert.rejects(answer);
		await until(async () => (await presence(server.port, channel)).count === 0, bound(8), 'it to leave');
		await fill(server, channel, 1);
	});
	it('HEAD answers as a poll, without a body', TIMEOUT, async () => {
		const channel = channelName();
		await fill(server, channel, 2);
		const answer = await ask(server.port, request('HEAD', target(channel)));
		assert.equal(answer.status, 200);
		assert.match(answer.fields['content-type'], /^application\/json/);
	});
});

describe('when what is asked for is gone', { concurrency: 4 }, () => {
	const server = useServer({ config: { history: { messages: 5 } } });
	const isLost = (event, since, first) => {
		assert.equal(event.kind, 'lost');
		assert.equal(event.since, since);
		assert.equal(offsetOf(event.next), offsetOf(first) - 1, 'next is the id before the first that follows');
		assert.equal(epochOf(event.next), epochOf(first));
	};
	for (const transport of TRANSPORTS) {
		for (const [name, since] of [['an old id', (ids) => ids[1]], ['EPOCH-0', (ids) => `${epochOf(ids[0])}-0`], ['another epoch', () => 'a1b2c3d-7'], ['the start of another epoch', () => 'z-0']]) {
			it(`${transport}: ${name}: it is told, then comes what is kept`, TIMEOUT, async () => {
				const channel = channelName();
				const ids = await fill(server, channel, 10);
				await reading(server, transport, channel, { since: since(ids) }, async (reader) => {
					let event = await reader.next();
					if (event.kind === 'open') {
						event = await reader.next();
					}
					if (transport === 'poll' || transport === 'longpoll') {
						assert.equal(event.kind, 'lost');
					} else {
						isLost(event, since(ids), ids[5]);
					}
					assert.deepEqual(brief(await reader.messages(5)), pairs(ids.slice(5), 6));
					const more = await fill(server, channel, 1, 11);
					assert.deepEqual(brief(await reader.messages(1)), pairs(more, 11));
				});
			});
		}
		it(`${transport}: the oldest position that is still covered is not lost`, TIMEOUT, async () => {
			const channel = channelName();
			const ids = await fill(server, channel, 10);
			await reading(server, transport, channel, { since: ids[4] }, async (reader) => assert.deepEqual(brief(await reader.messages(5)), pairs(ids.slice(5), 6)));
		});
	}
	for (const [name, since] of [['an old id', (ids) => ids[1]], ['another epoch', () => 'a1b2c3d-7']]) {
		it(`websocket with payloads alone: ${name}: closed with 4410`, TIMEOUT, async () => {
			const channel = channelName();
			const ids = await fill(server, channel, 10);
			const ws = await RawWs.open(server.port, { path: target(channel, { since: since(ids) }) });
			const event = await ws.next('a Close frame');
			assert.equal(event.code, 4410);
			assert.notEqual(event.reason, '');
			ws.send(close(4410));
			await ws.expectEnd();
		});
	}
	it('sse: the event lost has the object as its data', TIMEOUT, async () => {
		const channel = channelName();
		await fill(server, channel, 10);
		await reading(server, 'sse', channel, { lastEventId: 'a1b2c3d-7' }, async (reader) => {
			let event = await reader.next();
			if (event.kind === 'open') {
				event = await reader.next();
			}
			assert.equal(event.kind, 'lost');
			assert.equal(event.since, 'a1b2c3d-7');
		});
	});
	it('a long poll for what is gone answers at once even on an empty channel', TIMEOUT, async () => {
		const page = await poll(server.port, channelName(), { since: 'z9-5', wait: 60 }, { ms: bound(10) });
		assert.equal(page.lost, true);
		assert.deepEqual(page.messages, []);
		assert.equal(offsetOf(page.next), 0);
	});
	it('history by count: only the last 5 are kept', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 8);
		assert.deepEqual(brief((await poll(server.port, channel)).messages), pairs(ids.slice(3), 4));
		assert.deepEqual(brief((await poll(server.port, channel, { history: 100 })).messages), pairs(ids.slice(3), 4));
	});
});

describe('history by bytes', () => {
	const server = useServer({ config: { history: { bytes: 10000 } } });
	it('the oldest go when there are too many bytes', TIMEOUT, async () => {
		const channel = channelName();
		for (let i = 0; i < 20; i++) {
			await publish(server.port, channel, String(i).padEnd(2000, '.'));
		}
		const { messages } = await poll(server.port, channel);
		assert.ok(messages.length >= 2 && messages.length <= 5, `${messages.length} messages are kept`);
		assert.equal(messages.at(-1).data.slice(0, 2), '19');
	});
});

describe('history by age', () => {
	const server = useServer({ config: { history: { age: 0.5 } } });
	it('what is too old goes, and who asks for it is told', TIMEOUT, async () => {
		const channel = channelName();
		const id = await publish(server.port, channel, 'old');
		await until(async () => (await poll(server.port, channel)).messages.length === 0, bound(8), 'the message to go');
		const page = await poll(server.port, channel, { since: `${epochOf(id)}-0` });
		assert.equal(page.lost, true);
		assert.equal(page.next, id);
		const next = await publish(server.port, channel, 'new');
		assert.equal(offsetOf(next), offsetOf(id) + 1);
		assert.equal(epochOf(next), epochOf(id));
	});
});

describe('no history', { concurrency: 4 }, () => {
	const server = useServer({ config: { history: { messages: 0 } } });
	for (const transport of STREAMS) {
		it(`${transport}: live messages arrive without history`, TIMEOUT, async () => {
			const channel = channelName();
			await reading(server, transport, channel, {}, async (reader) => {
				const ids = await fill(server, channel, 3);
				assert.deepEqual(brief(await reader.messages(3)), pairs(ids));
			});
			assert.deepEqual((await poll(server.port, channel)).messages, []);
		});
	}
	it('a poller is told that it has lost something', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 2);
		assert.equal((await poll(server.port, channel, { since: ids[0] })).lost, true);
		assert.equal((await poll(server.port, channel, { since: ids[1] })).lost, undefined);
	});
});

describe('DELETE', { concurrency: 4 }, () => {
	const server = useServer();
	it('drops the history; ids go on', TIMEOUT, async () => {
		const channel = channelName();
		const ids = await fill(server, channel, 3);
		const answer = await fetchRaw(server.port, target(channel), { method: 'DELETE' });
		assert.equal(answer.status, 204);
		assert.equal(answer.body.length, 0);
		const page = await poll(server.port, channel);
		assert.deepEqual(page.messages, []);
		assert.equal(page.next, ids[2]);
		assert.equal((await poll(server.port, channel, { since: ids[2] })).lost, undefined, 'who has everything has lost nothing');
		assert.equal((await poll(server.port, channel, { since: ids[1] })).lost, true);
		const next = await publish(server.port, channel, 'm4');
		assert.deepEqual([epochOf(next), offsetOf(next)], [epochOf(ids[0]), 4]);
		assert.deepEqual(brief((await poll(server.port, channel)).messages), [[next, 'm4']]);
	});
	it('of a channel that nobody has used', TIMEOUT, async () => assert.equal((await fetchRaw(server.port, target(channelName()), { method: 'DELETE' })).status, 204));
	it('does not disturb who listens', TIMEOUT, async () => {
		const channel = channelName();
		const readers = await Promise.all(TRANSPORTS.map((transport) => openReader({ transport, port: server.port, channel, ...withIds(transport) })));
		try {
			await fill(server, channel, 2);
			for (const reader of readers) {
				await reader.messages(2);
			}
			assert.equal((await fetchRaw(server.port, target(channel), { method: 'DELETE' })).status, 204);
			const ids = await fill(server, channel, 2, 3);
			for (const reader of readers) {
				assert.deepEqual(brief(await reader.messages(2)), pairs(ids, 3));
			}
		} finally {
			readers.forEach((reader) => reader.drop());
		}
	});
});

describe('what is refused', { concurrency: 4 }, () => {
	const server = useServer();
	const sse = { Accept: 'text/event-stream' };
	const ways = [['poll', {}, {}], ['longpoll', { wait: 1 }, {}], ['sse', {}, sse], ['ndjson', { stream: 'ndjson' }, {}], ['iframe', { stream: 'iframe' }, {}]];
	const onAllWays = (name, query, code) =>
		it(`${name} is answered with 400 on every way`, TIMEOUT, async () => {
			for (const [way, parameters, headers] of ways) {
				const rest = Object.entries(parameters).map(([k, v]) => `&${k}=${v}`).join('');
				const answer = await ask(server.port, request('GET', `/c/refused?${query}${query.includes('wait=') && way === 'longpoll' ? '' : rest}`, headers));
				assertError(answer, 400, code);
			}
			const refused = await RawWs.open(server.port, { path: `/c/refused?${query}` }).then(() => null, (error) => error);
			assert.equal(refused?.status, 400, `websocket: ${refused ? refused.message : 'it was accepted'}`);
		});
	for (const since of ['x', 'abc', '5', '-1', 'abc-', '-5', 'ABC-1', 'abc-1x', 'abc--1', 'abc-%2B1', 'abc-1-2', 'abcdefghijklmnopq-1', 'abcdefghijklmn-1', '0abc-1', 'abc-01', 'abc-9223372036854775808', 'abc-99999999999999999999', 'abc-1.0', 'abc%201', 'a_b-1', '%F0%9F%98%80-1', 'abc-%00', '%20abc-1']) {
		onAllWays(`since=${since}`, `since=${since}`, 'bad_parameter');
	}
	for (const history of ['-1', '10001', 'x', '1.5', '', '1e3', '0x10', '99999999999999999999', '%2B1']) {
		onAllWays(`history=${history}`, `history=${history}`, 'bad_parameter');
	}
	onAllWays('since together with history', 'since=abc-1&history=1', 'bad_parameter');
	onAllWays('format=xml', 'format=xml', 'bad_parameter');
	for (const client of ['', 'a'.repeat(65), 'a%20b', 'a/b', 'a%2Cb', '%C3%A9', 'a:b', 'a%00']) {
		onAllWays(`client=${client.slice(0, 20)}`, `client=${client}`, 'bad_parameter');
	}
	for (const name of ['', 'a'.repeat(65), '%FF', '%ED%A0%80']) {
		onAllWays(`name=${name.slice(0, 20)}`, `client=a&name=${name}`, 'bad_parameter');
	}
	for (const wait of ['-1', '301', 'x', '', '99999999999', '1e1']) {
		it(`wait=${wait} is answered with 400`, TIMEOUT, async () => assertError(await ask(server.port, request('GET', `/c/refused?wait=${wait}`)), 400, 'bad_parameter'));
	}
	for (const stream of ['', 'xml', 'NDJSON', 'sse2']) {
		it(`stream=${stream} is answered with 400`, TIMEOUT, async () => assertError(await ask(server.port, request('GET', `/c/refused?stream=${stream}`)), 400, 'bad_parameter'));
	}
	it('Last-Event-ID that is malformed is answered with 400', TIMEOUT, async () => {
		assertError(await ask(server.port, request('GET', '/c/refused', { ...sse, 'Last-Event-ID': 'not an id' })), 400);
	});

	const names = {
		'nothing': '', 'NUL': '%00', 'a tab': 'a%09b', 'a line feed': 'a%0Ab', 'escape': '%1B', 'DEL': '%7F', 'FF': '%FF', 'half a character': 'a%C3', 'an overlong': '%C0%AF',
		'a surrogate': '%ED%A0%80', '256 bytes': 'a'.repeat(256), '86 characters of three bytes': '%E6%BC%A2'.repeat(86),
	};
	for (const [what, name] of Object.entries(names)) {
		it(`a channel name of ${what} is answered with 400`, TIMEOUT, async () => {
			for (const data of [
				request('GET', `/c/${name}`), request('GET', `/c/${name}`, sse), request('GET', `/c/${name}?wait=1`), request('GET', `/c/${name}?stream=ndjson`), request('GET', `/c/${name}?presence`),
				post(`/c/${name}`, 'x'), request('DELETE', `/c/${name}`),
			]) {
				assertError(await ask(server.port, data), 400, 'bad_channel_name');
			}
			const refused = await RawWs.open(server.port, { path: `/c/${name}` }).then(() => null, (error) => error);
			assert.equal(refused?.status, 400);
		});
	}
	for (const [what, name] of Object.entries({ '1 byte': 'a', '255 bytes': 'a'.repeat(255), '85 characters of three bytes': '%E6%BC%A2'.repeat(85), 'slashes': 'sport/football/42', 'a slash alone': '/', 'a blank': '%20', 'emoji': '%F0%9F%98%80', 'U+10FFFF': '%F4%8F%BF%BF', 'dots': 'a..b', 'a percent sign': '100%25' })) {
		it(`a channel name of ${what} is a channel`, TIMEOUT, async () => {
			const id = await publish(server.port, name, 'x');
			assert.equal((await poll(server.port, name, { history: 1 })).messages[0].id, id);
			const ws = await RawWs.open(server.port, { path: `/c/${name}` });
			ws.send(binary('y'));
			await ws.expect('binary', 'y');
			await ws.bye();
		});
	}
});
