// crosstalk connect with a person: on a terminal, where a prompt survives what comes, lines are edited and kept, and
// a hostile peer cannot do anything but be read.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { WebSocketServer } from 'ws';
import { Screen, Terminal } from '../lib/terminal.js';
import { Queue, bound } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const PLAIN = ['--color', 'never'];

/** A server, and a terminal on which the program is connected to it. */
async function withTerminal(body, { args = PLAIN, talk = () => {}, env, columns, rows, ...options } = {}) {
	const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
	await once(server, 'listening');
	const state = mkdtempSync(path.join(tmpdir(), 'crosstalk-terminal-'));
	const got = new Queue();
	const peer = new Promise((resolve) => server.on('connection', (socket) => {
		socket.on('message', (data, binary) => got.push(binary ? data : data.toString()));
		socket.on('close', (code, reason) => got.push({ code, reason: reason.toString() }));
		socket.on('error', () => {});
		talk(socket);
		resolve(socket);
	}));
	const url = `ws://127.0.0.1:${server.address().port}`;
	const open = () => new Terminal(['connect', ...args, url], { columns, rows, env: { XDG_STATE_HOME: state, ...env } });
	const terminal = open();
	try {
		await terminal.shows(/connected to [^]*\n> *$|^> *$/);
		await body({ terminal, peer: await peer, got, open, state, server });
	} finally {
		terminal.kill();
		server.clients.forEach((socket) => socket.terminate());
		await new Promise((done) => server.close(done));
		rmSync(state, { recursive: true, force: true });
	}
}

describe('the screen of these tests', () => {
	it('wraps, goes back, erases, and knows wide characters', () => {
		const screen = new Screen(10, 5);
		screen.write('12345678901\r\n漢字\x1b[1A\rx\x1b[Ky\x1b[31mz\x1b[0m');
		assert.deepEqual(screen.lines, ['1234567890', 'xyz', '漢字']);
		screen.write('\x1b[J');
		assert.deepEqual(screen.lines, ['1234567890', 'xyz']);
	});
	it('does not take control characters for text', () => {
		assert.throws(() => new Screen(10, 5).write('\x9b31m'), /control character/);
		assert.throws(() => new Screen(10, 5).write('\x1b[5q'), /not known/);
	});
});

