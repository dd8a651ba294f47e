/*
 * config_yaml.c - a configuration file: YAML events against the table of keys.
 *
 * libyaml and our own table rather than libcyaml 1.3: libcyaml's schema has no ranges, no units and
 * no values of our own form, so "1XB" loads as a string and is found wrong only when its line is
 * forgotten; a key given twice is reported at the line of the first. Its messages come as several
 * log lines. Here each event still knows its line, and one table serves the file, the command line
 * and the documents.
 *
 *   file := nothing | mapping      mapping := (key: value)*
 *   value := scalar | [scalar, …] for a key that holds a list | mapping for a group of keys
 *   paths: (path: mapping of its keys | path.key: value)*
 */
#include "server/config_key.h"

#include <stdio.h>
#include <yaml.h>

#include "base/heap.h"
#include "server/config_path.h"

/* "limits.message", "paths./c/chat/.message"; what is longer is no key. */
#define PATH_MAX_LENGTH (XT_CONFIG_PATH_SIZE + 64)

struct reader {
	struct xt_config *config;
	const char *name; /* stands for the file in errors */
	struct xt_str text;
	struct xt_config_error error;
	yaml_parser_t parser;
	yaml_event_t event;                 /* the current one; of type YAML_NO_EVENT: none */
	uint32_t line[XT_CONFIG_KEY_COUNT]; /* where this file named the key; 0: not yet */
};

/* The names of the groups around a key and its own, joined by dots. */
struct path {
	char p[PATH_MAX_LENGTH];
	size_t n;
};

static int read_mapping(struct reader *reader, const struct path *group);
static int read_paths(struct reader *reader);

static uint32_t
line_of(const yaml_event_t *event)
{
	return (uint32_t)event->start_mark.line + 1;
}

static int
fail(struct reader *reader, uint32_t line, const char *what)
{
	return xt_config_fail(&reader->error, XT_EINVAL, "%s:%u: %s", reader->name, line, what);
}

/* Puts "FILE:LINE: " before the sentence that `sentence` holds. */
static int
fail_at(struct reader *reader, uint32_t line, int code, const char *sentence)
{
	if (code != XT_ENOMEM)
		code = XT_EINVAL;
	return xt_config_fail(&reader->error, code, "%s:%u: %s", reader->name, line, sentence);
}

/* libyaml counts lines in what it has decoded; where it could not decode, it says the offset. */
static size_t
error_line(const struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct xt_str before = reader->text;
	size_t line = 1;

	if (parser->error != YAML_READER_ERROR)
		return parser->problem_mark.line + 1;
	if (before.n > parser->problem_offset)
		before.n = parser->problem_offset;
	for (size_t i = 0; i < before.n; i++)
		line += before.p[i] == '\n';
	return line;
}

static int
fail_parser(struct reader *reader)
{
	if (reader->parser.error == YAML_MEMORY_ERROR)
		return xt_config_fail(&reader->error, XT_ENOMEM, "%s: out of memory", reader->name);
	return xt_config_fail(&reader->error, XT_EINVAL, "%s:%zu: not valid YAML: %s", reader->name,
		error_line(reader), reader->parser.problem);
}

/* The next event; the one before is gone. */
static int
next(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return fail_parser(reader);
	if (reader->event.type == YAML_ALIAS_EVENT)
		return fail(
			reader, line_of(&reader->event), "aliases (*name) are not allowed here");
	return 0;
}

static struct xt_str
scalar(const yaml_event_t *event)
{
	return xt_str_of(event->data.scalar.value, event->data.scalar.length);
}

/* YAML 1.2.2 10.3.2: a plain scalar that says "nothing". */
static bool
is_null(const yaml_event_t *event)
{
	struct xt_str s = scalar(event);

	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (s.n == 0 || xt_str_eq(s, XT_STR("~")) || xt_str_eq(s, XT_STR("null")));
}

/* A key where it stands. */
struct place {
	const struct xt_config_key *key;
	struct xt_config_path *path; /* that it is of; NULL: of the configuration itself */
	char name[PATH_MAX_LENGTH + 8];
};

static int
set_value(struct reader *reader, const struct place *place, const struct xt_config_error *error)
{
	struct xt_str value = scalar(&reader->event);

	if (place->path)
		return xt_config_path_key_set(place->path, place->key, value, error);
	return xt_config_key_set(reader->config, place->key, value, error);
}

