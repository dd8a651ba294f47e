// quantile.js - the value below which a part of the values lies.

/** quantile(values, 0.5) is the median. NaN when there are none. */
export function quantile(values, part) {
	if (!values.length)
		return NaN;
	const sorted = [...values].sort((a, b) => a - b);
	const at = (sorted.length - 1) * part;
	const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
	return low + (high - low) * (at % 1);
}
