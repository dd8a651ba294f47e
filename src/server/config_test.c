/* config_test.c - defaults, values, and the exact words for files that are wrong. */
#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config_key.h"
#include "server/config_path.h"

#define DOC_SIZE 32768

static struct xt_config *
new_config(void)
{
	struct xt_config *config = xt_config_new();

	assert_non_null(config);
	return config;
}

static void
load(struct xt_config *config, const char *text)
{
	char error[512] = "";

	if (xt_config_load_text(config, "f.yaml", xt_str_from(text), error, sizeof error) != 0)
		fail_msg("refused: %s", error);
}

static void
test_table_is_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < XT_CONFIG_KEY_COUNT; i++) {
		const struct xt_config_key *key = &xt_config_keys[i];
		assert_non_null(key->name);
		assert_non_null(key->help);
		assert_ptr_equal(xt_config_key_find(xt_str_from(key->name)), key);
		assert_true(key->max == 0 || key->size == 8 || key->max <= UINT32_MAX);
	}
}

static void
test_table_of_paths_is_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < XT_CONFIG_PATH_KEY_COUNT; i++) {
		const struct xt_config_key *key = &xt_config_path_keys[i];
		assert_non_null(key->name);
		assert_ptr_equal(xt_config_path_key_find(xt_str_from(key->name)), key);
		assert_true(key->max == 0 || key->size == 8 || key->max <= UINT32_MAX);
	}
	assert_string_equal(xt_config_path_keys[XT_CONFIG_PATH_MESSAGE].name, "message");
}

static void
test_defaults(void **state)
{
	struct xt_config *config = new_config();

	(void)state;
	assert_int_equal(config->listen.n, 0);
	assert_int_equal(config->workers, 0);
	assert_null(config->root);
	assert_false(config->open);
	assert_int_equal(config->log.level, XT_LOG_INFO);
	assert_int_equal(config->limits.connections, 100000);
	assert_int_equal(config->limits.header, 16384);
	assert_int_equal(config->limits.uri, 8192);
	assert_int_equal(config->limits.message, 1048576);
	assert_int_equal(config->limits.echo, 16777216);
	assert_int_equal(config->limits.backlog, 4194304);
	assert_int_equal(config->limits.channels, 1000000);
	assert_int_equal(config->limits.header_timeout, 10000);
	assert_int_equal(config->limits.body_timeout, 30000);
	assert_int_equal(config->limits.idle_timeout, 75000);
	assert_int_equal(config->history.messages, 1000);
	assert_int_equal(config->history.bytes, 8388608);
	assert_int_equal(config->history.age, 3600000);
	assert_int_equal(config->history.total, 268435456);
	assert_int_equal(config->heartbeat.interval, 25000);
	assert_int_equal(config->heartbeat.timeout, 20000);
	assert_int_equal(config->presence.poll_linger, 30000);
	assert_int_equal(config->cors.origins.n, 0);
	assert_int_equal(config->drain.timeout, 10000);
	assert_int_equal(xt_config_check(config, NULL, 0), 0);
	xt_config_free(config);
}

static void
test_load(void **state)
{
	struct xt_config *config = new_config();

	(void)state;
	load(config, "# a comment\n"
		     "listen:\n  - http://127.0.0.1:0\n  - unix:/run/crosstalk.sock\n"
		     "workers: 2\n"
		     "root: '/srv/www'\n"
		     "open: true\n"
		     "log: {level: debug}\n"
		     "limits:\n  message: 1.5MiB\n  connections: 7\n  header_timeout: 500ms\n"
		     "history.age: 2h\n"
		     "heartbeat:\n  interval: 2.5\n"
		     "cors:\n  origins: https://example.com\n");
	assert_int_equal(config->listen.n, 2);
	assert_string_equal(config->listen.v[1], "unix:/run/crosstalk.sock");
	assert_int_equal(config->workers, 2);
	assert_string_equal(config->root, "/srv/www");
	assert_true(config->open);
	assert_int_equal(config->log.level, XT_LOG_DEBUG);
	assert_int_equal(config->limits.message, 1572864);
	assert_int_equal(config->limits.connections, 7);
	assert_int_equal(config->limits.header_timeout, 500);
	assert_int_equal(config->history.age, 7200000);
	assert_int_equal(config->heartbeat.interval, 2500);
	assert_int_equal(config->cors.origins.n, 1);
	xt_config_free(config);
}

