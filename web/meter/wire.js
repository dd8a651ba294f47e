// wire.js - how many bytes HTTP/1.1 and WebSocket put on the wire. A page cannot see the raw bytes; what it
// can see is enough to add them up. TCP, IP and TLS are below and not counted.

const utf8 = new TextEncoder();
export const bytesOf = text => utf8.encode(text).length;

const LINE_END = 2;

/** Status line and header fields of an answer of our own origin: fetch shows them all. */
export function responseHeadBytes({ status, statusText, headers }) {
	let bytes = bytesOf(`HTTP/1.1 ${status} ${statusText}`) + LINE_END;
	for (const [name, value] of headers)
		bytes += bytesOf(`${name}: ${value}`) + LINE_END;
	return bytes + LINE_END;
}

/** A body as it was sent: in one chunk and the last, empty one if it was sent chunked. */
export function bodyBytes(size, headers) {
	const chunked = headers.get('transfer-encoding')?.toLowerCase() === 'chunked';
	return chunked ? chunkBytes(size) + '0\r\n\r\n'.length : size;
}

/** RFC 9112 7.1: the size in hexadecimal, a line end, the data, a line end. */
export function chunkBytes(size) {
	return size === 0 ? 0 : size.toString(16).length + LINE_END + size + LINE_END;
}

/** RFC 6455 5.2: two bytes, two or eight more for a longer payload, four for a client's masking key. */
export function frameBytes(size, masked = false) {
	const length = size < 126 ? 0 : size < 65_536 ? 2 : 8;
	return 2 + length + (masked ? 4 : 0) + size;
}

/** RFC 6455 4: the handshake as today's browsers send it, and the server's answer. */
export function handshakeBytes({ host, origin, path, languages, agent, extensions }) {
	const request = [
		`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Pragma: no-cache',
		'Cache-Control: no-cache', `User-Agent: ${agent}`, 'Upgrade: websocket', `Origin: ${origin}`,
		'Sec-WebSocket-Version: 13', 'Accept-Encoding: gzip, deflate, br', `Accept-Language: ${languages}`,
		`Sec-WebSocket-Key: ${'k'.repeat(24)}`,
		'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
	];
	const answer = [
		'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
		`Sec-WebSocket-Accept: ${'k'.repeat(28)}`,
		...(extensions ? [`Sec-WebSocket-Extensions: ${extensions}`] : []),
	];
	const size = lines => lines.reduce((sum, line) => sum + bytesOf(line) + LINE_END, LINE_END);
	return size(request) + size(answer);
}

/**
 * What a GET with these fetch options costs, as a function of its path. The server says how many bytes
 * it received for a request like it; only the path differs.
 */
export async function measureRequests(options) {
	const probe = '/lab/headers';
	const response = await fetch(probe, { cache: 'no-store', ...options });
	if (!response.ok)
		throw new Error(`${probe}: ${response.status}`);
	const { request_bytes: bytes } = await response.json();
	return path => bytes - probe.length + bytesOf(path);
}
