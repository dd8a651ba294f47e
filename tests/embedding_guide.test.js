// The C and C++ of docs/embedding.md and docs/faq.md, as it stands there.
//
// A block whose first line is a comment that begins with a file's name is a whole program: it is compiled against an
// installed copy, outside of the tree, with all warnings as errors, and run. There must be a test for each of them. Any
// other block is a piece: it only has to compile, at the level of a file if it defines functions, else within one
// whose parameters are what such pieces speak of.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import WS from 'ws';
import { Installed, skip } from './lib/installed.js';
import { ROOT, channelName, useServer } from './lib/server.js';
import { Queue, bound, until, within } from './lib/time.js';

const TIMEOUT = { timeout: bound(60) };

/** The blocks of C and C++ of a Markdown text: [{ line, language, source, name }]; `name` of whole programs only. */
export function blocks(markdown) {
	const found = [];
	for (const match of markdown.matchAll(/^```(c|cpp)\n([^]*?)^```$/gm)) {
		const [, language, source] = match;
		const line = markdown.slice(0, match.index).split('\n').length;
		found.push({ line, language, source, name: /^(?:\/\*|\/\/) (\w+)\.(?:c|cpp) - /.exec(source)?.[1] });
	}
	return found;
}

const BEFORE_PIECES = `#include <crosstalk.h>
#include <crosstalk_ws.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
`;