static void
test_nothing_is_fine(void **state)
{
	static const char *const texts[] = { "", "\n", "# only words\n", "---\n...\n", "~\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct xt_config *config = new_config();
		load(config, texts[i]);
		xt_config_free(config);
	}
}

#define PATH_KEYS \
	"message, frame, messages_per_second, bytes_per_second, connections_per_address, " \
	"compression, origins, subprotocols"

/* A file and the one sentence that it is answered with. */
static const struct {
	const char *text, *error;
} bad_files[] = {
	{ "limits:\n  mesage: 1MiB\n",
		"f.yaml:2: limits.mesage: unknown key, did you mean limits.message? Allowed in "
		"limits: "
		"connections, header, uri, message, echo, backlog, channels, header_timeout, "
		"body_timeout, idle_timeout" },
	{ "listne: http://127.0.0.1:1\n",
		"f.yaml:1: listne: unknown key, did you mean listen? Allowed: listen, workers, "
		"root, open, "
		"log, limits, history, heartbeat, compression, presence, tls, http2, cors, drain, "
		"paths" },
	{ "origins: '*'\n", "f.yaml:1: origins: unknown key, did you mean cors.origins? Allowed: "
			    "listen, workers, "
			    "root, open, log, limits, history, heartbeat, compression, presence, "
			    "tls, http2, cors, drain, paths" },
	{ "drain:\n  zzz: 1\n", "f.yaml:2: drain.zzz: unknown key, allowed in drain: timeout" },
	{ "x\ty: 1\n", "f.yaml:1: x?y: unknown key, allowed: listen, workers, root, open, log, "
		       "limits, history, "
		       "heartbeat, compression, presence, tls, http2, cors, drain, paths" },
	{ "workers: 257\n", "f.yaml:1: workers: \"257\" is out of range, allowed: 0 to 256" },
	{ "workers: -1\n", "f.yaml:1: workers: \"-1\" is not a number, allowed: 0 to 256" },
	{ "workers: 1.5\n", "f.yaml:1: workers: \"1.5\" is not a number, allowed: 0 to 256" },
	{ "workers:\n", "f.yaml:1: workers: has no value, allowed: 0 to 256" },
	{ "workers: [1]\n", "f.yaml:1: workers: takes one value, allowed: 0 to 256" },
	{ "workers: {a: b}\n", "f.yaml:1: workers: takes one value, allowed: 0 to 256" },
	{ "limits:\n\n  header: 16XB\n", "f.yaml:3: limits.header: \"16XB\" is not a size, "
					 "allowed: 1KiB to 128KiB, in bytes or with "
					 "B, KB, KiB, MB, MiB, GB, GiB" },
	{ "limits:\n  header: 1\n", "f.yaml:2: limits.header: \"1\" is out of range, allowed: 1KiB "
				    "to 128KiB, in bytes or with "
				    "B, KB, KiB, MB, MiB, GB, GiB" },
	{ "drain:\n  timeout: 10 minutes\n", "f.yaml:2: drain.timeout: \"10 minutes\" is not a "
					     "duration, allowed: 0 to 1h, in seconds "
					     "or with ms, s, m, h" },
	{ "drain:\n  timeout: 0.0001\n", "f.yaml:2: drain.timeout: \"0.0001\" is not a duration, "
					 "allowed: 0 to 1h, in seconds or "
					 "with ms, s, m, h" },
	{ "history:\n  age: 721h\n", "f.yaml:2: history.age: \"721h\" is out of range, allowed: "
				     "1ms to 720h, in seconds or with "
				     "ms, s, m, h" },
	{ "open: yes\n", "f.yaml:1: open: \"yes\" is not a boolean, allowed: true, false" },
	{ "log:\n  level: loud\n", "f.yaml:2: log.level: \"loud\" is not a log level, allowed: "
				   "error, warn, info, debug" },
	{ "tls.clients: maybe\n", "f.yaml:1: tls.clients: \"maybe\" is not a way to treat clients, "
				  "allowed: none, optional, required" },
	{ "tls.certificate: ''\n",
		"f.yaml:1: tls.certificate: \"\" is not a path, allowed: a file" },
	{ "root: ''\n", "f.yaml:1: root: \"\" is not a path, allowed: a directory" },
	{ "root: \"a\\0b\"\n", "f.yaml:1: root: \"a?b\" is not a path, allowed: a directory" },
	{ "listen: 8000\n", "f.yaml:1: listen: \"8000\": not an address to listen on, allowed: "
			    "http://HOST:PORT, "
			    "https://HOST:PORT, unix:/PATH" },
	{ "listen:\n  - http://localhost:1\n  - mqtt://localhost:2\n",
		"f.yaml:3: listen: \"mqtt://localhost:2\": this scheme is not in this version, "
		"allowed: "
		"http://HOST:PORT, https://HOST:PORT, unix:/PATH" },
	{ "listen:\n  - [a]\n",
		"f.yaml:2: listen: takes one value or a flat list, allowed: http://HOST:PORT, "
		"https://HOST:PORT, unix:/PATH" },
	{ "cors:\n  origins: [https://example.com/]\n",
		"f.yaml:2: cors.origins: \"https://example.com/\" is not an origin, allowed: *, or "
		"like "
		"https://example.com:8443 in lower case, without a path" },
	{ "open: true\nopen: false\n",
		"f.yaml:2: open: is given twice, first on line 1, allowed: once" },
	{ "log.level: info\nlog:\n  level: info\n",
		"f.yaml:3: log.level: is given twice, first on line 1, allowed: once" },
	{ "limits: 5\n", "f.yaml:1: limits: is a group of keys, allowed: one \"key: value\" a "
			 "line, indented" },
	{ "limits:\n", "f.yaml:1: limits: is a group of keys, allowed: one \"key: value\" a line, "
		       "indented" },
	{ "paths: 5\n", "f.yaml:1: paths: \"5\" is not a group of paths, allowed: PATH: and its "
			"keys, or paths.PATH.KEY" },
	{ "paths: [a]\n", "f.yaml:1: paths: takes one value, allowed: PATH: and its keys, or "
			  "paths.PATH.KEY" },
	{ "paths:\n  c/chat:\n    message: 1\n",
		"f.yaml:2: paths.c/chat: is not a path, allowed: like /echo, or /c/chat/ for all "
		"below it; 255 bytes at most" },
	{ "paths:\n  /c/?x:\n    message: 1\n",
		"f.yaml:2: paths./c/?x: is not a path, allowed: like /echo, or /c/chat/ for all "
		"below it; 255 bytes at most" },
	{ "paths:\n  /c/chat/: 5\n", "f.yaml:2: paths./c/chat/: is a group of keys, allowed: one "
				     "\"key: value\" a line, indented" },
	{ "paths:\n  /c/chat/:\n    mesage: 1\n",
		"f.yaml:3: paths./c/chat/.mesage: unknown key, did you mean message? Allowed in "
		"paths./c/chat/: " PATH_KEYS },
	{ "paths./c/a/.zzz: 1\n",
		"f.yaml:1: paths./c/a/.zzz: unknown key, allowed in paths./c/a/: " PATH_KEYS },
	{ "paths:\n  /c/a/:\n    message: [1]\n",
		"f.yaml:3: paths./c/a/.message: takes one value, allowed: 1 to 1GiB" },
	{ "paths:\n  /c/a/:\n    frame: 1XB\n",
		"f.yaml:3: paths./c/a/.frame: \"1XB\" is not a size, allowed: 1 to 1GiB, in bytes "
		"or with B, KB, KiB, MB, MiB, GB, GiB" },
	{ "paths:\n  /c/a/:\n    compression: 10\n",
		"f.yaml:3: paths./c/a/.compression: \"10\" is out of range, allowed: 0 to 9" },
	{ "paths:\n  /c/a/:\n    messages_per_second: 0\n",
		"f.yaml:3: paths./c/a/.messages_per_second: \"0\" is out of range, allowed: 1 to "
		"1000000" },
	{ "paths:\n  /c/a/:\n    subprotocols: [a, 'b c']\n",
		"f.yaml:3: paths./c/a/.subprotocols: \"b c\" is not a subprotocol, allowed: a name "
		"like chat.v1" },
	{ "paths:\n  /c/a/:\n    origins: https://a.example/\n",
		"f.yaml:3: paths./c/a/.origins: \"https://a.example/\" is not an origin, allowed: "
		"*, or like https://example.com:8443 in lower case, without a path" },
	{ "paths:\n  /c/a/:\n    message: 1\npaths./c/a/.message: 2\n",
		"f.yaml:4: paths./c/a/.message: is given twice, first on line 3, allowed: once" },
	{ "paths:\n  [a]: 1\n", "f.yaml:2: a path must be a word, allowed: path: its keys" },
	{ "paths:\n  /a:\n    {b: c}: 1\n", "f.yaml:3: a key must be a word, allowed: key: value" },
	{ "- listen\n", "f.yaml:1: not a list of keys, allowed: key: value" },
	{ "hello\n", "f.yaml:1: not a list of keys, allowed: key: value" },
	{ "? [a]\n: b\n", "f.yaml:1: a key must be a word, allowed: key: value" },
	{ "open: &x true\nroot: *x\n", "f.yaml:2: aliases (*name) are not allowed here" },
	{ "open: true\n---\nopen: true\n", "f.yaml:2: a second document, allowed: one" },
	{ "open: true\nlog: [\n",
		"f.yaml:2: log: is a group of keys, allowed: one \"key: value\" a line, indented" },
	{ "open: true\n\troot: x\n",
		"f.yaml:2: not valid YAML: found a tab character that violates indentation" },
	{ "open: true\nroot: \"\xff\"\n", "f.yaml:2: not valid YAML: invalid leading UTF-8 octet" },
	{ "# \x01", "f.yaml:1: not valid YAML: control characters are not allowed" },
};

