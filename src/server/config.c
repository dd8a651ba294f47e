/* config.c - the life of a configuration, and what several keys say together. */
#include "server/config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/heap.h"
#include "io/address.h"
#include "server/config_key.h"
#include "server/config_list.h"
#include "server/config_path.h"
#include "server/config_value.h"

#define READ_SIZE 4096

static int
string_copy(char **to, const char *from)
{
	*to = from ? xt_strdup(from) : NULL;
	return from && !*to ? XT_ENOMEM : 0;
}

/* Sets `key` to its default; one that has none stays empty. */
static int
set_initial(struct xt_config *config, const struct xt_config_key *key)
{
	static const struct xt_config_error nowhere = { 0 };

	return key->initial ? xt_config_key_set(config, key, xt_str_from(key->initial), &nowhere)
			    : 0;
}

struct xt_config *
xt_config_new(void)
{
	struct xt_config *config = xt_calloc(1, sizeof *config);

	for (size_t i = 0; config && i < XT_CONFIG_KEY_COUNT; i++) {
		const struct xt_config_key *key = &xt_config_keys[i];
		if (!xt_config_key_is_list(key) && set_initial(config, key) < 0) {
			xt_config_free(config);
			return NULL;
		}
	}
	return config;
}

void
xt_config_free(struct xt_config *config)
{
	if (!config)
		return;
	xt_config_list_fini(&config->listen);
	xt_config_list_fini(&config->cors.origins);
	xt_config_list_fini(&config->tls.certificate);
	xt_config_list_fini(&config->tls.key);
	xt_free(config->tls.client_ca);
	xt_config_paths_fini(&config->paths);
	xt_free(config->root);
	xt_free(config->file);
	xt_free(config);
}

/* `*to` is a plain copy of `*from`: gives it owned members of its own, or none, whatever fails. */
static int
own_members(struct xt_config *to, const struct xt_config *from)
{
	int failed = 0;

	failed |= xt_config_list_copy(&to->listen, &from->listen);
	failed |= xt_config_list_copy(&to->cors.origins, &from->cors.origins);
	failed |= xt_config_list_copy(&to->tls.certificate, &from->tls.certificate);
	failed |= xt_config_list_copy(&to->tls.key, &from->tls.key);
	failed |= string_copy(&to->tls.client_ca, from->tls.client_ca);
	failed |= xt_config_paths_copy(&to->paths, &from->paths);
	failed |= string_copy(&to->root, from->root);
	failed |= string_copy(&to->file, from->file);
	if (!failed && to->listen.n == 0)
		failed |= set_initial(to, xt_config_key_find(XT_STR("listen")));
	return failed ? XT_ENOMEM : 0;
}

struct xt_config *
xt_config_copy(const struct xt_config *config)
{
	struct xt_config *initial = config ? NULL : xt_config_new(), *copy = NULL;
	const struct xt_config *from = config ? config : initial;

	if (!from)
		return NULL;
	copy = xt_malloc(sizeof *copy);
	if (copy) {
		*copy = *from;
		if (own_members(copy, from) < 0) {
			xt_config_free(copy);
			copy = NULL;
		}
	}
	xt_config_free(initial);
	return copy;
}

int
xt_config_set(
	struct xt_config *config, const char *key, const char *value, char *error, size_t size)
{
	const struct xt_config_error to = { error, size };
	const struct xt_config_key *found = xt_config_key_find(xt_str_from(key));
	struct xt_str path, name;

	if (!found && xt_config_path_split(xt_str_from(key), &path, &name))
		return xt_config_path_set(config, path, name, xt_str_from(value), &to);
	if (!found)
		return xt_config_key_unknown(xt_str_from(key), &to);
	config->line[found - xt_config_keys] = 0;
	return xt_config_key_set(config, found, xt_str_from(value), &to);
}

/* Appends all of `file` to `*text`: 0, XT_ENOMEM, XT_ELIMIT, XT_ESYS. */
static int
read_all(FILE *file, struct xt_buf *text)
{
	size_t n;

	do {
		if (xt_buf_reserve(text, READ_SIZE) < 0)
			return XT_ENOMEM;
		n = fread(text->p + text->n, 1, READ_SIZE, file);
		text->n += n;
		if (text->n > XT_CONFIG_FILE_MAX)
			return XT_ELIMIT;
	} while (n > 0);
	return ferror(file) ? XT_ESYS : 0;
}

static int
read_file(const char *path, struct xt_buf *text, const struct xt_config_error *error)
{
	FILE *file = fopen(path, "re");
	int code = file ? read_all(file, text) : XT_ESYS;
	char why[128];

	if (code == XT_ESYS)
		xt_config_fail(error, code, "%s: cannot be read: %s", path,
			strerror_r(errno, why, sizeof why));
	if (code == XT_ELIMIT)
		code = xt_config_fail(error, XT_EINVAL, "%s: too large, allowed: 1MiB", path);
	if (code == XT_ENOMEM)
		xt_config_fail(error, code, "%s: out of memory", path);
	if (file)
		fclose(file);
	return code;
}

int
xt_config_load(struct xt_config *config, const char *path, char *error, size_t size)
{
	const struct xt_config_error to = { error, size };
	struct xt_buf text = { 0 };
	int code = read_file(path, &text, &to);

	if (code == 0)
		code = xt_config_load_text(config, path, xt_buf_str(&text), error, size);
	xt_buf_fini(&text);
	return code;
}

