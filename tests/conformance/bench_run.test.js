// bench/run: the frame of the benchmarks, with the floor and our server, for moments. What it measures is not looked at,
// but that each scenario has figures, and what is written of them.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT, program } from '../lib/server.js';
import { SLOW, bound } from '../lib/time.js';

const RUN = path.join(ROOT, 'bench/run');
const generator = process.env.GENERATOR || program();
const skip = !existsSync(path.join(ROOT, 'build/bench/floor')) && 'the floor is not built';
const SCENARIOS = ['echo', 'echo-16', 'echo-16k', 'fanout-1000', 'fanout-1000-32', 'sse', 'poll', 'churn', 'idle', 'bystander'];

describe('the frame of the benchmarks', { skip }, () => {
	let to, results, page;

	const run = (...args) =>
		spawnSync(RUN, args, { encoding: 'utf8', env: { ...process.env, CROSSTALK: program(), MARK: to }, timeout: bound(60) });

	before(() => {
		to = mkdtempSync(path.join(tmpdir(), 'crosstalk-bench-'));
		const done = run('--servers', 'floor,crosstalk', '--scenarios', SCENARIOS.join(','), '--rounds', '1', '--connections', '20',
			'--seconds', String(0.2 * SLOW), '--warmup', '0', '--out', to);
		assert.equal(done.status, 0, done.stdout + done.stderr);
		results = JSON.parse(readFileSync(path.join(to, 'results.json'), 'utf8'));
		page = readFileSync(path.join(to, 'benchmarks.md'), 'utf8');
	}, { timeout: bound(90) });
	after(() => rmSync(to, { recursive: true, force: true }));

	for (const scenario of SCENARIOS) {
		it(`${scenario}: figures of both servers`, () => {
			const runs = results.runs.filter((one) => one.scenario === scenario);
			assert.deepEqual(runs.map((one) => one.server), ['floor', 'crosstalk']);
			for (const { figures } of runs) {
				assert.ok(figures.rate > 0 || scenario === 'idle', 'nothing came');
				assert.ok(figures.worst > 0 || scenario === 'idle');
				assert.ok(Number.isFinite(figures.cpu) && figures.cpu >= 0);
				assert.ok(!figures.notes.some((note) => /were/.test(note)), figures.notes.join());
			}
		});
	}

	it('tells multiples of the floor, and names machine and versions', () => {
		assert.match(page, /^\| echo 64 B, 1 in flight \(floor [\d.]+ µs\) \| [\d.]+ \([\d.]+\) \|$/m);
		assert.ok(page.includes(execFileSync(program(), ['--version'], { encoding: 'utf8' }).trim()));
		assert.match(page, /\d cores, Linux \d/);
	});

	it('draws plots that are XML, for light and dark pages', () => {
		for (const [, file] of page.matchAll(/\]\((benchmarks\/\w+\.svg)\)/g)) {
			execFileSync('python3', ['-c', 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])', path.join(to, file)]);
			assert.match(readFileSync(path.join(to, file), 'utf8'), /prefers-color-scheme: dark/);
		}
		assert.equal([...page.matchAll(/\.svg\)/g)].length, 2);
	});

	it('draws the same again from what was written down', () => {
		assert.equal(run('--draw', '--out', to).status, 0);
		assert.equal(readFileSync(path.join(to, 'benchmarks.md'), 'utf8'), page);
	});

	it('leaves no server behind', () => {
		const inherited = (pid) => {
			try {
				return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`MARK=${to}`);
			} catch {
				return false; // it has ended, or is another user's
			}
		};
		assert.deepEqual(readdirSync('/proc').filter((name) => /^\d+$/.test(name) && inherited(name)), []);
	});

	it('says which server or scenario there is not', () => {
		for (const args of [['--servers', 'nobody'], ['--scenarios', 'nothing']]) {
			const done = run(...args, '--out', to);
			assert.equal(done.status, 1);
			assert.match(done.stderr, /there is no '(nobody|nothing)'/);
		}
	});
});