describe('connect on a terminal: messages', { concurrency: 3 }, () => {
	it('arrows for both directions, and the prompt below', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, got }) => {
			terminal.type('hello wörld 漢\r');
			assert.equal(await got.next(), 'hello wörld 漢');
			peer.send('an answer');
			await terminal.shows(/\n→ hello wörld 漢\n← an answer\n>$/);
		}));
	it('a line that is being written survives what comes', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, got }) => {
			terminal.type('half a li');
			await terminal.shows('> half a li');
			for (let i = 0; i < 50; i++) {
				peer.send(`message ${i}`);
			}
			await terminal.shows(/← message 48\n← message 49\n> half a li$/);
			assert.equal(terminal.screen.text.match(/half a li/g).length, 1, terminal.screen.text);
			terminal.type('ne\r');
			assert.equal(await got.next(), 'half a line');
		}));
	it('so does one that takes several rows, with the cursor within it', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, got }) => {
			const line = `${'0123456789'.repeat(7)}漢字漢字漢字`;
			terminal.type(line);
			await terminal.shows(/漢字漢字漢字$/);
			terminal.type('\x1b[D\x1b[D\x1b[D');
			peer.send('one');
			await terminal.shows(/← one\n> 0123/);
			terminal.type('\x01'); // to the first row
			peer.send('two');
			await terminal.shows(/← one\n← two\n> 0123/);
			peer.send('three');
			await terminal.shows(/← one\n← two\n← three\n> 0123[^]*漢字漢字漢字$/);
			terminal.type('X\r');
			assert.equal(await got.next(), `X${line}`);
			await terminal.shows(/← three\n→ X0123[^]*字\n>$/);
		}, { columns: 30 }));
	it('the terminal may change its size meanwhile', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, got }) => {
			terminal.type('ab');
			await terminal.shows('> ab');
			terminal.resize(40, 24);
			terminal.type('c');
			await terminal.shows('> abc');
			peer.send('{"a":"0123456789","b":"0123456789","c":"0"}');
			await terminal.shows(/← \{\n {4}"a": "0123456789",\n {4}"b": "0123456789",\n {4}"c": "0"\n {2}\}\n> abc$/);
			terminal.type('d'.repeat(60));
			terminal.type('\r');
			assert.equal(await got.next(), `abc${'d'.repeat(60)}`);
		}));
	it('what a hostile peer sends is shown, not obeyed', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer }) => {
			const before = terminal.raw.length;
			peer.send('\x1b]0;owned\x07\x1b[2J\x1b[H\x9b31m\x7f\r\x00 \u202eevil');
			peer.send('two\n← lines\n> $ ');
			peer.send('{"\u009b31m":"\u202e","x":"\x7f"}');
			peer.ping('\x1b[2J');
			peer.send(Buffer.from('\x1b[2J'));
			await terminal.shows(/4 bytes\n {2}0{8} {2}1b 5b 32 4a .* \.\[2J\n>$/);
			assert.match(terminal.screen.text, /← \\x1b\]0;owned\\x07\\x1b\[2J\\x1b\[H\\x9b31m\\x7f\\x0d\\x00 \\u\{202e\}evil\n← two\n {2}← lines\n {2}> \$\n← \{"\\x9b31m": "\\u\{202e\}", "x": "\\x7f"\}/);
			assert.equal(terminal.screen.titles, 0);
			assert.doesNotMatch(terminal.raw.slice(before), /[\x00-\x07\x0b\x0c\x0e-\x1a\x7f\x9b\u202e]/);
			peer.close(4000, '\x1b[31mred');
			assert.equal(await terminal.end(), 4);
			assert.match(terminal.screen.text, /closed: 4000 the application's own: \\x1b\[31mred/);
		}));
	it('JSON is indented, binary messages are dumps, --time has times', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer }) => {
			peer.send('{"a":1.10}');
			peer.send(Buffer.from('0123456789abcdefg'));
			await terminal.shows(/\d\d:\d\d:\d\d\.\d{3} ← \{"a": 1\.10\}\n\d\d:\d\d:\d\d\.\d{3} ← 17 bytes\n {2}00000000  30 31 [^]*0123456789abcdef\n {2}00000010  67 +g\n>$/);
		}, { args: [...PLAIN, '--time'] }));
	it('--quiet says nothing of its own', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer }) => {
			peer.send('x');
			await terminal.shows('>');
			await terminal.shows(/^← x\n>$/);
			terminal.type('\x04');
			assert.equal(await terminal.end(), 0);
			assert.equal(terminal.screen.text, '← x');
		}, { args: [...PLAIN, '--quiet'] }));
});

