// messageid.js - a message id, `EPOCH-OFFSET`: its parts, and whether one position covers another.

/** {epoch, offset} or null. The offset is a BigInt: it may be any number below 2^63. */
export function parse(id) {
	const parts = /^([0-9a-z]{1,16})-(\d{1,19})$/.exec(id);
	return parts && { epoch: parts[1], offset: BigInt(parts[2]) };
}

/**
 * True when a reader that stands at `position` has had the message `id` before. Two epochs cannot be
 * compared, they only follow each other, so a message of another epoch is always news.
 */
export function covers(position, id) {
	const [here, there] = [parse(position), parse(id)];
	return !!here && !!there && here.epoch === there.epoch && there.offset <= here.offset;
}
