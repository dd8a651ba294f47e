/* rules.c - which rules a path has, and what they say to those who want too much. */
#include "http/rules.h"

#include <stdio.h>

#include "codec/percent.h"
#include "crosstalk.h"
#include "http/http_private.h"

static bool
covers(const struct xt_rules *rules, struct xt_str path)
{
	size_t used = xt_percent_match(path, rules->path);

	if (used == 0)
		return false;
	return used == path.n || rules->path.p[rules->path.n - 1] == '/';
}

const struct xt_rules *
xt_rules_find(const struct xt_http_config *config, struct xt_str path)
{
	for (size_t i = 0; i < config->rules_count; i++)
		if (covers(&config->rules[i], path))
			return &config->rules[i];
	return &xt_rules_none;
}

uint64_t
xt_rules_max_body(const struct xt_request *request, const struct xt_route *route)
{
	uint64_t own = request->rules->message;

	return route->max_body > 0 && own > 0 ? own : route->max_body;
}

int
xt_exchange_admit(struct xt_exchange *x, struct xt_visitor **visitor)
{
	const struct xt_rules *rules = xt_exchange_request(x)->rules;
	struct xt_peer_address address;
	int error;

	*visitor = NULL;
	if (!rules->connections_per_address || !xt_conn_address(xt_exchange_conn(x), &address))
		return 0;
	error = xt_visitors_arrive(x->link->server->config->visitors, rules, &address, visitor);
	if (error == XT_ELIMIT)
		xt_exchange_error(x, 429, "too_many_connections",
			"your address has %u connections on this path already; "
			"connections_per_address allows no more",
			rules->connections_per_address);
	else if (error < 0)
		xt_exchange_no_memory(x);
	return error;
}

int
xt_exchange_spend(struct xt_exchange *x, uint64_t bytes)
{
	const struct xt_rules *rules = xt_exchange_request(x)->rules;
	struct xt_peer_address address;
	uint64_t wait;
	char seconds[24];
	int n;

	if (!xt_rules_have_rates(rules) || !xt_conn_address(xt_exchange_conn(x), &address))
		return 0;
	wait = xt_visitors_spend(x->link->server->config->visitors, rules, &address, bytes,
		xt_loop_now(xt_exchange_loop(x)));
	if (wait == 0)
		return 0;
	n = snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(wait + 999) / 1000);
	xt_exchange_header(x, XT_STR("Retry-After"), xt_str_of(seconds, (size_t)n));
	xt_exchange_error(x, 429, "too_many_messages",
		"your address publishes faster on this path than messages_per_second or "
		"bytes_per_second allow");
	return XT_ELIMIT;
}
