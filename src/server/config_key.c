/* config_key.c - the table of all keys, and reading a value by the type of its key. */
#include "server/config_key.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/heap.h"
#include "base/panic.h"
#include "codec/http1.h"
#include "io/address.h"
#include "server/config_value.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

#define SECOND 1000ULL
#define HOUR   (3600 * SECOND)

#define FIELD(member) offsetof(struct xt_config, member), sizeof(((struct xt_config *)NULL)->member)

/* clang-format off */
const struct xt_config_key xt_config_keys[XT_CONFIG_KEY_COUNT] = {
	{ "listen", XT_CONFIG_LISTEN, FIELD(listen), 0, 0, "http://127.0.0.1:8000",
	  "Where to accept connections: http:// or https://HOST:PORT, or unix:/PATH; port 0 lets the system choose." },
	{ "workers", XT_CONFIG_COUNT, FIELD(workers), 0, 256, "0",
	  "Worker threads; 0 is one per core." },
	{ "root", XT_CONFIG_PATH, FIELD(root), 0, 0, NULL,
	  "Directory of static files, served instead of the built-in pages." },
	{ "open", XT_CONFIG_BOOL, FIELD(open), 0, 0, "false",
	  "Allow anyone who can reach a listener; without it only loopback addresses are listened on." },
	{ "log.level", XT_CONFIG_LEVEL, FIELD(log.level), 0, 0, "info",
	  "What is logged: this level and the graver ones." },

	{ "limits.connections", XT_CONFIG_COUNT, FIELD(limits.connections), 1, 10000000, "100000",
	  "Open connections; one more is answered with 503." },
	{ "limits.header", XT_CONFIG_SIZE, FIELD(limits.header), KIB, 128 * KIB, "16KiB",
	  "Request line and header fields of a request; more is answered with 431." },
	{ "limits.uri", XT_CONFIG_SIZE, FIELD(limits.uri), 256, 64 * KIB, "8KiB",
	  "The URI of a request; more is answered with 414." },
	{ "limits.message", XT_CONFIG_SIZE, FIELD(limits.message), 1, GIB, "1MiB",
	  "One message on a channel; more is answered with 413, on a WebSocket with close code 1009." },
	{ "limits.echo", XT_CONFIG_SIZE, FIELD(limits.echo), 1, GIB, "16MiB",
	  "One message on /echo." },
	{ "limits.backlog", XT_CONFIG_SIZE, FIELD(limits.backlog), KIB, 2 * GIB, "4MiB",
	  "Bytes that may wait for one slow reader before it is closed; more than limits.message. As they are sent: in JSON a message may be six times as long." },
	{ "limits.channels", XT_CONFIG_COUNT, FIELD(limits.channels), 1, 1000000000, "1000000",
	  "Channels that exist at one time." },
	{ "limits.header_timeout", XT_CONFIG_TIME, FIELD(limits.header_timeout), 10, HOUR, "10s",
	  "Time for a request header to arrive in full; then 408." },
	{ "limits.body_timeout", XT_CONFIG_TIME, FIELD(limits.body_timeout), 10, HOUR, "30s",
	  "Time that a request body, or a message that a WebSocket has begun, may stand still; 20 times that for all of it." },
	{ "limits.idle_timeout", XT_CONFIG_TIME, FIELD(limits.idle_timeout), 10, 24 * HOUR, "75s",
	  "Time that a connection may wait for its next request (keep-alive)." },

	{ "history.messages", XT_CONFIG_COUNT, FIELD(history.messages), 0, 10000000, "1000",
	  "Messages kept per channel; 0 keeps none." },
	{ "history.bytes", XT_CONFIG_SIZE, FIELD(history.bytes), 0, 16 * GIB, "8MiB",
	  "Bytes of messages kept per channel." },
	{ "history.age", XT_CONFIG_TIME, FIELD(history.age), 1, 720 * HOUR, "1h",
	  "How long a message is kept." },
	{ "history.total", XT_CONFIG_SIZE, FIELD(history.total), 0, 1024 * GIB, "256MiB",
	  "Bytes of messages kept by the whole server, all channels together." },

	{ "heartbeat.interval", XT_CONFIG_TIME, FIELD(heartbeat.interval), 10, HOUR, "25s",
	  "Silence after which a peer is sent a heartbeat." },
	{ "heartbeat.timeout", XT_CONFIG_TIME, FIELD(heartbeat.timeout), 10, HOUR, "20s",
	  "A peer that has not answered a heartbeat for so long is gone." },

	{ "compression.level", XT_CONFIG_COUNT, FIELD(compression.level), 0, 9, "1",
	  "How hard messages to WebSockets are compressed, 1 the fastest, 9 the smallest; 0 agrees on no compression." },
	{ "compression.memory", XT_CONFIG_SIZE, FIELD(compression.memory), 0, 1024 * GIB, "256MiB",
	  "Memory for compression windows that connections keep, shared by the workers; past it new ones get no compression." },
	{ "compression.threshold", XT_CONFIG_SIZE, FIELD(compression.threshold), 0, GIB, "128",
	  "A message to a WebSocket is compressed if it has at least so many bytes." },

	{ "presence.poll_linger", XT_CONFIG_TIME, FIELD(presence.poll_linger), 0, HOUR, "30s",
	  "How long a poller with a client id stays present after its last poll." },

	{ "tls.certificate", XT_CONFIG_FILES, FIELD(tls.certificate), 0, 0, NULL,
	  "PEM files, each with a certificate and its chain; the first is for those who ask for no name of the others." },
	{ "tls.key", XT_CONFIG_FILES, FIELD(tls.key), 0, 0, NULL,
	  "PEM files with the certificates' keys, in the same order." },
	{ "tls.clients", XT_CONFIG_CLIENTS, FIELD(tls.clients), 0, 0, "none",
	  "Whether clients show a certificate: not asked for, may, must." },
	{ "tls.client_ca", XT_CONFIG_FILE, FIELD(tls.client_ca), 0, 0, NULL,
	  "PEM file with those who may sign clients' certificates." },

	{ "http2", XT_CONFIG_BOOL, FIELD(http2), 0, 0, "true",
	  "Speak HTTP/2: over TLS with who asks for it by ALPN, without TLS with who begins so." },

	{ "cors.origins", XT_CONFIG_ORIGINS, FIELD(cors.origins), 0, 0, NULL,
	  "Origins of other sites whose pages may read, publish and open WebSockets here, or * for all." },

	{ "drain.timeout", XT_CONFIG_TIME, FIELD(drain.timeout), 0, HOUR, "10s",
	  "Time for peers to leave when the server stops; then they are cut." },

	{ "paths", XT_CONFIG_PATHS, FIELD(paths), 0, 0, NULL,
	  "What holds on some paths only, see below." },
};
/* clang-format on */

