// terminal.js - a program on a terminal, and what a person sees there: a screen of characters, made from the
// escape sequences that it writes. One that the screen does not know fails the test that met it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT, program } from './server.js';
import { bound, until, within } from './time.js';

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/** What xterm shows: rows of cells, with the cursor and the last line's pending wrap. */
export class Screen {
	titles = 0; // operating system commands: none of ours, so somebody else's

	constructor(columns, rows) {
		this.columns = columns;
		this.rows = rows;
		this.cells = [[]];
		this.row = this.column = 0;
		this.rest = '';
	}

	/** The lines from the first on, without blanks at their ends; those that have scrolled away as well. */
	get lines() {
		const lines = this.cells.map((row) => Array.from(row, (c) => c ?? ' ').join('').trimEnd());
		while (lines.at(-1) === '') {
			lines.pop();
		}
		return lines;
	}

	get text() {
		return this.lines.join('\n');
	}

	write(data) {
		let text = this.rest + data;
		const cut = /\x1b(\[[0-9;?]*|\][^\x07\x1b]*)?$/.exec(text);
		this.rest = cut ? cut[0] : '';
		text = cut ? text.slice(0, cut.index) : text;
		for (const [part, parameters, command, title] of text.matchAll(/\x1b\[([0-9;?]*)([@-~])|\x1b\](.*?)(?:\x07|\x1b\\)|\x1b[=>]|[^]/gu)) {
			if (command) {
				this.#control(command, parameters);
			} else if (title !== undefined) {
				this.titles++;
			} else if (!part.startsWith('\x1b')) {
				this.#character(part);
			} else {
				assert.ok(part.length === 2, `an escape sequence that is not known: ${JSON.stringify(text)}`);
			}
		}
	}

	#line() {
		while (this.cells.length <= this.row) {
			this.cells.push([]);
		}
		return this.cells[this.row];
	}

	#character(c) {
		const moves = { '\r': () => (this.column = 0), '\n': () => this.row++, '\b': () => (this.column = Math.max(0, Math.min(this.column, this.columns - 1) - 1)), '\x07': () => {}, '\t': () => (this.column = Math.min(this.columns - 1, (this.column | 7) + 1)) };
		if (moves[c]) {
			moves[c]();
			this.#line();
			return;
		}
		assert.ok(c >= ' ' && !(c >= '\x7f' && c < '\xa0'), `a control character on the terminal: ${JSON.stringify(c)}`);
		const width = WIDE.test(c) ? 2 : 1;
		if (this.column + width > this.columns) {
			this.row++;
			this.column = 0;
		}
		const line = this.#line();
		while (line.length < this.column) {
			line.push(' ');
		}
		line[this.column] = c;
		if (width === 2) {
			line[this.column + 1] = '';
		}
		this.column += width;
	}

	#control(command, parameters) {
		const n = Number(parameters) || 1;
		const line = this.#line();
		const column = Math.min(this.column, this.columns - 1);
		const top = Math.max(0, this.cells.length - this.rows);
		const moves = {
			A: () => (this.row = Math.max(top, this.row - n)),
			B: () => (this.row += n),
			C: () => (this.column = Math.min(this.columns - 1, column + n)),
			D: () => (this.column = Math.max(0, column - n)),
			G: () => (this.column = n - 1),
			H: () => ([this.row, this.column] = parameters ? parameters.split(';').map((x, i) => x - 1 + (i ? 0 : top)) : [top, 0]),
			J: () => {
				if (parameters === '2') {
					this.cells.length = top;
				} else {
					line.length = Math.min(line.length, this.column);
					this.cells.length = this.row + 1;
				}
			},
			K: () => (line.length = Math.min(line.length, this.column)),
			'@': () => line.splice(column, 0, ...Array(n).fill(' ')),
			P: () => line.splice(column, n),
			m: () => {},
			h: () => {},
			l: () => {},
		};
		assert.ok(moves[command], `a control sequence that is not known: ${parameters}${command}`);
		moves[command]();
		this.#line();
	}
}

/** The program under test on a terminal. */
export class Terminal {
	raw = ''; // everything it wrote
	errors = ''; // of the helper

	constructor(args, { columns = 80, rows = 24, env = {} } = {}) {
		const helper = path.join(ROOT, 'tests/lib/terminal.py');
		this.screen = new Screen(columns, rows);
		this.child = spawn('python3', [helper, String(columns), String(rows), program(), ...args], {
			env: { PATH: process.env.PATH, TERM: 'xterm', LC_ALL: 'C.UTF-8', HOME: '/nonexistent', ...sanitizers(), ...env },
		});
		this.child.stdin.on('error', () => {});
		this.child.stdout.setEncoding('utf8').on('data', (text) => {
			this.raw += text;
			try {
				this.screen.write(text);
			} catch (error) {
				this.fault ??= error;
			}
		});
		this.child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
		this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
	}

	#tell(order) {
		this.child.stdin.write(`${JSON.stringify(order)}\n`);
	}

	/** Keys; `\r` is Enter. */
	type(text) {
		this.#tell({ type: text });
	}

	resize(columns, rows) {
		this.#tell({ resize: [columns, rows] });
		this.screen.columns = columns;
		this.screen.rows = rows;
	}

	signal(number) {
		this.#tell({ signal: number });
	}

	/** Waits until the screen's text matches, or its last line is exactly this. */
	async shows(what) {
		const found = () => this.fault || (typeof what === 'string' ? this.screen.lines.at(-1) === what : what.test(this.screen.text));
		await until(found, bound(10), `${what}`).catch((error) => {
			throw new Error(`${error.message}\n--- the screen\n${this.screen.text}\n---\n${this.errors}`);
		});
		assert.ifError(this.fault);
	}

	/** The exit status; 128 + number after a signal. */
	async end() {
		const code = await within(this.ended, bound(10), `its end; the screen:\n${this.screen.text}`);
		assert.ifError(this.fault);
		return code;
	}

	kill() {
		this.child.kill('SIGKILL'); // its terminal goes with it: the program gets SIGHUP
	}
}

const sanitizers = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => /^([AUT]|UB)SAN_OPTIONS$/.test(name)));
