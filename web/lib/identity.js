// identity.js - random names for tabs and messages.

/** `length` characters of 0-9 a-z. crypto.randomUUID is missing on plain http, getRandomValues is not. */
export function randomName(length = 12) {
	return Array.from(crypto.getRandomValues(new Uint8Array(length)), byte => (byte % 36).toString(36)).join('');
}

/** A store, 'local' or 'session', that never throws: it may be full, or forbidden by the browser's settings. */
export function storage(area) {
	return {
		get(key) { try { return window[`${area}Storage`].getItem(`crosstalk.${key}`); } catch { return null; } },
		set(key, value) { try { window[`${area}Storage`].setItem(`crosstalk.${key}`, value); } catch { /* a convenience */ } },
	};
}

/** The id of this tab: it survives a reload, and another tab has another. */
export function tabId() {
	let id = storage('session').get('client');
	if (!id)
		storage('session').set('client', id = randomName());
	return id;
}
