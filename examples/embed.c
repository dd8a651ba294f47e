/*
 * embed.c - a WebSocket client on another event loop, here libuv's: says the time every second, prints what comes.
 *
 *	cc embed.c $(pkg-config --cflags --libs crosstalk libuv) && ./a.out ws://127.0.0.1:8000/echo
 */
#include <crosstalk.h>
#include <stdio.h>
#include <uv.h>

static struct xt_loop *loop;
static struct xt_websocket *ws; /* NULL: not open */
static uv_timer_t second, soonest;
static uv_prepare_t before_waiting;
static uv_poll_t readable;

/* Those two only wake libuv: what there is to do is done before it waits again. */
static void
due(uv_timer_t *timer)
{
	(void)timer;
}

static void
ready(uv_poll_t *poll, int status, int events)
{
	(void)poll, (void)status, (void)events;
}

static void
turn(uv_prepare_t *prepare)
{
	int ms;

	(void)prepare;
	xt_loop_turn(loop, 0);
	ms = xt_loop_wait_ms(loop);
	if (ms >= 0)
		uv_timer_start(&soonest, due, (uint64_t)ms, 0);
	else
		uv_timer_stop(&soonest);
}

static void
tick(uv_timer_t *timer)
{
	char text[64];

	snprintf(text, sizeof text, "it is %llu", (unsigned long long)uv_now(timer->loop) / 1000);
	if (ws)
		xt_websocket_send_text(ws, text);
}

static void
opened(struct xt_websocket *now_open)
{
	ws = now_open;
}

static void
came(struct xt_websocket *from, const struct xt_data *data)
{
	(void)from;
	printf("%.*s\n", (int)data->n, data->p);
	fflush(stdout);
}

static void
closed(struct xt_websocket *gone, const struct xt_closing *closing)
{
	(void)gone;
	ws = NULL;
	printf("closed: %u %s\n", closing->code, closing->reason);
	uv_stop(uv_default_loop());
}

int
main(int argc, char **argv)
{
	static const struct xt_websocket_handlers handlers = {
		.open = opened, .message = came, .close = closed
	};
	struct xt_websocket_options options = { .url = argc > 1 ? argv[1]
								: "ws://127.0.0.1:8000/echo" };
	struct xt_websocket *made;
	uv_loop_t *uv = uv_default_loop();
	char error[512] = "out of memory";

	if (xt_loop_new(&loop) < 0 ||
		xt_websocket_open(loop, &options, &handlers, &made, error, sizeof error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	uv_timer_init(uv, &soonest);
	uv_timer_init(uv, &second);
	uv_timer_start(&second, tick, 1000, 1000);
	uv_poll_init(uv, &readable, xt_loop_fd(loop));
	uv_poll_start(&readable, UV_READABLE, ready);
	uv_prepare_init(uv, &before_waiting);
	uv_prepare_start(&before_waiting, turn);
	uv_run(uv, UV_RUN_DEFAULT);
	xt_loop_free(loop);
	return 0;
}
