import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import en from './en.js';
import zh from './zh.js';

const page = name => readFileSync(new URL(`../${name}.html`, import.meta.url), 'utf8');

test('every word is there in both languages, and of the same kind', () => {
	assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
	for (const key of Object.keys(en))
		assert.equal(typeof zh[key], typeof en[key], key);
});

test('the pages ask for no word that is not there', () => {
	for (const name of ['index', 'chat', 'lab'])
		for (const [, key] of page(name).matchAll(/data-(?:t|t-\w+|title)="([^"]+)"/g))
			assert.ok(Object.hasOwn(en, key), `${name}: ${key}`);
});

test('the pages hold no inline script, style or handler', () => {
	for (const name of ['index', 'chat', 'lab'])
		assert.doesNotMatch(page(name), /\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)/);
});