static void
test_bad_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
		struct xt_config *config = new_config();
		char error[512] = "no error";
		int code = xt_config_load_text(
			config, "f.yaml", xt_str_from(bad_files[i].text), error, sizeof error);
		assert_string_equal(error, bad_files[i].error);
		assert_int_equal(code, XT_EINVAL);
		xt_config_free(config);
	}
}

static void
test_long_names_are_cut(void **state)
{
	struct xt_config *config = new_config();
	char text[600], error[512];

	(void)state;
	memset(text, 'k', sizeof text);
	memcpy(text + sizeof text - 4, ": 1", 4);
	assert_int_equal(xt_config_load_text(config, "f", xt_str_from(text), error, sizeof error),
		XT_EINVAL);
	assert_memory_equal(error, "f:1: kkkkkk", 11);
	assert_non_null(strstr(error, "kk...: unknown key, allowed: listen"));
	assert_int_equal(xt_config_load_text(config, "f", xt_str_from(text), error, 10), XT_EINVAL);
	assert_string_equal(error, "f:1: kkkk");
	assert_int_equal(xt_config_load_text(config, "f", xt_str_from(text), NULL, 0), XT_EINVAL);
	xt_config_free(config);
}

static void
test_set(void **state)
{
	struct xt_config *config = new_config();
	char error[512] = "";

	(void)state;
	assert_int_equal(xt_config_set(config, "limits.message", "2MiB", error, sizeof error), 0);
	assert_int_equal(config->limits.message, 2097152);
	assert_int_equal(xt_config_set(config, "listen", "http://[::1]:0", error, sizeof error), 0);
	assert_int_equal(xt_config_set(config, "listen", "unix:/x", error, sizeof error), 0);
	assert_int_equal(config->listen.n, 2);
	assert_int_equal(xt_config_set(config, "root", "a", error, sizeof error), 0);
	assert_int_equal(xt_config_set(config, "root", "b", error, sizeof error), 0);
	assert_string_equal(config->root, "b");
	assert_string_equal(error, "");
	assert_int_equal(xt_config_set(config, "worker", "2", error, sizeof error), XT_ENOTFOUND);
	assert_string_equal(error, "worker: unknown key, did you mean workers? Allowed: listen, "
				   "workers, root, open, log, "
				   "limits, history, heartbeat, compression, presence, tls, http2, "
				   "cors, drain, paths");
	assert_int_equal(xt_config_set(config, "workers", "two", error, sizeof error), XT_EINVAL);
	assert_string_equal(error, "workers: \"two\" is not a number, allowed: 0 to 256");
	xt_config_free(config);
}

