/* request.c - looking things up in a request. */
#include "http/request.h"

#include "codec/percent.h"
#include "codec/query.h"
#include "crosstalk.h"

struct xt_str
xt_request_field(const struct xt_request *request, struct xt_str name)
{
	return xt_http1_field(request->head, name);
}

static bool
list_has(struct xt_str list, struct xt_str token)
{
	struct xt_str member;

	while (xt_http1_list_next(&list, &member))
		if (xt_str_ieq(member, token))
			return true;
	return false;
}

bool
xt_request_has_token(const struct xt_request *request, struct xt_str name, struct xt_str token)
{
	const struct xt_http1_head *head = request->head;

	for (size_t i = 0; i < head->fields_count; i++)
		if (xt_str_ieq(head->fields[i].name, name) &&
			list_has(head->fields[i].value, token))
			return true;
	return false;
}

int
xt_request_query(const struct xt_request *request, struct xt_str name, struct xt_buf *out)
{
	struct xt_query_pair pair;

	out->n = 0;
	if (!xt_query_find(request->query, name, &pair))
		return 0;
	/* One more, so that an empty value comes back as a pointer too. */
	if (xt_buf_reserve(out, pair.value.n + 1) < 0)
		return XT_ENOMEM;
	if (!xt_percent_decode_form(pair.value, out->p, &out->n)) {
		out->n = 0;
		return XT_EINVAL;
	}
	return 1;
}

bool
xt_request_has_query(const struct xt_request *request, struct xt_str name)
{
	struct xt_query_pair pair;

	return xt_query_find(request->query, name, &pair);
}
