/* clock.h - the two clocks: one that only goes forward, and the one on the wall. */
#ifndef XT_BASE_CLOCK_H
#define XT_BASE_CLOCK_H

#include <stdint.h>

uint64_t xt_clock_ms(void);      /* milliseconds since some start; never goes back */
uint64_t xt_clock_wall_ms(void); /* milliseconds since 1970-01-01 UTC */

#endif
