// index.js - the front page: a proof that runs, and examples with this server's own address in them.

import { Channel, channelPath } from './lib/channel.js';
import { randomName } from './lib/identity.js';
import { locale, startLanguage, t } from './lib/i18n.js';

const ROWS = 8; // of what came, in each door

const $ = id => document.getElementById(id);
const proof = `hello/${randomName(8)}`;
const sent = new Map(); // text -> when it was published

function build(tag, className, ...children) {
	const made = document.createElement(tag);
	made.className = className;
	made.append(...children);
	return made;
}

function word(tag, key) {
	const made = document.createElement(tag);
	made.dataset.t = key;
	return made;
}

/* The proof: one message, three doors */

function openDoor(transport) {
	const list = document.createElement('ol');
	const door = build('div', 'door', build('h3', '', build('span', 'dot'), word('span', `transport.${transport}`)), list);
	const channel = new Channel(proof, { transport });

	channel.onstate = state => { door.dataset.state = state; };
	channel.onmessage = ({ data }) => {
		const text = String(data);
		const born = sent.get(text);
		const delay = born === undefined ? '' : t('proof.delay', number(performance.now() - born));
		list.prepend(build('li', '', build('span', '', text.replace(/ ·\w+$/, '')), build('span', '', delay)));
		while (list.childElementCount > ROWS)
			list.lastElementChild.remove();
	};
	$('doors').append(door);
	return channel;
}

const number = value => new Intl.NumberFormat(locale(), { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);

async function publish(text) {
	const body = `${text} ·${randomName(4)}`; // so that the same word twice is two
	sent.set(body, performance.now());
	$('request').textContent = `POST ${channelPath(proof)}`;
	try {
		const { id } = await doors[0].publish(body, { type: 'text/plain; charset=utf-8' });
		$('request').textContent = `POST ${channelPath(proof)} → 201 {"id":"${id}"}`;
	} catch (error) {
		$('request').textContent = `POST ${channelPath(proof)} → ${error.message}`;
	}
}

$('proof').addEventListener('submit', event => {
	event.preventDefault();
	publish($('word').value.trim() || t('proof.placeholder'));
	$('word').value = '';
});

/* The examples */

const origin = location.origin;
const socketOrigin = origin.replace(/^http/, 'ws');
const examples = {
	'hand.publish': `curl -d 'hello' ${origin}/c/demo`,
	'hand.read': `curl ${origin}/c/demo`,
	'hand.wait': `curl '${origin}/c/demo?wait=25'`,
	'hand.sse': `curl -N -H 'Accept: text/event-stream' \\\n  '${origin}/c/demo?history=10'`,
	'hand.socket': `const socket = new WebSocket('${socketOrigin}/c/demo')\n`
		+ 'socket.onmessage = event => console.log(event.data)\n'
		+ "socket.onopen = () => socket.send('hello')",
	'hand.presence': `curl '${origin}/c/demo?presence'`,
};

function showExample(title, code) {
	const pre = build('pre', '', code);
	const copy = word('button', 'copy');
	const name = word('h3', title);
	pre.tabIndex = 0; // a long line can be scrolled with the keyboard
	copy.type = 'button';
	copy.addEventListener('click', async () => {
		const copied = await navigator.clipboard?.writeText(code).then(() => true, () => false);
		if (!copied)
			getSelection().selectAllChildren(pre); // no clipboard on plain http: one key press away
		copy.textContent = t(copied ? 'copied' : 'selected');
		setTimeout(() => { copy.textContent = t('copy'); }, 1500);
	});
	$('examples').append(build('article', 'example card', build('header', '', name, copy), pre));
}

for (const [title, code] of Object.entries(examples))
	showExample(title, code);
const doors = ['websocket', 'sse', 'longpoll'].map(openDoor);
startLanguage();
for (const door of doors)
	door.open();
addEventListener('pagehide', () => doors.forEach(door => door.close()));
addEventListener('pageshow', event => event.persisted && doors.forEach(door => door.open()));
