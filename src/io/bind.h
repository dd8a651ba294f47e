/* bind.h - how the sockets of a listener come to listen; listener.c's alone. */
#ifndef XT_IO_BIND_H
#define XT_IO_BIND_H

#include <sys/socket.h>
#include <sys/types.h>

#include "io/listener.h"

/* The most addresses of one name that are listened on. */
#define XT_BIND_MAX 8

struct xt_bind_place {
	struct sockaddr_storage at;
	socklen_t length;
	int probe; /* holds the port until the first worker listens; -1: none */
};

/* Where a listener listens: the places of its name with their real port, or the socket of its file. */
struct xt_bound {
	struct xt_address address;
	struct xt_listener_options options;
	uint16_t port;
	size_t place_count;
	struct xt_bind_place places[XT_BIND_MAX];
	int unix_fd;  /* -1: TCP */
	dev_t device; /* of the file, once it is ours */
	ino_t inode;
};

/* Fills `*bound`, to be closed also after a failure. 0 or an error, as xt_listener_open(). */
int xt_bind_open(struct xt_bound *bound, const struct xt_address *address,
	const struct xt_listener_options *options, char *error, size_t size);

/* Listening sockets for one more worker, who closes them. How many, or an error. */
int xt_bind_worker(struct xt_bound *bound, int fds[XT_BIND_MAX], char *error, size_t size);

void xt_bind_close(struct xt_bound *bound);

/* Writes "URL: text of the errno" and returns `result`. */
int xt_bind_fail(
	int result, const struct xt_address *address, int number, char *error, size_t size);

#endif
