/*
 * config_key.h - one key of the configuration: its type, range, default and help, and setting it.
 *
 * For the files config*.c and their tests; who reads a configuration includes config.h.
 */
#ifndef XT_SERVER_CONFIG_KEY_H
#define XT_SERVER_CONFIG_KEY_H

#include "server/config.h"

enum xt_config_type {
	XT_CONFIG_COUNT,   /* a number without a unit */
	XT_CONFIG_SIZE,    /* bytes */
	XT_CONFIG_TIME,    /* milliseconds */
	XT_CONFIG_BOOL,    /* true or false */
	XT_CONFIG_LEVEL,   /* enum xt_log_level */
	XT_CONFIG_PATH,    /* an owned string, NULL when not set */
	XT_CONFIG_FILE,    /* the same */
	XT_CONFIG_FILES,   /* struct xt_config_list of files */
	XT_CONFIG_CLIENTS, /* enum xt_tls_clients */
	XT_CONFIG_LISTEN,  /* struct xt_config_list of listener URLs */
	XT_CONFIG_ORIGINS, /* struct xt_config_list of origins */
	XT_CONFIG_TOKENS,  /* struct xt_config_list of names that fit into a header field */
	XT_CONFIG_PATHS,   /* struct xt_config_paths: config_path.h sets its parts */
	XT_CONFIG_TYPES
};

struct xt_config_key {
	const char *name; /* "limits.message" */
	enum xt_config_type type;
	size_t offset, size; /* of the field in struct xt_config, or struct xt_config_path */
	uint64_t min, max;   /* of a count, size or time, in its stored unit */
	const char *initial; /* the default as text; NULL: none */
	const char *help;    /* one sentence */
};

/* In the order of docs/configuration.md, the keys of a group side by side. */
extern const struct xt_config_key xt_config_keys[XT_CONFIG_KEY_COUNT];

/* Where an error goes; a buffer of size 0 drops it. */
struct xt_config_error {
	char *p;
	size_t size;
};

/* Writes the sentence and returns `code`, so that a failing function can end with it. */
int xt_config_fail(const struct xt_config_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The key with exactly this name, or NULL. */
const struct xt_config_key *xt_config_key_find(struct xt_str name);

/* True for "limits" and all else that stands before a dot in the name of a key. */
bool xt_config_key_is_group(struct xt_str name);

/* Whether the key holds a list. */
bool xt_config_key_is_list(const struct xt_config_key *key);

/*
 * XT_ENOTFOUND and a sentence: the name, the nearest key if one is near, and what stands in the
 * same group.
 */
int xt_config_key_unknown(struct xt_str name, const struct xt_config_error *error);

/* The same for a key of a path. */
int xt_config_path_key_unknown(
	struct xt_str path, struct xt_str name, const struct xt_config_error *error);

/* "1KiB to 1MiB", "true, false" …: static, or in `p`. For errors and the documents. */
const char *xt_config_key_allowed(const struct xt_config_key *key, char *p, size_t size);

/*
 * Reads `value` into the field of `key`; a list gets one more element. `record` is the struct that the key is of.
 * 0, XT_ENOMEM, or XT_EINVAL with "KEY: what is wrong, what is allowed".
 */
int xt_config_key_set(void *record, const struct xt_config_key *key, struct xt_str value,
	const struct xt_config_error *error);

#endif
