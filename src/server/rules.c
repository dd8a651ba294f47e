/* rules.c - the configuration's group `paths`, as the workers read it. */
#include "base/heap.h"
#include "crosstalk.h"
#include "server/config_list.h"
#include "server/server_private.h"

/* How many strings there are in all lists. */
static size_t
count_strings(const struct xt_config_paths *paths)
{
	size_t count = 0;

	for (size_t i = 0; i < paths->n; i++)
		count += paths->v[i].origins.n + paths->v[i].subprotocols.n;
	return count;
}

/* Its strings are put to `strings`, where there is room. */
static struct xt_rules
rules_of(const struct xt_config_path *path, struct xt_str *strings)
{
	struct xt_str *origins = strings, *subprotocols = strings + path->origins.n;

	xt_config_list_view(&path->origins, origins);
	xt_config_list_view(&path->subprotocols, subprotocols);
	return (struct xt_rules){
		.path = xt_str_from(path->path),
		.message = (uint32_t)path->message,
		.frame = (uint32_t)path->frame,
		.messages_per_second = path->messages_per_second,
		.bytes_per_second = path->bytes_per_second,
		.connections_per_address = path->connections_per_address,
		.compression = path->compression == XT_CONFIG_UNSET ? XT_RULES_UNSET
								    : (uint8_t)path->compression,
		.origins = origins,
		.origins_count = path->origins.n,
		.subprotocols = subprotocols,
		.subprotocols_count = path->subprotocols.n,
	};
}

/* The longest first: the first that fits a path is the one that holds. */
static void
insert(struct xt_rules *rules, size_t count, const struct xt_rules *one)
{
	size_t at = count;

	for (; at > 0 && rules[at - 1].path.n < one->path.n; at--)
		rules[at] = rules[at - 1];
	rules[at] = *one;
}

int
xt_server_make_rules(struct xt_server *server)
{
	const struct xt_config_paths *paths = &server->config->paths;
	struct xt_str *strings;

	server->rules = xt_calloc(paths->n + 1, sizeof *server->rules);
	server->rule_strings = xt_calloc(count_strings(paths) + 1, sizeof *server->rule_strings);
	if (!server->rules || !server->rule_strings)
		return XT_ENOMEM;
	strings = server->rule_strings;
	for (; server->rule_count < paths->n; server->rule_count++) {
		const struct xt_config_path *path = &paths->v[server->rule_count];
		struct xt_rules one = rules_of(path, strings);
		one.index = (uint32_t)server->rule_count;
		insert(server->rules, server->rule_count, &one);
		strings += path->origins.n + path->subprotocols.n;
	}
	return xt_visitors_new(&server->visitors, &server->key);
}

void
xt_server_free_rules(struct xt_server *server)
{
	xt_visitors_free(server->visitors);
	xt_free(server->rules);
	xt_free(server->rule_strings);
}
