// lab.js - the lab page: one publisher, four readers, and what each of them costs.

import { channelPath } from './lib/channel.js';
import { randomName } from './lib/identity.js';
import { locale, onLanguage, startLanguage, t } from './lib/i18n.js';
import { Plot, WINDOW } from './meter/plot.js';
import { Publisher, parse } from './meter/publisher.js';
import { readers } from './meter/readers.js';
import { series } from './meter/series.js';
import { Tally } from './meter/tally.js';
import { bytesOf } from './meter/wire.js';

const DRAW = 250;   // ms between two drawings
const WORDS = 1000; // ms between two versions of the words and numbers
const AGAIN = 1000; // ms before a reader that ended starts again

const $ = id => document.getElementById(id);
const names = Object.keys(readers);
const channel = `lab/${randomName(10)}`;
const publisher = new Publisher(channel);

let tallies, curves, dots;      // per transport: the sums, bytes over time, delay over time
let interval = 1000;            // ms between two polls
let wanted = true;              // the reader of the page wants it to run
let stop = null;                // an AbortController while it runs
let elapsed = 0, resumed = 0;   // ms of running before, and when it was resumed

const seconds = () => (elapsed + (stop ? performance.now() - resumed : 0)) / 1000;
const perName = make => Object.fromEntries(names.map(name => [name, make(name)]));

function reset() {
	tallies = perName(() => new Tally());
	curves = perName(() => []);
	dots = perName(() => []);
	elapsed = 0;
	resumed = performance.now();
}

/* Running */

/** Runs while it is wanted and seen: a page in the background is slowed down, and would measure that. */
function update() {
	const run = wanted && document.visibilityState === 'visible';
	if (run && !stop)
		start();
	else if (!run && stop)
		halt();
	$('run').textContent = t(wanted ? 'lab.pause' : 'lab.start');
}

function start() {
	stop = new AbortController();
	resumed = performance.now();
	for (const name of names)
		keepReading(name, stop.signal);
	publisher.start();
}

function halt() {
	elapsed = seconds() * 1000;
	stop.abort();
	stop = null;
	publisher.stop();
}

async function keepReading(name, signal) {
	while (!signal.aborted) {
		await readers[name](channelPath(channel), meterOf(name), signal).catch(() => {});
		await new Promise(resolve => setTimeout(resolve, AGAIN));
	}
}

function meterOf(name) {
	return {
		interval: () => interval,
		setup: bytes => tallies[name].addSetup(bytes),
		exchange: bytes => tallies[name].addExchange(bytes),
		message(text, around) {
			const { number, time } = parse(text);
			const delay = performance.now() - time;
			tallies[name].addMessage({ payload: bytesOf(text), around, number, delay });
			dots[name].push([seconds(), Math.max(delay, 0.1)]);
		},
	};
}

/* Drawing */

const plots = [
	new Plot($('bytes-plot'), {
		kind: 'line', format: value => bytes(value), name: key => t(`short.${key}`), onresize: () => draw(),
	}),
	new Plot($('delay-plot'), {
		kind: 'dots', logarithmic: true, format: value => time(value), name: key => t(`short.${key}`),
		onresize: () => draw(),
	}),
];

function sample() {
	const now = seconds();
	for (const name of names) {
		curves[name].push([now, tallies[name].bytes]);
		for (const list of [curves[name], dots[name]])
			while (list.length && list[0][0] < now - WINDOW - 1)
				list.shift();
	}
	draw();
}

function draw() {
	if (!tallies)
		return;
	plots[0].draw(curves, seconds());
	plots[1].draw(dots, seconds());
}

/* Words and numbers */

const number = (value, digits = 3) => (Number.isFinite(value)
	? new Intl.NumberFormat(locale(), { maximumSignificantDigits: digits }).format(value) : '–');

/** A value with the unit that makes it a small number. */
function scaled(value, units, base) {
	let step = 0;
	while (Math.abs(value) >= base && step < units.length - 1) {
		value /= base;
		step++;
	}
	return Number.isFinite(value) ? `${number(value)} ${units[step]}` : '–';
}

