// RFC 7692, sections 5 and 7.1: which offers of permessage-deflate are accepted, and with which answer, on a path that lets
// windows be kept (/echo) and on one that does not (a channel). What was agreed on is then used in both directions.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeflateWs, prose } from '../lib/deflate.js';
import { TEXT, frame } from '../lib/rawws.js';
import { channelName, useServer } from '../lib/server.js';
import { TIMEOUT } from '../lib/wscases.js';

const P = 'permessage-deflate';
const SN = 'server_no_context_takeover';
const CN = 'client_no_context_takeover';
const SB = 'server_max_window_bits';
const CB = 'client_max_window_bits';

/* [clause, what is offered, the parameters of the answer, or null: declined] */
const OFFERS = [
	['7.1: no parameter', P, []],
	['7.1.1.1: server_no_context_takeover', `${P}; ${SN}`, [SN]],
	['7.1.1.2: client_no_context_takeover', `${P}; ${CN}`, [CN]],
	['7.1.1: both, in the other order', `${P}; ${CN}; ${SN}`, [SN, CN]],
	['7.1.1.1: with a value', `${P}; ${SN}=1`, null],
	['7.1.1.2: with a value', `${P}; ${CN}=true`, null],
	['7.1.1.1: with a quoted value', `${P}; ${SN}="1"`, null],
	['7.1.2.1: without a value', `${P}; ${SB}`, null],
	['7.1.2.2: without a value', `${P}; ${CB}`, []],
	...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => [`7.1.2.1: ${SB}=${n}`, `${P}; ${SB}=${n}`, [`${SB}=${n}`]]),
	...[8, 9, 10, 11, 12, 13, 14].map((n) => [`7.1.2.2: ${CB}=${n}`, `${P}; ${CB}=${n}`, [`${CB}=${n}`]]),
	[`7.1.2.2: ${CB}=15`, `${P}; ${CB}=15`, []],
	...['0', '1', '7', '16', '17', '100', '08', '09', '010', '015', '-9', '9.0', 'a', 'x9', '0x9', '9a', '4294967305'].flatMap((v) => [
		[`7.1.2.1: ${SB}=${v}`, `${P}; ${SB}=${v}`, null],
		[`7.1.2.2: ${CB}=${v}`, `${P}; ${CB}=${v}`, null],
	]),
	['7.1.2: both', `${P}; ${SB}=10; ${CB}=11`, [`${SB}=10`, `${CB}=11`]],
	['7.1.2: both at their smallest', `${P}; ${SB}=8; ${CB}=8`, [`${SB}=8`, `${CB}=8`]],
	['7.1: all four', `${P}; ${CB}=9; ${SB}=9; ${SN}; ${CN}`, [SN, CN, `${SB}=9`, `${CB}=9`]],
	['RFC 6455 9.1: a quoted value', `${P}; ${SB}="10"`, [`${SB}=10`]],
	['RFC 6455 9.1: a quoted value for the client', `${P}; ${CB}="9"`, [`${CB}=9`]],
	['RFC 6455 9.1: a quoted pair', `${P}; ${SB}="1\\0"`, [`${SB}=10`]],
	['RFC 6455 9.1: quoted leading zero', `${P}; ${SB}="010"`, null],
	['RFC 6455 9.1: quoted blank', `${P}; ${SB}=" 10"`, null],
	['RFC 6455 9.1: quoted separators', `${P}; ${SB}="10; ${SN}, ${P}"`, null],
	['RFC 6455 9.1: an empty quoted value', `${P}; ${SB}=""`, null],
	['9.1: blanks', ` ${P} ;\t${SB} = 10 ; ${CN} `, [CN, `${SB}=10`]],
	['7.1: server_no_context_takeover twice', `${P}; ${SN}; ${SN}`, null],
	['7.1: client_no_context_takeover twice', `${P}; ${CN}; ${CN}`, null],
	['7.1: server_max_window_bits twice', `${P}; ${SB}=10; ${SB}=10`, null],
	['7.1: client_max_window_bits twice', `${P}; ${CB}; ${CB}=10`, null],
	['7.1: an unknown parameter', `${P}; unknown`, null],
	['7.1: an unknown parameter with a value', `${P}; unknown=10`, null],
	['7.1: an unknown one behind a known', `${P}; ${SN}; mux`, null],
	['7.1: a parameter in capitals', `${P}; ${SN.toUpperCase()}`, null],
	['7: a longer name', 'permessage-deflate2', null],
	['7: another name', 'permessage-foo', null],
	['7: the name as a parameter', `x-other; ${P}`, null],
	['5.2: another extension first', `x-other; a=1, ${P}`, []],
	['5.2: another extension behind', `${P}, x-other`, []],
	['5.2: the first of two', `${P}; ${SB}=10, ${P}`, [`${SB}=10`]],
	['5.2: a fallback after an unknown parameter', `${P}; unknown, ${P}`, []],
	['5.2: a fallback after a bad value', `${P}; ${SB}=16, ${P}; ${SB}=9`, [`${SB}=9`]],
	['5.2: a fallback after a missing value', `${P}; ${SB}, ${P}; ${CN}`, [CN]],
	['5.2: the third of three', `${P}; ${CB}=7, ${P}; ${SN}; ${SN}, ${P}; ${CB}=12`, [`${CB}=12`]],
	['5.2: none of three', `${P}; ${CB}=7, ${P}; ${SN}; ${SN}, ${P}; ${SB}`, null],
	['RFC 6455 9.1: in two fields', ['x-other', P], []],
	['RFC 6455 9.1: a fallback in the second field', [`${P}; unknown`, `${P}; ${SN}`], [SN]],
	['RFC 6455 9.1: fields with empty members', [`,, ${P}; ${CN},`], [CN]],
	['not offered', 'x-a, x-b', null],
];

const ORDER = [SN, CN, SB, CB];
const place = (parameter) => ORDER.indexOf(parameter.split('=')[0]);
const field = (parameters) => [P, ...parameters].join('; ');
const shared = (parameters) => [...new Set([SN, CN, ...parameters])].sort((a, b) => place(a) - place(b));

/* Several messages each way that are larger than small windows, and refer to one another where that is allowed. */
async function talk(peer) {
	for (const [type, data] of [['text', prose(3000)], ['binary', prose(700, 2)], ['text', prose(3000)], ['text', '']]) {
		const packed = await peer.echo(type, data);
		assert.equal(packed !== undefined, data.length >= 128, 'what is compressed');
	}
	await peer.bye();
}

/* Without an agreement nothing is compressed, and RSV1 is an error. */
async function talkPlain(ws) {
	const text = prose(3000);
	ws.send(frame(TEXT, text));
	await ws.expect('text', text);
	ws.send(frame(TEXT, 'x', { rsv: 4 }));
	await ws.expectClose(1002);
}

const PATHS = { '/echo': (answer) => answer, 'a channel': shared };

for (const [where, answers] of Object.entries(PATHS)) {
	describe(`RFC 7692 offers on ${where}`, { concurrency: 4 }, () => {
		const server = useServer();
		for (const [name, offer, parameters] of OFFERS) {
			it(`${name}: ${parameters ? 'accepted' : 'declined'}`, TIMEOUT, async () => {
				const path = where === '/echo' ? where : `/c/${channelName()}`;
				const peer = await DeflateWs.open(server.port, { offer, path });
				try {
					assert.equal(peer.answer, parameters ? field(answers(parameters)) : undefined);
					await (parameters ? talk(peer) : talkPlain(peer.ws));
				} finally {
					peer.destroy();
				}
			});
		}
	});
}
