/* fuzz_config.c - any bytes as a configuration file: refused in words, or a configuration that holds. */
#include <stdlib.h>

#include "base/panic.h"
#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_config *config = xt_config_new(), *copy;
	char error[512] = "";
	int code = xt_config_load_text(config, "f", xt_str_of(data, size), error, sizeof error);

	XT_ASSERT(code == 0 || code == XT_EINVAL);
	XT_ASSERT((code == 0) == (error[0] == '\0'));
	XT_ASSERT(strlen(error) < sizeof error && !strchr(error, '\n'));
	xt_config_check(config, error, sizeof error);
	copy = xt_config_copy(config);
	XT_ASSERT(copy->listen.n > 0 && copy->listen.n <= XT_CONFIG_LIST_MAX);
	XT_ASSERT(copy->workers <= 256 && copy->limits.message > 0);
	xt_config_free(config);
	xt_config_free(copy);
	return 0;
}
