// Compression within limits: bombs, the longest messages, the memory of windows, what is too small, and one compression for all.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { DeflateWs, RSV1, deflate, fragments, prose } from '../lib/deflate.js';
import { BINARY, RawWs, TEXT, bytes, frame, more, text } from '../lib/rawws.js';
import { fetchRaw, publish } from '../lib/readers.js';
import { Server, channelName, program, useServer } from '../lib/server.js';
import { bound, until } from '../lib/time.js';
import { TIMEOUT } from '../lib/wscases.js';

const P = 'permessage-deflate';
const NO = '; server_no_context_takeover; client_no_context_takeover';
const MIB = 1 << 20;
const LIMIT = 16 * MIB; // of /echo, compressed or not

const rss = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

/** The samples of the metrics, all workers together, as { 'name value': number }, value that of their label. */
async function metrics(server) {
	const sums = {};
	for (const [, name, value, n] of (await fetchRaw(server.port, '/metrics')).text.matchAll(/^crosstalk_(\w+)\{worker="\d+"(?:,\w+="(\w+)")?\} (\d+)$/gm)) {
		const key = value ? `${name} ${value}` : name;
		sums[key] = (sums[key] ?? 0) + Number(n);
	}
	return sums;
}

/** So many bytes of one kind, compressed as far as deflate can, without having them. */
function bomb(size, filler = 0) {
	const piece = deflate(Buffer.alloc(16 * MIB, filler), { level: 9 });
	/* A block of 16 MiB after another: each ends in the empty stored block, whose last four octets were cut. */
	const joint = Buffer.from([0, 0, 0xff, 0xff]);
	return Buffer.concat(Array.from({ length: size / (16 * MIB) }, (_, i) => (i === 0 ? piece : Buffer.concat([joint, piece]))));
}

describe('decompression bombs', () => {
	const server = useServer();
	const gibibyte = bomb(1024 * MIB);
	const SENT = {
		'in one frame': [],
		'in two': [100],
		'in many': Array(200).fill(1000),
		'of which the first is larger than the limit': [500000],
	};
	it('the bomb is one: 1 GiB in about 1 MiB', () => assert.ok(gibibyte.length < 1.2 * MIB, `${gibibyte.length}`));
	for (const offer of [P, P + NO]) {
		for (const [name, parts] of Object.entries(SENT)) {
			it(`1 GiB of zeros ${name} is 1009, and not in memory: ${offer}`, TIMEOUT, async () => {
				const before = rss(server);
				const peer = await DeflateWs.open(server.port, { offer });
				peer.ws.send(fragments(BINARY, gibibyte, parts));
				await peer.ws.expectClose(1009, { reason: /./ });
				assert.ok(rss(server) - before < 4 * LIMIT, `${before} -> ${rss(server)}`);
				peer.destroy();
			});
		}
	}
	it('20 of them at the same time', TIMEOUT, async () => {
		const before = rss(server);
		await Promise.all(Array.from({ length: 20 }, async () => {
			const peer = await DeflateWs.open(server.port);
			peer.ws.send(fragments(BINARY, gibibyte));
			await peer.ws.expectClose(1009);
			peer.destroy();
		}));
		assert.ok(rss(server) - before < 4 * LIMIT, `${before} -> ${rss(server)}`);
	});
	it('on a channel its own limit counts', TIMEOUT, async () => {
		const peer = await DeflateWs.open(server.port, { path: `/c/${channelName()}` });
		peer.ws.send(fragments(TEXT, bomb(16 * MIB, 'x')));
		await peer.ws.expectClose(1009);
		peer.destroy();
	});
});

