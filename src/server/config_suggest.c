/* config_suggest.c - what to say about a key that does not exist: the nearest one and its group. */
#include "server/config_key.h"

#include <stdio.h>

#include "server/config_path.h"
#include "server/config_value.h"

#define NAME_MAX_LENGTH 64 /* longer names are near to nothing */
#define NEAR            3  /* edits that still count as a slip */

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to insert, drop or change from `a` to `b` (Levenshtein, one row at a time). */
static size_t
distance(struct xt_str a, struct xt_str b)
{
	size_t row[NAME_MAX_LENGTH + 1], above;

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		above = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = above + (a.p[i - 1] != b.p[j - 1]);
			above = row[j];
			row[j] = min(change, min(row[j] + 1, row[j - 1] + 1));
		}
	}
	return row[b.n];
}

static struct xt_str
group_of(struct xt_str name)
{
	for (size_t n = name.n; n > 0; n--)
		if (name.p[n - 1] == '.')
			return xt_str_of(name.p, n - 1);
	return (struct xt_str){ 0 };
}

static struct xt_str
leaf_of(struct xt_str name)
{
	struct xt_str group = group_of(name);

	return group.p ? xt_str_skip(name, group.n + 1) : name;
}

/* The keys among which a name is looked for. */
struct table {
	const struct xt_config_key *keys;
	size_t count;
};

static const struct table all_keys = { xt_config_keys, XT_CONFIG_KEY_COUNT };
static const struct table path_keys = { xt_config_path_keys, XT_CONFIG_PATH_KEY_COUNT };

/* The key of the fewest edits; also by its last word alone, for who left the group out. */
static const char *
nearest(const struct table *table, struct xt_str name)
{
	size_t best = min(NEAR, name.n / 2) + 1;
	const char *found = NULL;

	if (name.n > NAME_MAX_LENGTH)
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		struct xt_str key = xt_str_from(table->keys[i].name);
		size_t d = distance(name, key);
		if (xt_str_eq(leaf_of(key), leaf_of(name)))
			d = min(d, 1);
		if (d < best) {
			best = d;
			found = table->keys[i].name;
		}
	}
	return found;
}

/* The word of `key` that stands in `group` (none: the outermost), or an empty one. */
static struct xt_str
word_in(struct xt_str key, struct xt_str group)
{
	struct xt_str rest = key;

	if (group.n > 0) {
		if (!xt_str_starts(key, group) || key.n <= group.n || key.p[group.n] != '.')
			return (struct xt_str){ 0 };
		rest = xt_str_skip(key, group.n + 1);
	}
	return xt_str_cut(&rest, '.');
}

/* Lists what stands in `group`; the keys of one group are neighbours, so a look back is enough. */
static void
list_group(const struct table *table, struct xt_str group, char *p, size_t size)
{
	struct xt_str last = { 0 };
	size_t used = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct xt_str word = word_in(xt_str_from(table->keys[i].name), group);
		if (word.n == 0 || xt_str_eq(word, last) || used + word.n + 3 > size)
			continue;
		used += (size_t)snprintf(
			p + used, size - used, "%s%.*s", used ? ", " : "", (int)word.n, word.p);
		last = word;
	}
}

int
xt_config_key_unknown(struct xt_str name, const struct xt_config_error *error)
{
	struct xt_str group = group_of(name);
	const char *near = nearest(&all_keys, name);
	char allowed[400] = "", clean[80];

	if (!xt_config_key_is_group(group))
		group = (struct xt_str){ 0 };
	list_group(&all_keys, group, allowed, sizeof allowed);
	xt_config_value_clean(name, clean, sizeof clean);
	return xt_config_fail(error, XT_ENOTFOUND, "%s: unknown key%s%s%s%s%.*s: %s", clean,
		near ? ", did you mean " : "", near ? near : "", near ? "? Allowed" : ", allowed",
		group.n ? " in " : "", (int)group.n, group.n ? group.p : "", allowed);
}

int
xt_config_path_key_unknown(
	struct xt_str path, struct xt_str name, const struct xt_config_error *error)
{
	const char *near = nearest(&path_keys, name);
	char allowed[400] = "", clean[80], where[80];

	list_group(&path_keys, (struct xt_str){ 0 }, allowed, sizeof allowed);
	xt_config_value_clean(name, clean, sizeof clean);
	xt_config_value_clean(path, where, sizeof where);
	return xt_config_fail(error, XT_ENOTFOUND, "paths.%s.%s: unknown key%s%s%s in paths.%s: %s",
		where, clean, near ? ", did you mean " : "", near ? near : "",
		near ? "? Allowed" : ", allowed", where, allowed);
}