/** A piece with what it needs around it. */
export function wrapped(source) {
	if (/^\w+\(.*\)\n\{/m.test(source)) {
		return `${BEFORE_PIECES}struct user { const char *channel; };\n${source}`;
	}
	return `${BEFORE_PIECES}
struct player { unsigned skipped; };
void piece(struct xt_server *server, struct xt_config *config, struct xt_websocket *ws, struct xt_handshake *handshake,
	struct xt_loop *loop, struct player *player, const char *text, const void *p, size_t n, char *error, size_t size);
void
piece(struct xt_server *server, struct xt_config *config, struct xt_websocket *ws, struct xt_handshake *handshake,
	struct xt_loop *loop, struct player *player, const char *text, const void *p, size_t n, char *error, size_t size)
{
${source}}
`;
}

const read = (file) => blocks(readFileSync(path.join(ROOT, file), 'utf8')).map((block) => ({ ...block, where: `${file}:${block.line}` }));
const all = [...read('docs/embedding.md'), ...read('docs/faq.md')];

describe('how blocks are read', () => {
	it('whole programs have a name, pieces have none', () => {
		const text = 'a\n```c\n/* one.c - it. */\nint x;\n```\n```sh\nls\n```\n```cpp\n// two.cpp - it.\n```\n```c\nf();\n```\n';
		assert.deepEqual(blocks(text).map(({ line, language, name }) => [line, language, name]), [[2, 'c', 'one'], [9, 'cpp', 'two'], [12, 'c', undefined]]);
	});
	it('pieces with functions stand in a file, others in a function', () => {
		assert.doesNotMatch(wrapped('static int\nf(int a)\n{\n\treturn a;\n}\n'), /\npiece\(/);
		assert.match(wrapped('xt_loop_turn(loop, 0);\n'), /\npiece\(/);
	});
});

describe('the guide to embedding', { skip }, () => {
	const crosstalk = useServer();
	const tested = new Set();
	let installed;

	before(() => (installed = new Installed()));
	after(() => installed?.remove());

	const compile = (name, options) => {
		const block = all.find((one) => one.name === name);
		assert.ok(block, `there is no ${name}`);
		const cpp = block.language === 'cpp' && { compiler: 'c++', options: ['-std=c++11', '-pedantic'] };
		return installed.compile(`guide-${name}`, block.source, { ...cpp, ...options });
	};
	const program = (name, options, act) => {
		tested.add(name);
		it(name, TIMEOUT, async (t) => act(t, compile(name, options)));
	};

	async function open(host, target) {
		const ws = new WS(`ws://${host}${target}`);
		ws.queue = new Queue();
		ws.on('message', (data) => ws.queue.push(data.toString()));
		ws.closed = new Promise((resolve) => ws.once('close', (code, reason) => resolve([code, reason.toString()])));
		await within(new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject)), bound(10), 'open');
		return ws;
	}

	async function mirrors(t, file) {
		const { host } = await installed.serve(t, file);
		const ws = await open(host, '/mirror');
		ws.send('hello');
		assert.equal(await ws.queue.next(), 'hello');
		ws.terminate();
	}

	async function greets(t, file, words) {
		const client = installed.start(t, file, `ws://${crosstalk.host}/echo`);
		assert.equal(await within(client.ended, bound(20), 'its end'), 0, client.complained);
		assert.equal(client.said, `${words}\n`);
		assert.equal(client.complained, '');
	}

	program('echo_server', {}, mirrors);
	program('echo', {}, mirrors);
	program('chat_server', {}, async (t, file) => {
		const { host } = await installed.serve(t, file);
		const room = channelName();
		const guests = [await open(host, `/chat/${room}`), await open(host, `/chat/${room}`)];
		// who hears himself has been subscribed: what comes after that, all hear
		for (const [i, words] of ['Ann is here', 'Ben is here'].entries()) {
			guests[i].send(words);
			await until(async () => (await guests[i].queue.next()) === words, bound(10), words);
		}
		await until(async () => (await guests[0].queue.next()) === 'Ben is here', bound(10), 'the other');
		guests[0].send('hi');
		for (const guest of guests) {
			assert.equal(await guest.queue.next(), 'hi');
		}
		await assert.rejects(open(host, '/chat/'), /404/);
		guests.forEach((guest) => guest.terminate());
	});
	program('clock_server', {}, async (t, file) => {
		const { host } = await installed.serve(t, file);
		const ws = await open(host, '/time');
		assert.match(await ws.queue.next(), /^\d+$/);
		ws.send('what time is it?');
		assert.deepEqual(await within(ws.closed, bound(10), 'close'), [1008, 'nothing is taken here']);
	});
	program('client', {}, (t, file) => greets(t, file, 'hello'));
	program('uv_client', { extra: ['libuv'] }, (t, file) => greets(t, file, 'hello from libuv'));
	program('glib_client', { extra: ['glib-2.0'] }, (t, file) => greets(t, file, 'hello from GLib'));
	program('own_memory', {}, async (t, file) => {
		const server = await installed.serve(t, file);
		assert.equal((await fetch(`http://${server.host}/healthz`)).status, 200);
		server.child.stdin.end('\n');
		assert.equal(await within(server.ended, bound(20), 'its end'), 0);
		assert.match(server.said, /^\d+ calls\n$/m);
		assert.match(server.complained, /^info: crosstalk /m);
	});
	program('until_signal', {}, async (t, file) => {
		const server = await installed.serve(t, file);
		server.child.kill('SIGTERM');
		assert.equal(await within(server.ended, bound(20), 'its end'), 0);
	});
	it('the example of crosstalk(3) compiles', TIMEOUT, () => {
		const [, source] = /^\.Bd -literal[^\n]*\n([^]*?)^\.Ed$/m.exec(readFileSync(path.join(ROOT, 'docs/man/crosstalk.3'), 'utf8'));
		installed.compile('manual', source.replaceAll('\\e', '\\'));
	});
	it('there is a test for each program', () =>
		assert.deepEqual(all.filter((one) => one.name && !tested.has(one.name)).map((one) => one.where), []));

	it('the pieces compile', TIMEOUT, () => {
		const pieces = all.filter((one) => !one.name);
		assert.ok(pieces.length > 10, `${pieces.length} pieces`);
		for (const { language, source, where } of pieces) {
			assert.equal(language, 'c', where);
			try {
				installed.run('cc', [
					'-Wall', '-Wextra', '-Werror', '-Wno-unused', '-Wno-unused-parameter', ...installed.flags('--cflags'), '-fsyntax-only', '-x', 'c', '-',
				], { input: wrapped(source), stdio: ['pipe', 'pipe', 'pipe'] });
			} catch (error) {
				assert.fail(`${where}: ${error.stderr}`);
			}
		}
	});
});