describe('connect on a terminal: colours', { concurrency: 3 }, () => {
	const coloured = /\x1b\[[\d;]*[1-9]m/;
	for (const [args, env, has] of [[[], {}, true], [[], { NO_COLOR: '1' }, false], [[], { NO_COLOR: '' }, true], [['--color', 'never'], {}, false], [['--color', 'always'], { NO_COLOR: '1' }, true]]) {
		it(`${args.join(' ')} ${JSON.stringify(env)}: ${has ? 'some' : 'none'}`, TIMEOUT, () =>
			withTerminal(async ({ terminal, peer }) => {
				peer.send('{"a":1}');
				await terminal.shows(/← \{"a": 1\}\n>$/);
				assert.equal(coloured.test(terminal.raw), has, JSON.stringify(terminal.raw));
			}, { args, env }));
	}
	it('a terminal that can do nothing gets lines', TIMEOUT, async () => {
		const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
		server.on('connection', (socket) => socket.send('plain\x1b[2J'));
		await once(server, 'listening');
		const terminal = new Terminal(['connect', `ws://127.0.0.1:${server.address().port}`], { env: { TERM: 'dumb' } });
		try {
			await terminal.shows(/plain\\x1b\[2J/);
			assert.doesNotMatch(terminal.raw, /\x1b/);
			terminal.type('\x04');
			assert.equal(await terminal.end(), 0);
		} finally {
			terminal.kill();
			server.close();
		}
	});
});

describe('connect on a terminal: editing', { concurrency: 3 }, () => {
	it('the arrow up brings back what was sent, also in the next run', TIMEOUT, () =>
		withTerminal(async ({ terminal, got, open, state }) => {
			for (const line of ['first', 'zweite Zeile: ü', ' not kept']) {
				terminal.type(`${line}\r`);
				assert.equal(await got.next(), line);
			}
			terminal.type('\x1b[A\x1b[A');
			await terminal.shows('> zweite Zeile: ü');
			terminal.type('\x1b[A');
			await terminal.shows('> first');
			terminal.type('\r');
			assert.equal(await got.next(), 'first');
			terminal.type('\x04');
			assert.equal(await terminal.end(), 0);
			const file = path.join(state, 'crosstalk/history');
			assert.equal(statSync(file).mode & 0o777, 0o600);
			assert.equal(readFileSync(file, 'utf8'), 'first\nzweite Zeile: ü\nfirst\n');
			const again = open();
			await again.shows(/\n>$/);
			again.type('\x1b[A\x1b[A');
			await again.shows('> zweite Zeile: ü');
			again.type('\x15\x04');
			assert.equal(await again.end(), 0);
		}));
	it('--no-history keeps nothing', TIMEOUT, () =>
		withTerminal(async ({ terminal, got, state }) => {
			terminal.type('secret\r');
			assert.equal(await got.next(), 'secret');
			terminal.type('\x1b[A');
			await terminal.shows('> secret');
			assert.ok(!existsSync(path.join(state, 'crosstalk')));
		}, { args: [...PLAIN, '--no-history'] }));
	it('lines that are pasted are messages, in order', TIMEOUT, () =>
		withTerminal(async ({ terminal, got }) => {
			terminal.type(Array.from({ length: 100 }, (_, i) => `line ${i}\r`).join(''));
			for (let i = 0; i < 100; i++) {
				assert.equal(await got.next(), `line ${i}`);
			}
		}));
	it('half an escape sequence keeps nothing waiting', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, got }) => {
			terminal.type('ab\x1b');
			peer.send('meanwhile');
			await terminal.shows(/← meanwhile\n> ab$/);
			terminal.type('[Dx\r');
			assert.equal(await got.next(), 'axb');
		}));
	it('characters of several bytes, cut in the middle', TIMEOUT, () =>
		withTerminal(async ({ terminal, got }) => {
			terminal.type('漢😀é\x7f\x7f\r');
			assert.equal(await got.next(), '漢');
		}));
	it('the tabulator completes commands and files', TIMEOUT, () =>
		withTerminal(async ({ terminal, got, state }) => {
			const file = path.join(state, 'a-file.bin');
			writeFileSync(file, Buffer.from([0, 255]));
			terminal.type('/fi\t');
			await terminal.shows('> /file');
			terminal.type(` ${path.join(state, 'a-f')}\t\r`);
			assert.deepEqual(await got.next(), Buffer.from([0, 255]));
		}, { columns: 200 }));
});

