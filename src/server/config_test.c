/* config_test.c - defaults, values, and the exact words for files that are wrong. */
#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config_key.h"

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
		"log, limits, history, heartbeat, compression, presence, tls, http2, cors, drain" },
	{ "origins: '*'\n", "f.yaml:1: origins: unknown key, did you mean cors.origins? Allowed: "
			    "listen, workers, "
			    "root, open, log, limits, history, heartbeat, compression, presence, "
			    "tls, http2, cors, drain" },
	{ "drain:\n  zzz: 1\n", "f.yaml:2: drain.zzz: unknown key, allowed in drain: timeout" },
	{ "x\ty: 1\n", "f.yaml:1: x?y: unknown key, allowed: listen, workers, root, open, log, "
		       "limits, history, "
		       "heartbeat, compression, presence, tls, http2, cors, drain" },
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
	assert_string_equal(error,
		"worker: unknown key, did you mean workers? Allowed: listen, "
		"workers, root, open, log, "
		"limits, history, heartbeat, compression, presence, tls, http2, cors, drain");
	assert_int_equal(xt_config_set(config, "workers", "two", error, sizeof error), XT_EINVAL);
	assert_string_equal(error, "workers: \"two\" is not a number, allowed: 0 to 256");
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
test_document_holds_the_table(void **state)
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
	if (!strstr(document, table)) {
		fputs(table, stdout);
		fail_msg("docs/configuration.md does not hold the table of keys as above");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_nothing_is_fine),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_lists_have_a_limit),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_names_no_file_for_flags),
		cmocka_unit_test(test_load_file),
		cmocka_unit_test(test_document_holds_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
