// series.js - how the four transports are told apart in plots and tables: by colour (of a palette that the
// colour-blind can read), by the shape of the mark, by the dashes of the line, and by name.

const TAU = 2 * Math.PI;

/** A mark around (x, y), as a path of a canvas. */
const shapes = {
	circle: (pen, x, y, r) => pen.arc(x, y, r, 0, TAU),
	square: (pen, x, y, r) => pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
	triangle: (pen, x, y, r) => polygon(pen, x, y + r * 0.2, r * 1.25, 3),
	diamond: (pen, x, y, r) => polygon(pen, x, y, r * 1.3, 4),
};

function polygon(pen, x, y, r, corners) {
	for (let i = 0; i < corners; i++)
		pen.lineTo(x + r * Math.sin(TAU * i / corners), y - r * Math.cos(TAU * i / corners));
	pen.closePath();
}

/** color: a variable of lab.css. */
export const series = {
	poll: { color: '--poll', shape: shapes.circle, dash: [] },
	longpoll: { color: '--longpoll', shape: shapes.square, dash: [8, 4] },
	sse: { color: '--sse', shape: shapes.triangle, dash: [3, 3] },
	websocket: { color: '--websocket', shape: shapes.diamond, dash: [] },
};