describe('connect on a terminal: commands', { concurrency: 3 }, () => {
	it('/text /binary /hex /base64, for one line and for all that follow', TIMEOUT, () =>
		withTerminal(async ({ terminal, got }) => {
			const send = async (line, expected) => {
				terminal.type(`${line}\r`);
				assert.deepEqual(await got.next(), expected);
			};
			await send('/hex 00 ff', Buffer.from([0, 255]));
			await send('00', '00');
			terminal.type('/hex\r');
			await send('00', Buffer.from([0]));
			await send('/text 00', '00');
			terminal.type('/binary\r');
			await send('00', Buffer.from('00'));
			terminal.type('/base64\r');
			await send('AP8=', Buffer.from([0, 255]));
			terminal.type('*\r');
			await terminal.shows(/not sent: it is not base64\n>$/);
			terminal.type('/text\r');
			await send('AP8=', 'AP8=');
			await send('//close', '/close');
		}));
	it('/file sends text as text, other bytes as they are, and says what it cannot', TIMEOUT, () =>
		withTerminal(async ({ terminal, got, state }) => {
			const file = path.join(state, 'f');
			writeFileSync(file, 'zwei\nZeilen ü');
			terminal.type(`/file ${file}\r`);
			assert.equal(await got.next(), 'zwei\nZeilen ü');
			await terminal.shows(/→ zwei\n {2}Zeilen ü\n>$/);
			writeFileSync(file, Buffer.from([0x61, 0xff]));
			terminal.type(`/file ${file}\r`);
			assert.deepEqual(await got.next(), Buffer.from([0x61, 0xff]));
			terminal.type(`/file ${state}\r`);
			await terminal.shows(/: not a file\n>$/);
			terminal.type('/file /nonexistent\r');
			await terminal.shows(/\/nonexistent: cannot be read\n>$/);
		}, { columns: 200 }));
	it('/ping says how long it took', TIMEOUT, () =>
		withTerminal(async ({ terminal }) => {
			terminal.type('/ping are you there\r');
			await terminal.shows(/pong after \d+\.\d\d ms: are you there\n>$/);
		}));
	it('/frames and /json', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, got }) => {
			terminal.type('/frames on\r/json off\r[1,2]\r');
			assert.equal(await got.next(), '[1,2]');
			peer.send('[1,2]');
			await terminal.shows(/out FIN text 5 bytes {2}"\[1,2\]"[^]*in {2}FIN text 5 bytes {2}"\[1,2\]"\n← \[1,2\]\n>$/);
			terminal.type('/frames off\r/json on\rx\r');
			await got.next();
			peer.send('[1,2]');
			await terminal.shows(/→ x\n← \[1, 2\]\n>$/);
		}, { args: [...PLAIN, '--no-compression'] }));
	it('/help, and a command that is none', TIMEOUT, () =>
		withTerminal(async ({ terminal }) => {
			terminal.type('/help\r');
			await terminal.shows(/\/close +\[CODE \[REASON\]\][^]*\n>$/);
			terminal.type('/fly\r');
			await terminal.shows(/no such command[^]*\n>$/);
		}));
	it('/close with a code and a reason', TIMEOUT, () =>
		withTerminal(async ({ terminal, got }) => {
			terminal.type('/close 99\r');
			await terminal.shows(/a code is 1000, or 3000 to 4999\n>$/);
			terminal.type('/close 4001 good bye\r');
			assert.deepEqual(await got.next(), { code: 4001, reason: 'good bye' });
			assert.equal(await terminal.end(), 0);
		}));
	for (const [what, keys] of [['/quit', '/quit\r'], ['Ctrl-D', '\x04'], ['Ctrl-C', '\x03'], ['Ctrl-C in a line', 'half\x03']]) {
		it(`${what} closes with 1000 and ends with 0; the terminal is as it was`, TIMEOUT, () =>
			withTerminal(async ({ terminal, got }) => {
				terminal.type(keys);
				assert.deepEqual(await got.next(), { code: 1000, reason: '' });
				assert.equal(await terminal.end(), 0);
				assert.match(terminal.screen.text, /closed: 1000 normal closure$/);
				assert.ok(!terminal.screen.text.includes('half'), terminal.screen.text);
			}));
	}
	it('a second Ctrl-C ends it at once', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer }) => {
			peer.pause(); // it will not answer the Close frame
			terminal.type('\x03');
			await terminal.shows(/out FIN close/);
			terminal.type('\x03');
			assert.equal(await terminal.end(), 128 + 2);
		}, { args: [...PLAIN, '--show-frames'] }));
	it('the peer closes while a line is being written', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer }) => {
			terminal.type('half a li');
			await terminal.shows('> half a li');
			peer.close(1001, 'good night');
			assert.equal(await terminal.end(), 0);
			assert.match(terminal.screen.text, /closed: 1001 going away: good night$/);
		}));
	it('--reconnect: the prompt stays, and says when there is no connection', TIMEOUT, () =>
		withTerminal(async ({ terminal, peer, server, got }) => {
			server.options.verifyClient = () => false;
			peer.terminate();
			await terminal.shows(/again in \d+\.\d s\n>$/);
			terminal.type('lost\r');
			await terminal.shows(/not sent: there is no connection\n>$/);
			server.options.verifyClient = () => true;
			await terminal.shows(/connected to [^]*connected to [^]*\n>$/);
			terminal.type('back\r');
			assert.equal((await got.next()).code, 1006);
			assert.equal(await got.next(), 'back');
			terminal.type('\x04');
			assert.equal(await terminal.end(), 0);
		}, { args: [...PLAIN, '--reconnect'], verifyClient: () => true }));
	it('Ctrl-Z stops it, and it goes on with the line as it was', TIMEOUT, () =>
		withTerminal(async ({ terminal, got }) => {
			terminal.type('half a li');
			await terminal.shows('> half a li');
			terminal.type('\x1a');
			await terminal.shows(/connected to .*$/);
			terminal.signal(18); // SIGCONT
			await terminal.shows('> half a li');
			terminal.type('ne\r');
			assert.equal(await got.next(), 'half a line');
		}));
});
