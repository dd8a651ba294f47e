// Static files: the pages in the program, and --root: types, ETag, ranges, and no way out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { RawHttp, ask, assertError, request } from '../lib/rawhttp.js';
import { useServer } from '../lib/server.js';
import { bound, random } from '../lib/time.js';

const TIMEOUT = { timeout: bound(30) };
const get = (port, target, headers) => ask(port, request('GET', target, headers));

describe('the pages in the program', { concurrency: 4 }, () => {
	const server = useServer();
	for (const target of ['/', '/chat', '/lab']) {
		it(`${target} is a page of HTML with a strict policy`, TIMEOUT, async () => {
			const { status, fields, text } = await get(server.port, target);
			assert.equal(status, 200);
			assert.match(fields['content-type'], /^text\/html; ?charset=utf-8$/i);
			assert.match(text, /^<!doctype html>/i);
			assert.match(fields['content-security-policy'] ?? '', /default-src|script-src/);
			assert.doesNotMatch(fields['content-security-policy'], /unsafe-inline|unsafe-eval/);
			assert.equal(fields['x-content-type-options'], 'nosniff');
			assert.ok(fields.etag, 'there is an ETag');
		});
		it(`everything that ${target} names is there`, TIMEOUT, async () => {
			const { text } = await get(server.port, target);
			const base = new URL(target, server.url);
			const names = [...text.matchAll(/<(?:script|link|img)\b[^>]*?\b(?:src|href)="([^"]+)"/g)].map((m) => new URL(m[1], base));
			assert.ok(names.length > 0);
			for (const url of names) {
				if (url.host !== base.host) {
					assert.fail(`${target} loads from elsewhere: ${url}`);
				}
				const answer = await get(server.port, url.pathname);
				assert.equal(answer.status, 200, url.pathname);
				const wanted = { '.js': /^text\/javascript\b/, '.css': /^text\/css\b/, '.svg': /^image\/svg\+xml\b/, '.html': /^text\/html\b/ }[path.extname(url.pathname)];
				if (wanted) {
					assert.match(answer.fields['content-type'], wanted, url.pathname);
				}
			}
		});
	}
	it('a query does not change the page', TIMEOUT, async () => {
		assert.equal((await get(server.port, '/chat?room=x')).text, (await get(server.port, '/chat')).text);
	});
	for (const target of ['/../etc/passwd', '/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd', '//etc/passwd', '/chat/../../etc/passwd', '/web/index.html%00', '/.git/config']) {
		it(`${target} is no page`, TIMEOUT, async () => {
			assertError(await get(server.port, target), [400, 404]);
		});
	}
});

