/* close_code.h - the close codes of WebSockets in words. */
#ifndef CROSSTALK_CONNECT_CLOSE_CODE_H
#define CROSSTALK_CONNECT_CLOSE_CODE_H

#include <stdbool.h>

/* RFC 6455 7.4 and IANA's registry; what is in neither is named by its range. Static. */
const char *close_code_words(unsigned code);

/* Whether a WebSocket that was closed with it has ended as it should. */
bool close_code_is_normal(unsigned code);

#endif
