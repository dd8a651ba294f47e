// vanishing.js - opens one reader of each way and stays, until its network is taken away from it.
// Run by channel_heartbeat.test.js inside a network namespace: node vanishing.js HOST PORT CHANNEL
import { openReader } from './readers.js';

const [host, port, channel] = process.argv.slice(2);
const ways = ['websocket', 'sse', 'ndjson', 'iframe', 'longpoll'];
await Promise.all(ways.map((transport) => openReader({ transport, host, port: Number(port), channel, wait: 120 })));
console.log('ready');
setInterval(() => {}, 1000);
