/* program.c - what the program that embeds the server does with it: its own paths, channels from any thread. */
#include "base/heap.h"
#include "base/panic.h"
#include "codec/kind.h"
#include "codec/utf8.h"
#include "program/listening.h"
#include "program/subscription.h"
#include "server/server_private.h"

/* Paths ---------------------------------------------------------------------------------- */

/* RFC 3986 3.3, as far as it matters here: what a request's path can be equal to. */
static bool
is_path(struct xt_str path)
{
	if (path.n == 0 || path.p[0] != '/')
		return false;
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] <= ' ' || path.p[i] > '~' || path.p[i] == '?' || path.p[i] == '#')
			return false;
	return true;
}

static bool
is_taken(const struct xt_server *server, struct xt_str path)
{
	for (size_t i = 0; i < server->path_count; i++)
		if (xt_str_eq(xt_str_from(server->paths[i].path), path))
			return true;
	return false;
}

static int
add_path(struct xt_server *server, struct xt_str path, const struct xt_websocket_handlers *handlers,
	void *context)
{
	char *copy = xt_strndup(path.p, path.n);

	if (!copy)
		return XT_ENOMEM;
	server->paths[server->path_count++] = (struct xt_program_path){
		.path = copy,
		.prefix = path.p[path.n - 1] == '/',
		.handlers = handlers,
		.context = context,
	};
	return 0;
}

int
xt_server_websocket(struct xt_server *server, const char *path,
	const struct xt_websocket_handlers *handlers, void *context)
{
	struct xt_str name = xt_str_from(path);
	const struct xt_allocator *before;
	int error;

	if (!handlers || server->running || !is_path(name) || is_taken(server, name))
		return XT_EINVAL;
	if (server->path_count == XT_PROGRAM_PATHS)
		return XT_ELIMIT;
	before = xt_heap_enter(server->allocator);
	error = add_path(server, name, handlers, context);
	xt_heap_enter(before);
	return error;
}

void
xt_server_free_paths(struct xt_server *server)
{
	for (size_t i = 0; i < server->path_count; i++)
		xt_free(server->paths[i].path);
}

/* Publishing ----------------------------------------------------------------------------- */

static bool
is_channel(struct xt_str name)
{
	return xt_channel_name_valid(name) && xt_utf8_valid(name);
}

/* The worker whose thread this is; NULL: none's. */
static struct xt_worker *
worker_here(struct xt_server *server)
{
	pthread_t self = pthread_self();

	for (unsigned i = 0; i < server->running; i++)
		if (pthread_equal(server->workers[i].thread, self))
			return &server->workers[i];
	return NULL;
}

static int
submit(struct xt_server *server, struct xt_str channel, struct xt_message *message)
{
	const struct xt_worker *here = worker_here(server);
	int error = 0;

	if (here)
		xt_hub_publish(here->hub, channel, message, NULL);
	else
		error = xt_hub_submit(server->workers[0].hub, channel, message);
	if (error < 0)
		xt_message_unref(message);
	return error;
}

/* False: the server does not run. Else nothing that is given to it now gets lost, until guest_leaves(). */
static bool
guest_enters(struct xt_server *server)
{
	atomic_fetch_add(&server->guests, 1);
	if (atomic_load(&server->running))
		return true;
	atomic_fetch_sub(&server->guests, 1);
	return false;
}

static void
guest_leaves(struct xt_server *server)
{
	atomic_fetch_sub(&server->guests, 1);
}

/* With the allocator entered, as a guest. */
static int
publish(struct xt_server *server, struct xt_str channel, enum xt_kind kind, struct xt_str payload)
{
	struct xt_message *message = xt_message_new(kind, payload, (struct xt_str){ 0 }, 0);

	return message ? submit(server, channel, message) : XT_ENOMEM;
}

int
xt_server_publish(
	struct xt_server *server, const char *channel, enum xt_kind kind, const void *p, size_t n)
{
	struct xt_str name = xt_str_from(channel), payload = xt_str_of(p, n);
	const struct xt_allocator *before;
	int error;

	if (!is_channel(name) || !xt_kind_fits(kind, payload))
		return XT_EINVAL;
	if (n > server->config->limits.message)
		return XT_ELIMIT;
	if (!guest_enters(server))
		return XT_ECLOSED;
	before = xt_heap_enter(server->allocator);
	error = publish(server, name, kind, payload);
	xt_heap_enter(before);
	guest_leaves(server);
	return error;
}

/* Subscribing ---------------------------------------------------------------------------- */

int
xt_server_subscribe(struct xt_server *server, const struct xt_listening *listening,
	struct xt_subscription **subscription)
{
	const struct xt_allocator *before;
	struct xt_reading reading;
	struct xt_worker *worker;
	unsigned turn;

	*subscription = NULL;
	if (!listening->message || !is_channel(xt_str_from(listening->channel)) ||
		!xt_listening_since(listening->since, &reading))
		return XT_EINVAL;
	if (!guest_enters(server))
		return XT_ECLOSED;
	/* In turn, so that they spread over the workers. */
	turn = atomic_fetch_add(&server->subscriptions, 1);
	worker = &server->workers[turn % server->worker_count];
	before = xt_heap_enter(server->allocator);
	*subscription = xt_subscription_new(&worker->calls, worker->hub, listening, &reading);
	xt_heap_enter(before);
	guest_leaves(server);
	return *subscription ? 0 : XT_ENOMEM;
}
