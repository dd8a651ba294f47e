/*
 * floor.c - the measure of all things: a server that only moves bytes, so that what a real one costs above it is seen.
 *
 *	floor PORT        listens on 127.0.0.1, prints "listening on URL", ends with SIGTERM
 *
 *	/echo             a WebSocket: as many answers as frames came, made beforehand; what came is not looked at
 *	any other path    readers: WebSocket, server-sent events (Accept), long poll (?wait); what somebody sends (WebSocket,
 *	                  POST) goes to all others, one send for each reader and turn
 *
 * No server can do less: one receive for each readiness, one send for each connection and turn, nothing is allocated.
 * It trusts its peer, the generator, in everything: requests are well-formed, the frames of a connection are all of one size, which
 * the first one tells, and of those who leave a request or frame unfinished there is one at a time. Sends block.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { FDS = 1 << 16, EVENTS = 1024, ROOM = 1 << 20, KEY = 24 };
enum form { FRAME, EVENT, ANSWER, FORMS }; /* what a message looks like on the way out */

struct client {
	size_t (*take)(
		int fd, char *p, size_t n); /* reads next; returns how much it leaves unread */
	uint32_t frame;                     /* bytes of each of its frames, 0: not known yet */
	uint32_t have;                      /* of an unfinished frame that is to be echoed */
	int32_t at;                         /* among the readers, -1: no reader */
	uint8_t form;
	bool deaf; /* publishes, or between two polls */
};

struct bytes {
	size_t n;
	char p[ROOM];
};

static struct client clients[FDS]; /* by descriptor */
static int readers[FDS];
static int readers_count, poller, listening;
static uint64_t published;
static char in[ROOM + 1];
static struct {
	int fd;
	size_t n;
	char p[ROOM];
} rest; /* what one connection left unread */
static struct bytes out[FORMS];
static struct {
	uint32_t frame; /* of what they answer */
	size_t each, count;
	char p[ROOM];
} answers;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Connections ----------------------------------------------------------------------------- */

static void
leave(int fd)
{
	struct client *client = &clients[fd];

	if (client->at >= 0) {
		readers[client->at] = readers[--readers_count];
		clients[readers[client->at]].at = client->at;
	}
	if (rest.fd == fd)
		rest.n = 0;
	close(fd);
}

static void
enter(int fd, enum form form)
{
	clients[fd].form = (uint8_t)form;
	clients[fd].at = readers_count;
	readers[readers_count++] = fd;
}

/* A reader that went away is seen when it is received from. */
static void
send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

