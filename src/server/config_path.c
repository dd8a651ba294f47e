/* config_path.c - the keys of a path, and the list of paths that have some. */
#include "server/config_path.h"

#include "base/heap.h"
#include "codec/utf8.h"
#include "server/config_list.h"
#include "server/config_value.h"

#define GIB (1ULL << 30)

#define FIELD(member) \
	offsetof(struct xt_config_path, member), sizeof(((struct xt_config_path *)NULL)->member)

/* clang-format off */
const struct xt_config_key xt_config_path_keys[XT_CONFIG_PATH_KEY_COUNT] = {
	{ "message", XT_CONFIG_SIZE, FIELD(message), 1, GIB, NULL,
	  "One message, decompressed, instead of limits.message or limits.echo; more is answered with 413, on a WebSocket with close code 1009." },
	{ "frame", XT_CONFIG_SIZE, FIELD(frame), 1, GIB, NULL,
	  "One frame of a WebSocket, as it is sent; more is closed with 1009." },
	{ "messages_per_second", XT_CONFIG_COUNT, FIELD(messages_per_second), 1, 1000000, NULL,
	  "Messages of one WebSocket, or POST requests of one address: so many at once, then so many a second; more is closed with 1008 or answered with 429." },
	{ "bytes_per_second", XT_CONFIG_SIZE, FIELD(bytes_per_second), 1, 16 * GIB, NULL,
	  "The same for the bytes of those messages, decompressed. One that is larger passes alone, and those after it wait." },
	{ "connections_per_address", XT_CONFIG_COUNT, FIELD(connections_per_address), 1, 1000000, NULL,
	  "Readers and WebSockets of one address (IPv6: one /64), on all workers; one more is answered with 429." },
	{ "compression", XT_CONFIG_COUNT, FIELD(compression), 0, 9, NULL,
	  "Level of permessage-deflate on WebSockets, from 1 (fast) to 9 (small); 0 does not offer it." },
	{ "origins", XT_CONFIG_ORIGINS, FIELD(origins), 0, 0, NULL,
	  "Origins whose pages may use this path, besides those of cors.origins." },
	{ "subprotocols", XT_CONFIG_TOKENS, FIELD(subprotocols), 0, 0, NULL,
	  "Subprotocols of WebSockets: the first of the client's that is listed here is agreed on; without one that is, none." },
};
/* clang-format on */

const struct xt_config_key *
xt_config_path_key_find(struct xt_str name)
{
	for (size_t i = 0; i < XT_CONFIG_PATH_KEY_COUNT; i++)
		if (xt_str_eq(xt_str_from(xt_config_path_keys[i].name), name))
			return &xt_config_path_keys[i];
	return NULL;
}

bool
xt_config_path_split(struct xt_str full, struct xt_str *path, struct xt_str *name)
{
	struct xt_str group = XT_STR("paths.");
	size_t dot = full.n;

	if (!xt_str_starts(full, group))
		return false;
	while (dot > group.n && full.p[dot - 1] != '.')
		dot--;
	if (dot == group.n)
		return false;
	*path = xt_str_of(full.p + group.n, dot - 1 - group.n);
	*name = xt_str_of(full.p + dot, full.n - dot);
	return true;
}

/* ---- one path ---- */

/* What a request's path, decoded, can be equal to, or begin with. */
static bool
is_path(struct xt_str path)
{
	if (path.n == 0 || path.n > XT_CONFIG_PATH_SIZE || path.p[0] != '/' || !xt_utf8_valid(path))
		return false;
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];
		if (c < ' ' || c == 0x7f || c == '?' || c == '#')
			return false;
	}
	return true;
}

static int
no_memory(const struct xt_config_error *error)
{
	return xt_config_fail(error, XT_ENOMEM, "paths: out of memory");
}