describe('the longest messages', { concurrency: 2 }, () => {
	const server = useServer({ config: { limits: { echo: 100000, message: 50000 } } });
	const accepted = (name, size, make) =>
		it(`${name}: ${size} bytes are accepted`, TIMEOUT, async () => {
			const peer = await DeflateWs.open(server.port);
			peer.ws.send(make(size));
			const event = await peer.next();
			assert.equal(event.data.length, size);
			await peer.bye();
		});
	const refused = (name, size, make) =>
		it(`${name}: ${size} bytes are 1009`, TIMEOUT, async () => {
			const peer = await DeflateWs.open(server.port);
			peer.ws.send(make(size));
			await peer.ws.expectClose(1009);
			peer.destroy();
		});
	const KINDS = {
		'compressed': (n) => fragments(TEXT, deflate(prose(n))),
		'compressed, in pieces': (n) => fragments(TEXT, deflate(prose(n)), [1, 1000, 0]),
		'compressed, zeros': (n) => fragments(BINARY, deflate(Buffer.alloc(n))),
		'what can\'t be compressed': (n) => fragments(BINARY, deflate(randomBytes(n))),
		'what can\'t be compressed, with fixed codes': (n) => fragments(BINARY, deflate(Buffer.alloc(n, 0).map(() => 144 + Math.random() * 112), { strategy: zlib.constants.Z_FIXED })),
		'not compressed': (n) => frame(BINARY, randomBytes(n)),
		'not compressed, in pieces': (n) => Buffer.concat([frame(BINARY, Buffer.alloc(1), { fin: false }), more(Buffer.alloc(n - 1))]),
	};
	for (const [name, make] of Object.entries(KINDS)) {
		accepted(name, 100000, make);
		refused(name, 100001, make);
	}
	refused('compressed to more than any message needs', 112600, (n) => frame(BINARY, Buffer.alloc(n), { rsv: RSV1 }));
});

describe('the memory of windows', () => {
	const echo = (peer, data) => {
		peer.ws.send(peer.agreed ? peer.message('text', data) : text(data));
		return peer.expect('text', data);
	};
	it('past its ceiling new connections get no compression, and all goes on', TIMEOUT, async () => {
		const server = await Server.start({ workers: 1, config: { compression: { memory: '1MiB' } } });
		const peers = [];
		try {
			for (let i = 0; i < 40; i++) {
				peers.push(await DeflateWs.open(server.port));
				await echo(peers[i], prose(2000));
			}
			const with_ = peers.filter((peer) => peer.agreed).length;
			assert.ok(with_ >= 10 && with_ <= 26, `${with_} of 40`);
			assert.ok(peers.slice(0, with_).every((peer) => peer.agreed), 'the first have it');
			const full = await metrics(server);
			assert.equal(full.compressed_connections, with_);
			assert.ok(full.compression_memory_bytes <= MIB && full.compression_memory_bytes > MIB / 2);
			/* A channel's windows are not kept, but new connections are new connections. */
			const reader = await DeflateWs.open(server.port, { path: `/c/${channelName()}` });
			assert.equal(reader.agreed, null);
			for (const peer of peers) {
				await echo(peer, prose(3000));
				await echo(peer, prose(3000));
			}
			peers.splice(0, 20).forEach((peer) => peer.destroy());
			await until(async () => (await metrics(server)).compressed_connections === with_ - Math.min(20, with_), bound(8), 'the windows to go');
			const again = await DeflateWs.open(server.port);
			assert.ok(again.agreed, 'there is room again');
			again.destroy();
			reader.destroy();
		} finally {
			peers.forEach((peer) => peer.destroy());
			await server.stop();
		}
	});
	it('without takeover nothing is held, whatever came in pieces', TIMEOUT, async () => {
		const server = await Server.start({ workers: 1, config: { compression: { memory: '1MiB' } } });
		const peers = [];
		try {
			for (let i = 0; i < 100; i++) {
				const peer = await DeflateWs.open(server.port, { offer: P + NO });
				assert.ok(peer.agreed);
				peers.push(peer);
				peer.ws.send(frame(TEXT, deflate(prose(2000)).subarray(0, 50), { rsv: RSV1, fin: false }));
			}
			assert.equal((await metrics(server)).compression_memory_bytes, 0);
			for (const peer of peers) {
				peer.ws.send(more(deflate(prose(2000)).subarray(50)));
				await peer.expect('text', prose(2000));
			}
		} finally {
			peers.forEach((peer) => peer.destroy());
			await server.stop();
		}
	});
	const skip = /[at]san\b/.test(program()) ? 'a sanitizer has its own idea of memory' : false;
	it('with 1,000 idle connections without takeover each costs no more than 1 KiB', { ...TIMEOUT, skip }, async () => {
		const cost = async (offer) => {
			const server = await Server.start({ workers: 1 });
			const peers = [];
			const open = async () => {
				const peer = offer ? await DeflateWs.open(server.port, { offer }) : { ws: await RawWs.open(server.port) };
				peer.ws.send(offer ? fragments(TEXT, deflate(prose(500))) : text(prose(500)));
				await peer.ws.message();
				peers.push(peer.ws);
			};
			for (let i = 0; i < 50; i++) {
				await open();
			}
			const before = rss(server);
			for (let i = 0; i < 1000; i += 20) {
				await Promise.all(Array.from({ length: 20 }, open));
			}
			const each = (rss(server) - before) / 1000;
			peers.forEach((ws) => ws.destroy());
			await server.stop();
			return each;
		};
		const without = await cost(null);
		const with_ = await cost(P + NO);
		assert.ok(with_ - without < 1024, `${without} bytes without, ${with_} with`);
	});
});

