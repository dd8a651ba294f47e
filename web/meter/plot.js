// plot.js - a plot over the last minute on a canvas: lines or dots, a linear or logarithmic scale.

import { series } from './series.js';

export const WINDOW = 60; // s

const MARGIN = { top: 14, right: 104, bottom: 26, left: 58 };
const LABEL_GAP = 16; // px between the names at the ends of the lines

/** Round numbers from 0 to at least `top`, about `count` of them. */
export function linearTicks(top, count = 4) {
	const rough = top / count;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 2.5, 5, 10].find(factor => factor * power >= rough) * power;
	return Array.from({ length: Math.ceil(top / step) + 1 }, (_, i) => i * step);
}

/** Powers of ten that enclose both values. */
export function logTicks(low, high) {
	const [from, to] = [Math.floor(Math.log10(low)), Math.max(Math.ceil(Math.log10(high)), Math.floor(Math.log10(low)) + 1)];
	return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
}

export class Plot {
	logarithmic = false;

	#canvas;
	#pen;
	#kind;
	#size = { width: 0, height: 0 };

	/** kind: 'line' or 'dots'; format(value) writes a value at the scale; name(key) names a series. */
	constructor(canvas, { kind, format, name, logarithmic = false, onresize }) {
		Object.assign(this, { format, name, logarithmic });
		this.#canvas = canvas;
		this.#pen = canvas.getContext('2d');
		this.#kind = kind;
		new ResizeObserver(([{ contentRect }]) => {
			this.#size = contentRect;
			onresize();
		}).observe(canvas);
	}

	/** points: {key: [[second, value], …]}, the newest last; now: the second at the right edge. */
	draw(points, now) {
		const { width, height } = this.#size;
		if (!width)
			return;
		this.#sharpen(width, height);
		const visible = Object.fromEntries(Object.entries(points)
			.map(([key, list]) => [key, list.filter(([second]) => second >= now - WINDOW)]));
		const end = Math.max(now, WINDOW);
		const [x, y, ticks] = this.#scales(Object.values(visible).flat().map(([, value]) => value), end);

		this.#axes(x, y, ticks, end);
		const ends = [];
		for (const [key, list] of Object.entries(visible)) {
			this.#begin(key);
			const places = list.map(([second, value]) => [x(second), y(value)]);
			this[this.#kind === 'line' ? 'drawLine' : 'drawDots'](places, series[key]);
			if (places.length)
				ends.push({ key, y: places.at(-1)[1], end: places.at(-1) });
		}
		this.#names(ends);
	}

	drawLine(places, { shape, dash }) {
		const pen = this.#pen;
		pen.setLineDash(dash);
		pen.beginPath();
		for (const place of places)
			pen.lineTo(...place);
		pen.stroke();
		pen.setLineDash([]);
		if (places.length)
			this.#mark(shape, places.at(-1), 4.5);
	}

	drawDots(places, { shape }) {
		this.#pen.globalAlpha = 0.75;
		for (const place of places)
			this.#mark(shape, place, 3);
		this.#pen.globalAlpha = 1;
	}

	#mark(shape, [x, y], r) {
		this.#pen.beginPath();
		shape(this.#pen, x, y, r);
		this.#pen.fill();
	}

	/** One pixel of the canvas for one of the screen. */
	#sharpen(width, height) {
		const ratio = devicePixelRatio || 1;
		const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
		if (this.#canvas.width !== w || this.#canvas.height !== h)
			Object.assign(this.#canvas, { width: w, height: h });
		this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
		this.#pen.clearRect(0, 0, width, height);
		this.#pen.font = `12px ${getComputedStyle(this.#canvas).fontFamily}`;
	}

	#scales(values, end) {
		const { width, height } = this.#size;
		const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
		const positive = values.filter(value => value > 0);
		const [low, high] = positive.length ? [Math.min(...positive), Math.max(...positive)] : [1, 100];
		const ticks = this.logarithmic ? logTicks(low, high) : linearTicks(high);
		const scale = this.logarithmic ? value => Math.log10(Math.max(value, ticks[0])) : value => value;
		const [bottom, top] = [scale(ticks[0]), scale(ticks.at(-1))];

		const x = second => MARGIN.left + (1 - (end - second) / WINDOW) * inner.width;
		const y = value => MARGIN.top + (1 - (scale(value) - bottom) / (top - bottom)) * inner.height;
		return [x, y, ticks];
	}

	#axes(x, y, ticks, end) {
		const pen = this.#pen;
		pen.lineWidth = 1;
		pen.strokeStyle = this.#color('--line');
		pen.fillStyle = this.#color('--soft');
		pen.textBaseline = 'middle';
		pen.textAlign = 'right';
		for (const tick of ticks) {
			const at = Math.round(y(tick)) + 0.5;
			pen.beginPath();
			pen.moveTo(MARGIN.left, at);
			pen.lineTo(this.#size.width - MARGIN.right, at);
			pen.stroke();
			pen.fillText(this.format(tick), MARGIN.left - 8, at);
		}
		pen.textAlign = 'center';
		for (let second = Math.ceil((end - WINDOW) / 15) * 15; second <= end; second += 15)
			pen.fillText(this.time(second), x(second), this.#size.height - MARGIN.bottom + 15);
	}

	time(second) { return `${Math.floor(second / 60)}:${String(second % 60).padStart(2, '0')}`; }

	/** The name of each line at its end, moved apart where lines end close together. */
	#names(ends) {
		ends.sort((a, b) => a.y - b.y);
		for (let i = 1; i < ends.length; i++)
			ends[i].y = Math.max(ends[i].y, ends[i - 1].y + LABEL_GAP);
		let floor = this.#size.height - MARGIN.bottom;
		for (const label of ends.toReversed()) {
			label.y = Math.min(label.y, floor);
			floor = label.y - LABEL_GAP;
		}
		const x = this.#size.width - MARGIN.right + 14;
		this.#pen.textAlign = 'left';
		for (const { key, y } of ends) {
			this.#begin(key);
			this.#mark(series[key].shape, [x, y], 4);
			this.#pen.fillText(this.name(key), x + 10, y);
		}
	}

	#begin(key) {
		this.#pen.strokeStyle = this.#pen.fillStyle = this.#color(series[key].color);
		this.#pen.lineWidth = 2.25;
		this.#pen.lineJoin = 'round';
	}

	#color(variable) { return getComputedStyle(this.#canvas).getPropertyValue(variable); }
}
