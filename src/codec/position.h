/*
 * position.h - a place in a channel: EPOCH-OFFSET, the id of a message and what `since` takes.
 *
 * Offsets of a channel count up by one from 1; offset 0 is the place before the first message. An
 * epoch is drawn by lot when a channel comes to be, so a position never means another channel's life.
 */
#ifndef XT_CODEC_POSITION_H
#define XT_CODEC_POSITION_H

#include "base/str.h"

struct xt_position {
	uint64_t epoch, offset;
};

/* 13 digits of base 36, '-', 19 decimal digits, NUL. */
#define XT_POSITION_TEXT 36

/* Offsets stay below 2^63, so that every language's integers hold them. */
#define XT_OFFSET_MAX ((uint64_t)INT64_MAX)

/* Writes the text, NUL-ended; returns its length. */
size_t xt_position_format(struct xt_position position, char text[XT_POSITION_TEXT]);

/*
 * False when `text` is not of that form: an epoch of 1 to 16 characters, an offset up to XT_OFFSET_MAX. An epoch
 * that no channel of ours can have is read as UINT64_MAX.
 */
bool xt_position_parse(struct xt_str text, struct xt_position *position);

#endif
