// chat.js - the chat page: puts the channel, the outbox, the log and the list of people together.

import { Channel } from './lib/channel.js';
import { randomName, storage, tabId } from './lib/identity.js';
import { onLanguage, startLanguage, t } from './lib/i18n.js';
import { transports } from './lib/transports.js';
import { Log } from './room/log.js';
import { read, write } from './room/message.js';
import { Outbox } from './room/outbox.js';
import { People } from './room/people.js';
import { Sender } from './room/sender.js';

const HISTORY = 50;
const ECHO = 8_000;   // ms in which a message that was accepted is seen in the room, even by a poller
const CATCH_UP = 400; // ms after a connection in which what was missed arrives: only then unsent messages go

const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const me = tabId();

const settings = {
	name: storage('local').get('name') ?? '',
	room: clip(query.get('room') ?? '', 200) || 'lobby',
	transport: Object.hasOwn(transports, query.get('transport') ?? '') ? query.get('transport') : 'websocket',
};

const log = new Log({ list: $('log'), scroller: $('scroller'), pill: $('pill'), me });
const people = new People({ list: $('people'), counts: document.querySelectorAll('.people-count'), me });
let connection = { state: 'closed', detail: {} };
let channel, outbox, sender;

/** At most `bytes` bytes of UTF-8 and no control characters: what a name or a part of a channel's name may be. */
function clip(text, bytes) {
	let clipped = '', size = 0;
	for (const char of text.replace(/[\p{Cc}\p{Cs}]/gu, '').trim()) {
		size += new TextEncoder().encode(char).length;
		if (size > bytes)
			break;
		clipped += char;
	}
	return clipped;
}

/* The room */

function enterRoom() {
	leaveRoom();
	log.clear();
	channel = new Channel(`chat/${settings.room}`, {
		client: me, name: settings.name, transport: settings.transport, history: HISTORY,
	});
	sender = new Sender(channel);
	outbox = new Outbox(send, unsent(settings.room));
	outbox.onchange = showProgress;
	for (const entry of outbox.entries)
		log.showPending(entry, settings.name);

	channel.onmessage = showMessage;
	channel.onlost = showLoss;
	channel.onstate = changeState;
	people.follow(() => channel.presence());
	channel.open();
	showRoom();
}

function leaveRoom() {
	if (!channel)
		return;
	outbox.close();
	sender.disconnected();
	channel.onstate = () => {};
	channel.leave();
	channel.close();
}

/** Unsent messages survive a reload of the tab. */
function unsent(room) {
	const key = `unsent.${room}`;
	let saved = [];
	try {
		saved = JSON.parse(storage('session').get(key) ?? '[]');
	} catch { /* not ours: begin anew */ }
	return { saved, save: entries => storage('session').set(key, JSON.stringify(entries)) };
}

function send({ key, text }) {
	return sender.send(key, write({ key, from: me, name: settings.name, text, via: channel.transport }));
}

/** What the server has taken must come back soon; if it does not, the way back is broken. */
function showProgress(entry) {
	log.showPending(entry, settings.name);
	if (entry.state !== 'accepted')
		return;
	const [from, by] = [channel, outbox];
	setTimeout(() => by.has(entry.key) && from === channel && from.reconnect(), ECHO);
}

function showMessage(item) {
	const message = read(item);
	log.add(message);
	if (message.from === me) {
		sender.seen(message.key);
		outbox.seen(message.key);
	} else if (message.from && !people.knows(message.from)) {
		people.soon();
	}
}

function showLoss({ notice }) {
	const accepted = outbox.entries.filter(entry => entry.state === 'accepted');
	const by = outbox;
	log.addNotice(`${t('chat.lost')} ${notice ?? ''}`);
	// What is still kept follows now. What was accepted and is not among it will never come back.
	setTimeout(() => {
		for (const { key } of accepted.filter(entry => by === outbox && by.has(entry.key))) {
			log.keepPending(key);
			by.seen(key);
		}
	}, CATCH_UP);
}

function showState(state, detail = {}) {
	connection = { state, detail };
	$('status').dataset.state = state;
	$('status-text').textContent = t(`status.${state}`, {
		transport: t(`short.${settings.transport}`),
		seconds: Math.ceil((detail.delay ?? 0) / 1000),
		reason: detail.reason ?? '',
	});
}

