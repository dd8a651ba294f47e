/*
 * editor.h - the line that a person edits, on a terminal where other lines appear meanwhile.
 *
 *	editor_read() ─ waits for keys through `wait` ─ there other things happen:
 *	                 editor_hide(), printing to standard output, editor_show()
 */
#ifndef CROSSTALK_CONNECT_EDITOR_H
#define CROSSTALK_CONNECT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

struct editor;

struct editor_options {
	const char *history; /* the file's path, or NULL: none. Borrowed while the editor lives */
	bool colours;
	bool (*wait)(void *ctx); /* until standard input can be read; false: no more of that */
	void *ctx;
};

/* On standard input and output, which are a terminal. NULL: out of memory, or not a terminal to edit on. */
struct editor *editor_new(const struct editor_options *options);

/* The terminal is as it was before. NULL is fine. */
void editor_free(struct editor *editor);

/*
 * The next line, UTF-8, without its end; it is gone from the terminal again. NULL: Ctrl-D on an empty line, or
 * `wait` said false. Borrowed until the next call.
 */
const char *editor_read(struct editor *editor);

/* Takes the line away from the terminal, and brings it back below what was printed. Any number of times. */
void editor_hide(struct editor *editor);
void editor_show(struct editor *editor);

/* The terminal has another size. */
void editor_resize(struct editor *editor);

/* Gives the terminal back, for a stop (Ctrl-Z), and takes it again. */
void editor_pause(struct editor *editor);
void editor_continue(struct editor *editor);

#endif