describe('--root', { concurrency: 4 }, () => {
	const dir = mkdtempSync(path.join(tmpdir(), 'crosstalk-root-'));
	const root = path.join(dir, 'root');
	const page = Buffer.from('<!doctype html><title>index of the root</title>\n');
	const large = random(1).bytes(5 << 20);
	const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz');
	mkdirSync(path.join(root, 'sub', 'deep'), { recursive: true });
	mkdirSync(path.join(root, 'empty'));
	mkdirSync(path.join(dir, 'outside'));
	const files = {
		'index.html': page, 'letters.txt': letters, 'large.bin': large, 'none.txt': '', 'a b.txt': 'blank', 'übung.txt': 'umlaut', 'plus+.txt': 'plus',
		'style.css': 'a{}', 'code.js': '1', 'module.mjs': '1', 'data.json': '{}', 'pic.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', 'pic.png': 'png', 'pic.jpg': 'jpg',
		'font.woff2': 'woff', 'app.wasm': 'wasm', 'thing.unknown': 'x', 'noext': 'x', 'UPPER.HTML': '<p>', 'a.tar.gz': 'x', '100%.txt': 'percent', 'sub/index.html': 'index of sub', 'sub/deep/file.txt': 'deep',
	};
	for (const [name, body] of Object.entries(files)) {
		writeFileSync(path.join(root, name), body);
	}
	writeFileSync(path.join(dir, 'secret.txt'), 'SECRET');
	writeFileSync(path.join(dir, 'outside', 'secret.txt'), 'SECRET');
	symlinkSync('../secret.txt', path.join(root, 'link-out.txt'));
	symlinkSync(path.join(dir, 'secret.txt'), path.join(root, 'link-abs.txt'));
	symlinkSync('../outside', path.join(root, 'link-dir'));
	symlinkSync('/', path.join(root, 'link-all'));
	symlinkSync('no-such-file', path.join(root, 'link-broken'));
	symlinkSync('link-loop', path.join(root, 'link-loop'));
	execFileSync('mkfifo', [path.join(root, 'pipe')]);
	after(() => rmSync(dir, { recursive: true, force: true }));
	const server = useServer({ root });

	const types = {
		'index.html': 'text/html', 'letters.txt': 'text/plain', 'style.css': 'text/css', 'code.js': 'text/javascript', 'module.mjs': 'text/javascript',
		'data.json': 'application/json', 'pic.svg': 'image/svg+xml', 'pic.png': 'image/png', 'pic.jpg': 'image/jpeg', 'font.woff2': 'font/woff2', 'app.wasm': 'application/wasm',
		'thing.unknown': 'application/octet-stream', 'noext': 'application/octet-stream', 'UPPER.HTML': 'text/html',
	};
	for (const [name, type] of Object.entries(types)) {
		it(`${name} is ${type}`, TIMEOUT, async () => {
			const { status, fields, body } = await get(server.port, `/${name}`);
			assert.equal(status, 200);
			assert.equal(fields['content-type'].split(';')[0], type);
			if (/^text\/(html|plain|css|javascript)$/.test(type)) {
				assert.match(fields['content-type'], /charset=utf-8/i);
			}
			assert.ok(body.equals(Buffer.from(files[name])));
			assert.equal(fields['x-content-type-options'], 'nosniff');
		});
	}
	it('/ is index.html', TIMEOUT, async () => assert.ok((await get(server.port, '/')).body.equals(page)));
	it('/sub/ is its index.html', TIMEOUT, async () => assert.equal((await get(server.port, '/sub/')).text, 'index of sub'));
	it('/sub leads to /sub/', TIMEOUT, async () => {
		const { status, fields, text } = await get(server.port, '/sub');
		if (status === 200) {
			assert.equal(text, 'index of sub');
		} else {
			assert.ok([301, 307, 308].includes(status), `status ${status}`);
			assert.equal(new URL(fields.location, server.url).pathname, '/sub/');
		}
	});
	for (const target of ['/empty/', '/sub/deep/', '/no-such-file', '/letters.txt/', '/letters.txt/x', '/sub/deep/none', '/pipe', '/link-broken', '/link-loop', '/LETTERS.TXT']) {
		it(`${target} is answered with 404`, TIMEOUT, async () => assertError(await get(server.port, target), 404, 'not_found'));
	}
	for (const [target, name] of [['/a%20b.txt', 'a b.txt'], ['/%C3%BCbung.txt', 'übung.txt'], ['/plus+.txt', 'plus+.txt'], ['/plus%2B.txt', 'plus+.txt'], ['/%6cetters.txt', 'letters.txt'], ['/100%25.txt', '100%.txt'], ['/letters.txt?x=/../..', 'letters.txt']]) {
		it(`${target} is the file "${name}"`, TIMEOUT, async () => assert.equal((await get(server.port, target)).text, String(files[name])));
	}
	it('5 MiB arrive whole, twice on one connection', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		try {
			http.send(Buffer.concat([request('GET', '/large.bin'), request('GET', '/letters.txt'), request('GET', '/large.bin')]));
			assert.ok((await http.response()).body.equals(large));
			assert.ok((await http.response()).body.equals(letters));
			assert.ok((await http.response()).body.equals(large));
		} finally {
			http.destroy();
		}
	});
	it('a client that leaves in the middle of 5 MiB harms nobody', TIMEOUT, async () => {
		const http = await RawHttp.open(server.port);
		http.send(request('GET', '/large.bin'));
		await http.head();
		http.destroy();
		assert.ok((await get(server.port, '/letters.txt')).body.equals(letters));
	});
	it('an empty file has length 0', TIMEOUT, async () => assert.equal((await get(server.port, '/none.txt')).fields['content-length'], '0'));
	for (const name of ['letters.txt', 'large.bin', '']) {
		it(`HEAD /${name}`, TIMEOUT, async () => {
			const answer = await ask(server.port, request('HEAD', `/${name}`));
			assert.equal(answer.status, 200);
			assert.equal(Number(answer.fields['content-length']), files[name || 'index.html'].length);
		});
	}

	const out = [
		'/../secret.txt', '/../../secret.txt', '/%2e%2e/secret.txt', '/%2E%2E/secret.txt', '/.%2e/secret.txt', '/%2e./secret.txt', '/..%2fsecret.txt', '/..%2Fsecret.txt',
		'/%2e%2e%2fsecret.txt', '/sub/../../secret.txt', '/sub/%2e%2e/%2e%2e/secret.txt', '/sub/deep/../../../secret.txt', '/sub%2f..%2f..%2fsecret.txt', '/./../secret.txt', '/.//../secret.txt',
		'/..\\secret.txt', '/..%5csecret.txt', '/%5c..%5csecret.txt', '//../secret.txt', '///../secret.txt', '/%2f../secret.txt', '/%2fetc/passwd', '//etc/passwd', '/..;/secret.txt',
		'/%252e%252e/secret.txt', '/..%c0%afsecret.txt', '/..%e0%80%afsecret.txt', '/%c0%ae%c0%ae/secret.txt', '/..%00/secret.txt', '/letters.txt%00', '/letters.txt%00.html', '/%00', '/../root/../secret.txt',
		'/link-out.txt', '/link-abs.txt', '/link-dir/secret.txt', '/link-dir/', '/link-all/etc/passwd', '/sub/../link-dir/secret.txt', '/.../secret.txt', '/..',
	];
	for (const target of out) {
		it(`no way out: ${target}`, TIMEOUT, async () => {
			const answer = await get(server.port, target);
			assert.ok(!answer.text.includes('SECRET') && !answer.text.includes('root:'), 'a file outside of the root was served');
			assertError(answer, [400, 403, 404]);
		});
	}
	it('no way out: absolute form', TIMEOUT, async () => {
		const answer = await get(server.port, 'http://x/../secret.txt');
		assert.ok(!answer.text.includes('SECRET'));
		assertError(answer, [400, 403, 404]);
	});

	describe('RFC 9110 13 conditions', { concurrency: 4 }, () => {
		const conditional = (name, value, status, target = '/letters.txt') =>
			it(`If-None-Match: ${name} gives ${status}`, TIMEOUT, async () => {
				const { etag } = (await get(server.port, target)).fields;
				assert.match(etag, /^(W\/)?"[\x21\x23-\x7e]*"$/);
				for (const method of ['GET', 'HEAD']) {
					const answer = await ask(server.port, request(method, target, { 'If-None-Match': value(etag) }));
					assert.equal(answer.status, status);
					assert.equal(answer.fields.etag, etag);
				}
			});
		conditional('the ETag', (etag) => etag, 304);
		conditional('the ETag, weak', (etag) => `W/${etag.replace('W/', '')}`, 304);
		conditional('a list that has it', (etag) => `"a", ${etag}, "b"`, 304);
		conditional('*', () => '*', 304);
		conditional('another', () => '"other"', 200);
		conditional('the ETag without quotes', (etag) => etag.replaceAll('"', ''), 200);
		conditional('a part of it', (etag) => `${etag.slice(0, -2)}"`, 200);
		conditional('the ETag of /', (etag) => etag, 304, '/');
		it('files that differ have ETags that differ', TIMEOUT, async () => {
			const tags = await Promise.all(['/letters.txt', '/large.bin', '/', '/none.txt'].map(async (t) => (await get(server.port, t)).fields.etag));
			assert.equal(new Set(tags).size, 4);
		});
	});

	describe('RFC 9110 14 ranges', { concurrency: 4 }, () => {
		const part = (range, from, to) =>
			it(`Range: ${range} gives ${from} to ${to}`, TIMEOUT, async () => {
				const { status, fields, body } = await get(server.port, '/letters.txt', { Range: range });
				assert.equal(status, 206);
				assert.equal(fields['content-range'], `bytes ${from}-${to}/26`);
				assert.equal(body.toString(), letters.toString().slice(from, to + 1));
				assert.equal(fields['content-type'].split(';')[0], 'text/plain');
			});
		part('bytes=0-0', 0, 0);
		part('bytes=0-9', 0, 9);
		part('bytes=5-', 5, 25);
		part('bytes=25-', 25, 25);
		part('bytes=-1', 25, 25);
		part('bytes=-5', 21, 25);
		part('bytes=-26', 0, 25);
		part('bytes=-1000', 0, 25);
		part('bytes=10-1000', 10, 25);
		part('BYTES=1-2', 1, 2);
		for (const range of ['bytes=26-', 'bytes=26-30', 'bytes=1000-2000', 'bytes=-0']) {
			it(`Range: ${range} gives 416`, TIMEOUT, async () => {
				const answer = await get(server.port, '/letters.txt', { Range: range });
				assertError(answer, 416);
				assert.equal(answer.fields['content-range'], 'bytes */26');
			});
		}
		for (const range of ['bytes=5-2', 'bytes=a-b', 'bytes=', 'bytes', 'bytes=-', 'bytes=1', 'bytes=--1', 'lines=1-2', 'bytes=1-2x', 'bytes 1-2', 'bytes=0x1-2']) {
			it(`Range: ${range} is ignored`, TIMEOUT, async () => {
				const { status, body } = await get(server.port, '/letters.txt', { Range: range });
				assert.equal(status, 200);
				assert.ok(body.equals(letters));
			});
		}
		for (const [range, status] of [['bytes=0-99999999999999999999', 206], ['bytes=99999999999999999999-', 416]]) {
			it(`Range: ${range} gives ${status}, or is ignored`, TIMEOUT, async () => {
				const answer = await get(server.port, '/letters.txt', { Range: range });
				assert.ok([200, status].includes(answer.status), `status ${answer.status}`);
				assert.ok(answer.status === 416 || answer.body.equals(letters));
			});
		}
		it('several ranges give all of it or parts', TIMEOUT, async () => {
			const { status, fields, body } = await get(server.port, '/letters.txt', { Range: 'bytes=0-1,5-6' });
			if (status === 200) {
				assert.ok(body.equals(letters));
			} else {
				assert.equal(status, 206);
				assert.match(fields['content-type'], /^multipart\/byteranges; ?boundary=/);
			}
		});
		it('Accept-Ranges is told', TIMEOUT, async () => assert.equal((await get(server.port, '/letters.txt')).fields['accept-ranges'], 'bytes'));
		it('a range of 5 MiB', TIMEOUT, async () => {
			const { status, body } = await get(server.port, '/large.bin', { Range: 'bytes=1000000-3999999' });
			assert.equal(status, 206);
			assert.ok(body.equals(large.subarray(1000000, 4000000)));
		});
		it('HEAD ignores Range', TIMEOUT, async () => {
			const answer = await ask(server.port, request('HEAD', '/letters.txt', { Range: 'bytes=0-1' }));
			assert.ok([200, 206].includes(answer.status));
		});
		it('If-Range with the ETag gives the part, with another the whole', TIMEOUT, async () => {
			const { etag } = (await get(server.port, '/letters.txt')).fields;
			const same = await get(server.port, '/letters.txt', { Range: 'bytes=0-1', 'If-Range': etag });
			assert.equal(same.status, etag.startsWith('W/') ? 200 : 206);
			assert.equal((await get(server.port, '/letters.txt', { Range: 'bytes=0-1', 'If-Range': '"other"' })).status, 200);
		});
		it('304 goes before a range', TIMEOUT, async () => {
			const { etag } = (await get(server.port, '/letters.txt')).fields;
			assert.equal((await get(server.port, '/letters.txt', { Range: 'bytes=0-1', 'If-None-Match': etag })).status, 304);
		});
		it('a range of an empty file gives 416', TIMEOUT, async () => {
			const { status } = await get(server.port, '/none.txt', { Range: 'bytes=0-0' });
			assert.ok(status === 416 || status === 200, `status ${status}`);
		});
	});
});
