/* channel.c - requests that wait for the channel's home: held, and answered when its reply comes. */
#include "api/channel.h"

#include <stdio.h>

#include "api/body.h"
#include "base/heap.h"
#include "crosstalk.h"

/* A request that waits for its receipt. */
struct pending {
	struct xt_receipt receipt;
	struct xt_exchange *exchange;
	unsigned status; /* of the answer when all went well */
};

static void
pending_gone(void *ctx, enum xt_close why)
{
	struct pending *pending = ctx;

	(void)why;
	xt_receipt_cancel(&pending->receipt);
	xt_free(pending);
}

static const struct xt_holder holder = { .gone = pending_gone, .soon = true };

static void
answer_error(struct xt_exchange *x, int error)
{
	if (error == XT_ELIMIT)
		xt_exchange_error(x, 503, "too_many_channels",
			"there are as many channels as limits.channels allows, and all are in use");
	else
		xt_exchange_no_memory(x);
}

static void
answer_published(struct xt_exchange *x, struct xt_position id)
{
	char text[XT_POSITION_TEXT], body[XT_POSITION_TEXT + 16];
	int n;

	xt_position_format(id, text);
	n = snprintf(body, sizeof body, "{\"id\":\"%s\"}\n", text);
	xt_exchange_reply(x, 201, XT_STR("application/json"), xt_str_of(body, (size_t)n));
}

static void
pending_done(struct xt_receipt *receipt, int error, struct xt_position id)
{
	struct pending *pending = XT_CONTAINER(receipt, struct pending, receipt);
	struct xt_exchange *x = pending->exchange;
	unsigned status = pending->status;

	xt_free(pending);
	if (error < 0)
		answer_error(x, error);
	else if (status == 201)
		answer_published(x, id);
	else
		xt_exchange_reply(x, status, (struct xt_str){ 0 }, (struct xt_str){ 0 });
}

static struct pending *
pending_new(struct xt_exchange *x, unsigned status)
{
	struct pending *pending = xt_calloc(1, sizeof *pending);

	if (!pending) {
		answer_error(x, XT_ENOMEM);
		return NULL;
	}
	pending->receipt.done = pending_done;
	pending->exchange = x;
	pending->status = status;
	xt_exchange_hold(x, &holder, pending);
	return pending;
}

void
xt_api_publish(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel)
{
	struct xt_message *message = xt_api_message(x);
	struct pending *pending;

	if (!message)
		return;
	pending = pending_new(x, 201);
	if (pending)
		xt_hub_publish(hub, channel, message, &pending->receipt);
	else
		xt_message_unref(message);
}

void
xt_api_drop(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel)
{
	struct pending *pending = pending_new(x, 204);

	if (pending)
		xt_hub_drop(hub, channel, &pending->receipt);
}

void
xt_api_leave(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel, struct xt_str client)
{
	xt_hub_lease(
		hub, channel, &(struct xt_member){ .client = client, .transport = "poll" }, true);
	xt_exchange_reply(x, 204, (struct xt_str){ 0 }, (struct xt_str){ 0 });
}