describe('the configuration of compression', { concurrency: 2 }, () => {
	const configured = (name, compression, test) =>
		it(name, TIMEOUT, async () => {
			const server = await Server.start({ config: { compression } });
			try {
				await test(server);
			} finally {
				await server.stop();
			}
		});
	configured('level 0: no compression is agreed on', { level: 0 }, async (server) => {
		for (const path of ['/echo', `/c/${channelName()}`]) {
			const peer = await DeflateWs.open(server.port, { path });
			assert.equal(peer.agreed, null);
			peer.ws.send(frame(TEXT, 'x', { rsv: RSV1 }));
			await peer.ws.expectClose(1002);
		}
	});
	configured('memory 0: the same', { memory: 0 }, async (server) => {
		const peer = await DeflateWs.open(server.port);
		assert.equal(peer.agreed, null);
		await peer.bye();
	});
	configured('a higher level makes it smaller', { level: 9, threshold: 0 }, async (server) => {
		const peer = await DeflateWs.open(server.port, { offer: P + NO });
		const best = await peer.echo('text', prose(20000));
		assert.ok(best.length < deflate(prose(20000), { level: 2 }).length);
		await peer.bye();
	});
	for (const threshold of [0, 1, 300]) {
		configured(`threshold ${threshold}`, { threshold }, async (server) => {
			const peer = await DeflateWs.open(server.port);
			for (const n of [0, 1, 60, 299, 300, 301]) {
				const packed = await peer.echo('text', 'x'.repeat(n));
				assert.equal(packed !== undefined, n >= threshold && n >= 8, `${n}`);
			}
			await peer.bye();
		});
	}
});

