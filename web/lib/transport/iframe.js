// iframe.js - a channel through a forever frame: a hidden page that never ends, made of script blocks
// that call parent.crosstalk(message). The oldest way to stream, and it still works.
//
// The function has one name, so a page holds one forever frame at a time. The browser shows the page as
// loading while the frame is open; that is the price of this transport.

const KEEP = 100; // nodes of the frame's page that are left standing; script blocks that ran are litter

export function openFrame(line) {
	const frame = document.createElement('iframe');
	const observer = new MutationObserver(() => {
		line.alive(); // a comment is a heartbeat, and a node like any other
		const page = frame.contentDocument?.body ?? frame.contentDocument?.head;
		while (page?.childNodes.length > KEEP)
			page.firstChild.remove();
	});
	let watched = false;

	function hear(message) {
		if (!watched) {
			observer.observe(frame.contentDocument, { childList: true, subtree: true });
			watched = true;
			line.opened();
		}
		line.alive();
		line.receive(structuredClone(message)); // an object of the frame's world would keep it alive
	}

	window.crosstalk = hear;
	frame.hidden = true;
	frame.title = 'stream';
	// The answer was complete, or an error page from the start. A connection that breaks in the middle
	// tells nobody: Chromium leaves such a page "loading". Only the missing heartbeat shows it.
	frame.onload = () => line.failed(new Error('the stream ended'));
	frame.src = line.url({ stream: 'iframe' });
	const start = () => document.body.append(frame);
	// Before the page itself is loaded, a frame that never is would keep it so for ever.
	if (document.readyState === 'complete')
		start();
	else
		addEventListener('load', start, { once: true });

	return {
		close() {
			removeEventListener('load', start);
			observer.disconnect();
			frame.onload = null;
			frame.remove();
			if (window.crosstalk === hear)
				window.crosstalk = () => {};
		},
	};
}