/* ---- several keys together ---- */

/* "FILE:LINE: " when `name` was set by a file, else nothing. */
static const char *
place(const struct xt_config *config, struct xt_str name, char *p, size_t size)
{
	uint32_t line = config->line[xt_config_key_find(name) - xt_config_keys];

	*p = '\0';
	if (line && config->file)
		snprintf(p, size, "%s:%u: ", config->file, line);
	return p;
}

/* No authentication exists yet, so what others can reach must be asked for. */
static int
check_open(const struct xt_config *config, const struct xt_config_error *error)
{
	struct xt_address address;
	char at[300];

	for (size_t i = 0; i < config->listen.n && !config->open; i++) {
		/* Each was read before it came into the list. */
		xt_address_read(xt_str_from(config->listen.v[i]), &address);
		if (!xt_address_is_loopback(&address))
			return xt_config_fail(error, XT_EINVAL,
				"%slisten: %s can be reached from other machines, and nothing asks "
				"them who they "
				"are: listen on 127.0.0.1, [::1], localhost or unix:/PATH, or "
				"allow anyone with "
				"\"open: true\" or --open",
				place(config, XT_STR("listen"), at, sizeof at),
				config->listen.v[i]);
	}
	return 0;
}

/* A reader for whom the largest message is already too much could never receive it. */
static int
check_backlog(const struct xt_config *config, const struct xt_config_error *error)
{
	char at[300], backlog[32], message[32];

	if (config->limits.backlog > config->limits.message)
		return 0;
	place(config, XT_STR("limits.backlog"), at, sizeof at);
	if (!*at)
		place(config, XT_STR("limits.message"), at, sizeof at);
	return xt_config_fail(error, XT_EINVAL,
		"%slimits.backlog: %s is too small, allowed: more than limits.message (%s)", at,
		xt_config_value_format(
			config->limits.backlog, xt_config_units_size, backlog, sizeof backlog),
		xt_config_value_format(
			config->limits.message, xt_config_units_size, message, sizeof message));
}

/* The same for what is said of a path on which there are channels. */
static int
check_paths(const struct xt_config *config, const struct xt_config_error *error)
{
	char at[300] = "", backlog[32], message[32];

	for (size_t i = 0; i < config->paths.n; i++) {
		const struct xt_config_path *path = &config->paths.v[i];
		uint32_t line = path->line[XT_CONFIG_PATH_MESSAGE];
		if (path->message < config->limits.backlog || strncmp(path->path, "/c/", 3) != 0)
			continue;
		if (line && config->file)
			snprintf(at, sizeof at, "%s:%u: ", config->file, line);
		return xt_config_fail(error, XT_EINVAL,
			"%spaths.%s.message: %s is too large, allowed: less than limits.backlog "
			"(%s)",
			at, path->path,
			xt_config_value_format(
				path->message, xt_config_units_size, message, sizeof message),
			xt_config_value_format(config->limits.backlog, xt_config_units_size,
				backlog, sizeof backlog));
	}
	return 0;
}

static int
check_root(const struct xt_config *config, const struct xt_config_error *error)
{
	struct stat st;
	char at[300];

	if (!config->root || (stat(config->root, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return xt_config_fail(error, XT_EINVAL, "%sroot: %s is not a directory",
		place(config, XT_STR("root"), at, sizeof at), config->root);
}

/* The first listener with https, or NULL. */
static const char *
find_https(const struct xt_config *config)
{
	struct xt_address address;

	for (size_t i = 0; i < config->listen.n; i++) {
		xt_address_read(xt_str_from(config->listen.v[i]), &address);
		if (address.scheme == XT_SCHEME_HTTPS)
			return config->listen.v[i];
	}
	return NULL;
}

static int
check_tls(const struct xt_config *config, const struct xt_config_error *error)
{
	const char *https = find_https(config);
	char at[300];

	if (https && config->tls.certificate.n == 0)
		return xt_config_fail(error, XT_EINVAL,
			"%slisten: %s needs a certificate: tls.certificate and tls.key, or --cert "
			"and --key",
			place(config, XT_STR("listen"), at, sizeof at), https);
	if (config->tls.certificate.n != config->tls.key.n)
		return xt_config_fail(error, XT_EINVAL,
			"%stls.key: each tls.certificate needs its tls.key, in the same order "
			"(certificates: %zu, keys: %zu)",
			place(config, XT_STR("tls.certificate"), at, sizeof at),
			config->tls.certificate.n, config->tls.key.n);
	if (config->tls.clients != XT_TLS_CLIENTS_NONE && !config->tls.client_ca)
		return xt_config_fail(error, XT_EINVAL,
			"%stls.clients: clients' certificates need tls.client_ca: who may sign "
			"them",
			place(config, XT_STR("tls.clients"), at, sizeof at));
	return 0;
}

int
xt_config_check(const struct xt_config *config, char *error, size_t size)
{
	const struct xt_config_error to = { error, size };

	if (check_backlog(config, &to) < 0 || check_paths(config, &to) < 0 ||
		check_root(config, &to) < 0 || check_tls(config, &to) < 0 ||
		check_open(config, &to) < 0)
		return XT_EINVAL;
	return 0;
}
