/*
 * config.h - what a server is told before it starts, checked: plain fields, bytes and milliseconds.
 *
 * One table in config_key.c names each key once, with type, range, default and help; the file, the
 * command line and docs/configuration.md all come from it. The public words (new, load, set, check,
 * free) are in crosstalk.h; here are the fields that the rest of src/server reads.
 */
#ifndef XT_SERVER_CONFIG_H
#define XT_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "crosstalk.h"
#include "io/tls.h"

#define XT_CONFIG_LIST_MAX  64            /* elements of one list key */
#define XT_CONFIG_FILE_MAX  (1024 * 1024) /* bytes of a configuration file */
#define XT_CONFIG_KEY_COUNT 33            /* rows of the table of keys */

#define XT_CONFIG_PATHS_MAX      64  /* paths of the group `paths` */
#define XT_CONFIG_PATH_SIZE      255 /* bytes of one */
#define XT_CONFIG_PATH_KEY_COUNT 8   /* keys of each */
#define XT_CONFIG_UNSET          UINT32_MAX

/* Owned strings; `v` is NULL when empty. */
struct xt_config_list {
	char **v;
	size_t n;
};

/* What holds on one path: 0 is no limit of its own. */
struct xt_config_path {
	char *path; /* "/echo", or "/c/chat/" for all below it; not percent-encoded */
	uint64_t message;
	uint64_t frame;
	uint32_t messages_per_second;
	uint64_t bytes_per_second;
	uint32_t connections_per_address;
	uint32_t compression; /* a level, 0: off; XT_CONFIG_UNSET */
	struct xt_config_list origins, subprotocols;
	uint32_t line
		[XT_CONFIG_PATH_KEY_COUNT]; /* where each key was last set; 0: not from the file */
};

struct xt_config_paths {
	struct xt_config_path *v;
	size_t n;
};

/* Sizes in bytes, times in milliseconds, everything within the range of its key. */
struct xt_config {
	struct xt_config_list
		listen;   /* never empty after xt_config_copy(): then the default is in */
	uint32_t workers; /* 0: one per core */
	char *root;       /* directory of static files, or NULL */
	bool open;        /* others than this machine may connect */
	struct {
		enum xt_log_level level;
	} log;
	struct {
		uint64_t connections;
		uint64_t header;
		uint64_t uri;
		uint64_t message;
		uint64_t echo;
		uint64_t backlog; /* bytes that may wait for one slow reader; more than `message` */
		uint64_t channels;
		uint32_t header_timeout;
		uint32_t body_timeout;
		uint32_t idle_timeout; /* keep-alive */
	} limits;
	struct {
		uint64_t messages; /* per channel */
		uint64_t bytes;    /* per channel */
		uint64_t total;    /* all channels together */
		uint32_t age;
	} history;
	struct {
		uint32_t interval;
		uint32_t timeout; /* a peer that has not answered a ping for so long is gone */
	} heartbeat;
	struct {
		uint32_t level;     /* of WebSockets' messages; 0: none */
		uint64_t memory;    /* for windows that connections keep, all workers together */
		uint64_t threshold; /* bytes from which on a message is compressed */
	} compression;
	struct {
		uint32_t
			poll_linger; /* how long a poller with a client id stays after its last poll */
	} presence;
	bool http2;
	struct {
		struct xt_config_list certificate, key; /* PEM files, in the same order */
		char *client_ca;                        /* a PEM file, or NULL */
		enum xt_tls_clients clients;
	} tls;
	struct {
		struct xt_config_list origins; /* "*" or origins as browsers send them */
	} cors;
	struct {
		uint32_t timeout;
	} drain;
	struct xt_config_paths paths;

	/* Where each key was last set: for the error of a check over several keys. */
	char *file;                         /* the last file loaded, or NULL */
	uint32_t line[XT_CONFIG_KEY_COUNT]; /* 0: not from the file */
};

/*
 * A deep copy of `config` (NULL: of the defaults) in which an empty `listen` has become its
 * default. New, for xt_config_free(); NULL when out of memory.
 */
struct xt_config *xt_config_copy(const struct xt_config *config);

/*
 * As xt_config_load(), of text in memory; `name` stands for the file in errors. For tests and the
 * fuzz target. 0, XT_EINVAL, XT_ENOMEM.
 */
int xt_config_load_text(
	struct xt_config *config, const char *name, struct xt_str text, char *error, size_t size);

#endif