static const struct {
	const char *name;
	const struct xt_config_unit *units; /* of the types that are numbers */
	const char *hint;
} types[XT_CONFIG_TYPES] = {
	[XT_CONFIG_COUNT] = { "a number", xt_config_units_none, "" },
	[XT_CONFIG_SIZE] = { "a size", xt_config_units_size,
		", in bytes or with B, KB, KiB, MB, MiB, GB, GiB" },
	[XT_CONFIG_TIME] = { "a duration", xt_config_units_time,
		", in seconds or with ms, s, m, h" },
	[XT_CONFIG_BOOL] = { "a boolean", NULL, "" },
	[XT_CONFIG_LEVEL] = { "a log level", NULL, "" },
	[XT_CONFIG_PATH] = { "a path", NULL, "" },
	[XT_CONFIG_FILE] = { "a path", NULL, "" },
	[XT_CONFIG_FILES] = { "a path", NULL, "" },
	[XT_CONFIG_CLIENTS] = { "a way to treat clients", NULL, "" },
	[XT_CONFIG_LISTEN] = { "the URL of a listener", NULL, "" },
	[XT_CONFIG_ORIGINS] = { "an origin", NULL, "" },
	[XT_CONFIG_TOKENS] = { "a subprotocol", NULL, "" },
	[XT_CONFIG_PATHS] = { "a group of paths", NULL, "" },
};