static void
say(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

/* Frames ---------------------------------------------------------------------------------- */

/* The bytes of a masked frame, from its header; 0: not enough of it. RFC 6455 5.2 */
static uint32_t
frame_size(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned length = n < 2 ? 0 : u[1] & 127u;

	if (n < 2 || (length == 126 && n < 4) || (length == 127 && n < 10))
		return 0;
	if (length < 126)
		return 6 + length;
	if (length == 126)
		return 8 + ((uint32_t)u[2] << 8 | u[3]);
	return 14 + ((uint32_t)u[6] << 24 | (uint32_t)u[7] << 16 | (uint32_t)u[8] << 8 | u[9]);
}

static size_t
head_size(uint32_t frame)
{
	return frame < 6 + 126 ? 2 : frame < 8 + 65536 ? 4 : 10;
}

/* As many answers to frames like `frame` as there is room for. */
static void
prepare(const char *frame, uint32_t size)
{
	answers.frame = size;
	answers.each = size - 4;
	if (answers.each > ROOM)
		exit(1);
	for (answers.count = 0; (answers.count + 1) * answers.each <= ROOM; answers.count++) {
		char *p = answers.p + answers.count * answers.each;

		memcpy(p, frame, head_size(size));
		p[1] = p[1] & 127;
		memset(p + head_size(size), 'a', answers.each - head_size(size));
	}
}

/* Whether it is a Close frame, which is answered. */
static bool
ends(int fd, const char *p)
{
	if ((p[0] & 15) != 8)
		return false;
	send_all(fd, "\x88", 2);
	leave(fd);
	return true;
}

static size_t
take_echo(int fd, char *p, size_t n)
{
	struct client *client = &clients[fd];
	size_t due;

	if (!client->have && ends(fd, p))
		return 0;
	if (!client->frame)
		client->frame = frame_size(p, n);
	if (!client->frame)
		return n;
	if (answers.frame != client->frame)
		prepare(p, client->frame);
	n += client->have;
	client->have = (uint32_t)(n % client->frame);
	for (due = n / client->frame; due > answers.count; due -= answers.count)
		send_all(fd, answers.p, answers.count * answers.each);
	send_all(fd, answers.p, due * answers.each);
	return 0;
}

/* Messages -------------------------------------------------------------------------------- */

static void
put(struct bytes *bytes, const char *p, size_t n)
{
	if (n > ROOM - bytes->n)
		exit(1);
	memcpy(bytes->p + bytes->n, p, n);
	bytes->n += n;
}

static void
put_frame(const char *head, const char *payload, size_t n)
{
	size_t size = head_size((uint32_t)n + (n < 126 ? 6 : n < 65536 ? 8 : 14));
	char begin[10] = { head[0], (char)(n < 126 ? n : n < 65536 ? 126 : 127) };

	for (size_t i = 2; i < size; i++)
		begin[i] = (char)(n >> 8 * (size - 1 - i));
	put(&out[FRAME], begin, size);
	put(&out[FRAME], payload, n);
}

static void
put_event(const char *payload, size_t n)
{
	put(&out[EVENT], "data: ", 6);
	put(&out[EVENT], payload, n);
	put(&out[EVENT], "\n\n", 2);
}

/* The last message alone: polls are for one at a time. */
static void
put_answer(const char *payload, size_t n)
{
	char text[512];
	int body = snprintf(NULL, 0, "{\"messages\":[{\"data\":\"\"}],\"next\":\"f-%llu\"}",
		(unsigned long long)published);

	out[ANSWER].n = 0;
	put(&out[ANSWER], text,
		(size_t)snprintf(text, sizeof text,
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
			"%zu\r\n\r\n"
			"{\"messages\":[{\"data\":\"",
			(size_t)body + n));
	put(&out[ANSWER], payload, n);
	put(&out[ANSWER], text,
		(size_t)snprintf(text, sizeof text, "\"}],\"next\":\"f-%llu\"}",
			(unsigned long long)published));
}

/* `head`: the first byte of the frame it came in, or would have. */
static void
publish(const char *head, const char *payload, size_t n)
{
	published++;
	put_frame(head, payload, n);
	put_event(payload, n);
	put_answer(payload, n);
}

/* At the end of a turn: everything that came in it, once to each reader. */
static void
deliver(void)
{
	for (int i = 0; i < readers_count; i++) {
		struct client *client = &clients[readers[i]];

		if (client->deaf)
			continue;
		send_all(readers[i], out[client->form].p, out[client->form].n);
		client->deaf = client->form == ANSWER;
	}
	out[FRAME].n = out[EVENT].n = 0;
}

static size_t
take_frames(int fd, char *p, size_t n)
{
	struct client *client = &clients[fd];
	uint32_t size;

	client->deaf = true;
	while ((size = frame_size(p, n)) != 0 && size <= n) {
		size_t key = head_size(size);
		char *payload = p + key + 4;

		if (ends(fd, p))
			return 0;
		for (size_t i = 0; i < size - key - 4; i++)
			payload[i] ^= p[key + (i & 3)];
		publish(p, payload, size - key - 4);
		p += size;
		n -= size;
	}
	return n;
}

/* Requests -------------------------------------------------------------------------------- */

/* RFC 6455 4.2.2 */
static void
shake(int fd, const char *head)
{
	const char *key = strcasestr(head, "\r\nsec-websocket-key: ");
	unsigned char text[64], hash[SHA_DIGEST_LENGTH], accept[32];
	char answer[256];

	if (!key) {
		leave(fd);
		return;
	}
	memcpy(text, key + 21, KEY);
	memcpy(text + KEY, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
	SHA1(text, KEY + 36, hash);
	EVP_EncodeBlock(accept, hash, sizeof hash);
	snprintf(answer, sizeof answer,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n\r\n",
		accept);
	say(fd, answer);
	clients[fd].take = take_frames;
	if (strncmp(head, "GET /echo", 9) == 0)
		clients[fd].take = take_echo;
	else
		enter(fd, FRAME);
}

static void
stream(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
	enter(fd, EVENT);
}

/* Answered at once when it does not know the last message: the first one asks where the channel is. */
static void
poll_once(int fd, const char *head)
{
	const char *since = strstr(head, "since=f-");
	uint64_t seen = since ? strtoull(since + 8, NULL, 10) : UINT64_MAX;

	if (clients[fd].at < 0)
		enter(fd, ANSWER);
	clients[fd].deaf = seen != published;
	if (clients[fd].deaf)
		send_all(fd, out[ANSWER].p, out[ANSWER].n);
}

/* Returns the bytes of the body, or -1 when it has not come in full. */
static ssize_t
post(int fd, const char *head, const char *body, size_t n)
{
	const char *length = strcasestr(head, "\r\ncontent-length: ");
	size_t size = length ? strtoul(length + 18, NULL, 10) : 0;
	char answer[128];

	if (size > n)
		return -1;
	publish("\x81", body, size);
	snprintf(answer, sizeof answer,
		"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n{\"id\":\"f-%llu\"}",
		snprintf(NULL, 0, "{\"id\":\"f-%llu\"}", (unsigned long long)published),
		(unsigned long long)published);
	say(fd, answer);
	return (ssize_t)size;
}

/* `p` ends with a NUL behind its `n` bytes. */
static size_t
take_request(int fd, char *p, size_t n)
{
	char *end = strstr(p, "\r\n\r\n");
	ssize_t body = 0;

	if (!end)
		return n;
	end[2] = '\0';
	if (*p == 'P')
		body = post(fd, p, end + 4, n - (size_t)(end + 4 - p));
	else if (strcasestr(p, "\r\nupgrade: websocket"))
		shake(fd, p);
	else if (strcasestr(p, "text/event-stream"))
		stream(fd);
	else if (strstr(p, "wait="))
		poll_once(fd, p);
	else
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	end[2] = '\r';
	return body < 0 ? n : 0;
}

/* The loop -------------------------------------------------------------------------------- */

static void
keep(int fd, const char *p, size_t n)
{
	rest.fd = fd;
	rest.n = n;
	memcpy(rest.p, p, n);
}

static void
receive(int fd)
{
	size_t before = rest.fd == fd ? rest.n : 0;
	ssize_t got = recv(fd, in + before, ROOM - before, MSG_DONTWAIT);
	size_t n = before + (size_t)got, left;

	if (got <= 0) {
		leave(fd);
		return;
	}
	if (before) {
		memcpy(in, rest.p, before);
		rest.n = 0;
	}
	in[n] = '\0';
	left = clients[fd].take(fd, in, n);
	if (left)
		keep(fd, in + n - left, left);
}

static void
watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

/* All that wait: a crowd that connects takes one turn. */
static void
admit(void)
{
	int fd;

	while ((fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (fd >= FDS)
			exit(1);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		clients[fd] = (struct client){ .take = take_request, .at = -1 };
		watch(fd);
	}
}

static void
turn(void)
{
	static struct epoll_event events[EVENTS];
	int count = epoll_wait(poller, events, EVENTS, -1);

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == listening)
			admit();
		else
			receive(events[i].data.fd);
	}
	if (out[FRAME].n)
		deliver();
}

static int
bound(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t size = sizeof at;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listening, (struct sockaddr *)&at, size) < 0 || listen(listening, 4096) < 0)
		die("listen");
	getsockname(listening, (struct sockaddr *)&at, &size);
	return ntohs(at.sin_port);
}

int
main(int argc, char **argv)
{
	printf("listening on http://127.0.0.1:%d\n",
		bound(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0));
	fflush(stdout);
	poller = epoll_create1(EPOLL_CLOEXEC);
	watch(listening);
	put_answer("", 0);
	for (;;)
		turn();
}