static void
test_paths(void **state)
{
	struct xt_config *config = new_config(), *copy;
	const struct xt_config_path *path;
	char error[512] = "";

	(void)state;
	load(config, "paths:\n  /c/v1.2/:\n    message: 64KiB\n    frame: 16KiB\n"
		     "    messages_per_second: 20\n    bytes_per_second: 128KiB\n"
		     "    connections_per_address: 10\n    compression: 0\n"
		     "    origins: ['https://a.example', 'https://b.example']\n"
		     "    subprotocols: chat.v1\n"
		     "  /echo.message: 1KiB\n"
		     "paths./c/größe/: {frame: 7}\n");
	assert_int_equal(config->paths.n, 3);
	assert_int_equal(
		xt_config_set(config, "paths./c/v1.2/.message", "5KiB", error, sizeof error), 0);
	assert_int_equal(
		xt_config_set(config, "paths./c/v1.2/.subprotocols", "b", error, sizeof error), 0);
	assert_int_equal(xt_config_set(config, "paths./new.frame", "8", error, sizeof error), 0);
	copy = xt_config_copy(config);
	xt_config_free(config);
	assert_int_equal(copy->paths.n, 4);
	path = &copy->paths.v[0];
	assert_string_equal(path->path, "/c/v1.2/");
	assert_int_equal(path->message, 5120);
	assert_int_equal(path->frame, 16384);
	assert_int_equal(path->messages_per_second, 20);
	assert_int_equal(path->bytes_per_second, 131072);
	assert_int_equal(path->connections_per_address, 10);
	assert_int_equal(path->compression, 0);
	assert_int_equal(path->origins.n, 2);
	assert_string_equal(path->origins.v[1], "https://b.example");
	assert_int_equal(path->subprotocols.n, 2);
	assert_string_equal(path->subprotocols.v[1], "b");
	assert_string_equal(copy->paths.v[1].path, "/echo");
	assert_int_equal(copy->paths.v[1].message, 1024);
	assert_int_equal(copy->paths.v[1].compression, XT_CONFIG_UNSET);
	assert_string_equal(copy->paths.v[2].path, "/c/größe/");
	assert_int_equal(copy->paths.v[3].frame, 8);
	xt_config_free(copy);
}

