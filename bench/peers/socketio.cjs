// socketio.cjs - npm socket.io as a peer of the benchmarks: 'echo' comes back, 'all' goes to all others. WebSocket alone.
//
//	node socketio.cjs PORT        NODE_PATH names the folder of its packages
'use strict';
const { createServer } = require('node:http');
const { Server } = require('socket.io');

const http = createServer();
const server = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });

server.on('connection', (socket) => {
	socket.on('echo', (data) => socket.emit('echo', data));
	socket.on('all', (data) => socket.broadcast.emit('all', data));
});
http.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 });
