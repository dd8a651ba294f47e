// body.js - reads the body of a streaming answer as text, piece by piece.

/** Calls take(text) for each piece until the stream ends; fails the line when it does. */
export async function readBody(line, url, accept, signal, take) {
	try {
		// no-store: else the browser's cache makes a second reader of the same URL wait for the first
		const response = await fetch(url, { headers: { Accept: accept }, cache: 'no-store', signal });
		if (!response.ok)
			throw await line.refusal(response);
		line.opened();
		const reader = response.body.getReader();
		const decoder = new TextDecoder();
		for (;;) {
			const { done, value } = await reader.read();
			if (done)
				throw new Error('the stream ended');
			line.alive();
			take(decoder.decode(value, { stream: true }));
		}
	} catch (error) {
		line.failed(error);
	}
}
