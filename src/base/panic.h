/* panic.h - checks for our own bugs, which stay on in release; never for input. */
#ifndef XT_BASE_PANIC_H
#define XT_BASE_PANIC_H

/* Writes where and what to standard error and aborts: a state we do not understand must not go on. */
_Noreturn void xt_panic(const char *file, int line, const char *what);

#define XT_ASSERT(condition) \
	do { \
		if (__builtin_expect(!(condition), 0)) \
			xt_panic(__FILE__, __LINE__, #condition); \
	} while (0)

/* The object whose member `member` is at `pointer`. */
#define XT_CONTAINER(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
