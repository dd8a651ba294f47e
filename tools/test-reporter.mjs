// test-reporter.mjs - what node's test runner reports, in a form that run-tests can count.
//
// A line for each failure and skip, then the error; the last line is `#counts PASSED FAILED SKIPPED`. A
// test that only holds other tests is not counted, unless it fails for itself (a hook).
import { inspect } from 'node:util';

class Tally {
	passed = 0;
	failed = 0;
	skipped = 0;
	names = []; // of the tests around, by depth
	below = []; // by depth: how many ended there since the one above began, and how many of them failed

	#at(depth) {
		return (this.below[depth] ??= { ended: 0, failed: 0 });
	}

	start({ name, nesting }) {
		this.names[nesting] = name;
	}

	/** Takes the end of a test; returns what to print. */
	end({ name, nesting, details, skip, todo }, notPassed) {
		const inner = this.#at(nesting + 1);
		const isParent = inner.ended > 0 || details.type === 'suite';
		const failed = notPassed && todo === undefined;
		this.below[nesting + 1] = undefined;
		this.#at(nesting).ended += 1;
		this.#at(nesting).failed += failed ? 1 : 0;
		const title = [...this.names.slice(0, nesting), name].join(' > ');
		if (failed && inner.failed === 0) {
			this.failed += 1;
			return `FAILED ${title}\n${explain(details.error)}\n`;
		}
		if (isParent || failed) {
			return '';
		}
		if (skip !== undefined || todo !== undefined) {
			this.skipped += 1;
			return `skipped ${title}: ${skip ?? todo}\n`;
		}
		this.passed += 1;
		return '';
	}
}

function explain(error) {
	const text = inspect(error?.cause ?? error, { depth: 4, breakLength: 100 });
	return text.replace(/^/gm, '    ');
}

export default async function* report(source) {
	const tally = new Tally();
	for await (const { type, data } of source) {
		if (type === 'test:start') {
			tally.start(data);
		} else if (type === 'test:pass' || type === 'test:fail') {
			yield tally.end(data, type === 'test:fail');
		} else if (type === 'test:stdout' || type === 'test:stderr') {
			yield data.message;
		}
	}
	yield `#counts ${tally.passed} ${tally.failed} ${tally.skipped}\n`;
}
