// tls.js - certificates made for the tests, never kept, and connections over TLS.
//
// With TLS=1 in the environment the suites run over TLS: lib/server.js listens with https then, and the clients of
// lib/ connect as that server's URL says.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { bound, within } from './time.js';

export const OVER_TLS = Boolean(process.env.TLS);

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** A certificate authority in a folder that goes when the tests end. */
export class Authority {
	#serial = 1;

	constructor(name = 'test authority') {
		this.dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-tls-'));
		process.once('exit', () => rmSync(this.dir, { recursive: true, force: true }));
		this.file = this.path('ca.pem');
		openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
			'-subj', `/CN=${name}`, '-keyout', this.path('ca.key'), '-out', this.file);
		this.ca = readFileSync(this.file);
	}

	path(name) {
		return path.join(this.dir, name);
	}

	/** Files of a new certificate, { cert, key }; names: as in subjectAltName. rsa: with a key of that kind. */
	make(name, { names = 'DNS:localhost,IP:127.0.0.1,IP:::1', rsa = false, subject = `/CN=${name}` } = {}) {
		const at = this.path(`${name}-${this.#serial++}`);
		const kind = rsa ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
		openssl('req', '-newkey', ...kind, '-nodes', '-subj', subject, '-keyout', `${at}.key`, '-out', `${at}.csr`);
		writeFileSync(`${at}.ext`, `subjectAltName=${names}\n`);
		openssl('x509', '-req', '-in', `${at}.csr`, '-CA', this.file, '-CAkey', this.path('ca.key'), '-days', '2',
			'-set_serial', String(Date.now() * 1000 + this.#serial), '-extfile', `${at}.ext`, '-out', `${at}.pem`);
		return { cert: `${at}.pem`, key: `${at}.key` };
	}
}

let shared;

/** The authority of this process, with `own`, files for localhost. */
export function authority() {
	if (!shared) {
		shared = new Authority();
		shared.own = shared.make('localhost');
	}
	return shared;
}

/** Ports of servers that were started with https. */
const ports = new Set();
export const notePort = (port) => ports.add(port);
export const isTls = (port) => ports.has(port);

/** Connects; resolves with the socket once the handshake is done. */
export async function connectTls(port, { host = '127.0.0.1', ...options } = {}) {
	const raw = net.connect({ port, host, allowHalfOpen: true });
	const socket = tls.connect({ socket: raw, ca: authority().ca, servername: 'localhost', ...options });
	socket.resetAndDestroy = () => {
		raw.resetAndDestroy();
		socket.destroy();
	};
	try {
		await within(
			new Promise((resolve, reject) => {
				socket.once('secureConnect', resolve).once('error', reject);
				socket.once('close', () => reject(new Error('closed within the handshake')));
			}),
			bound(15),
			'a TLS connection',
		);
	} catch (error) {
		socket.destroy();
		throw error;
	}
	socket.setNoDelay(true);
	return socket;
}