static const char *const clients[] = {
	[XT_TLS_CLIENTS_NONE] = "none",
	[XT_TLS_CLIENTS_OPTIONAL] = "optional",
	[XT_TLS_CLIENTS_REQUIRED] = "required",
};

static const char *const levels[] = {
	[XT_LOG_ERROR] = "error",
	[XT_LOG_WARN] = "warn",
	[XT_LOG_INFO] = "info",
	[XT_LOG_DEBUG] = "debug",
};

int
xt_config_fail(const struct xt_config_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error->size == 0)
		return code;
	va_start(args, format);
	vsnprintf(error->p, error->size, format, args);
	va_end(args);
	return code;
}

const struct xt_config_key *
xt_config_key_find(struct xt_str name)
{
	for (size_t i = 0; i < XT_CONFIG_KEY_COUNT; i++)
		if (xt_str_eq(xt_str_from(xt_config_keys[i].name), name))
			return &xt_config_keys[i];
	return NULL;
}

bool
xt_config_key_is_group(struct xt_str name)
{
	for (size_t i = 0; i < XT_CONFIG_KEY_COUNT; i++) {
		struct xt_str key = xt_str_from(xt_config_keys[i].name);
		if (name.n > 0 && xt_str_starts(key, name) && key.p[name.n] == '.')
			return true;
	}
	return false;
}

bool
xt_config_key_is_list(const struct xt_config_key *key)
{
	return key->type == XT_CONFIG_LISTEN || key->type == XT_CONFIG_ORIGINS ||
	       key->type == XT_CONFIG_FILES || key->type == XT_CONFIG_TOKENS;
}

/* ---- values, one reader per type ---- */

static void *
field(void *record, const struct xt_config_key *key)
{
	return (char *)record + key->offset;
}

static int
refuse(const struct xt_config_key *key, struct xt_str value, const struct xt_config_error *error)
{
	char quoted[80], allowed[128];

	return xt_config_fail(error, XT_EINVAL, "%s: %s is not %s, allowed: %s%s", key->name,
		xt_config_value_quote(value, quoted, sizeof quoted), types[key->type].name,
		xt_config_key_allowed(key, allowed, sizeof allowed), types[key->type].hint);
}

static int
set_number(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	char quoted[80], allowed[128];
	uint64_t number;

	if (!xt_config_value_number(value, types[key->type].units, &number))
		return refuse(key, value, error);
	if (number < key->min || number > key->max)
		return xt_config_fail(error, XT_EINVAL, "%s: %s is out of range, allowed: %s%s",
			key->name, xt_config_value_quote(value, quoted, sizeof quoted),
			xt_config_key_allowed(key, allowed, sizeof allowed), types[key->type].hint);
	if (key->size == sizeof(uint32_t)) {
		XT_ASSERT(number <= UINT32_MAX);
		*(uint32_t *)field(record, key) = (uint32_t)number;
	} else {
		*(uint64_t *)field(record, key) = number;
	}
	return 0;
}

static int
set_bool(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	bool yes = xt_str_eq(value, XT_STR("true"));

	if (!yes && !xt_str_eq(value, XT_STR("false")))
		return refuse(key, value, error);
	*(bool *)field(record, key) = yes;
	return 0;
}

static int
set_level(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (!xt_str_eq(value, xt_str_from(levels[i])))
			continue;
		*(enum xt_log_level *)field(record, key) = (enum xt_log_level)i;
		return 0;
	}
	return refuse(key, value, error);
}

static int
set_clients(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
		if (!xt_str_eq(value, xt_str_from(clients[i])))
			continue;
		*(enum xt_tls_clients *)field(record, key) = (enum xt_tls_clients)i;
		return 0;
	}
	return refuse(key, value, error);
}

static int
set_path(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	char **path = field(record, key), *copy;

	if (value.n == 0 || memchr(value.p, '\0', value.n))
		return refuse(key, value, error);
	copy = xt_strndup(value.p, value.n);
	if (!copy)
		return xt_config_fail(error, XT_ENOMEM, "%s: out of memory", key->name);
	xt_free(*path);
	*path = copy;
	return 0;
}

