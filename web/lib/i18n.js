// i18n.js - the language of a page: its words, its numbers, its times.
//
// A word in the page is marked with data-t="key" (text), data-t-label, data-t-placeholder or
// data-t-title (attributes). The words are in /lang/LANGUAGE.js, one flat object each, with the same
// keys; a value that depends on something is a function. `back ticks` in a word become <code>.

import en from '../lang/en.js';
import zh from '../lang/zh.js';
import { storage } from './identity.js';

const languages = { en, zh };
const listeners = [];
let language = 'en';

/** The URL decides, then what was chosen before, then the browser. */
function preferred() {
	const wishes = [
		new URLSearchParams(location.search).get('lang'),
		storage('local').get('language'),
		...navigator.languages,
	];
	for (const wish of wishes) {
		const short = wish?.toLowerCase().split('-')[0];
		if (Object.hasOwn(languages, short ?? ''))
			return short;
	}
	return 'en';
}

/** The word for a key in the language of the page. */
export function t(key, ...values) {
	const word = languages[language][key] ?? en[key] ?? key;
	return typeof word === 'function' ? word(...values) : word;
}

/** Whether there is a word for a key: for keys made of what others sent. */
export const hasWord = key => Object.hasOwn(en, key);

/** Sets text with `code` in it. Text only: nothing in it is read as markup. */
function setRich(element, text) {
	element.replaceChildren(...text.split('`').map((part, i) => {
		if (i % 2 === 0)
			return part;
		const code = document.createElement('code');
		code.textContent = part;
		return code;
	}));
}

const attributes = { label: 'aria-label', placeholder: 'placeholder', title: 'title' };

/** Puts the words into a part of the page. */
export function translate(root = document) {
	for (const element of root.querySelectorAll('[data-t]'))
		setRich(element, t(element.dataset.t));
	for (const [mark, attribute] of Object.entries(attributes))
		for (const element of root.querySelectorAll(`[data-t-${mark}]`))
			element.setAttribute(attribute, t(element.getAttribute(`data-t-${mark}`)));
}

/** Calls `redraw` whenever the language changes, for what is not marked in the page. */
export function onLanguage(redraw) {
	listeners.push(redraw);
}

export function currentLanguage() {
	return language;
}

/** The locale for dates and numbers: the reader's own variant of the language, if there is one. */
export function locale() {
	return navigator.languages.find(tag => tag.toLowerCase().startsWith(language))
		?? { en: 'en-GB', zh: 'zh-CN' }[language];
}

export function setLanguage(next) {
	language = next;
	document.documentElement.lang = { en: 'en', zh: 'zh-Hans' }[next];
	document.title = t(document.documentElement.dataset.title);
	translate();
	for (const switcher of document.querySelectorAll('[data-language]'))
		switcher.setAttribute('aria-pressed', String(switcher.dataset.language === next));
	for (const redraw of listeners)
		redraw();
}

function choose(next) {
	storage('local').set('language', next);
	const url = new URL(location.href);
	url.searchParams.set('lang', next);
	history.replaceState(history.state, '', url);
	setLanguage(next);
}

/** Starts the page in its language, shows it, and wires its language buttons. */
export function startLanguage() {
	for (const switcher of document.querySelectorAll('[data-language]'))
		switcher.addEventListener('click', () => choose(switcher.dataset.language));
	setLanguage(preferred());
	document.documentElement.dataset.ready = ''; // theme.css keeps the page hidden until it has its words
}