/* The current event as the value, or one element, of a key. */
static int
read_scalar(struct reader *reader, const struct place *place)
{
	const struct xt_config_key *key = place->key;
	char sentence[512] = "", allowed[128];
	const struct xt_config_error inner = { sentence, sizeof sentence };
	uint32_t line = line_of(&reader->event);
	int code;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return xt_config_fail(&reader->error, XT_EINVAL, "%s:%u: %s: takes %s, allowed: %s",
			reader->name, line, place->name,
			xt_config_key_is_list(key) ? "one value or a flat list" : "one value",
			xt_config_key_allowed(key, allowed, sizeof allowed));
	if (is_null(&reader->event))
		return xt_config_fail(&reader->error, XT_EINVAL,
			"%s:%u: %s: has no value, allowed: %s", reader->name, line, place->name,
			xt_config_key_allowed(key, allowed, sizeof allowed));
	code = set_value(reader, place, &inner);
	return code < 0 ? fail_at(reader, line, code, sentence) : 0;
}

static int
read_list(struct reader *reader, const struct place *place)
{
	int code;

	while ((code = next(reader)) == 0 && reader->event.type != YAML_SEQUENCE_END_EVENT)
		if ((code = read_scalar(reader, place)) < 0)
			break;
	return code;
}

static int
read_value(struct reader *reader, const struct place *place)
{
	if (xt_config_key_is_list(place->key) && reader->event.type == YAML_SEQUENCE_START_EVENT)
		return read_list(reader, place);
	return read_scalar(reader, place);
}

static int
fail_twice(struct reader *reader, const char *name, uint32_t line, uint32_t first)
{
	return xt_config_fail(&reader->error, XT_EINVAL,
		"%s:%u: %s: is given twice, first on line %u, allowed: once", reader->name, line,
		name, first);
}

static int
read_key(struct reader *reader, const struct xt_config_key *key, uint32_t line)
{
	size_t index = (size_t)(key - xt_config_keys);
	struct place place = { .key = key };

	if (reader->line[index])
		return fail_twice(reader, key->name, line, reader->line[index]);
	reader->line[index] = line;
	reader->config->line[index] = line;
	if (key->type == XT_CONFIG_PATHS && reader->event.type == YAML_MAPPING_START_EVENT)
		return read_paths(reader);
	snprintf(place.name, sizeof place.name, "%s", key->name);
	return read_value(reader, &place);
}

static int
read_group(struct reader *reader, const struct path *path)
{
	if (reader->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader, path);
	return xt_config_fail(&reader->error, XT_EINVAL,
		"%s:%u: %.*s: is a group of keys, allowed: one \"key: value\" a line, indented",
		reader->name, line_of(&reader->event), (int)path->n, path->p);
}

/* Appends `name` to the path of `group`; cut when it is too long, and then it names no key. */
static struct path
join(const struct path *group, struct xt_str name)
{
	struct path path = *group;

	if (path.n > 0 && path.n < sizeof path.p)
		path.p[path.n++] = '.';
	if (name.n > sizeof path.p - path.n)
		name.n = sizeof path.p - path.n;
	if (name.n > 0)
		memcpy(path.p + path.n, name.p, name.n);
	path.n += name.n;
	return path;
}

/* The current event is the value of `name`, a key of `path`. */
static int
read_path_key(struct reader *reader, struct xt_str path, struct xt_str name, uint32_t line)
{
	char sentence[512] = "";
	const struct xt_config_error inner = { sentence, sizeof sentence };
	struct place place = { .key = xt_config_path_key_find(name) };
	uint32_t *first;
	int code;

	if (!place.key)
		code = xt_config_path_key_unknown(path, name, &inner);
	else
		code = xt_config_path_get(reader->config, path, &place.path, &inner);
	if (code < 0)
		return fail_at(reader, line, code, sentence);
	snprintf(place.name, sizeof place.name, "paths.%s.%s", place.path->path, place.key->name);
	first = &place.path->line[place.key - xt_config_path_keys];
	if (*first)
		return fail_twice(reader, place.name, line, *first);
	*first = line;
	return read_value(reader, &place);
}