static void
test_bad_paths_set(void **state)
{
	static const struct {
		const char *key;
		int code;
		const char *error;
	} rows[] = {
		{ "paths./c/a/.mesage", XT_ENOTFOUND,
			"paths./c/a/.mesage: unknown key, did you mean message? Allowed in "
			"paths./c/a/: " PATH_KEYS },
		{ "paths.c.message", XT_EINVAL, "paths.c: is not a path, allowed: like /echo" },
		{ "paths.message", XT_ENOTFOUND, "paths.message: unknown key" },
		{ "paths", XT_EINVAL, "paths: \"1\" is not a group of paths" },
		{ "paths.", XT_ENOTFOUND, "paths.: unknown key" },
		{ "paths./a.message", 0, "" },
	};
	struct xt_config *config = new_config();
	char text[400] = "paths./";

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char error[512] = "";
		assert_int_equal(
			xt_config_set(config, rows[i].key, "1", error, sizeof error), rows[i].code);
		assert_memory_equal(error, rows[i].error, strlen(rows[i].error));
	}
	memset(text + 7, 'x', XT_CONFIG_PATH_SIZE);
	memcpy(text + 6 + XT_CONFIG_PATH_SIZE, ".frame", 7);
	assert_int_equal(xt_config_set(config, text, "1", NULL, 0), 0);
	memcpy(text + 6 + XT_CONFIG_PATH_SIZE, "x.frame", 8);
	assert_int_equal(xt_config_set(config, text, "1", NULL, 0), XT_EINVAL);
	for (size_t i = config->paths.n; i <= XT_CONFIG_PATHS_MAX; i++) {
		snprintf(text, sizeof text, "paths./c/%zu/.frame", i);
		assert_int_equal(xt_config_set(config, text, "1", NULL, 0),
			i < XT_CONFIG_PATHS_MAX ? 0 : XT_EINVAL);
	}
	xt_config_free(config);
}

