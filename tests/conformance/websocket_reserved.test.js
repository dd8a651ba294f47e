// RFC 6455, section 5.2: reserved bits and reserved opcodes fail the connection at their first byte.
import { describe } from 'node:test';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, binary, closePayload, frame, more, ping, text } from '../lib/rawws.js';
import { useServer } from '../lib/server.js';
import { Close, Pong, Text, wsCase } from '../lib/wscases.js';

const RSV = { 'RSV1': 4, 'RSV2': 2, 'RSV3': 1, 'RSV1 and RSV2': 6, 'RSV1 and RSV3': 5, 'RSV2 and RSV3': 3, 'all three bits': 7 };

describe('RFC 6455 5.2 reserved bits', { concurrency: 4 }, () => {
	const server = useServer();
	for (const [bits, rsv] of Object.entries(RSV)) {
		wsCase(server, `5.2: ${bits} in a text`, frame(TEXT, 'abc', { rsv }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.2: ${bits} in a binary`, frame(BINARY, 'abc', { rsv }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.2: ${bits} in a continuation`, [text('a', { fin: false }), more('b', { rsv })], [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.2: ${bits} in a ping`, frame(PING, 'abc', { rsv }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.2: ${bits} in a pong`, frame(PONG, 'abc', { rsv }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.2: ${bits} in a close`, frame(CLOSE, closePayload(1000), { rsv }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `5.2: ${bits} in the first fragment`, [frame(TEXT, 'a', { rsv, fin: false }), more('b')], [Close(1002)], ['whole']);
		wsCase(server, `5.2: ${bits} in an empty text`, frame(TEXT, '', { rsv }), [Close(1002)], ['whole']);
	}
	wsCase(server, '5.2: RSV1 after good messages and a ping', [text('one'), ping('two'), frame(TEXT, 'x', { rsv: 4 })],
		[Text('one'), Pong('two'), Close(1002)], ['whole', 'first', 'bytes']);
	wsCase(server, '5.2: RSV3 in a ping between fragments', [text('a', { fin: false }), frame(PING, '', { rsv: 1 }), more('b')],
		[Close(1002)], ['whole', 'first', 'bytes']);
	wsCase(server, '5.2: RSV2 in the last of three fragments', [binary('a', { fin: false }), more('b', { fin: false }), more('c', { rsv: 2 })],
		[Close(1002)], ['whole', 'first', 'bytes']);
});

describe('RFC 6455 5.2 reserved opcodes', { concurrency: 4 }, () => {
	const server = useServer();
	for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
		const name = `5.2: opcode 0x${opcode.toString(16).toUpperCase()}`;
		wsCase(server, name, frame(opcode, 'abc'), [Close(1002)], ['whole', 'first']);
		wsCase(server, `${name} without FIN`, frame(opcode, 'abc', { fin: false }), [Close(1002)], ['whole', 'first']);
		wsCase(server, `${name}, empty`, frame(opcode, ''), [Close(1002)]);
		wsCase(server, `${name} after good messages`, [text('one'), text('two'), frame(opcode, 'abc')],
			[Text('one'), Text('two'), Close(1002)], ['whole', 'bytes']);
		wsCase(server, `${name} between fragments`, [text('a', { fin: false }), frame(opcode, 'x'), more('b')], [Close(1002)], ['whole', 'first']);
		wsCase(server, `${name} with a reserved bit and no mask`, frame(opcode, 'abc', { rsv: 4, mask: null }), [Close(1002)]);
	}
	wsCase(server, '5.2: an unknown opcode with 65536 bytes behind it', frame(3, Buffer.alloc(65536)), [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.2: a first byte of zeros', Buffer.from([0, 0, 0, 0]), [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.2: a first byte of ones', Buffer.from([255, 255, 255, 255]), [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.2: HTTP where frames are due', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), [Close(1002)], ['whole', 'first']);
	wsCase(server, '5.2: a TLS hello where frames are due', Buffer.from('16030100c8010000c40303', 'hex'), [Close(1002)], ['whole', 'first']);
});
