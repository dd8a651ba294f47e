/* tls_server.c - a server's certificates: read, looked at again, and lent to connections that begin. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "io/tls_private.h"

static char **
copy_names(const char *const *names, size_t count)
{
	char **copy = xt_calloc(count, sizeof *copy);
	bool whole = copy != NULL;

	for (size_t i = 0; whole && i < count; i++) {
		copy[i] = xt_strdup(names[i]);
		whole = copy[i] != NULL;
	}
	return copy;
}

static void
free_names(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
		xt_free(names[i]);
	xt_free(names);
}

static bool
is_whole(char *const *names, size_t count)
{
	return names && names[count - 1];
}

/* What a file is now, in a number: another one in its place, or other bytes in it, give another. */
static uint64_t
look_at(uint64_t seen, const char *file)
{
	struct stat st = { 0 };
	uint64_t facts[5];

	if (stat(file, &st) < 0)
		st = (struct stat){ 0 };
	facts[0] = st.st_dev;
	facts[1] = st.st_ino;
	facts[2] = (uint64_t)st.st_size;
	facts[3] = (uint64_t)st.st_mtim.tv_sec;
	facts[4] = (uint64_t)st.st_mtim.tv_nsec;
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		seen = (seen ^ facts[i]) * 0x9e3779b97f4a7c15u + (seen >> 29);
	return seen;
}

static uint64_t
look(const struct xt_tls_server *server)
{
	uint64_t seen = 1;

	for (size_t i = 0; i < server->count; i++) {
		seen = look_at(seen, server->certificates[i]);
		seen = look_at(seen, server->keys[i]);
	}
	return server->client_ca ? look_at(seen, server->client_ca) : seen;
}

static int
copy_options(struct xt_tls_server *server, const struct xt_tls_options *options)
{
	server->count = options->count;
	server->clients = options->clients;
	server->http2 = options->http2;
	server->plain_answer = options->plain_answer;
	server->certificates = copy_names(options->certificates, options->count);
	server->keys = copy_names(options->keys, options->count);
	server->client_ca = options->client_ca ? xt_strdup(options->client_ca) : NULL;
	server->method = xt_tls_method_new();
	if (!is_whole(server->certificates, server->count) ||
		!is_whole(server->keys, server->count) || !server->method ||
		(options->client_ca && !server->client_ca))
		return XT_ENOMEM;
	return 0;
}

int
xt_tls_server_new(
	struct xt_tls_server **out, const struct xt_tls_options *options, char *error, size_t size)
{
	struct xt_tls_server *server;
	int result;

	*out = NULL;
	if (options->count == 0 ||
		(options->clients != XT_TLS_CLIENTS_NONE && !options->client_ca)) {
		snprintf(error, size,
			options->count == 0 ? "no certificate"
					    : "no file with those who may sign "
					      "clients' certificates");
		return XT_EINVAL;
	}
	server = xt_calloc(1, sizeof *server);
	if (!server)
		return XT_ENOMEM;
	xt_tls_tickets_init(&server->tickets);
	pthread_mutex_init(&server->lock, NULL);
	result = copy_options(server, options);
	if (result == 0) {
		server->seen = look(server);
		result = xt_tls_set_new(&server->set, server, error, size);
	} else {
		snprintf(error, size, "out of memory");
	}
	if (result < 0)
		xt_tls_server_free(server);
	else
		*out = server;
	return result;
}

void
xt_tls_server_free(struct xt_tls_server *server)
{
	if (!server)
		return;
	xt_tls_set_unref(server->set);
	xt_tls_tickets_fini(&server->tickets);
	pthread_mutex_destroy(&server->lock);
	free_names(server->certificates, server->count);
	free_names(server->keys, server->count);
	xt_free(server->client_ca);
	BIO_meth_free(server->method);
	xt_free(server);
}

/* Looks before it reads: what changes meanwhile is seen by the next look. */
static bool
has_changed(struct xt_tls_server *server)
{
	uint64_t now = look(server);
	bool changed;

	pthread_mutex_lock(&server->lock);
	changed = now != server->seen;
	server->seen = now;
	pthread_mutex_unlock(&server->lock);
	return changed;
}

static struct xt_tls_set *
exchange_set(struct xt_tls_server *server, struct xt_tls_set *set)
{
	struct xt_tls_set *before;

	pthread_mutex_lock(&server->lock);
	before = server->set;
	server->set = set;
	pthread_mutex_unlock(&server->lock);
	return before;
}

int
xt_tls_server_reload(struct xt_tls_server *server, char *error, size_t size)
{
	struct xt_tls_set *set;
	int result;

	if (!has_changed(server))
		return 0;
	result = xt_tls_set_new(&set, server, error, size);
	if (result < 0)
		return result;
	xt_tls_set_unref(exchange_set(server, set));
	return 1;
}

/* Connections ------------------------------------------------------------------------------- */

static struct xt_tls_set *
set_ref(struct xt_tls_server *server)
{
	struct xt_tls_set *set;

	pthread_mutex_lock(&server->lock);
	set = server->set;
	atomic_fetch_add(&set->refs, 1);
	pthread_mutex_unlock(&server->lock);
	return set;
}

int
xt_tls_accept(struct xt_conn *conn, struct xt_tls_server *server)
{
	struct xt_tls *tls = xt_calloc(1, sizeof *tls);

	if (!tls)
		return XT_ENOMEM;
	tls->server = true;
	tls->plain_answer = server->plain_answer;
	tls->set = set_ref(server);
	tls->ssl = SSL_new(tls->set->contexts[0]);
	if (tls->ssl)
		SSL_set_accept_state(tls->ssl);
	return xt_tls_begin(conn, tls, server->method);
}
