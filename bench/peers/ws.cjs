// ws.cjs - npm ws as a peer of the benchmarks: /echo sends everything back, any other path to all others.
//
//	node ws.cjs PORT        NODE_PATH names the folder of its packages
'use strict';
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096, perMessageDeflate: false });
const readers = new Set();

server.on('connection', (socket, request) => {
	socket.on('error', () => {});
	if (request.url === '/echo') {
		socket.on('message', (data, binary) => socket.send(data, { binary }));
		return;
	}
	readers.add(socket);
	socket.on('close', () => readers.delete(socket));
	socket.on('message', (data, binary) => {
		for (const reader of readers) {
			if (reader !== socket) {
				reader.send(data, { binary });
			}
		}
	});
});
