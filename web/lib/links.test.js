import test from 'node:test';
import assert from 'node:assert/strict';
import { findLinks } from './links.js';

const links = text => findLinks(text).filter(part => part.href).map(part => part.text);

test('http and https are links, without the sentence around them', () => {
	assert.deepEqual(links('see https://example.org/a?b=c#d.'), ['https://example.org/a?b=c#d']);
	assert.deepEqual(links('(http://a.example) and https://b.example/x_(y)'), ['http://a.example', 'https://b.example/x_(y)']);
	assert.deepEqual(links('看 https://例子.example/路径。好'), ['https://例子.example/路径']);
});

test('nothing else is a link', () => {
	for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'https://', 'http://[', 'xhttp//a'])
		assert.deepEqual(links(text), []);
});

test('the parts joined are the text', () => {
	for (const text of ['', 'a', 'https://a.example', '<b>https://a.example/"x</b> https://b.example, c'])
		assert.equal(findLinks(text).map(part => part.text).join(''), text);
});
