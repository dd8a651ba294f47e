// libwebsockets as a client of ours: lws_client.c beside this, built where libwebsockets-dev is installed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { program, useServer } from '../lib/server.js';
import { bound } from '../lib/time.js';

const TIMEOUT = { timeout: bound(60) };
const client = path.join(path.dirname(program()), 'tests/interop/lws_client');

/** The extensions that were agreed on; fails unless every message came back as it was sent. */
const echo = (...args) =>
	new Promise((resolve, reject) => {
		// the library would take a proxy from the environment, for loopback too
		const { http_proxy: _, ...env } = process.env;
		execFile(client, args, { env, timeout: bound(40) }, (error, stdout, stderr) => {
			const lines = stdout.split('\n');
			if (error || lines[1] !== 'ok') {
				return reject(new Error(`${error?.signal ?? ''} ${stdout}${stderr}`));
			}
			resolve(lines[0]);
		});
	});

describe('libwebsockets', { concurrency: 2, skip: !existsSync(client) && 'libwebsockets-dev is not installed' }, () => {
	const server = useServer();
	const url = () => `ws://${server.host}/echo`;

	it('a ping, messages from nothing to 1 MiB in one frame and in many, both kinds', TIMEOUT, async () =>
		assert.equal(await echo(url()), ''));
	it('compression that it offers is agreed on', TIMEOUT, async () => assert.match(await echo('--deflate', url()), /^permessage-deflate/));
	it('a server that is not there is told', TIMEOUT, async () =>
		assert.rejects(echo('ws://127.0.0.1:1/echo'), /message 0: never sent/));
	it('a path that is not there is told', TIMEOUT, async () =>
		assert.rejects(echo(`ws://${server.host}/no/such/door`), /message 0: never sent/));
});