const bytes = value => scaled(value, ['B', 'kB', 'MB', 'GB'], 1000);
const bits = value => scaled(value, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'], 1000);
const time = value => scaled(value, ['ms', 's'], 1000);

function fillLanes() {
	for (const name of names) {
		const lane = $('lanes').querySelector(`[data-lane="${name}"]`);
		const tally = tallies[name];
		lane.querySelector('.last').textContent = tally.messages ? `# ${tally.last}` : '–';
		lane.querySelector('.bytes').textContent = t('lab.laneBytes', bytes(tally.bytes));
		lane.querySelector('.delay').textContent = t('lab.laneDelay', time(tally.delays.at(-1) ?? NaN));
	}
}

function fillTables() {
	const rate = name => (seconds() > 0 ? tallies[name].bytes * 8 / seconds() : NaN);
	const whole = new Intl.NumberFormat(locale());
	fill('table', name => {
		const tally = tallies[name];
		return [whole.format(tally.messages), bytes(tally.bytes), bytes(tally.bytesPerMessage), bits(rate(name)),
			time(tally.median), time(tally.p95)];
	});
	fill('scale', name => {
		const { overhead } = tallies[name];
		return [bytes(overhead), ...[1e3, 1e4, 1e5].map(clients => bits(overhead * 8 * clients))];
	});
}

function fill(table, cells) {
	for (const name of names)
		cells(name).forEach((text, i) => {
			$(table).querySelector(`[data-row="${name}"]`).cells[i + 1].textContent = text;
		});
}

/** The numbers in plain words, once there are enough of them to be true. */
function conclude() {
	const { poll, longpoll, sse, websocket } = tallies;
	if (Math.min(...names.map(name => tallies[name].messages)) < 3) {
		$('conclusion').textContent = t('lab.wait');
		$('conclusion-delay').textContent = '';
		return;
	}
	// By the message: a poller has not yet received the latest ones.
	const times = tally => number(tally.bytesPerMessage / websocket.bytesPerMessage, 2);
	$('conclusion').textContent = t('lab.factor', times(poll), times(longpoll), times(sse));
	$('conclusion-delay').textContent = t('lab.delays', time(poll.median), time(websocket.median));
}

function words() {
	fillLanes();
	fillTables();
	conclude();
}

/* The page */

/** The mark of a transport as it is in the plots, drawn with the same shape. */
function markOf(name) {
	const canvas = document.createElement('canvas');
	const pen = canvas.getContext('2d');
	canvas.className = 'mark';
	canvas.width = canvas.height = 56;
	canvas.setAttribute('aria-hidden', 'true');
	const paint = () => {
		pen.clearRect(0, 0, 56, 56);
		pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(series[name].color);
		pen.beginPath();
		series[name].shape(pen, 28, 28, 19);
		pen.fill();
	};
	paint();
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
	return canvas;
}

function build(tag, className, ...children) {
	const made = document.createElement(tag);
	made.className = className;
	made.append(...children);
	return made;
}

function nameOf(name) {
	const label = document.createElement('span');
	label.dataset.t = `transport.${name}`;
	return label;
}

function buildRows() {
	for (const name of names) {
		const lane = build('article', 'lane card', build('h2', '', markOf(name), nameOf(name)),
			build('p', 'last'), build('p', 'soft delay'), build('p', 'soft bytes'));
		lane.dataset.lane = name;
		lane.style.setProperty('--color', `var(${series[name].color})`);
		$('lanes').append(lane);
		for (const [table, columns] of [['table', 6], ['scale', 4]]) {
			const head = build('th', '', build('span', 'series', markOf(name), nameOf(name)));
			head.scope = 'row';
			const row = build('tr', '', head, ...Array.from({ length: columns }, () => build('td', '')));
			row.dataset.row = name;
			$(table).tBodies[0].append(row);
		}
	}
}

/**
 * On a phone a row is a block (lab.css) and each cell says its column. What is laid out as a block is no
 * table any more for some screen readers, unless it says that it is.
 */
function nameColumns() {
	for (const table of document.querySelectorAll('table')) {
		const heads = [...table.tHead.rows[0].cells];
		for (const row of table.tBodies[0].rows)
			[...row.cells].forEach((cell, i) => { cell.dataset.column = heads[i].textContent; });
	}
	for (const [selector, role] of Object.entries({ table: 'table', 'thead, tbody': 'rowgroup', tr: 'row',
		'thead th': 'columnheader', 'tbody th': 'rowheader', td: 'cell' }))
		for (const element of document.querySelectorAll(selector))
			element.setAttribute('role', role);
}

/** A slider from `low` to `high` whose steps are equal factors. */
function slider(id, low, high, round, act) {
	const set = () => act(round(low * (high / low) ** ($(id).value / 100)));
	$(id).addEventListener('input', set);
	return set;
}

const sliders = [
	slider('rate', 0.2, 20, value => Number(value.toPrecision(2)), rate => {
		publisher.rate = rate;
		if (stop)
			publisher.start(); // not after the old, perhaps long, pause
		show('rate', t('lab.rateValue', number(rate, 2)));
	}),
	slider('size', 16, 65_536, value => 2 ** Math.round(Math.log2(value)), size => {
		publisher.size = size;
		show('size', t('lab.sizeValue', new Intl.NumberFormat(locale()).format(size)));
	}),
	slider('interval', 500, 10_000, value => Number(value.toPrecision(1)), value => {
		interval = value;
		show('interval', time(value));
	}),
];

function show(id, text) {
	$(`${id}-out`).textContent = text;
	$(id).setAttribute('aria-valuetext', text);
}

$('run').addEventListener('click', () => {
	wanted = !wanted;
	update();
});
$('reset').addEventListener('click', () => {
	reset();
	draw();
	words();
});
$('log').addEventListener('change', () => {
	plots[0].logarithmic = $('log').checked;
	draw();
});
$('controls').addEventListener('submit', event => event.preventDefault());
document.addEventListener('visibilitychange', update);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
addEventListener('pagehide', () => stop && halt());
addEventListener('pageshow', event => event.persisted && update());

onLanguage(() => {
	for (const head of document.querySelectorAll('[data-clients]'))
		head.textContent = t('lab.clients', new Intl.NumberFormat(locale()).format(head.dataset.clients));
	nameColumns();
	for (const set of sliders)
		set();
	update();
	draw();
	words();
});

buildRows();
reset();
startLanguage();
setInterval(() => stop && sample(), DRAW);
setInterval(() => stop && words(), WORDS);
