/* error.c - a sentence for each error. */
#include "crosstalk.h"

const char *
xt_strerror(int error)
{
	switch (error) {
	case XT_ENOMEM:
		return "out of memory";
	case XT_EINVAL:
		return "not of the form that is asked for";
	case XT_ELIMIT:
		return "over a limit";
	case XT_EPROTO:
		return "the peer broke its protocol";
	case XT_ECLOSED:
		return "closed";
	case XT_EAGAIN:
		return "not now, try again";
	case XT_ENOTFOUND:
		return "no such thing";
	case XT_EGONE:
		return "no longer kept";
	case XT_ESYS:
		return "a system call failed";
	default:
		return error >= 0 ? "no error" : "unknown error";
	}
}