static void
test_lists_have_a_limit(void **state)
{
	struct xt_config *config = new_config();
	char error[512];

	(void)state;
	for (int i = 0; i < XT_CONFIG_LIST_MAX; i++)
		assert_int_equal(
			xt_config_set(config, "cors.origins", "*", error, sizeof error), 0);
	assert_int_equal(
		xt_config_set(config, "cors.origins", "*", error, sizeof error), XT_EINVAL);
	assert_string_equal(error, "cors.origins: too many elements, allowed: 64");
	xt_config_free(config);
}

static void
test_copy(void **state)
{
	struct xt_config *config = new_config(), *copy, *initial;

	(void)state;
	load(config, "listen: [unix:/a, unix:/b]\nroot: /r\ncors.origins: ['*']\n");
	copy = xt_config_copy(config);
	xt_config_free(config);
	assert_non_null(copy);
	assert_int_equal(copy->listen.n, 2);
	assert_string_equal(copy->listen.v[0], "unix:/a");
	assert_string_equal(copy->root, "/r");
	assert_string_equal(copy->cors.origins.v[0], "*");
	xt_config_free(copy);

	initial = xt_config_copy(NULL);
	assert_int_equal(initial->listen.n, 1);
	assert_string_equal(initial->listen.v[0], "http://127.0.0.1:8000");
	xt_config_free(initial);
}

/* A file that loads, and what the check over all keys says about it; NULL: nothing. */
static const struct {
	const char *text, *error;
} checks[] = {
	{ "", NULL },
	{ "listen: [http://127.8.8.8:1, 'http://[::1]:1', http://LocalHost, unix:/x]", NULL },
	{ "open: true\nlisten: http://0.0.0.0:1", NULL },
	{ "workers: 1\nlisten: http://0.0.0.0:1", "f.yaml:2: listen: http://0.0.0.0:1 can be "
						  "reached from other machines, and nothing asks "
						  "them who they are: listen on 127.0.0.1, [::1], "
						  "localhost or unix:/PATH, or allow anyone "
						  "with \"open: true\" or --open" },
	{ "limits:\n  message: 4MiB", "f.yaml:2: limits.backlog: 4MiB is too small, allowed: more "
				      "than limits.message (4MiB)" },
	{ "limits:\n  backlog: 2KiB\n  message: 3KiB",
		"f.yaml:2: limits.backlog: 2KiB is too small, allowed: more than limits.message "
		"(3KiB)" },
	{ "paths:\n  /c/a/:\n    message: 4MiB",
		"f.yaml:3: paths./c/a/.message: 4MiB is too large, allowed: less than "
		"limits.backlog (4MiB)" },
	{ "paths:\n  /c/a/:\n    message: 3MiB\n  /echo:\n    message: 1GiB", NULL },
	{ "root: /dev/null", "f.yaml:1: root: /dev/null is not a directory" },
	{ "root: /", NULL },
	{ "listen: https://localhost:1",
		"f.yaml:1: listen: https://localhost:1 needs a certificate: "
		"tls.certificate and tls.key, or --cert and --key" },
	{ "listen: https://localhost:1\ntls:\n  certificate: a.pem\n  key: [a.key]\n", NULL },
	{ "tls:\n  certificate: [a.pem, b.pem]\n  key: a.key",
		"f.yaml:2: tls.key: each tls.certificate needs its tls.key, in the same order "
		"(certificates: 2, keys: 1)" },
	{ "tls:\n  clients: required", "f.yaml:2: tls.clients: clients' certificates need "
				       "tls.client_ca: who may sign them" },
	{ "tls:\n  clients: optional\n  client_ca: ca.pem", NULL },
};

static void
test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		struct xt_config *config = new_config();
		char error[512] = "";
		load(config, checks[i].text);
		assert_int_equal(xt_config_check(config, error, sizeof error),
			checks[i].error ? XT_EINVAL : 0);
		assert_string_equal(error, checks[i].error ? checks[i].error : "");
		xt_config_free(config);
	}
}