function changeState(state, detail) {
	showState(state, detail);
	if (state !== 'open') {
		sender.disconnected();
		return;
	}
	people.soon();
	const opened = outbox;
	setTimeout(() => opened.flush(), CATCH_UP);
}

function useTransport(name) {
	settings.transport = name;
	channel.leave();
	channel.use(name);
	share();
}

/* The page */

function showRoom() {
	$('room-name').textContent = `# ${settings.room}`;
	$('name').value = settings.name;
	$('room').value = settings.room;
	document.title = t('chat.title', settings.room);
	share();
}

/** The address shows the room and the transport, to be sent to a friend. */
function share() {
	const url = new URL(location.href);
	url.searchParams.set('room', settings.room);
	url.searchParams.set('transport', settings.transport);
	history.replaceState(null, '', url);
}

function drawTransports() {
	const choices = Object.keys(transports).map(name => {
		const choice = document.createElement('label');
		const input = Object.assign(document.createElement('input'), {
			type: 'radio', name: 'transport', value: name, checked: name === settings.transport,
		});
		const title = document.createElement('span');
		const how = document.createElement('span');
		choice.className = 'choice';
		how.className = 'tag';
		title.dataset.t = `transport.${name}`;
		how.dataset.t = `how.${name}`;
		input.addEventListener('change', () => useTransport(name));
		choice.append(input, title, how);
		return choice;
	});
	$('transports').append(...choices);
}

/** Takes a name and a room from a form; true if the room is another one. */
function take(name, room) {
	const before = settings.room;
	settings.name = clip(name, 64) || settings.name || t('anonymous');
	settings.room = clip(room, 200) || before;
	storage('local').set('name', settings.name);
	return settings.room !== before;
}

function openSide(open) {
	$('side').classList.toggle('open', open);
	$('side-open').setAttribute('aria-expanded', String(open));
	document.querySelector('.talk').inert = open;
	(open ? $('side-close') : $('side-open')).focus();
}

function submitText() {
	const text = $('text').value.trim();
	if (!text)
		return;
	outbox.put(randomName(), text);
	$('text').value = '';
	fitText();
	log.toBottom();
}

/** The field grows with what is written, also where CSS cannot do it (field-sizing). */
function fitText() {
	if (CSS.supports('field-sizing', 'content'))
		return;
	$('text').style.height = 'auto';
	$('text').style.height = `${$('text').scrollHeight + 2}px`;
}

const onSubmit = (form, act) => $(form).addEventListener('submit', event => {
	event.preventDefault();
	act();
});

onSubmit('composer', submitText);
$('text').addEventListener('input', fitText);
$('text').addEventListener('keydown', event => {
	// While an input method composes, Enter chooses a word. Safari ends the composition first: code 229.
	if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229)
		return;
	event.preventDefault();
	submitText();
});

onSubmit('settings', () => {
	if (take($('name').value, $('room').value))
		enterRoom();
	else
		channel.reconnect({ name: settings.name });
	showRoom();
	if ($('side').classList.contains('open'))
		openSide(false);
});

onSubmit('join-form', () => {
	take($('join-name').value, $('join-room').value);
	$('join').close();
	enterRoom();
	$('text').focus();
});

$('share').addEventListener('click', async () => {
	const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
	if (!copied)
		prompt(t('chat.share'), location.href); // no clipboard on plain http
	$('share').textContent = t(copied ? 'copied' : 'chat.share');
	setTimeout(() => { $('share').textContent = t('chat.share'); }, 1500);
});

$('side-open').addEventListener('click', () => openSide(true));
$('side-close').addEventListener('click', () => openSide(false));
addEventListener('keydown', event => {
	if (event.key === 'Escape' && $('side').classList.contains('open'))
		openSide(false);
});

people.onmissing = () => connection.state === 'open' && channel.reconnect();
log.onretry = key => outbox.again(key);
log.ondrop = key => {
	outbox.drop(key);
	log.dropPending(key);
};

addEventListener('pagehide', () => channel?.leave());
addEventListener('pageshow', event => event.persisted && channel?.reconnect());

onLanguage(() => {
	log.retranslate();
	people.show();
	showState(connection.state, connection.detail);
	if (channel)
		showRoom();
});

drawTransports();
startLanguage();
if (settings.name) {
	enterRoom();
} else {
	$('join-room').value = settings.room;
	$('room-name').textContent = `# ${settings.room}`;
	$('join').addEventListener('cancel', event => event.preventDefault()); // there is nothing behind it yet
	$('join').showModal();
}
