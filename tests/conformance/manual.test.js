// The manual pages say what the program says: each option of --help, each exit status, no others; that of the library each of its
// functions, no others; and they are well made.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, program } from '../lib/server.js';
import { bound } from '../lib/time.js';

const run = promisify(execFile);
const TIMEOUT = { timeout: bound(20) };
const PAGES = path.join(ROOT, 'docs/man');
const COMMANDS = ['serve', 'check', 'pub', 'sub', 'connect', 'bench'];

const help = async (...args) => (await run(program(), ['help', ...args])).stdout;
const page = (name, section = 1) => readFileSync(path.join(PAGES, `${name}.${section}`), 'utf8');
const all = (text, pattern) => [...new Set([...text.matchAll(pattern)].map((match) => match[1]))].sort();

/** The options that stand at the beginning of a line of --help. */
const helpOptions = (text) => all(text, /^ {2}(--[a-z0-9-]+)/gm);

const between = (text, from, to) => text.slice(text.indexOf(`.Sh ${from}\n`), to ? text.indexOf(`.Sh ${to}\n`) : undefined);

describe('manual pages', { concurrency: 4 }, () => {
	it('there is one for each command, and each is named in that of crosstalk', TIMEOUT, async () => {
		const listed = all(await help(), /^ {2}([a-z]+) /gm);
		assert.deepEqual(listed, [...COMMANDS].sort());
		assert.deepEqual(readdirSync(PAGES).sort(), ['crosstalk.1', 'crosstalk.3', ...COMMANDS.map((name) => `crosstalk-${name}.1`)].sort());
		for (const name of COMMANDS) {
			assert.ok(page('crosstalk').includes(`.Xr crosstalk-${name} 1 .\n`), name);
		}
	});
	for (const name of COMMANDS) {
		const text = page(`crosstalk-${name}`);
		it(`${name}: the options of --help, described and in the synopsis`, TIMEOUT, async () => {
			const expected = helpOptions(await help(name));
			assert.ok(expected.length > 0);
			const words = (macros) => all(macros.replace(/ -(?=[a-z])/g, ' --'), /(--[a-z0-9-]+)/g);
			assert.deepEqual(all(text, /^\.It Fl (-[a-z0-9-]+)/gm).map((flag) => `-${flag}`), expected);
			assert.deepEqual(words(between(text, 'SYNOPSIS', 'DESCRIPTION')), expected);
		});
		it(`${name}: the exit statuses of --help`, TIMEOUT, async () => {
			const [, list] = /Exit status:([^]*)/.exec(await help(name)) ?? [];
			if (list) {
				assert.deepEqual(all(between(text, 'EXIT STATUS'), /^\.It (\d)$/gm), all(list, /\s(\d) (?=[a-z])/g));
			}
		});
	}
	it('the library: each function of the headers is named, and no other', TIMEOUT, () => {
		const headers = ['crosstalk.h', 'crosstalk_ws.h'].map((name) => readFileSync(path.join(ROOT, 'include', name), 'utf8')).join('');
		const declared = all(headers, /^XT_API[^;(]*?\b(xt_\w+)\(/gm);
		const text = between(page('crosstalk', 3), 'DESCRIPTION', 'EXAMPLES') + between(page('crosstalk', 3), 'ERRORS');
		assert.ok(declared.length > 50);
		assert.deepEqual(all(text, /^\.Fn (\w+)/gm), declared);
	});
	it('the library: each error of the header, and no other', TIMEOUT, () => {
		const header = readFileSync(path.join(ROOT, 'include/crosstalk.h'), 'utf8');
		assert.deepEqual(all(between(page('crosstalk', 3), 'ERRORS'), /^\.It Dv (XT_E\w+)$/gm), all(header, /^\t(XT_E[A-Z]+) = -/gm));
	});
	for (const file of ['crosstalk.3', 'crosstalk.1', ...COMMANDS.map((command) => `crosstalk-${command}.1`)]) {
		it(`${file} is well made`, { ...TIMEOUT, skip: !existsSync('/usr/bin/mandoc') && 'mandoc is not installed' }, async () => {
			const page = path.join(PAGES, file);
			const { stdout } = await run('mandoc', ['-T', 'lint', page]).catch((error) => error);
			const faults = stdout.split('\n').filter((line) => line && !line.includes('referenced manual not found') && !line.includes('mandoc.db'));
			assert.deepEqual(faults, []);
			assert.match((await run('mandoc', ['-T', 'utf8', page])).stdout.replace(/.\x08/gu, ''), file.endsWith('3') ? /^RETURN VALUES/m : /^EXIT STATUS/m);
		});
	}
	it('what they refer to is there', TIMEOUT, () => {
		for (const file of readdirSync(PAGES)) {
			for (const [, name, section] of readFileSync(path.join(PAGES, file), 'utf8').matchAll(/^\.Xr (crosstalk\S*) (\d)/gm)) {
				assert.ok(existsSync(path.join(PAGES, `${name}.${section}`)), `${file}: ${name}`);
			}
		}
	});
});