/* The current event begins the mapping of a path's keys. */
static int
read_path(struct reader *reader, struct xt_str path)
{
	static const struct path none = { .n = 0 };
	int code;

	while ((code = next(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
		uint32_t line = line_of(&reader->event);
		struct path name;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return fail(reader, line, "a key must be a word, allowed: key: value");
		name = join(&none, scalar(&reader->event));
		code = next(reader);
		if (code == 0)
			code = read_path_key(reader, path, xt_str_of(name.p, name.n), line);
		if (code < 0)
			break;
	}
	return code;
}

/* The current event is the value of "paths.PATH" or "paths.PATH.KEY". */
static int
read_in_paths(struct reader *reader, const struct path *full, uint32_t line)
{
	struct xt_str whole = xt_str_of(full->p, full->n);
	struct xt_str path = xt_str_skip(whole, sizeof "paths." - 1), name;
	struct xt_config_path *made;
	char sentence[512] = "";
	const struct xt_config_error inner = { sentence, sizeof sentence };
	int code;

	if (reader->event.type != YAML_MAPPING_START_EVENT &&
		xt_config_path_split(whole, &path, &name))
		return read_path_key(reader, path, name, line);
	code = xt_config_path_get(reader->config, path, &made, &inner);
	if (code < 0)
		return fail_at(reader, line, code, sentence);
	return reader->event.type == YAML_MAPPING_START_EVENT ? read_path(reader, path)
							      : read_group(reader, full);
}

/* The current event begins the mapping of paths. */
static int
read_paths(struct reader *reader)
{
	static const struct path group = { .p = "paths", .n = 5 };
	int code;

	while ((code = next(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
		uint32_t line = line_of(&reader->event);
		struct path path;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return fail(reader, line, "a path must be a word, allowed: path: its keys");
		path = join(&group, scalar(&reader->event));
		code = next(reader);
		if (code == 0)
			code = read_in_paths(reader, &path, line);
		if (code < 0)
			break;
	}
	return code;
}

/* The current event is the name of a key in `group`. */
static int
read_pair(struct reader *reader, const struct path *group)
{
	uint32_t line = line_of(&reader->event);
	const struct xt_config_key *key;
	struct path path;
	struct xt_str name;
	int code;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return fail(reader, line, "a key must be a word, allowed: key: value");
	path = join(group, scalar(&reader->event));
	name = xt_str_of(path.p, path.n);
	key = xt_config_key_find(name);
	if (!key && xt_str_starts(name, XT_STR("paths."))) {
		code = next(reader);
		return code < 0 ? code : read_in_paths(reader, &path, line);
	}
	if (!key && !xt_config_key_is_group(name)) {
		char sentence[512] = "";
		const struct xt_config_error inner = { sentence, sizeof sentence };
		xt_config_key_unknown(name, &inner);
		return fail(reader, line, sentence);
	}
	code = next(reader);
	if (code < 0)
		return code;
	return key ? read_key(reader, key, line) : read_group(reader, &path);
}

/* Groups do not nest in the table, so the depth is bounded by it, not by the file. */
static int
read_mapping(struct reader *reader, const struct path *group)
{
	int code;

	while ((code = next(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT)
		if ((code = read_pair(reader, group)) < 0)
			break;
	return code;
}

/* The current event starts the one document. */
static int
read_document(struct reader *reader)
{
	static const struct path none = { .n = 0 };
	int code = next(reader);

	if (code < 0)
		return code;
	if (reader->event.type == YAML_MAPPING_START_EVENT)
		code = read_mapping(reader, &none);
	else if (reader->event.type != YAML_SCALAR_EVENT || !is_null(&reader->event))
		code = fail(
			reader, line_of(&reader->event), "not a list of keys, allowed: key: value");
	if (code == 0)
		code = next(reader); /* the end of the document */
	return code;
}

static int
read_stream(struct reader *reader)
{
	int code = next(reader); /* the start of the stream */

	if (code == 0)
		code = next(reader);
	if (code == 0 && reader->event.type == YAML_DOCUMENT_START_EVENT) {
		code = read_document(reader);
		if (code == 0)
			code = next(reader);
	}
	if (code == 0 && reader->event.type != YAML_STREAM_END_EVENT)
		code = fail(reader, line_of(&reader->event), "a second document, allowed: one");
	return code;
}

/* Keeps the name for later checks, and forgets the lines of a file before. */
static int
remember_file(struct reader *reader)
{
	char *file = xt_strdup(reader->name);

	if (!file)
		return xt_config_fail(&reader->error, XT_ENOMEM, "%s: out of memory", reader->name);
	xt_free(reader->config->file);
	reader->config->file = file;
	memset(reader->config->line, 0, sizeof reader->config->line);
	xt_config_paths_forget_lines(&reader->config->paths);
	return 0;
}

int
xt_config_load_text(
	struct xt_config *config, const char *name, struct xt_str text, char *error, size_t size)
{
	struct reader reader = {
		.config = config, .name = name, .text = text, .error = { error, size }
	};
	int code = remember_file(&reader);

	if (code < 0)
		return code;
	if (!yaml_parser_initialize(&reader.parser))
		return xt_config_fail(&reader.error, XT_ENOMEM, "%s: out of memory", name);
	yaml_parser_set_input_string(
		&reader.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
	code = read_stream(&reader);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	return code;
}
