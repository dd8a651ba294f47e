// message.js - what a message of a room means. A room is a channel like any other: the chat page writes
// {key, from, name, text, via} as JSON, but anything may come from anyone, `curl -d hello` included.

const PICTURES = /^image\/(png|jpeg|gif|webp|avif)$/;

/** The text to publish. `key` makes a message that was sent twice one; `via` is the sender's transport. */
export function write({ key, from, name, text, via }) {
	return JSON.stringify({ key, from, name, text, via });
}

/** A WebSocket's text is text, so JSON that came over one arrives as a string. */
function asObject(data) {
	if (typeof data !== 'string')
		return data;
	if (!data.startsWith('{'))
		return null;
	try {
		return JSON.parse(data);
	} catch {
		return null;
	}
}

const text = value => (typeof value === 'string' ? value : '');
const media = type => text(type).split(';')[0].trim().toLowerCase();

/**
 * What to show of a message of the channel:
 * {kind:'chat', key, from, name, text, via} · {kind:'text', text, type} · {kind:'picture', src, type}
 * · {kind:'bytes', size, type}; all with id and time.
 */
export function read({ id, time, data, encoding, type }) {
	const envelope = { id, time, type: media(type) };

	if (encoding === 'base64') {
		if (PICTURES.test(envelope.type))
			return { ...envelope, kind: 'picture', src: `data:${envelope.type};base64,${data}` };
		return { ...envelope, kind: 'bytes', size: Math.floor(data.replace(/=+$/, '').length * 3 / 4) };
	}
	const object = asObject(data);
	if (object && typeof object.text === 'string')
		return {
			...envelope, kind: 'chat', text: object.text, name: text(object.name).slice(0, 64),
			key: text(object.key), from: text(object.from), via: text(object.via).slice(0, 16),
		};
	return { ...envelope, kind: 'text', text: typeof data === 'string' ? data : JSON.stringify(data) };
}
