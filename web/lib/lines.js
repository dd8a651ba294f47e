// lines.js - cuts a text that arrives in pieces into lines that end in LF, CR or CRLF.

/** A function that takes the next piece and returns the lines that are now complete. */
export function lineSplitter() {
	let rest = '';
	let afterCR = false; // the last piece ended in CR: an LF that comes next belongs to it

	return piece => {
		if (afterCR && piece !== '') {
			if (piece[0] === '\n')
				piece = piece.slice(1);
			afterCR = false;
		}
		if (piece.endsWith('\r'))
			afterCR = true;
		const lines = (rest + piece).split(/\r\n|\r|\n/);
		rest = lines.pop();
		return lines;
	};
}