static int
add(struct xt_config_paths *paths, struct xt_str path, const struct xt_config_error *error)
{
	char *copy = xt_strndup(path.p, path.n);
	struct xt_config_path *v = xt_realloc(paths->v, (paths->n + 1) * sizeof *v);

	if (v)
		paths->v = v;
	if (!copy || !v) {
		xt_free(copy);
		return no_memory(error);
	}
	v[paths->n++] = (struct xt_config_path){ .path = copy, .compression = XT_CONFIG_UNSET };
	return 0;
}

int
xt_config_path_get(struct xt_config *config, struct xt_str path, struct xt_config_path **out,
	const struct xt_config_error *error)
{
	struct xt_config_paths *paths = &config->paths;
	char clean[80];
	int code;

	for (size_t i = 0; i < paths->n; i++) {
		*out = &paths->v[i];
		if (xt_str_eq(xt_str_from(paths->v[i].path), path))
			return 0;
	}
	if (!is_path(path))
		return xt_config_fail(error, XT_EINVAL,
			"paths.%s: is not a path, allowed: like /echo, or /c/chat/ for all below "
			"it; %d bytes at most",
			xt_config_value_clean(path, clean, sizeof clean), XT_CONFIG_PATH_SIZE);
	if (paths->n == XT_CONFIG_PATHS_MAX)
		return xt_config_fail(
			error, XT_EINVAL, "paths: too many, allowed: %d", XT_CONFIG_PATHS_MAX);
	code = add(paths, path, error);
	if (code == 0)
		*out = &paths->v[paths->n - 1];
	return code;
}

int
xt_config_path_key_set(struct xt_config_path *path, const struct xt_config_key *key,
	struct xt_str value, const struct xt_config_error *error)
{
	char sentence[400] = "";
	const struct xt_config_error inner = { sentence, sizeof sentence };
	int code = xt_config_key_set(path, key, value, &inner);

	if (code < 0)
		xt_config_fail(error, code, "paths.%s.%s", path->path, sentence);
	return code;
}

int
xt_config_path_set(struct xt_config *config, struct xt_str path, struct xt_str name,
	struct xt_str value, const struct xt_config_error *error)
{
	const struct xt_config_key *key = xt_config_path_key_find(name);
	struct xt_config_path *found;
	int code;

	if (!key)
		return xt_config_path_key_unknown(path, name, error);
	code = xt_config_path_get(config, path, &found, error);
	if (code < 0)
		return code;
	found->line[key - xt_config_path_keys] = 0;
	return xt_config_path_key_set(found, key, value, error);
}

/* ---- all of them ---- */

void
xt_config_paths_fini(struct xt_config_paths *paths)
{
	for (size_t i = 0; i < paths->n; i++) {
		xt_free(paths->v[i].path);
		xt_config_list_fini(&paths->v[i].origins);
		xt_config_list_fini(&paths->v[i].subprotocols);
	}
	xt_free(paths->v);
}

/* `*to` gets owned members of its own, or none, whatever fails. */
static int
copy_path(struct xt_config_path *to, const struct xt_config_path *from)
{
	int failed = 0;

	*to = *from;
	to->path = xt_strdup(from->path);
	failed |= xt_config_list_copy(&to->origins, &from->origins);
	failed |= xt_config_list_copy(&to->subprotocols, &from->subprotocols);
	return failed || !to->path ? XT_ENOMEM : 0;
}

int
xt_config_paths_copy(struct xt_config_paths *to, const struct xt_config_paths *from)
{
	int failed = 0;

	*to = (struct xt_config_paths){ 0 };
	if (from->n == 0)
		return 0;
	to->v = xt_calloc(from->n, sizeof *to->v);
	if (!to->v)
		return XT_ENOMEM;
	for (; to->n < from->n; to->n++)
		failed |= copy_path(&to->v[to->n], &from->v[to->n]);
	return failed ? XT_ENOMEM : 0;
}

void
xt_config_paths_forget_lines(struct xt_config_paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		memset(paths->v[i].line, 0, sizeof paths->v[i].line);
}
