/* history.h - the lines that were typed, in a file, from one run to the next. */
#ifndef CROSSTALK_CONNECT_HISTORY_H
#define CROSSTALK_CONNECT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#define HISTORY_LINES 1000 /* kept */

/*
 * ${XDG_STATE_HOME:-~/.local/state}/crosstalk/history, new, its folders made (0700). NULL: there is no such place, or
 * no memory; then nothing is kept.
 */
char *history_path(void);

/*
 * Calls `each` with the last HISTORY_LINES lines of the file, the oldest first. A file that has grown to more than
 * twice as many is cut to these.
 */
void history_load(const char *path, void (*each)(void *ctx, const char *line), void *ctx);

/*
 * Appends a line; the file is its owner's alone (0600). Not one that begins with a blank: so a secret can be left
 * out. Failures are nobody's concern.
 */
void history_append(const char *path, const char *line);

#endif
