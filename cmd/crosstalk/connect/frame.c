/* frame.c - see frame.h. */
#include "connect/frame.h"

#include <stdbool.h>

#include "connect/close_code.h"
#include "connect/escape.h"
#include "connect/hex.h"

#define EXCERPT 48u /* bytes of a payload */

/* RFC 6455 5.2 */
enum {
	FIN = 0x80,
	RSV1 = 0x40,
	RSV2 = 0x20,
	RSV3 = 0x10,
	OPCODE = 0x0f,
	TEXT = 1,
	BINARY = 2,
	CLOSE = 8,
};

static const char *const opcodes[16] = {
	"continuation",
	"text",
	"binary",
	"reserved 3",
	"reserved 4",
	"reserved 5",
	"reserved 6",
	"reserved 7",
	"close",
	"ping",
	"pong",
	"reserved 11",
	"reserved 12",
	"reserved 13",
	"reserved 14",
	"reserved 15",
};

/* A payload that was compressed says nothing as text; what a text is cut from may end within a character. */
static bool
is_text(const struct xt_frame *frame, size_t n)
{
	if (frame->first & RSV1 || (frame->first & OPCODE) == BINARY)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)frame->p[i] < ' ' && frame->p[i] != '\n' && frame->p[i] != '\t')
			return (frame->first & OPCODE) == TEXT;
	return true;
}

/* Back to the beginning of a character that was cut. */
static size_t
whole_characters(const char *p, size_t n)
{
	size_t i = n;

	while (i > 0 && n - i < 3 && ((unsigned char)p[i - 1] & 0xc0) == 0x80)
		i--;
	return i > 0 && (unsigned char)p[i - 1] >= 0xc0 ? i - 1 : n;
}

static void
print_excerpt(FILE *to, const struct palette *palette, const struct xt_frame *frame)
{
	size_t n = frame->n < EXCERPT ? frame->n : EXCERPT;

	fputs("  ", to);
	if (is_text(frame, n)) {
		if (n < frame->length)
			n = whole_characters(frame->p, n);
		putc('"', to);
		escape_line(to, palette, frame->p, n);
		putc('"', to);
	} else {
		hex_print(to, frame->p, n);
	}
	if (n < frame->length)
		fputs(" ...", to);
}

/* RFC 6455 5.5.1: two bytes of code, then the reason. */
static void
print_closing(FILE *to, const struct palette *palette, const struct xt_frame *frame)
{
	unsigned code = (unsigned)(unsigned char)frame->p[0] << 8 | (unsigned char)frame->p[1];

	fprintf(to, "  %u %s", code, close_code_words(code));
	if (frame->n == 2)
		return;
	fputs(" \"", to);
	escape_line(to, palette, frame->p + 2, frame->n - 2);
	putc('"', to);
}

static void
print_bits(FILE *to, unsigned char first)
{
	if (first & FIN)
		fputs(" FIN", to);
	if (first & RSV1)
		fputs(" RSV1", to);
	if (first & RSV2)
		fputs(" RSV2", to);
	if (first & RSV3)
		fputs(" RSV3", to);
}

void
frame_print(FILE *to, const struct palette *palette, const struct xt_frame *frame)
{
	unsigned opcode = frame->first & OPCODE;

	fprintf(to, "%s%s%s", frame->sent ? palette->out : palette->in, frame->sent ? "out" : "in ",
		palette->reset);
	print_bits(to, frame->first);
	fprintf(to, " %s %zu byte%s", opcodes[opcode], frame->length,
		frame->length == 1 ? "" : "s");
	if (opcode == CLOSE && frame->n >= 2)
		print_closing(to, palette, frame);
	else if (frame->n > 0)
		print_excerpt(to, palette, frame);
}
