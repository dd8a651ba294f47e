// websocket.js - a channel over a WebSocket, both ways.

const REFUSED = 1008; // "refused by a rule": the rule will still be there in a minute

export function openWebSocket(line) {
	const url = new URL(line.url({ format: 'json' }), location.href);
	url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

	const socket = new WebSocket(url);
	socket.onopen = () => line.opened();
	socket.onmessage = event => line.receive(JSON.parse(event.data));
	// An error is always followed by close, and only close says anything.
	socket.onclose = event => {
		const error = new Error(event.reason || `closed with code ${event.code}`);
		error.final = event.code === REFUSED;
		line.failed(error);
	};

	return {
		close: () => socket.close(1000),
		send: text => socket.send(text),
	};
}
