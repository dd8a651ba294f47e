// Pages of other sites: who may open a WebSocket, publish and drop, by Origin and Sec-Fetch-Site.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { ask, assertError, post, request } from '../lib/rawhttp.js';
import { RawWs } from '../lib/rawws.js';
import { poll } from '../lib/readers.js';
import { channelName, useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';

const TIMEOUT = { timeout: bound(30) };

/** One thing that only a page that is let in may do: true or false. `fields` may use HOST. */
const acts = {
	'a WebSocket on /echo': (server, fields) => opens(server.port, '/echo', fields),
	'a WebSocket on a channel': (server, fields) => opens(server.port, `/c/${channelName()}`, fields),
	POST: async (server, fields) => {
		const channel = channelName();
		const answer = await ask(server.port, post(`/c/${channel}`, 'x', { 'Content-Type': 'text/plain', ...fields }));
		const kept = (await poll(server.port, channel)).messages.length;
		if (answer.status === 201) {
			assert.equal(kept, 1);
			return true;
		}
		assertError(answer, 403, 'origin_not_allowed');
		assert.equal(kept, 0, 'what was refused was not published');
		return false;
	},
	DELETE: async (server, fields) => {
		const answer = await ask(server.port, request('DELETE', `/c/${channelName()}`, fields));
		if (answer.status === 204) {
			return true;
		}
		assertError(answer, 403, 'origin_not_allowed');
		return false;
	},
};

async function opens(port, path, fields) {
	try {
		const ws = await RawWs.open(port, { path, headers: fields });
		await ws.bye();
		return true;
	} catch (error) {
		assert.equal(error.status, 403, error.message);
		assert.match(error.text, /"origin_not_allowed"/);
		assert.match(error.text, /cors\.origins/, 'the words say what to do');
		return false;
	}
}

/** name, fields (a function of the server's own host:port), who is let in without and with configuration. */
const CASES = [
	['no Origin: no browser', () => ({}), true, true],
	['the origin of this server', (host) => ({ Host: host, Origin: `http://${host}` }), true, true],
	['the same in https: a proxy took the TLS off', (host) => ({ Host: host, Origin: `https://${host}` }), true, true],
	['a name of this server, without a port', () => ({ Host: 'chat.example', Origin: 'http://chat.example' }), true, true],
	['the port of http left out by one side', () => ({ Host: 'chat.example:80', Origin: 'http://chat.example' }), true, true],
	['the port of https left out by one side', () => ({ Host: 'chat.example:443', Origin: 'https://chat.example' }), true, true],
	['an IPv6 address', () => ({ Host: '[::1]:8000', Origin: 'http://[::1]:8000' }), true, true],
	['the host in capitals', () => ({ Host: 'CHAT.example', Origin: 'http://chat.example' }), true, true],
	['another site', (host) => ({ Host: host, Origin: 'https://evil.example' }), false, false],
	['another port of this host', (host) => ({ Host: host, Origin: 'http://127.0.0.1:1' }), false, false],
	['this host without its port', (host) => ({ Host: host, Origin: 'http://127.0.0.1' }), false, false],
	['localhost for 127.0.0.1', (host) => ({ Host: host, Origin: `http://localhost:${host.split(':')[1]}` }), false, false],
	['a host that begins with ours', () => ({ Host: 'chat.example', Origin: 'http://chat.example.evil.example' }), false, false],
	['a host that ends with ours', () => ({ Host: 'chat.example', Origin: 'http://evil.chat.example' }), false, false],
	['ours as a user name', () => ({ Host: 'chat.example', Origin: 'http://chat.example@evil.example' }), false, false],
	['null: a file, a sandbox', (host) => ({ Host: host, Origin: 'null' }), false, false],
	['an empty Origin', (host) => ({ Host: host, Origin: '' }), false, false],
	['two Origin fields', (host) => ({ Host: host, Origin: [`http://${host}`, 'https://evil.example'] }), false, false],
	['two Origin fields that are allowed', (host) => ({ Host: host, Origin: ['https://app.example', 'https://app.example'] }), false, false],
	['an origin with other bytes than text', (host) => ({ Host: host, Origin: 'http://\xff"\\' }), false, false],
	['an origin that is configured', (host) => ({ Host: host, Origin: 'https://app.example' }), false, true],
	['an extension that is configured', (host) => ({ Host: host, Origin: 'chrome-extension://abcdef' }), false, true],
	['one that is configured, by another port', (host) => ({ Host: host, Origin: 'https://app.example:8443' }), false, false],
	['one that is configured, by http', (host) => ({ Host: host, Origin: 'http://app.example' }), false, false],
	['Sec-Fetch-Site: same-origin, Host changed by a proxy', () => ({ Host: 'backend:9000', Origin: 'https://chat.example', 'Sec-Fetch-Site': 'same-origin' }), true, true],
	['Sec-Fetch-Site: none', (host) => ({ Host: host, 'Sec-Fetch-Site': 'none' }), true, true],
	['Sec-Fetch-Site: cross-site without Origin', (host) => ({ Host: host, 'Sec-Fetch-Site': 'cross-site' }), false, false],
	['Sec-Fetch-Site: same-site', (host) => ({ Host: host, Origin: 'https://other.chat.example', 'Sec-Fetch-Site': 'same-site' }), false, false],
	['Sec-Fetch-Site: cross-site though Origin fits Host: http at a server of https', () => ({ Host: 'chat.example', Origin: 'http://chat.example', 'Sec-Fetch-Site': 'cross-site' }), false, false],
	['Sec-Fetch-Site: cross-site of an origin that is configured', (host) => ({ Host: host, Origin: 'https://app.example', 'Sec-Fetch-Site': 'cross-site' }), false, true],
];

for (const [index, title, config] of [[2, 'without configuration', {}], [3, 'with two origins configured', { cors: { origins: ['https://app.example', 'chrome-extension://abcdef'] } }]]) {
	describe(`who is let in ${title}`, { concurrency: 4 }, () => {
		const server = useServer({ config });
		for (const row of CASES) {
			it(`${row[0]}: ${row[index] ? 'yes' : 'no'}`, TIMEOUT, async () => {
				for (const [name, act] of Object.entries(acts)) {
					assert.equal(await act(server, row[1](server.host)), row[index], name);
				}
			});
		}
	});
}

describe('who is let in with *', { concurrency: 4 }, () => {
	const server = useServer({ config: { cors: { origins: ['*'] } } });
	for (const origin of ['https://evil.example', 'null', `http://localhost:1`, '']) {
		it(`${JSON.stringify(origin)}: yes`, TIMEOUT, async () => {
			for (const [name, act] of Object.entries(acts)) {
				assert.equal(await act(server, { Origin: origin }), true, name);
			}
		});
	}
});

describe('reading', { concurrency: 4 }, () => {
	const server = useServer();
	const evil = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
	for (const [what, path, fields] of [
		['a poll', '', {}], ['history', '?history=1', {}], ['presence', '?presence', {}],
	]) {
		it(`${what} is answered, and the browser keeps it from the page`, TIMEOUT, async () => {
			const answer = await ask(server.port, request('GET', `/c/${channelName()}${path}`, { ...evil, ...fields }));
			assert.equal(answer.status, 200);
			assert.equal(answer.fields['access-control-allow-origin'], undefined);
		});
	}
	it('the body of a POST that is refused is not asked for', TIMEOUT, async () => {
		const answer = await ask(server.port, request('POST', `/c/${channelName()}`, { ...evil, 'Content-Length': 100, Expect: '100-continue' }));
		assertError(answer, 403, 'origin_not_allowed');
	});
	it('a form of another site can not publish', TIMEOUT, async () => {
		for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
			assertError(await ask(server.port, post(`/c/${channelName()}`, 'a=b', { ...evil, 'Content-Type': type })), 403, 'origin_not_allowed');
		}
	});
	it('a bad name and a foreign page: the page is what is told of', TIMEOUT, async () => {
		assertError(await ask(server.port, post('/c/%ff', 'x', evil)), 403, 'origin_not_allowed');
	});
	it('a handshake that is wrong itself is told so first', TIMEOUT, async () => {
		await assert.rejects(RawWs.open(server.port, { headers: { ...evil, 'Sec-WebSocket-Version': '8' } }), { status: 426 });
		await assert.rejects(RawWs.open(server.port, { headers: { ...evil, 'Sec-WebSocket-Key': 'short' } }), { status: 400 });
	});
});

