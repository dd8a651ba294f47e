// A client of a channel (docs/channel.md): payloads and ids, exactly once and in order while its connection is cut again and
// again, and what it is told when messages are lost.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Proxy } from '../lib/proxy.js';
import { TEXT, bytes, frame } from '../lib/rawws.js';
import { publish } from '../lib/readers.js';
import { Server, channelName, useServer } from '../lib/server.js';
import { bound, pause, random, until } from '../lib/time.js';
import { useDriver } from '../lib/wsclient.js';
import { withPeer } from '../lib/wspeer.js';

const TIMEOUT = { timeout: bound(60) };
const fast = { channel: 1, reconnect: 1, reconnect_min_ms: 10, reconnect_max_ms: 50, quiet: 1 };
const object = (value) => frame(TEXT, JSON.stringify(value), { mask: null });

describe('a client of a channel', { concurrency: 4 }, () => {
	const server = useServer();
	const driver = useDriver();
	const url = (name, query = '') => `ws://127.0.0.1:${server.port}/c/${encodeURIComponent(name)}${query}`;

	const payloads = [
		['text', 'hello', undefined], ['text', '', undefined], ['text', 'é漢😀 "\\\n\t\u2028</script>', 'text/plain'], ['binary', Buffer.from([0, 1, 255, 254]), 'application/octet-stream'],
		['binary', Buffer.alloc(0), 'application/octet-stream'], ['json', '{"a":[1,2,{"b":null}]}', 'application/json'], ['json', '"a string"', 'application/json'],
		['json', '[]', 'application/vnd.x+json'], ['text', '{"event":"lost"}', undefined], ['json', '{"event":"open","next":"x"}', 'application/json'],
		['text', 'x'.repeat(200000), undefined], ['binary', random(7).bytes(150000), 'application/octet-stream'],
	];
	for (const [kind, data, type] of payloads) {
		it(`${kind} of ${bytes(data).length} bytes, ${type ?? 'no type'}, comes as it was published`, TIMEOUT, async () => {
			const name = channelName('client é/');
			const client = driver.open({ url: url(name), channel: 1 });
			await client.expect('open');
			const id = await publish(server.port, encodeURIComponent(name), data, type ?? null);
			const message = await client.expectMessage(kind, data);
			assert.equal(message.channel, name);
			assert.match(message.id, /^[0-9a-z]+-1$/);
			assert.equal(message.id, id);
			await client.close(1000);
			await client.expectClose(1000);
		});
	}
	it('what it sends is published, and comes back with its id', TIMEOUT, async () => {
		const name = channelName();
		const client = driver.open({ url: url(name), channel: 1, quiet: 1 });
		await client.expect('open');
		for (let i = 1; i <= 20; i++) {
			await client.send('text', `message ${i}`);
			assert.match((await client.expectMessage('text', `message ${i}`)).id, new RegExp(`-${i}$`));
		}
		await client.close(1000);
		await client.expectClose(1000);
	});
	for (const how of ['since', 'query', 'history']) {
		it(`it begins where it is told (${how})`, TIMEOUT, async () => {
			const name = channelName();
			const first = driver.open({ url: url(name), channel: 1, quiet: 1 });
			await first.expect('open');
			const ids = [];
			for (let i = 0; i < 5; i++) {
				await first.send('text', `${i}`);
				ids.push((await first.expectMessage('text', `${i}`)).id);
			}
			const options = {
				since: { url: url(name), since: ids[1] }, query: { url: url(name, `?since=${ids[1]}`) }, history: { url: url(name, '?history=3') },
			}[how];
			const second = driver.open({ channel: 1, ...options });
			await second.expect('open');
			for (const i of [2, 3, 4]) {
				assert.equal((await second.expectMessage('text', `${i}`)).id, ids[i]);
			}
		});
	}
	for (const seed of [1, 2, 3]) {
		it(`each message once and in order while it is cut ${seed}`, TIMEOUT, async () => {
			const r = random(seed);
			const name = channelName('cut');
			const proxy = await Proxy.start(() => server.port);
			try {
				const client = driver.open({ ...fast, url: `ws://${proxy.host}/c/${name}` });
				await client.expect('open');
				const TOTAL = 1500;
				let sent = 0;
				let cuts = 0;
				const publishing = (async () => {
					while (sent < TOTAL) {
						await publish(server.port, name, `${sent++}`);
						if (r.below(60) === 0) {
							cuts++;
							proxy.refuse = r.below(3) === 0;
							proxy.cut();
							await pause(r.below(20));
							proxy.refuse = false;
						}
					}
				})();
				for (let i = 0; i < TOTAL; i++) {
					const message = await client.expect('message', { skip: ['close', 'open', 'error', 'result'], ms: bound(20) });
					assert.equal(message.data.toString(), `${i}`);
					assert.ok(message.id.endsWith(`-${i + 1}`));
				}
				await publishing;
				assert.ok(cuts > 5 && client.all.filter((e) => e.type === 'open').length > 3, `${cuts} cuts`);
				assert.ok(!client.all.some((e) => e.type === 'error' && /lost/.test(e.words)));
			} finally {
				proxy.stop();
			}
		});
	}
	it('a cut before the first message: nothing is missing', TIMEOUT, async () => {
		const name = channelName('early');
		const proxy = await Proxy.start(() => server.port);
		try {
			const client = driver.open({ ...fast, url: `ws://${proxy.host}/c/${name}`, watch: 1 });
			await client.expect('open', { skip: ['frame'] });
			await client.expect('frame'); /* {"event":"open"}: from here on it knows where it is */
			proxy.refuse = true;
			proxy.cut();
			await client.expect('close', { skip: ['error', 'frame'] });
			await publish(server.port, name, 'while it was away');
			proxy.refuse = false;
			const message = await client.expect('message', { skip: ['frame', 'open', 'close', 'error'] });
			assert.equal(message.data.toString(), 'while it was away');
		} finally {
			proxy.stop();
		}
	});
	it('the server restarts: what is lost is told, and it goes on', TIMEOUT, async () => {
		let other = await Server.start();
		const proxy = await Proxy.start(() => other.port);
		const client = driver.open({ ...fast, url: `ws://${proxy.host}/c/x` });
		try {
			await client.expect('open');
			await publish(other.port, 'x', 'before');
			await client.expectMessage('text', 'before');
			await other.stop();
			other = await Server.start();
			await publish(other.port, 'x', 'after');
			let event = await client.expect('error', { skip: ['close', 'open'] });
			while (!/messages were lost/.test(event.words ?? '')) {
				event = await client.events.next(bound(10));
			}
			assert.equal(event.error, -8);
			assert.equal((await client.expect('message', { skip: ['open', 'close', 'error'] })).data.toString(), 'after');
		} finally {
			await client.close(1000);
			proxy.stop();
			await other.stop();
		}
	});
});

