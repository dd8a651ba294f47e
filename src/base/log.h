/* log.h - one line to the embedder's sink, if its level is wanted. A library does not print. */
#ifndef XT_BASE_LOG_H
#define XT_BASE_LOG_H

#include "crosstalk.h"

struct xt_log {
	struct xt_log_sink sink;
	enum xt_log_level level; /* the most talkative that is written */
};

/* Any thread. Lines are cut at 1,000 bytes. Who handles an error logs it; hot paths count instead. */
void xt_log(const struct xt_log *log, enum xt_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
