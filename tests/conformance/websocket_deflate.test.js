// RFC 7692, sections 6 and 7.2: compressed messages as they are sent and received, and what is not valid among them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { DeflateWs, RSV1, deflate, fragments, inflate, prose } from '../lib/deflate.js';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, binary, bytes, closePayload, frame, more, ping, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { TIMEOUT } from '../lib/wscases.js';

const P = 'permessage-deflate';
const NO = '; server_no_context_takeover; client_no_context_takeover';

/** One test with a WebSocket on /echo that compresses. */
function withPeer(server, name, options, test) {
	it(name, TIMEOUT, async () => {
		const peer = await DeflateWs.open(server.port, options);
		try {
			assert.ok(peer.agreed, 'compression was agreed on');
			await test(peer);
		} finally {
			peer.destroy();
		}
	});
}

describe('RFC 7692 7.2.3 the examples', { concurrency: 4 }, () => {
	const server = useServer();
	const hex = (s) => Buffer.from(s.replaceAll(' ', ''), 'hex');
	const example = (name, sent, expected) =>
		withPeer(server, name, {}, async (peer) => {
			peer.ws.send(sent);
			for (const data of [expected].flat()) {
				await peer.expect('text', data);
			}
			await peer.bye();
		});
	const one = (payload, options) => frame(TEXT, hex(payload), { rsv: RSV1, ...options });
	example('7.2.3.1: one block', one('f2 48 cd c9 c9 07 00'), 'Hello');
	example('7.2.3.1: in two frames', [one('f2 48 cd', { fin: false }), more(hex('c9 c9 07 00'))].reduce((a, b) => Buffer.concat([a, b])), 'Hello');
	example('7.2.3.2: the window is kept', Buffer.concat([one('f2 48 cd c9 c9 07 00'), one('f2 00 11 00 00')]), ['Hello', 'Hello']);
	example('7.2.3.3: a block without compression', one('00 05 00 fa ff 48 65 6c 6c 6f 00'), 'Hello');
	example('7.2.3.4: BFINAL', one('f3 48 cd c9 c9 07 00 00'), 'Hello');
	example('7.2.3.4: BFINAL, and nothing behind', one('f3 48 cd c9 c9 07 00'), 'Hello');
	example('7.2.3.5: two blocks', one('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), 'Hello');
	example('7.2.3.6: an empty message', one('00'), '');
	example('7.2.3.6: an empty message with a block of codes', one('02 00'), '');
	example('7.2.1: an uncompressed message between', Buffer.concat([one('f2 48 cd c9 c9 07 00'), text('plain'), one('f2 00 11 00 00')]),
		['Hello', 'plain', 'Hello']);
});

describe('RFC 7692 6 RSV1', { concurrency: 4 }, () => {
	const server = useServer();
	const packed = deflate('Hello');
	const CASES = [
		['6: on a continuation', [text('a', { fin: false }), more('b', { rsv: RSV1 })]],
		['6: on the continuation of a compressed message', [frame(TEXT, packed.subarray(0, 3), { rsv: RSV1, fin: false }), more(packed.subarray(3), { rsv: RSV1 })]],
		['6.1: on a ping', [frame(PING, '', { rsv: RSV1 })]],
		['6.1: on a pong', [frame(PONG, '', { rsv: RSV1 })]],
		['6.1: on a Close frame', [frame(CLOSE, closePayload(1000), { rsv: RSV1 })]],
		['6.1: on a ping within a compressed message', [frame(TEXT, packed.subarray(0, 3), { rsv: RSV1, fin: false }), frame(PING, '', { rsv: RSV1 })]],
		['RFC 6455 5.2: RSV2 on a compressed message', [frame(TEXT, packed, { rsv: 6 })]],
		['RFC 6455 5.2: RSV3 on a compressed message', [frame(TEXT, packed, { rsv: 5 })]],
		['RFC 6455 5.2: RSV2 alone', [frame(BINARY, packed, { rsv: 2 })]],
		['RFC 6455 5.2: RSV3 alone', [frame(BINARY, packed, { rsv: 1 })]],
		['RFC 6455 5.4: a compressed message within another', [frame(TEXT, packed, { rsv: RSV1, fin: false }), frame(TEXT, packed, { rsv: RSV1 })]],
		['RFC 6455 5.4: a continuation of nothing', [frame(CONTINUATION, packed, { rsv: RSV1 })]],
		['RFC 6455 5.1: not masked', [frame(TEXT, packed, { rsv: RSV1, mask: null })]],
		['RFC 6455 5.2: an unknown opcode', [frame(3, packed, { rsv: RSV1 })]],
	];
	for (const offer of [P, P + NO]) {
		for (const [name, frames] of CASES) {
			withPeer(server, `${name}${offer === P ? '' : ', without takeover'}`, { offer }, async (peer) => {
				await peer.echo('text', 'before');
				peer.ws.send(Buffer.concat([...frames, text('too late')]));
				await peer.ws.expectClose(1002, { reason: /./ });
			});
		}
	}
});

describe('RFC 7692 7.1.2 windows of every size', { concurrency: 4 }, () => {
	const server = useServer();
	const far = randomBytes(40000);
	/* What repeats at a distance of every size of a window, a little less and a little more. */
	const distances = Buffer.concat([256, 512, 1024, 2048, 4096, 8192, 16384, 32768].flatMap((d) =>
		[-262, -261, -1, 0, 1].flatMap((by) => [far.subarray(0, Math.max(d + by, 40)), far.subarray(0, 40)])));
	for (let bits = 8; bits <= 15; bits++) {
		for (const no of ['', NO]) {
			const kept = no ? 'without takeover' : 'with takeover';
			withPeer(server, `7.1.2.1: the server's of 2^${bits}, ${kept}`, { offer: `${P}; server_max_window_bits=${bits}${no}` }, async (peer) => {
				assert.equal(peer.agreed.serverBits, bits);
				for (const data of [prose(100000), 'x'.repeat(5000), distances, prose(1000), prose(1000)]) {
					const payload = await peer.echo('binary', data);
					assert.ok(payload || bits === 8 || data === distances, 'compressed');
				}
				await peer.bye();
			});
			withPeer(server, `7.1.2.2: the client's of 2^${bits}, ${kept}`, { offer: `${P}; client_max_window_bits=${bits}${no}` }, async (peer) => {
				assert.equal(peer.agreed.clientBits, bits);
				for (const data of [prose(100000), 'x'.repeat(5000), distances, prose(1000), prose(1000)]) {
					await peer.echo('binary', data, { level: 9 });
				}
				await peer.bye();
			});
		}
	}
});

describe('RFC 7692 7.1.1 windows that are kept, or not', { concurrency: 4 }, () => {
	const server = useServer();
	const sizes = async (peer) => {
		const found = [];
		for (let i = 0; i < 4; i++) {
			found.push((await peer.echo('text', prose(1000))).length);
		}
		return found;
	};
	withPeer(server, '7.1.1.1: the server keeps its own: what comes again is short', { offer: P }, async (peer) => {
		const [first, ...later] = await sizes(peer);
		for (const n of later) {
			assert.ok(n < first / 4, `${n} bytes after ${first}`);
		}
	});
	withPeer(server, '7.1.1.1: server_no_context_takeover: each as long as the first', { offer: `${P}; server_no_context_takeover` }, async (peer) => {
		const found = await sizes(peer);
		assert.equal(new Set(found).size, 1, `${found}`);
	});
	withPeer(server, '7.1.1.2: after client_no_context_takeover a reference to the message before is not valid',
		{ offer: `${P}; client_no_context_takeover` }, async (peer) => {
			peer.ws.send(frame(TEXT, Buffer.from('f248cdc9c90700', 'hex'), { rsv: RSV1 }));
			await peer.expect('text', 'Hello');
			peer.ws.send(frame(TEXT, Buffer.from('f200110000', 'hex'), { rsv: RSV1 }));
			await peer.ws.expectClose(1007, { reason: /./ });
		});
	withPeer(server, '7.1.1.2: one that may keep its window need not', { offer: P }, async (peer) => {
		for (let i = 0; i < 3; i++) {
			peer.ws.send(fragments(TEXT, deflate(prose(500))));
			await peer.expect('text', prose(500));
		}
	});
	withPeer(server, '7.2.1: the window is that of compressed messages alone', { offer: P }, async (peer) => {
		await peer.echo('text', prose(600));
		for (const data of ['short', prose(50), '']) {
			peer.ws.send(text(data));
			await peer.expect('text', data);
		}
		await peer.echo('text', prose(600));
	});
	withPeer(server, '7.2.1: what does not get smaller is sent as it is, and what follows can be read', { offer: P }, async (peer) => {
		for (const data of [Buffer.from(prose(600)), randomBytes(3000), Buffer.from(prose(600)), randomBytes(200000), Buffer.from(prose(600)), randomBytes(128)]) {
			peer.send('binary', data);
			const payload = await peer.expect('binary', data);
			assert.equal(payload !== undefined, data.length === 600);
		}
	});
	withPeer(server, '7.2.3.4: after a final block the window is empty', { offer: P }, async (peer) => {
		for (const final of [true, false, true, true, false, false]) {
			await peer.echo('text', prose(900), { final });
		}
	});
});

describe('RFC 7692 7.2 messages of every size', { concurrency: 4 }, () => {
	const server = useServer();
	const SIZES = [0, 1, 2, 125, 126, 127, 128, 129, 1000, 4096, 65535, 65536, 65537, 1 << 20];
	for (const offer of [P, P + NO, `${P}; server_max_window_bits=9; client_max_window_bits=9`]) {
		for (const n of SIZES) {
			withPeer(server, `${n} bytes: ${offer}`, { offer }, async (peer) => {
				for (const data of [prose(n), 'x'.repeat(n), prose(n)]) {
					await peer.echo('text', data);
				}
				await peer.echo('binary', randomBytes(n));
				await peer.echo('binary', prose(n), { level: 0 });
				await peer.bye();
			});
		}
	}
	for (const [name, strategy] of [['fixed codes', zlib.constants.Z_FIXED], ['codes alone', zlib.constants.Z_HUFFMAN_ONLY], ['runs', zlib.constants.Z_RLE]]) {
		withPeer(server, `RFC 1951 3.2: blocks with ${name}`, {}, (peer) => peer.echo('text', prose(5000), { strategy }));
	}
	withPeer(server, 'UTF-8 of every length', {}, (peer) => peer.echo('text', 'aß漢😀'.repeat(3000)));
	withPeer(server, '500 messages at once', {}, async (peer) => {
		const all = Array.from({ length: 500 }, (_, i) => prose(i * 3, i));
		peer.ws.send(Buffer.concat(all.map((data) => peer.message('text', data))));
		for (const data of all) {
			await peer.expect('text', data);
		}
	});
});

describe('RFC 7692 6.1 fragmented messages', { concurrency: 4 }, () => {
	const server = useServer();
	const control = [ping('now'), frame(PONG, 'unasked')];
	const SPLITS = {
		'in two': [20],
		'each byte alone': Array(60).fill(1),
		'with empty frames': [0, 0, 10, 0, 0, 30, 0],
		'with an empty end': [1 << 20],
		'all in the second': [0],
	};
	for (const offer of [P, P + NO]) {
		for (const [name, parts] of Object.entries(SPLITS)) {
			for (const between of [[], control]) {
				const label = `${name}${between.length ? ', control frames between' : ''}: ${offer}`;
				withPeer(server, label, { offer }, async (peer) => {
					for (let i = 0; i < 3; i++) {
						peer.send('text', prose(400), { parts, between });
						for (let k = 0; k < parts.length && between.length; k++) {
							const event = await peer.ws.next('a pong');
							assert.equal(event.type, 'pong');
						}
						await peer.expect('text', prose(400));
					}
				});
				withPeer(server, `byte by byte on the wire, ${label}`, { offer }, async (peer) => {
					await peer.ws.sendSlowly(peer.message('binary', prose(300), { parts }));
					await peer.expect('binary', prose(300));
				});
			}
		}
	}
	withPeer(server, '5.5: a Close frame within a compressed message', {}, async (peer) => {
		const [payload] = [deflate(prose(400))];
		peer.ws.send(Buffer.concat([frame(TEXT, payload.subarray(0, 9), { rsv: RSV1, fin: false }), frame(CLOSE, closePayload(1000))]));
		await peer.ws.expectClose(1000);
	});
	withPeer(server, 'a connection that ends within a compressed message', {}, async (peer) => {
		peer.ws.send(frame(TEXT, deflate(prose(400)).subarray(0, 9), { rsv: RSV1, fin: false }));
		peer.destroy();
		const next = await DeflateWs.open(server.port);
		await next.echo('text', prose(400));
		next.destroy();
	});
});

describe('RFC 7692 7.2.2 data that is not valid', { concurrency: 4 }, () => {
	const server = useServer();
	const good = deflate(prose(500));
	const CASES = {
		'no octet at all': '',
		'a block of type 3': Buffer.from([0x06]),
		'a stored block with lengths that differ': Buffer.from([0, 5, 0, 0xff, 0xff, 1, 2, 3, 4, 5, 0]),
		'a stored block cut short': Buffer.from([0, 10, 0, 0xf5, 0xff, 1, 2]),
		'cut within its codes': good.subarray(0, 50),
		'cut before its last octet': good.subarray(0, -1),
		'a reference to before the beginning': Buffer.from('f200110000', 'hex'),
		'not compressed at all': bytes('Hello, this is plain text'),
		"zlib's header": zlib.deflateSync(prose(500)),
		"gzip's header": zlib.gzipSync(prose(500)),
		'ones': Buffer.alloc(100, 0xff),
		'a wrong byte in its middle': Buffer.concat([good.subarray(0, 40), Buffer.alloc(9, 0xff), good.subarray(49)]),
	};
	for (const offer of [P, P + NO]) {
		for (const [name, payload] of Object.entries(CASES)) {
			withPeer(server, `${name}: ${offer}`, { offer }, async (peer) => {
				peer.ws.send(Buffer.concat([fragments(BINARY, bytes(payload)), text('too late')]));
				await peer.ws.expectClose(1007, { reason: /./ });
			});
		}
		withPeer(server, `in pieces: ${offer}`, { offer }, async (peer) => {
			peer.ws.send(fragments(TEXT, Buffer.alloc(100, 0xff), [10, 10], [ping('')]));
			assert.equal((await peer.ws.next()).type, 'pong');
			assert.equal((await peer.ws.next()).type, 'pong');
			await peer.ws.expectClose(1007);
		});
	}
	const TEXTS = { 'a lone byte': 'ff', 'a surrogate': 'eda080', 'too long a form': 'c0af', 'cut at its end': '61e282', 'past the last': 'f4908080' };
	for (const [name, hex] of Object.entries(TEXTS)) {
		const data = Buffer.concat([bytes('good '), Buffer.from(hex, 'hex')]);
		withPeer(server, `RFC 6455 8.1: text that is not UTF-8 once inflated: ${name}`, {}, async (peer) => {
			await peer.echo('binary', data);
			peer.send('text', data);
			await peer.ws.expectClose(1007, { reason: /UTF-8/ });
		});
		withPeer(server, `RFC 6455 8.1: in pieces: ${name}`, {}, async (peer) => {
			peer.send('text', data, { parts: [1, 2] });
			await peer.ws.expectClose(1007, { reason: /UTF-8/ });
		});
	}
	withPeer(server, 'RFC 6455 8.1: the compressed bytes themselves need not be UTF-8', {}, async (peer) => {
		const data = 'the same again, the same again, the same again';
		assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(deflate(data)));
		await peer.echo('text', data);
	});
	withPeer(server, 'compressed twice: the outer one alone is undone', {}, async (peer) => {
		const inner = deflate(prose(500));
		assert.ok(inflate(inner).equals(bytes(prose(500))));
		await peer.echo('binary', inner);
		peer.ws.send(binary(inner));
		await peer.expect('binary', inner);
	});
});
