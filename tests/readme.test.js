// Runs the examples of README.md word by word.
//
// What is run: each fenced block whose language is `console`. Lines that begin with `$ ` are commands (one
// that ends with a backslash goes on in the next line); what stands below a command is what it must print,
// standard error included, where `…` stands for anything in a line, and a line of `…` alone for any
// lines. A command with nothing below it must only succeed. One that ends with ` &` runs until all examples have
// been run; what stands below it must come first of its output. All commands run in one shell, in order, in
// a directory that looks like the checkout.
//
// What is not run: blocks of any other language. Installing, building, `make run` and `make test` belong
// into ```sh blocks: the tests themselves are what they would start.
//
// What is replaced: port 8000, because tests own no fixed port. 127.0.0.1:8000, localhost:8000 and [::1]:8000
// become a free one in commands and in what is expected; `crosstalk serve` without --listen is told to
// listen there, and `crosstalk pub` and `sub` without a URL get it as --url. In the directory build/crosstalk
// is the program under test, and `crosstalk` alone is found on PATH.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ROOT, program } from './lib/server.js';
import { bound, until, within } from './lib/time.js';

/** The examples of a Markdown text: [{ line, command, expected: [lines] }]. */
export function examples(markdown) {
	const out = [];
	let fence = null;
	let current = null;
	markdown.split('\n').forEach((line, i) => {
		const mark = /^(`{3,}|~{3,})\s*(\S*)/.exec(line.trimStart());
		if (fence) {
			if (mark && mark[1].startsWith(fence.mark) && mark[2] === '') {
				fence = null;
				current = null;
			} else if (fence.console) {
				if (current?.open) {
					current.command += `\n${line.replace(/^> /, '')}`;
					current.open = line.endsWith('\\');
				} else if (line.startsWith('$ ')) {
					current = { line: i + 1, command: line.slice(2), expected: [], open: line.endsWith('\\') };
					out.push(current);
				} else {
					assert.ok(current, `README.md:${i + 1}: a console block begins with a command`);
					current.expected.push(line);
				}
			}
		} else if (mark) {
			fence = { mark: mark[1], console: mark[2] === 'console' };
		}
	});
	for (const example of out) {
		while (example.expected.at(-1) === '') {
			example.expected.pop();
		}
	}
	return out;
}

/** Does `text` match the expected lines? With `prefix`, more may follow. */
export function matches(text, expected, prefix = false) {
	const quote = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	const pattern = expected.map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(quote).join('.*')}\\n`)).join('');
	const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`;
	return new RegExp(`^${pattern}${prefix ? '' : '$'}`, 'u').test(ended);
}

const freePort = () =>
	new Promise((resolve, reject) => {
		const server = net.createServer();
		server.once('error', reject).listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});

function replaced(text, port) {
	const url = `http://127.0.0.1:${port}`;
	return text
		.replace(/(127\.0\.0\.1|localhost|\[::1\]):8000\b/g, (_, host) => `${host}:${port}`)
		.replace(/\bcrosstalk serve\b(?![^\n|;&]*--listen)/g, `crosstalk serve --listen ${url}`)
		.replace(/\bcrosstalk (pub|sub)\b(?![^\n|;&]*(--url|https?:))/g, `crosstalk $1 --url ${url}`);
}

/** A bash that runs one command after the other and says what each printed and returned. */
class Shell {
	constructor(cwd, env) {
		this.child = spawn('bash', ['--norc', '--noprofile'], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
		this.out = '';
		this.child.stdout.setEncoding('utf8').on('data', (data) => (this.out += data));
		this.child.stderr.setEncoding('utf8').on('data', (data) => (this.err = (this.err ?? '') + data));
		this.n = 0;
	}

	async run(command, ms) {
		const end = `--end-${process.pid}-${this.n++}--`;
		this.out = '';
		this.child.stdin.write(`{\n${command}\n} </dev/null 2>&1\nprintf '%s%d\\n' ${end} $?\n`);
		const pattern = new RegExp(`${end}(\\d+)\\n$`);
		await until(() => pattern.test(this.out) || this.child.exitCode !== null, ms, `the end of: ${command}\n${this.out}`);
		const found = pattern.exec(this.out);
		assert.ok(found, `the shell ended at: ${command}\n${this.out}${this.err ?? ''}`);
		return { code: Number(found[1]), out: this.out.slice(0, found.index) };
	}

	/** Everything that it started is in its process group. */
	end() {
		try {
			process.kill(-this.child.pid, 'SIGTERM');
		} catch {
			/* it has ended */
		}
	}
}

describe('how examples are read', () => {
	it('commands, their output, and what is not run', () => {
		const found = examples(['# x', '```sh', '$ make run', '```', '```console', '$ echo a \\', '  b', 'a b', '', '$ sleep 9 &', '```', '~~~console', '$ true', '~~~'].join('\n'));
		assert.deepEqual(found.map(({ line, command, expected }) => ({ line, command, expected })), [
			{ line: 6, command: 'echo a \\\n  b', expected: ['a b'] }, { line: 10, command: 'sleep 9 &', expected: [] }, { line: 13, command: 'true', expected: [] },
		]);
	});
	it('… stands for anything in a line, and for lines', () => {
		assert.ok(matches('{"id":"k3-1"}\n', ['{"id":"…"}']));
		assert.ok(matches('{"id":"k3-1"}', ['{"id":"…']));
		assert.ok(matches('a\nb\nc\n', ['a', '…', 'c']));
		assert.ok(matches('a\nb\n', ['a'], true));
		assert.ok(!matches('a\nb\n', ['a']));
		assert.ok(!matches('a\n', ['b']));
		assert.ok(!matches('a.c\n', ['abc']) && !matches('abc\n', ['a.c']));
		assert.ok(!matches('a\nb\n', ['a…b']));
	});
	it('port 8000 is replaced, and nothing else', () => {
		assert.equal(replaced('curl -d hi http://localhost:8000/c/x?a=18000', 99), 'curl -d hi http://localhost:99/c/x?a=18000');
		assert.equal(replaced('build/crosstalk serve &', 99), 'build/crosstalk serve --listen http://127.0.0.1:99 &');
		assert.equal(replaced('crosstalk serve --listen http://127.0.0.1:8000', 99), 'crosstalk serve --listen http://127.0.0.1:99');
		assert.equal(replaced('build/crosstalk pub chat/lobby hi', 99), 'build/crosstalk pub --url http://127.0.0.1:99 chat/lobby hi');
	});
});

describe('the examples of README.md', () => {
	const file = path.join(ROOT, 'README.md');
	it('there is a README with examples', () => {
		assert.ok(existsSync(file), 'README.md is missing');
		assert.ok(examples(readFileSync(file, 'utf8')).length > 0, 'it has no console blocks');
	});
	it('do what they say', { timeout: bound(120) }, async (t) => {
		const list = examples(readFileSync(file, 'utf8'));
		const dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-readme-'));
		for (const name of readdirSync(ROOT)) {
			if (!/^(build.*|\..*|node_modules)$/.test(name)) {
				symlinkSync(path.join(ROOT, name), path.join(dir, name));
			}
		}
		mkdirSync(path.join(dir, 'build'));
		symlinkSync(program(), path.join(dir, 'build', 'crosstalk'));
		const port = await freePort();
		const env = { ...process.env, PATH: `${path.join(dir, 'build')}:${process.env.PATH}`, LC_ALL: 'C.UTF-8', NO_PROXY: '*', no_proxy: '*' };
		const shell = new Shell(dir, env);
		const background = [];
		try {
			for (const { line, command, expected } of list) {
				const words = replaced(command, port);
				const wanted = expected.map((one) => replaced(one, port));
				const where = `README.md:${line}: ${command}`;
				t.diagnostic(where);
				if (/ &$/.test(words)) {
					const log = path.join(dir, `background-${background.length}.log`);
					const { code } = await shell.run(`{ ${words.slice(0, -2)} ; } >'${log}' 2>&1 </dev/null &`, bound(10));
					assert.equal(code, 0, where);
					background.push({ log, where });
					const said = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
					await until(() => matches(said(), wanted, true), bound(10), 'what it says')
						.catch(() => assert.fail(`${where}\nprinted:\n${said()}\nexpected:\n${wanted.join('\n')}`));
					if (wanted.length === 0 && /\bcrosstalk serve\b/.test(words)) {
						await until(() => /^listening on /m.test(said()), bound(10), `${where}: listening on …`);
					}
					continue;
				}
				const { code, out } = await shell.run(words, bound(30));
				assert.equal(code, 0, `${where}\nended with ${code}:\n${out}`);
				if (wanted.length > 0) {
					assert.ok(matches(out, wanted), `${where}\nprinted:\n${out}\nexpected:\n${wanted.join('\n')}`);
				}
			}
			for (const { log, where } of background) {
				assert.doesNotMatch(readFileSync(log, 'utf8'), /AddressSanitizer|runtime error:|ThreadSanitizer|panic/, where);
			}
		} finally {
			shell.end();
			await within(new Promise((done) => (shell.child.exitCode !== null || shell.child.signalCode ? done() : shell.child.once('exit', done))), bound(10), 'the shell to end').catch(() => shell.child.kill('SIGKILL'));
			rmSync(dir, { recursive: true, force: true });
		}
	});
});