describe('a channel: compressed once, read by all', () => {
	const server = useServer({ workers: 1 });
	const idle = () => until(async () => {
		const now = await metrics(server);
		return now.compressed_connections === 0 && now['connections websocket'] === 0 && now.compression_memory_bytes === 0;
	}, bound(8), 'the counts to be 0');
	const OFFERS = {
		'plain': null,
		'all windows': P,
		'no takeover': P + NO,
		'2^8': `${P}; server_max_window_bits=8`,
		'2^9': `${P}; server_max_window_bits=9`,
		'2^10': `${P}; server_max_window_bits=10`,
		'2^11': `${P}; server_max_window_bits=11`,
		'2^12': `${P}; server_max_window_bits=12`,
		'2^13': `${P}; server_max_window_bits=13`,
		'2^14': `${P}; server_max_window_bits=14; client_max_window_bits=9`,
		'2^15': `${P}; server_max_window_bits=15; client_no_context_takeover`,
	};
	const readers = async (channel, query = '') => Promise.all(Object.entries(OFFERS).map(async ([name, offer]) => {
		const peer = await DeflateWs.open(server.port, { path: `/c/${channel}${query}`, offer: offer ?? 'x-none' });
		assert.equal(peer.agreed !== null, offer !== null);
		return { name, peer };
	}));
	const MESSAGES = [prose(100000), 'short', prose(500), prose(500), 'x'.repeat(40000), '', '漢字'.repeat(900), prose(127), prose(128), prose(3000)];
	for (const query of ['', '?format=json', '?echo=0']) {
		it(`every reader gets every message${query}`, TIMEOUT, async () => {
			const channel = channelName();
			const all = await readers(channel, query);
			for (const data of MESSAGES) {
				await publish(server.port, channel, data);
			}
			for (const { name, peer } of all) {
				if (query === '?format=json') {
					assert.equal(JSON.parse((await peer.next()).data).event, 'open');
				}
				for (const data of MESSAGES) {
					const event = await peer.next(name);
					const found = query === '?format=json' ? JSON.parse(event.data).data : event.data.toString();
					assert.equal(found, data, `${name}: ${found.slice(0, 30)}`);
					assert.equal(event.packed !== undefined, peer.agreed !== null && bytes(data).length >= 128 || (query === '?format=json' && event.packed !== undefined), name);
				}
			}
			all.forEach(({ peer }) => peer.destroy());
		});
	}
	it('one publishes compressed, the others read, each as it can', TIMEOUT, async () => {
		const channel = channelName();
		const all = await readers(channel);
		for (const { peer } of all) {
			const data = prose(2000, all.length);
			peer.ws.send(peer.agreed ? peer.message('text', data) : text(data));
			for (const { peer: reader } of all) {
				await reader.expect('text', data);
			}
		}
		all.forEach(({ peer }) => peer.destroy());
	});
	it('history is compressed too', TIMEOUT, async () => {
		const channel = channelName();
		for (const data of MESSAGES) {
			await publish(server.port, channel, data);
		}
		for (const { peer } of await readers(channel, '?history=100')) {
			for (const data of MESSAGES) {
				await peer.expect('text', data);
			}
			peer.destroy();
		}
	});
	it('200 readers of one kind cost one compression for each message, of four kinds four', TIMEOUT, async () => {
		const channel = channelName();
		const peers = await Promise.all(Array.from({ length: 200 }, (_, i) =>
			DeflateWs.open(server.port, { path: `/c/${channel}`, offer: `${P}; server_max_window_bits=${[8, 9, 12, 15][i % 4]}` })));
		const before = await metrics(server);
		for (let i = 0; i < 10; i++) {
			await publish(server.port, channel, prose(1000, i));
			for (const peer of peers) {
				await peer.expect('text', prose(1000, i));
			}
		}
		const after = await metrics(server);
		const grown = (name) => after[name] - before[name];
		assert.equal(grown('compressed_messages_total out'), 40);
		assert.equal(grown('compression_plain_bytes_total out'), 40000);
		assert.ok(grown('compression_packed_bytes_total out') < 40000);
		peers.forEach((peer) => peer.destroy());
	});
	it('metrics: all WebSockets are one transport; how many compress, and what came in', TIMEOUT, async () => {
		const peers = [];
		await idle();
		const before = await metrics(server);
		for (const offer of [P, P + NO, 'x-none']) {
			peers.push(await DeflateWs.open(server.port, { offer }));
		}
		await peers[0].echo('text', prose(1000));
		const now = await metrics(server);
		const found = Object.fromEntries(Object.entries(now).map(([name, n]) => [name, n - before[name]]));
		assert.equal(found['connections websocket'], 3);
		assert.equal(found.compressed_connections, 2);
		assert.equal(found['compressed_messages_total in'], 1);
		assert.equal(found['compression_plain_bytes_total in'], 1000);
		assert.equal(found['compression_packed_bytes_total in'], deflate(prose(1000)).length);
		peers.forEach((peer) => peer.destroy());
		await idle();
	});
});
