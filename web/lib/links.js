// links.js - finds the web addresses in a text. It makes no markup: who shows it builds the elements.

const ADDRESS = /https?:\/\/[^\s<>"'`，。；：！？、（）【】《》「」“”]+/gi;

/** The text as parts {text} and {text, href}; joined they are the text again. */
export function findLinks(text) {
	const parts = [];
	let end = 0;
	for (const match of text.matchAll(ADDRESS)) {
		const address = trim(match[0]);
		const href = safeHref(address);
		if (!href)
			continue;
		if (match.index > end)
			parts.push({ text: text.slice(end, match.index) });
		parts.push({ text: address, href });
		end = match.index + address.length;
	}
	if (end < text.length)
		parts.push({ text: text.slice(end) });
	return parts;
}

/** A full stop or a bracket that was opened before the address belongs to the sentence. */
function trim(address) {
	address = address.replace(/[.,;:!?]+$/, '');
	if (address.endsWith(')') && !address.includes('('))
		address = trim(address.slice(0, -1));
	return address;
}

/** The address if it is truly http or https, by the browser's own reading of it; else null. */
function safeHref(address) {
	try {
		const url = new URL(address);
		return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
	} catch {
		return null;
	}
}
