/* log.c - formatting a line for the sink. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 1001

void
xt_log(const struct xt_log *log, enum xt_log_level level, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;

	if (level > log->level || !log->sink.write)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	log->sink.write(log->sink.ctx, level, line);
}
