// server.js - starts and stops the program under test.
//
// $CROSSTALK names the program, else it is build/crosstalk of this checkout. Every server listens on
// a port that the kernel chooses, tells it on standard output, and must end with exit code 0 when it
// gets SIGTERM; a crash or a word of a sanitizer fails the suite that used it, with its log.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bound, until, within } from './time.js';
import { OVER_TLS, authority, notePort } from './tls.js';

if (OVER_TLS) {
	process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // of fetch() and others that know no authority of ours
}

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export function program() {
	const file = process.env.CROSSTALK || path.join(ROOT, 'build', 'crosstalk');
	if (!existsSync(file)) {
		throw new Error(`no program to test: ${file} (build it, or set CROSSTALK)`);
	}
	return path.resolve(file);
}

const SANITIZER = /ERROR: (Address|Leak|Memory)Sanitizer|runtime error:|WARNING: ThreadSanitizer|SUMMARY: \w+Sanitizer/;

/** Block style YAML for the plain objects, lists and scalars of a configuration. */
export function yaml(value, indent = '') {
	const scalar = (v) => (typeof v === 'string' ? JSON.stringify(v) : String(v));
	let out = '';
	for (const [key, v] of Object.entries(value)) {
		if (Array.isArray(v)) {
			out += `${indent}${key}:\n` + v.map((x) => `${indent}  - ${scalar(x)}\n`).join('');
		} else if (v !== null && typeof v === 'object') {
			out += `${indent}${key}:\n${yaml(v, `${indent}  `)}`;
		} else {
			out += `${indent}${key}: ${scalar(v)}\n`;
		}
	}
	return out;
}

export class Server {
	stdout = '';
	stderr = '';
	urls = [];
	exit = null; // { code, signal } once it has ended
	told = false; // it was told to end

	/**
	 * Options: config (object), workers, root, listen (list of URLs), args (more arguments),
	 * prefix (a command that runs the program), program (another one, which takes --listen alone).
	 */
	static async start(options = {}) {
		const server = new Server();
		await server.#start(options);
		return server;
	}

	async #start({ config, workers, root, listen, args = [], prefix = [], program: other }) {
		listen ??= [`http${OVER_TLS && !other ? 's' : ''}://127.0.0.1:0`];
		this.dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-test-'));
		const argv = other ? [] : ['serve'];
		for (const url of listen) {
			argv.push('--listen', url);
		}
		if (!other) {
			argv.push('--workers', String(workers ?? process.env.WORKERS ?? 2));
		}
		if (root) {
			argv.push('--root', root);
		}
		if (config) {
			const file = path.join(this.dir, 'crosstalk.yaml');
			writeFileSync(file, yaml(config));
			argv.push('--config', file);
		}
		if (OVER_TLS && !args.includes('--cert') && !other) {
			argv.push('--cert', authority().own.cert, '--key', authority().own.key);
		}
		argv.push(...args);
		const command = [...prefix, other ?? program(), ...argv];
		this.child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
		this.pid = this.child.pid;
		this.ended = new Promise((resolve) => {
			this.child.once('close', (code, signal) => {
				this.exit = { code, signal };
				resolve(this.exit);
			});
			this.child.once('error', (error) => {
				this.stderr += String(error);
				this.exit = { code: null, signal: null };
				resolve(this.exit);
			});
		});
		this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
		const listening = new Promise((resolve) => {
			this.child.stdout.setEncoding('utf8').on('data', (text) => {
				this.stdout += text;
				this.urls = [...this.stdout.matchAll(/^listening on (\S+)\n/gm)].map((m) => m[1]);
				if (this.urls.length >= listen.length) {
					resolve();
				}
			});
		});
		try {
			await within(
				Promise.race([
					listening,
					this.ended.then(() => {
						throw new Error('it ended before it listened');
					}),
				]),
				bound(15),
				'the line "listening on"',
			);
		} catch (error) {
			this.kill();
			throw new Error(`${command.join(' ')}: ${error.message}${this.log()}`);
		}
		this.url = this.urls[0];
		this.port = Number(new URL(this.url).port);
		this.urls.filter((url) => url.startsWith('https:')).forEach((url) => notePort(Number(new URL(url).port)));
		this.host = `127.0.0.1:${this.port}`;
	}

	log() {
		return `\n--- standard output\n${this.stdout.slice(-4000)}--- standard error\n${this.stderr.slice(-16000)}---`;
	}

	signal(name) {
		this.told ||= name === 'SIGTERM' || name === 'SIGINT';
		if (!this.exit) {
			this.child.kill(name);
		}
	}

	/** Throws unless the server runs, or ended as it should, and no sanitizer has spoken. */
	check() {
		if (SANITIZER.test(this.stderr)) {
			throw new Error(`a sanitizer found something${this.log()}`);
		}
		if (this.exit && this.exit.code !== 0) {
			throw new Error(`the server ended with ${JSON.stringify(this.exit)}${this.log()}`);
		}
	}

	/** SIGTERM, unless it has had it (a second one ends it at once), then exit code 0 within the bound. */
	async stop({ seconds = 15 } = {}) {
		try {
			if (!this.exit) {
				if (!this.told) {
					this.signal('SIGTERM');
				}
				await within(this.ended, bound(seconds), 'the server to end after SIGTERM');
			}
		} catch (error) {
			this.kill();
			throw new Error(error.message + this.log());
		} finally {
			rmSync(this.dir, { recursive: true, force: true });
		}
		assert.deepEqual(this.exit, { code: 0, signal: null }, `exit after SIGTERM${this.log()}`);
		this.check();
	}

	/** For a test that ends the server in the middle, and for cleaning up: no questions asked. */
	kill() {
		this.signal('SIGKILL');
		rmSync(this.dir, { recursive: true, force: true });
	}
}

/**
 * One server for all tests of a describe() block: started before the first, stopped and checked
 * after the last. Returns an object whose fields are those of the server once it runs.
 */
export function useServer(options) {
	const holder = { server: null, running: 0 };
	// Of tests that run at the same time, some node versions call `after` before the last has ended.
	beforeEach(() => void holder.running++);
	afterEach(() => void holder.running--);
	before(async () => {
		holder.server = await Server.start(typeof options === 'function' ? options() : options);
	}, { timeout: bound(30) });
	after(async () => {
		await until(() => holder.running === 0, bound(60), 'the tests of this server to end');
		await holder.server?.stop();
	}, { timeout: bound(100) });
	return new Proxy(holder, {
		get(target, key) {
			assert.ok(target.server, 'the server did not start');
			if (target.server.exit) {
				throw new Error(`the server is gone: ${JSON.stringify(target.server.exit)}${target.server.log()}`);
			}
			const value = target.server[key];
			return typeof value === 'function' ? value.bind(target.server) : value;
		},
	});
}

let names = 0;

/** A channel name that no other test uses. */
export const channelName = (hint = 'c') => `${hint}-${process.pid}-${(names++).toString(36)}`;
