/*
 * fuzz_channel_object.c - what a server of channels sends to a client, a line for each message: whatever it is, positions
 * never go back within an epoch, and nothing is handed out twice.
 */
#include "base/panic.h"
#include "client/channel.h"
#include "codec/utf8.h"
#include "crosstalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_message(const struct xt_channel_object *object, struct xt_position *last)
{
	struct xt_position at;

	XT_ASSERT(xt_position_parse(xt_str_from(object->data.id), &at));
	XT_ASSERT(at.epoch != last->epoch || at.offset > last->offset);
	if (object->data.kind == XT_KIND_TEXT)
		XT_ASSERT(xt_utf8_valid(xt_str_of(object->data.p, object->data.n)));
	*last = at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_str rest = xt_str_of(data, size);
	struct xt_position last = { .epoch = 0 };
	struct xt_channel_object object;
	struct xt_channel_place place;
	struct xt_url url;
	const char *why;

	XT_ASSERT(xt_url_parse(&url, XT_STR("ws://a/c/n%20b"), NULL, &why) == 0);
	XT_ASSERT(xt_channel_init(&place, &url, NULL) == 0);
	while (rest.p) {
		struct xt_str line = xt_str_cut(&rest, '\n');
		int error = xt_utf8_valid(line) ? xt_channel_read(&place, line, &object) : 1;
		XT_ASSERT(error == 0 || error == 1 || error == XT_EPROTO);
		if (error == 0 && object.kind == XT_CHANNEL_MESSAGE)
			check_message(&object, &last);
		else if (error == 0 && place.last[0])
			XT_ASSERT(xt_position_parse(xt_str_from(place.last), &last));
		if (error != 1)
			xt_buf_fini(&object.bytes);
	}
	xt_channel_fini(&place);
	xt_url_fini(&url);
	return 0;
}
