/* config_value.c - reading and writing numbers with units, origins, and quoting what was wrong. */
#include "server/config_value.h"

#include <stdio.h>

#include "base/panic.h"

#define DIGITS_MAX 18 /* 10^18 fits in 64 bits */
#define CLEAN_MAX  60

const struct xt_config_unit xt_config_units_none[] = { { "", 1 }, { NULL, 0 } };

/* Decimal and binary units: both are in use, and they differ, so each has its own name. */
const struct xt_config_unit xt_config_units_size[] = {
	{ "GiB", 1ULL << 30 },
	{ "MiB", 1ULL << 20 },
	{ "KiB", 1ULL << 10 },
	{ "", 1 },
	{ "B", 1 },
	{ "KB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ NULL, 0 },
};

const struct xt_config_unit xt_config_units_time[] = {
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ "", 1000 },
	{ NULL, 0 },
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes the digits at the start of `*text` into `*value`; returns how many. */
static size_t
take_digits(struct xt_str *text, uint64_t *value)
{
	size_t n = 0;

	while (n < text->n && is_digit(text->p[n]) && n < DIGITS_MAX)
		*value = *value * 10 + (uint64_t)(text->p[n++] - '0');
	*text = xt_str_skip(*text, n);
	return n;
}

static const struct xt_config_unit *
find_unit(const struct xt_config_unit *units, struct xt_str name)
{
	for (; units->name; units++)
		if (xt_str_eq(xt_str_from(units->name), name))
			return units;
	return NULL;
}

/* value * factor / 10^places, if that is whole and fits. */
static bool
scale(uint64_t value, uint64_t factor, size_t places, uint64_t *out)
{
	if (__builtin_mul_overflow(value, factor, &value))
		return false;
	for (; places > 0; places--) {
		if (value % 10 != 0)
			return false;
		value /= 10;
	}
	*out = value;
	return true;
}

bool
xt_config_value_number(struct xt_str text, const struct xt_config_unit *units, uint64_t *out)
{
	const struct xt_config_unit *unit;
	struct xt_str fraction = { 0 };
	uint64_t value = 0;
	size_t whole = take_digits(&text, &value), places = 0;

	if (text.n > 0 && text.p[0] == '.') {
		uint64_t part = 0;
		fraction = xt_str_skip(text, 1);
		places = take_digits(&fraction, &part);
		if (places == 0 || whole + places > DIGITS_MAX)
			return false;
		for (size_t i = 0; i < places; i++)
			value *= 10;
		value += part;
		text = fraction;
	}
	unit = find_unit(units, text);
	return whole > 0 && unit && scale(value, unit->factor, places, out);
}

const char *
xt_config_value_format(uint64_t value, const struct xt_config_unit *units, char *p, size_t size)
{
	const struct xt_config_unit *unit = units;

	if (value == 0) {
		snprintf(p, size, "0");
		return p;
	}
	while (value % unit->factor != 0)
		unit++;
	snprintf(p, size, "%llu%s", (unsigned long long)(value / unit->factor), unit->name);
	return p;
}

static bool
is_scheme_char(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '+' || c == '-' || c == '.';
}

bool
xt_config_value_origin(struct xt_str text)
{
	size_t n = 0;

	if (xt_str_eq(text, XT_STR("*")))
		return true;
	while (n < text.n && is_scheme_char(text.p[n]))
		n++;
	text = xt_str_skip(text, n);
	if (n == 0 || !xt_str_starts(text, XT_STR("://")) || text.n == 3)
		return false;
	/* RFC 6454 6.2: an origin ends with its host or port, and browsers send both in lower case. */
	for (size_t i = 3; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || strchr("/?#@\\,\"", text.p[i]) ||
			(text.p[i] >= 'A' && text.p[i] <= 'Z'))
			return false;
	return true;
}

const char *
xt_config_value_clean(struct xt_str text, char *p, size_t size)
{
	size_t n = text.n < CLEAN_MAX ? text.n : CLEAN_MAX;

	XT_ASSERT(size >= CLEAN_MAX + sizeof "...");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		p[i] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	snprintf(p + n, size - n, "%s", n < text.n ? "..." : "");
	return p;
}

const char *
xt_config_value_quote(struct xt_str text, char *p, size_t size)
{
	char clean[CLEAN_MAX + sizeof "..."];

	snprintf(p, size, "\"%s\"", xt_config_value_clean(text, clean, sizeof clean));
	return p;
}
