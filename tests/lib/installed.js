// installed.js - an installed copy of the library in a directory of its own, and programs outside of the tree that are built with it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { program } from './server.js';
import { bound, until } from './time.js';

const BUILD = path.dirname(program());

/** A program that is built with sanitizers needs them at every link: the plain build stands for all. */
export const skip = /[at]san\b/.test(BUILD) && 'of the plain build';

export class Installed {
	constructor() {
		this.dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-install-'));
		this.run('meson', ['install', '-C', BUILD, '--no-rebuild', '--destdir', this.dir]);
		const found = this.run('find', [this.dir, '-name', 'crosstalk.pc']).trim();
		this.prefix = found.replace(/\/lib[^/]*\/.*$/, '');
		this.libraries = path.dirname(path.dirname(found));
		this.env = {
			...process.env,
			PKG_CONFIG_PATH: path.dirname(found),
			PKG_CONFIG_SYSROOT_DIR: this.dir,
			LD_LIBRARY_PATH: this.libraries,
		};
	}

	remove() {
		rmSync(this.dir, { recursive: true, force: true });
	}

	run(command, args, options = {}) {
		return execFileSync(command, args, { encoding: 'utf8', cwd: this.dir, timeout: bound(50), ...options });
	}

	/** What pkg-config says of crosstalk. */
	flags(...words) {
		return this.run('pkg-config', [...words, 'crosstalk'], { env: this.env }).trim().split(/\s+/).filter(Boolean);
	}

	/** Compiles a text outside of the tree; `extra` are other packages that it needs. Returns the program. */
	compile(name, source, { compiler = 'cc', options = [], libs, extra = [] } = {}) {
		const file = path.join(this.dir, `${name}${compiler === 'c++' ? '.cc' : '.c'}`);
		const out = path.join(this.dir, name);
		writeFileSync(file, source);
		const more = extra.length ? this.run('pkg-config', ['--cflags', '--libs', ...extra]).trim().split(/\s+/) : [];
		this.run(compiler, [
			...options, '-Wall', '-Wextra', '-Werror', file, '-o', out, ...this.flags('--cflags'),
			...(libs ?? this.flags('--libs')), ...more, '-pthread',
		], { stdio: 'pipe' });
		return out;
	}

	/** Starts a program, which is ended with the test. `said` and `complained` are what it has printed. */
	start(t, file, ...args) {
		const child = spawn(file, args, { env: this.env, stdio: ['pipe', 'pipe', 'pipe'] });
		const started = { child, said: '', complained: '' };
		started.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
		child.stdout.setEncoding('utf8').on('data', (text) => (started.said += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (started.complained += text));
		child.stdin.on('error', () => {});
		t.after(async () => {
			child.kill('SIGKILL');
			await started.ended;
		});
		return started;
	}

	/** Starts a server that says where it listens. */
	async serve(t, file) {
		const started = this.start(t, file, 'http://127.0.0.1:0');
		const found = await until(() => /^listening on (\S+)\n/m.exec(started.said)?.[1] ?? (started.child.exitCode !== null && 'ended'), bound(15), 'listening on');
		if (found === 'ended') {
			throw new Error(`${file} ended: ${started.complained}`);
		}
		const url = new URL(found);
		return Object.assign(started, { host: url.host, port: Number(url.port) });
	}
}