describe('a client of a channel, against a server that is scripted', { concurrency: 4 }, () => {
	const driver = useDriver();
	const scripted = (name, options, run) =>
		it(name, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ ...fast, url: `${server.url}/c/n`, no_compression: 1, ...options });
				const peer = await server.peer();
				const head = await peer.accept();
				await client.expect('open');
				await run({ client, peer, server, head });
				await client.close(1000);
			}));

	scripted('what it asks for', {}, ({ head }) => assert.equal(head.target, '/c/n?format=json'));
	scripted('with `since`', { since: 'abc-7' }, ({ head }) => assert.equal(head.target, '/c/n?format=json&since=abc-7'));
	it('parameters of the URL are kept but for those that are its own', TIMEOUT, () =>
		withPeer(async (server) => {
			driver.open({ ...fast, url: `${server.url}/c/n?echo=0&format=payload&history=5&client=a&since=a-1`, since: 'abc-7' });
			assert.equal((await (await server.peer()).request()).target, '/c/n?format=json&since=abc-7&echo=0&client=a');
		}));
	scripted('a message that was handed out already is dropped', {}, async ({ client, peer }) => {
		for (const id of ['e-1', 'e-2', 'e-1', 'e-2', 'e-3']) {
			peer.send(object({ id, data: id }));
		}
		for (const id of ['e-1', 'e-2', 'e-3']) {
			assert.equal((await client.expectMessage('text', id)).id, id);
		}
		peer.send(object({ id: 'f-1', data: 'another epoch' }));
		await client.expectMessage('text', 'another epoch');
	});
	scripted('after a cut it asks for what follows the last one', {}, async ({ client, peer, server }) => {
		peer.send(object({ id: 'e-41', data: 'a' }));
		await client.expectMessage('text', 'a');
		peer.destroy();
		const next = await server.peer();
		assert.equal((await next.accept()).target, '/c/n?format=json&since=e-41');
		next.send(object({ id: 'e-41', data: 'a' }), object({ id: 'e-42', data: 'b' }));
		assert.equal((await client.expect('message', { skip: ['error', 'close', 'open'] })).id, 'e-42');
	});
	scripted('it knows where it is before the first message', {}, async ({ client, peer, server }) => {
		peer.send(object({ event: 'open', next: 'e-7' }));
		peer.socket.end();
		await client.expect('close', { skip: ['error'] });
		assert.equal((await (await server.peer()).accept()).target, '/c/n?format=json&since=e-7');
		await client.expect('open');
	});
	scripted('`lost` moves it on', {}, async ({ client, peer, server }) => {
		peer.send(object({ id: 'e-1', data: 'a' }), object({ event: 'lost', notice: 'gone é', since: 'e-1', next: 'e-10' }));
		await client.expectMessage('text', 'a');
		const lost = await client.expect('error');
		assert.deepEqual([lost.error, lost.words], [-8, 'messages were lost: gone é']);
		peer.destroy();
		assert.equal((await (await server.peer()).accept()).target, '/c/n?format=json&since=e-10');
		await client.expect('open', { skip: ['close', 'error'] });
	});
	const wrong = [
		['no JSON', frame(TEXT, 'hello', { mask: null })], ['no object', frame(TEXT, '[1]', { mask: null })], ['no id', object({ data: 'x' })], ['no data', object({ id: 'e-1' })],
		['an id that is none', object({ id: 'x', data: 'x' })], ['an id that is too long', object({ id: `${'e'.repeat(60)}-1`, data: 'x' })],
		['an id that is a number', object({ id: 7, data: 'x' })], ['base64 that is none', object({ id: 'e-1', data: '%', encoding: 'base64' })],
		['a binary message', frame(2, '{}', { mask: null })],
	];
	for (const [name, sent] of wrong) {
		it(`${name} is no message of a channel`, TIMEOUT, () =>
			withPeer(async (server) => {
				const client = driver.open({ ...fast, url: `${server.url}/c/n` });
				const peer = await server.peer();
				await peer.accept();
				await client.expect('open');
				peer.send(sent);
				await client.expectFailure(/no message of a channel/, 1003);
				await peer.expectClose(1003);
			}));
	}
	scripted('JSON escapes', {}, async ({ client, peer }) => {
		peer.send(frame(TEXT, '{ "id" : "e-1" , "data" : "\\u0041\\u00e9\\u6f22\\ud83d\\ude00\\ud800x\\"\\\\\\/\\b\\f\\n\\r\\t" }', { mask: null }));
		await client.expectMessage('text', 'Aé漢😀\ufffdx"\\/\b\f\n\r\t');
	});
	scripted('members in any order, and some that nobody knows', {}, async ({ client, peer }) => {
		peer.send(frame(TEXT, '{"x":{"id":"z-1","a":[1,"}"]},"data":{"a": [1, 2]},"id":"e-1","y":"}{"}', { mask: null }));
		await client.expectMessage('json', '{"a": [1, 2]}');
	});
	scripted('max_message counts the payload', { max_message: 1000 }, async ({ client, peer }) => {
		peer.send(object({ id: 'e-1', data: '\n'.repeat(1000) }));
		await client.expectMessage('text', '\n'.repeat(1000));
		peer.send(object({ id: 'e-2', data: 'a'.repeat(1001) }));
		assert.equal((await client.expect('close', { skip: ['error'] })).code, 1009);
	});
});
