// What `make install` leaves: headers, libraries, pkg-config file; and programs outside of the tree that use them, in C
// and C++, with the shared library and the static one. Each example is built and run.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import WS from 'ws';
import { Installed, skip } from './lib/installed.js';
import { poll } from './lib/readers.js';
import { ROOT, channelName } from './lib/server.js';
import { Queue, bound, until, within } from './lib/time.js';

const TIMEOUT = { timeout: bound(60) };

describe('what is installed', { skip }, () => {
	let installed;

	before(() => (installed = new Installed()));
	after(() => installed?.remove());

	const run = (...args) => installed.run(...args);
	const compile = (...args) => installed.compile(...args);
	const example = (name) => readFileSync(path.join(ROOT, 'examples', `${name}.c`));

	async function open(host, target) {
		const ws = new WS(`ws://${host}${target}`);
		ws.queue = new Queue();
		ws.on('message', (data) => ws.queue.push(data.toString()));
		await within(new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject)), bound(10), 'open');
		return ws;
	}

	async function echoes(t, file) {
		const { host } = await installed.serve(t, file);
		const ws = await open(host, '/');
		ws.send('hello');
		assert.equal(await ws.queue.next(), 'hello');
		ws.terminate();
	}

	it('the files', TIMEOUT, () => {
		const names = (dir) => readdirSync(path.join(installed.prefix, dir)).sort();
		assert.deepEqual(names('include'), ['crosstalk.h', 'crosstalk_ws.h']);
		assert.ok(names('bin').includes('crosstalk'));
		const libs = readdirSync(installed.libraries);
		for (const name of ['libcrosstalk.a', 'libcrosstalk.so', 'libcrosstalk.so.0']) {
			assert.ok(libs.includes(name), name);
		}
	});
	it('the shared library exports what the headers declare, and nothing else', TIMEOUT, () => {
		const declared = new Set();
		for (const name of ['crosstalk.h', 'crosstalk_ws.h']) {
			const text = readFileSync(path.join(ROOT, 'include', name), 'utf8');
			for (const [, symbol] of text.matchAll(/XT_API[^;(]*?\b(xt_\w+)\(/g)) {
				declared.add(symbol);
			}
		}
		const out = run('nm', ['-D', '--defined-only', path.join(installed.libraries, 'libcrosstalk.so')]);
		const exported = out.trim().split('\n').map((line) => line.split(' ').at(-1));
		assert.deepEqual(exported.sort(), [...declared].sort());
	});
	it('the library has no state that can be written but that of a thread', TIMEOUT, () => {
		const out = run('objdump', ['-t', path.join(installed.libraries, 'libcrosstalk.a')], { maxBuffer: 1 << 26 });
		const objects = [...out.matchAll(/^\S+ .{7} (\.data|\.bss|\.tdata|\.tbss|\*COM\*)\s\S+\s+(?:\.hidden )?(\S+)$/gm)];
		const names = objects.map((match) => match[2]).filter((name) => !name.startsWith('.'));
		// The one thread-local variable of base/heap.c.
		assert.deepEqual(names, ['current']);
	});

	it('echo.c, with the shared library', TIMEOUT, async (t) => {
		await echoes(t, compile('echo', example('echo'), { options: ['-std=c99'] }));
	});
	it('echo.c, with the static library', TIMEOUT, async (t) => {
		const libs = [path.join(installed.libraries, 'libcrosstalk.a'),
			...installed.flags('--libs', '--static').filter((flag) => flag !== '-lcrosstalk')];
		const file = compile('echo-static', example('echo'), { libs });
		assert.doesNotMatch(run('ldd', [file]), /libcrosstalk/);
		await echoes(t, file);
	});
	it('echo.c is about 20 lines of code', () => {
		const code = example('echo').toString().replace(/\/\*[^]*?\*\//g, '');
		const lines = code.split('\n').filter((line) => /[^\s{}]/.test(line));
		assert.ok(lines.length <= 32, `${lines.length} lines`);
	});
	it('chat.c: two guests, and a third who reads the channel', TIMEOUT, async (t) => {
		const { host, port, child, ended } = await installed.serve(t, compile('chat', example('chat'), { options: ['-D_GNU_SOURCE'] }));
		const room = channelName();
		const ann = await open(host, `/chat?room=${room}&name=Ann`);
		assert.equal(await ann.queue.next(), 'Ann came');
		const ben = await open(host, `/chat?room=${room}&name=Ben`);
		assert.equal(await ann.queue.next(), 'Ben came');
		assert.equal(await ben.queue.next(), 'Ben came');
		ben.send('hi');
		assert.equal(await ann.queue.next(), 'Ben says: hi');
		assert.equal(await ben.queue.next(), 'Ben says: hi');
		ben.close();
		assert.equal(await ann.queue.next(), 'Ben left');
		const { messages } = await poll(port, room);
		assert.deepEqual(messages.map((m) => m.data), ['Ann came', 'Ben came', 'Ben says: hi', 'Ben left']);
		child.kill('SIGTERM');
		assert.equal(await within(ended, bound(15), 'its end'), 0);
	});
	it('embed.c: a client on the loop of libuv', TIMEOUT, async (t) => {
		const { host } = await installed.serve(t, compile('echo-for-embed', example('echo')));
		const file = compile('embed', example('embed'), { extra: ['libuv'] });
		const embed = installed.start(t, file, `ws://${host}/`);
		await until(() => /^it is \d+\nit is \d+\n/.test(embed.said), bound(15), 'two ticks');
	});
	it('client.c: sends its input, prints what comes, ends with its input', TIMEOUT, async (t) => {
		const { host } = await installed.serve(t, compile('echo-for-client', example('echo')));
		const file = compile('client', example('client'), { options: ['-D_GNU_SOURCE'] });
		const client = installed.start(t, file, `ws://${host}/`);
		client.child.stdin.write('hello\n');
		await until(() => /hello\n/.test(client.said), bound(15), 'the echo');
		client.child.stdin.end();
		assert.equal(await within(client.ended, bound(15), 'its end'), 0);
	});
	it('from C++', TIMEOUT, async (t) => {
		const source = `
#include <crosstalk.h>
#include <crosstalk_ws.h>
#include <cstdio>
#include <string>

int main(int, char **argv)
{
	xt_websocket_handlers handlers = {};
	handlers.message = [](xt_websocket *ws, const xt_data *data) {
		std::string text(data->p, data->n);
		xt_websocket_send(ws, data->kind, text.data(), text.size());
	};
	char error[512] = "";
	xt_config *config = xt_config_new();
	xt_server *server;
	if (xt_config_set(config, "listen", argv[1], error, sizeof error) < 0 ||
		xt_server_new(&server, config, nullptr, error, sizeof error) < 0 ||
		xt_server_websocket(server, "/", &handlers, nullptr) < 0 ||
		xt_server_start(server, error, sizeof error) < 0) {
		std::fprintf(stderr, "%s\\n", error);
		return 1;
	}
	std::printf("listening on %s\\n", xt_server_listener_url(server, 0));
	std::fflush(stdout);
	return xt_server_wait(server);
}
`;
		await echoes(t, compile('cxx', source, { compiler: 'c++', options: ['-std=c++11', '-pedantic'] }));
	});
	it('the sans-I/O codec: a frame is written and read', TIMEOUT, () => {
		const source = `
#include <crosstalk_ws.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	static const uint8_t key[4] = { 1, 2, 3, 4 };
	char bytes[XT_WS_HEAD_MAX + 5], accept[XT_WS_ACCEPT_SIZE];
	struct xt_str handshake = { "dGhlIHNhbXBsZSBub25jZQ==", 24 };
	struct xt_ws_reader reader;
	struct xt_ws_event event;
	size_t n = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_TEXT, 5, key, bytes);

	xt_mask(bytes + n, "hello", 5, key, 0);
	xt_ws_reader_init(&reader, XT_WS_SERVER, 0, 1000);
	if (xt_ws_read(&reader, bytes, n + 5, &event) != n + 5 || event.kind != XT_WS_DATA)
		return 1;
	if (!xt_ws_key_valid(handshake) || xt_ws_accept(handshake, accept) < 0)
		return 2;
	printf("%.*s %s", (int)event.n, event.p, accept);
	return 0;
}
`;
		const file = compile('codec', source, { options: ['-std=c99', '-pedantic'] });
		assert.equal(run(file, [], { env: installed.env }), 'hello s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
	});
});