static void
test_check_names_no_file_for_flags(void **state)
{
	struct xt_config *config = new_config();
	char error[512] = "";

	(void)state;
	load(config, "root: /\n");
	assert_int_equal(xt_config_set(config, "root", "/dev/null", error, sizeof error), 0);
	assert_int_equal(xt_config_check(config, error, sizeof error), XT_EINVAL);
	assert_string_equal(error, "root: /dev/null is not a directory");
	xt_config_free(config);
}

static void
test_load_file(void **state)
{
	struct xt_config *config = new_config();
	char path[] = "/tmp/xt_config_test_XXXXXX", error[512] = "", expected[600];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "workers: 3\n", 11), 11);
	assert_int_equal(xt_config_load(config, path, error, sizeof error), 0);
	assert_int_equal(config->workers, 3);
	assert_int_equal(ftruncate(fd, XT_CONFIG_FILE_MAX + 1), 0);
	assert_int_equal(xt_config_load(config, path, error, sizeof error), XT_EINVAL);
	snprintf(expected, sizeof expected, "%s: too large, allowed: 1MiB", path);
	assert_string_equal(error, expected);
	close(fd);
	unlink(path);
	assert_int_equal(xt_config_load(config, path, error, sizeof error), XT_ESYS);
	snprintf(expected, sizeof expected, "%s: cannot be read: No such file or directory", path);
	assert_string_equal(error, expected);
	assert_int_equal(xt_config_load(config, "/", error, sizeof error), XT_ESYS);
	assert_string_equal(error, "/: cannot be read: Is a directory");
	xt_config_free(config);
}

/* ---- docs/configuration.md holds the table of keys as this renders it ---- */

static void
render(char *p, size_t size)
{
	char allowed[128];
	size_t used = 0;

	used += (size_t)snprintf(
		p, size, "| key | default | allowed | what it does |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < XT_CONFIG_KEY_COUNT && used < size; i++) {
		const struct xt_config_key *key = &xt_config_keys[i];
		const char *tick = key->initial ? "`" : "";
		used += (size_t)snprintf(p + used, size - used, "| `%s` | %s%s%s | %s%s | %s |\n",
			key->name, tick, key->initial ? key->initial : "none", tick,
			xt_config_key_allowed(key, allowed, sizeof allowed),
			xt_config_key_is_list(key) ? "; a list" : "", key->help);
	}
	assert_true(used < size);
}

static void
render_paths(char *p, size_t size)
{
	char allowed[128];
	size_t used = (size_t)snprintf(
		p, size, "| key | allowed | what it does |\n| --- | --- | --- |\n");

	for (size_t i = 0; i < XT_CONFIG_PATH_KEY_COUNT && used < size; i++) {
		const struct xt_config_key *key = &xt_config_path_keys[i];
		used += (size_t)snprintf(p + used, size - used, "| `%s` | %s%s | %s |\n", key->name,
			xt_config_key_allowed(key, allowed, sizeof allowed),
			xt_config_key_is_list(key) ? "; a list" : "", key->help);
	}
	assert_true(used < size);
}

static void
assert_holds(const char *document, const char *table)
{
	if (strstr(document, table))
		return;
	fputs(table, stdout);
	fail_msg("docs/configuration.md does not hold the table of keys as above");
}

static void
test_document_holds_the_tables(void **state)
{
	const char *source = getenv("XT_SOURCE_ROOT");
	static char document[DOC_SIZE], table[DOC_SIZE];
	char path[4096];
	FILE *file;

	(void)state;
	if (!source)
		skip();
	snprintf(path, sizeof path, "%s/docs/configuration.md", source);
	file = fopen(path, "re");
	assert_non_null(file);
	document[fread(document, 1, sizeof document - 1, file)] = '\0';
	fclose(file);
	render(table, sizeof table);
	assert_holds(document, table);
	render_paths(table, sizeof table);
	assert_holds(document, table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_full),
		cmocka_unit_test(test_table_of_paths_is_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_nothing_is_fine),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bad_paths_set),
		cmocka_unit_test(test_lists_have_a_limit),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_names_no_file_for_flags),
		cmocka_unit_test(test_load_file),
		cmocka_unit_test(test_document_holds_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