static int
append(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	struct xt_config_list *list = field(record, key);
	char **v;

	if (list->n == XT_CONFIG_LIST_MAX)
		return xt_config_fail(error, XT_EINVAL, "%s: too many elements, allowed: %d",
			key->name, XT_CONFIG_LIST_MAX);
	v = xt_realloc(list->v, (list->n + 1) * sizeof *v);
	if (!v)
		return xt_config_fail(error, XT_ENOMEM, "%s: out of memory", key->name);
	list->v = v;
	v[list->n] = xt_strndup(value.p, value.n);
	if (!v[list->n])
		return xt_config_fail(error, XT_ENOMEM, "%s: out of memory", key->name);
	list->n++;
	return 0;
}

static int
set_listen(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	struct xt_address address;
	const char *why = xt_address_read(value, &address);
	char quoted[80];

	if (why)
		return xt_config_fail(error, XT_EINVAL, "%s: %s: %s", key->name,
			xt_config_value_quote(value, quoted, sizeof quoted), why);
	return append(record, key, value, error);
}

static int
set_file(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	if (value.n == 0 || memchr(value.p, '\0', value.n))
		return refuse(key, value, error);
	return append(record, key, value, error);
}

static int
set_origin(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	if (!xt_config_value_origin(value))
		return refuse(key, value, error);
	return append(record, key, value, error);
}

/* RFC 6455 4.1: what may stand in Sec-WebSocket-Protocol. */
static int
set_token(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	if (!xt_http1_is_token(value))
		return refuse(key, value, error);
	return append(record, key, value, error);
}

/* A group can't be set as a whole. */
static int
set_nothing(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	(void)record;
	return refuse(key, value, error);
}

int
xt_config_key_set(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error)
{
	static int (*const setters[XT_CONFIG_TYPES])(void *, const struct xt_config_key *,
		struct xt_str, const struct xt_config_error *) = {
		[XT_CONFIG_COUNT] = set_number,
		[XT_CONFIG_SIZE] = set_number,
		[XT_CONFIG_TIME] = set_number,
		[XT_CONFIG_BOOL] = set_bool,
		[XT_CONFIG_LEVEL] = set_level,
		[XT_CONFIG_PATH] = set_path,
		[XT_CONFIG_FILE] = set_path,
		[XT_CONFIG_FILES] = set_file,
		[XT_CONFIG_CLIENTS] = set_clients,
		[XT_CONFIG_LISTEN] = set_listen,
		[XT_CONFIG_ORIGINS] = set_origin,
		[XT_CONFIG_TOKENS] = set_token,
		[XT_CONFIG_PATHS] = set_nothing,
	};

	return setters[key->type](record, key, value, error);
}

const char *
xt_config_key_allowed(const struct xt_config_key *key, char *p, size_t size)
{
	static const char *const words[XT_CONFIG_TYPES] = {
		[XT_CONFIG_BOOL] = "true, false",
		[XT_CONFIG_LEVEL] = "error, warn, info, debug",
		[XT_CONFIG_PATH] = "a directory",
		[XT_CONFIG_FILE] = "a file",
		[XT_CONFIG_FILES] = "a file",
		[XT_CONFIG_CLIENTS] = "none, optional, required",
		[XT_CONFIG_LISTEN] = "http://HOST:PORT, https://HOST:PORT, unix:/PATH",
		[XT_CONFIG_ORIGINS] =
			"*, or like https://example.com:8443 in lower case, without a path",
		[XT_CONFIG_TOKENS] = "a name like chat.v1",
		[XT_CONFIG_PATHS] = "PATH: and its keys, or paths.PATH.KEY",
	};
	const struct xt_config_unit *units = types[key->type].units;
	char min[32], max[32];

	if (!units)
		return words[key->type];
	snprintf(p, size, "%s to %s", xt_config_value_format(key->min, units, min, sizeof min),
		xt_config_value_format(key->max, units, max, sizeof max));
	return p;
}
