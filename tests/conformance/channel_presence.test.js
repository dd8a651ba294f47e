// docs/channel.md, Presence: who is there, over all transports, and how each leaves.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask, assertError, request } from '../lib/rawhttp.js';
import { STREAMS, TRANSPORTS, agentOn, fetchRaw, openReader, poll, presence, target } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound, pause, until } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };

for (const workers of [1, 2]) {
	describe(`presence, ${workers} worker${workers > 1 ? 's' : ''}`, { concurrency: 4 }, () => {
		const server = useServer({ workers, config: { presence: { poll_linger: 2 } } });
		const who = (channel) => presence(server.port, channel);
		const counts = (channel, n, ms = bound(8)) => until(async () => (await who(channel)).count === n && who(channel), ms, `${n} to be there`);

		it('an empty channel', TIMEOUT, async () => assert.deepEqual(await who(channelName()), { count: 0, members: [] }));
		it('to ask who is there does not make one present', TIMEOUT, async () => {
			const channel = channelName();
			for (let i = 0; i < 3; i++) {
				assert.equal((await who(channel)).count, 0);
			}
		});
		for (const transport of TRANSPORTS) {
			it(`${transport}: a reader with a client and a name is one member`, TIMEOUT, async () => {
				const channel = channelName();
				const before = Date.now();
				const reader = await openReader({ transport, port: server.port, channel, client: 'a-1._~Z', name: 'Zoë 漢' });
				try {
					const { count, members } = await counts(channel, 1);
					assert.equal(count, 1);
					const [{ since, ...member }] = members;
					assert.deepEqual(member, { client: 'a-1._~Z', name: 'Zoë 漢', transports: [transport] });
					assert.ok(since >= before - 100 && since <= Date.now() + 100, `since ${since}`);
				} finally {
					reader.drop();
				}
				await counts(channel, 0, bound(10));
			});
			if (transport !== 'poll') {
				it(`${transport}: a reader without a client is a member without one`, TIMEOUT, async () => {
					const channel = channelName();
					const readers = [await openReader({ transport, port: server.port, channel }), await openReader({ transport, port: server.port, channel })];
					const { members } = await counts(channel, 2);
					for (const { since, ...member } of members) {
						assert.deepEqual(member, { transports: [transport] });
						assert.ok(since > 0);
					}
					readers[0].drop();
					await counts(channel, 1);
					readers[1].drop();
					await counts(channel, 0);
				});
			}
		}
		it('a name as a form writes it: + is a blank', TIMEOUT, async () => {
			const channel = channelName();
			await fetchRaw(server.port, `/c/${channel}?client=p&name=Zo%C3%AB+the+1st%2B`);
			assert.equal((await who(channel)).members[0].name, 'Zoë the 1st+');
		});
		it('all ways at once', TIMEOUT, async () => {
			const channel = channelName();
			const readers = await Promise.all(TRANSPORTS.map((transport) => openReader({ transport, port: server.port, channel, client: `c-${transport}`, name: transport })));
			const { members } = await counts(channel, 6);
			assert.deepEqual(members.map((m) => [m.client, m.name, ...m.transports]).sort(), TRANSPORTS.map((t) => [`c-${t}`, t, t]).sort());
			readers.forEach((reader) => reader.drop());
			await counts(channel, 0, bound(10));
		});
		it('several connections of one client are one member, until the last has gone', TIMEOUT, async () => {
			const channel = channelName();
			const readers = await Promise.all(['websocket', 'sse', 'ndjson', 'websocket'].map((transport) => openReader({ transport, port: server.port, channel, client: 'one', name: 'One' })));
			let { members } = await counts(channel, 1);
			assert.deepEqual([...members[0].transports].sort(), ['ndjson', 'sse', 'websocket'], 'each way once');
			readers[1].drop();
			await until(async () => !(await who(channel)).members[0].transports.includes('sse'), bound(8), 'sse to leave');
			readers[0].drop();
			readers[2].drop();
			({ members } = await until(async () => {
				const now = await who(channel);
				return now.members[0].transports.length === 1 && now;
			}, bound(8), 'one way to be left'));
			assert.deepEqual(members[0].transports, ['websocket']);
			readers[3].close();
			await counts(channel, 0);
		});
		it('one client on two channels is present on both', TIMEOUT, async () => {
			const [a, b] = [channelName(), channelName()];
			const readers = await Promise.all([a, b].map((channel) => openReader({ transport: 'websocket', port: server.port, channel, client: 'x' })));
			await counts(a, 1);
			await counts(b, 1);
			readers[0].drop();
			await counts(a, 0);
			assert.equal((await who(b)).count, 1);
			readers[1].drop();
		});
		it('a poller with a client stays for a while after its poll, then leaves', TIMEOUT, async () => {
			const channel = channelName();
			await poll(server.port, channel, { client: 'p', name: 'Poller' });
			const t = Date.now();
			const { members } = await who(channel);
			assert.deepEqual([members[0].client, members[0].name, members[0].transports], ['p', 'Poller', ['poll']]);
			await counts(channel, 0, bound(10));
			const took = Date.now() - t;
			assert.ok(took >= 1500, `it left after ${took} ms already`);
		});
		it('a poller that goes on polling stays', TIMEOUT, async () => {
			const channel = channelName();
			for (const end = Date.now() + 3500; Date.now() < end; await pause(200)) {
				await poll(server.port, channel, { client: 'p' });
				assert.equal((await who(channel)).count, 1);
			}
			await counts(channel, 0, bound(10));
		});
		it('a long poller with a client stays between two polls', TIMEOUT, async () => {
			const channel = channelName();
			const page = await poll(server.port, channel, { client: 'p', wait: 1 });
			assert.equal((await who(channel)).count, 1);
			await poll(server.port, channel, { client: 'p', wait: 1, since: page.next });
			assert.equal((await who(channel)).count, 1);
			await counts(channel, 0, bound(10));
		});
		it('a poller without a client is not counted', TIMEOUT, async () => {
			const channel = channelName();
			await poll(server.port, channel);
			assert.equal((await who(channel)).count, 0);
		});
		it('a long poll without a client counts only while it waits', TIMEOUT, async () => {
			const channel = channelName();
			const page = poll(server.port, channel, { wait: 1 });
			const { members } = await counts(channel, 1);
			assert.deepEqual(members[0].transports, ['longpoll']);
			await page;
			await counts(channel, 0, 1000);
		});
		it('DELETE ?presence&client=ID lets a poller leave at once', TIMEOUT, async () => {
			const channel = channelName();
			await poll(server.port, channel, { client: 'p' });
			await poll(server.port, channel, { client: 'q' });
			assert.equal((await who(channel)).count, 2);
			const answer = await fetchRaw(server.port, target(channel, { presence: true, client: 'p' }), { method: 'DELETE' });
			assert.ok([200, 204].includes(answer.status), `status ${answer.status}`);
			assert.deepEqual((await who(channel)).members.map((m) => m.client), ['q']);
		});
		it('DELETE ?presence does not drop the history', TIMEOUT, async () => {
			const channel = channelName();
			await fetchRaw(server.port, target(channel), { method: 'POST', body: 'kept' });
			await fetchRaw(server.port, target(channel, { presence: true, client: 'p' }), { method: 'DELETE' });
			assert.equal((await poll(server.port, channel)).messages.length, 1);
		});
		it('count is right and members at most 1,000', TIMEOUT, async () => {
			const channel = channelName();
			const agent = agentOn(server.port, { keepAlive: true, maxSockets: 4 });
			await Promise.all(Array.from({ length: 1050 }, (_, i) => poll(server.port, channel, { client: `c${i}` }, { agent })));
			const now = await who(channel);
			agent.destroy();
			assert.ok(now.count > 1000 && now.count <= 1050, `count ${now.count}`);
			assert.equal(now.members.length, 1000);
			assert.equal(new Set(now.members.map((m) => m.client)).size, 1000);
		});
		it('two hundred come and go, and none is left over', TIMEOUT, async () => {
			const channel = channelName();
			for (let round = 0; round < 4; round++) {
				const readers = await Promise.all(Array.from({ length: 50 }, (_, i) => openReader({ transport: STREAMS[i % 4], port: server.port, channel, client: `r${round}-${i}` })));
				await counts(channel, 50);
				readers.forEach((reader, i) => (i % 2 ? reader.drop() : reader.close()));
				await counts(channel, 0);
			}
		});
		it('a refused reader is not present', TIMEOUT, async () => {
			const channel = channelName();
			for (const transport of STREAMS) {
				await assert.rejects(openReader({ transport, port: server.port, channel, since: 'bad', client: 'x' }));
			}
			assertError(await ask(server.port, request('GET', target(channel, { since: 'bad', client: 'x' }))), 400);
			assert.equal((await who(channel)).count, 0);
		});
	});
}

describe('presence.poll_linger: 0', () => {
	const server = useServer({ config: { presence: { poll_linger: 0 } } });
	it('a poller is gone when its poll has ended', TIMEOUT, async () => {
		const channel = channelName();
		await poll(server.port, channel, { client: 'p' });
		await until(async () => (await presence(server.port, channel)).count === 0, 1000, 'the poller to be gone');
	});
});
