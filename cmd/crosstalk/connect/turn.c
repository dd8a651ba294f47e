/*
 * turn.c - the one place where `crosstalk connect` waits.
 *
 * Signals come through a descriptor, so that they are handled where everything else is: the first that asks for an
 * end gets the closing handshake, the second ends the program by that very signal.
 */
#include "connect/connect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "connect/columns.h"

enum { LOOP, SIGNALS, INPUT, OUTPUT, DESCRIPTORS };

uint64_t
connect_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- signals ---- */

int
connect_take_signals(struct connect *connect)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (connect->interactive) {
		sigaddset(&set, SIGWINCH);
		sigaddset(&set, SIGTSTP);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	connect->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return connect->signals < 0 ? -1 : 0;
}

static void
stop(struct connect *connect)
{
	if (connect->editor)
		editor_pause(connect->editor);
	raise(SIGSTOP); /* and here it goes on, when it is continued */
	if (connect->editor)
		editor_continue(connect->editor);
}

static void
resize(struct connect *connect)
{
	connect->view.width = columns_of_output();
	if (connect->editor)
		editor_resize(connect->editor);
}

static void
end(struct connect *connect, int signal)
{
	if (connect->closing || !connect->open) {
		connect->signal = signal;
		connect->done = true;
	}
	connect_close(connect, 1000, NULL);
}

static void
take_signal(struct connect *connect, int signal)
{
	if (signal == SIGTSTP)
		stop(connect);
	else if (signal == SIGWINCH)
		resize(connect);
	else
		end(connect, signal);
}

static void
take_signals(struct connect *connect)
{
	struct signalfd_siginfo info;

	while (read(connect->signals, &info, sizeof info) == (ssize_t)sizeof info)
		take_signal(connect, (int)info.ssi_signo);
}

/* ---- times ---- */

static void
sooner(int *ms, uint64_t at, uint64_t now)
{
	uint64_t left = at > now ? at - now : 0;

	if (at != 0 && (*ms < 0 || (uint64_t)*ms > left))
		*ms = (int)left;
}

static int
wait_ms(const struct connect *connect)
{
	uint64_t now = connect_now_us() / 1000;
	int ms = xt_loop_wait_ms(connect->loop);

	sooner(&ms, connect->wait_end, now);
	sooner(&ms, connect->ping_at, now);
	return ms;
}

/* The answer to the last ping can't come while there is something before it on its way. */
static bool
is_busy(const struct connect *connect)
{
	return connect->open && (connect->paused || xt_websocket_buffered(connect->ws) > 0);
}

static void
end_wait(struct connect *connect)
{
	uint64_t wanted = connect->options.once;

	connect->wait_end = 0;
	if (!connect->open) /* between two attempts of --reconnect */
		connect_fail(connect, STATUS_LOST);
	if (connect->messages < wanted) {
		connect_warn(connect, "only %ju of %ju messages came", (uintmax_t)connect->messages,
			(uintmax_t)wanted);
		connect_fail(connect, STATUS_TIMEOUT);
	}
	connect_close(connect, 1000, NULL);
}

static void
take_times(struct connect *connect)
{
	uint64_t now = connect_now_us() / 1000;

	if (connect->ping_at && now >= connect->ping_at) {
		connect_ping(connect, "");
		connect->ping_at = now + connect->options.ping_ms;
	}
	if (connect->last_ping && is_busy(connect))
		connect_last_ping_wait(connect);
	if (connect->wait_end && now >= connect->wait_end)
		end_wait(connect);
}

/* ---- the reader of standard output ---- */

/* Who has left is seen without a write. Then there is no reason to go on. */
static void
give_output(struct connect *connect, short events)
{
	struct outlet *output = &connect->output;

	if (output->error)
		return;
	if (outlet_waiting(output) > 0 && events)
		outlet_write(output);
	else if (events & (POLLERR | POLLHUP))
		output->error = EPIPE;
	if (output->error == 0)
		return;
	if (output->error != EPIPE) {
		connect_warn(connect, "standard output cannot be written");
		connect_fail(connect, STATUS_REFUSED);
	}
	connect_close(connect, 1000, NULL);
}

/* A peer is read no faster than what it sends is taken from us. */
static void
keep_pace(struct connect *connect)
{
	size_t waiting = outlet_waiting(&connect->output);
	bool pause = !connect->closing &&
		     waiting > (connect->paused ? CONNECT_WAITING_MAX / 4 : CONNECT_WAITING_MAX);

	if (!connect->ws || pause == connect->paused)
		return;
	connect->paused = pause;
	if (pause)
		xt_websocket_pause(connect->ws);
	else
		xt_websocket_resume(connect->ws);
}

/* ---- a turn ---- */

bool
connect_turn(struct connect *connect, bool input)
{
	struct pollfd fds[DESCRIPTORS] = {
		[LOOP] = { xt_loop_fd(connect->loop), POLLIN, 0 },
		[SIGNALS] = { connect->signals, POLLIN, 0 },
		[INPUT] = { input ? STDIN_FILENO : -1, POLLIN, 0 },
		[OUTPUT] = { connect->output.error ? -1 : connect->output.fd,
			outlet_waiting(&connect->output) ? POLLOUT : 0, 0 },
	};

	poll(fds, DESCRIPTORS, wait_ms(connect));
	if (fds[SIGNALS].revents)
		take_signals(connect);
	xt_loop_turn(connect->loop, 0);
	take_times(connect);
	connect_flush(connect);
	if (!connect->interactive) {
		give_output(connect, fds[OUTPUT].revents);
		keep_pace(connect);
	}
	return fds[INPUT].revents != 0;
}