describe('over TLS', () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-origin-'));
	const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(dir, name));
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', cert], { stdio: 'ignore' });
	after(() => rmSync(dir, { recursive: true, force: true }));
	const server = useServer({ listen: ['https://127.0.0.1:0'], args: ['--cert', cert, '--key', key] });
	const status = (fields) =>
		new Promise((resolve, reject) => {
			const options = { host: '127.0.0.1', port: server.port, path: `/c/${channelName()}`, method: 'POST', headers: fields, rejectUnauthorized: false, agent: false, timeout: bound(8) };
			https.request(options, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end('x');
		});
	for (const [name, fields, wanted] of [
		['no Origin', () => ({}), 201],
		['our own', (host) => ({ Host: host, Origin: `https://${host}` }), 201],
		['our own without the port of https', () => ({ Host: 'chat.example', Origin: 'https://chat.example' }), 201],
		['the port of https in one of them', () => ({ Host: 'chat.example:443', Origin: 'https://chat.example' }), 201],
		['a page of this host that came without TLS: anybody on the way may have written it', (host) => ({ Host: host, Origin: `http://${host}` }), 403],
		['the same on the ports of the schemes', () => ({ Host: 'chat.example', Origin: 'http://chat.example' }), 403],
		['another site', (host) => ({ Host: host, Origin: 'https://evil.example' }), 403],
	]) {
		it(`${name}: ${wanted}`, TIMEOUT, async () => {
			assert.equal(await status(fields(server.host)), wanted);
		});
	}
});
