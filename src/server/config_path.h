/* config_path.h - the group `paths` of a configuration: what holds on one path only. For the files config*.c. */
#ifndef XT_SERVER_CONFIG_PATH_H
#define XT_SERVER_CONFIG_PATH_H

#include "server/config_key.h"

/* In the order of docs/configuration.md; their fields are those of struct xt_config_path. */
extern const struct xt_config_key xt_config_path_keys[XT_CONFIG_PATH_KEY_COUNT];

#define XT_CONFIG_PATH_MESSAGE 0 /* its row */

/* The key of a path with exactly this name, or NULL. */
const struct xt_config_key *xt_config_path_key_find(struct xt_str name);

/* Takes "paths./c/chat/.message" apart: "/c/chat/" and "message". False: it is no such name. */
bool xt_config_path_split(struct xt_str full, struct xt_str *path, struct xt_str *name);

/* The path's own part, made if need be. 0, XT_ENOMEM, or XT_EINVAL with a sentence. */
int xt_config_path_get(struct xt_config *config, struct xt_str path, struct xt_config_path **out,
	const struct xt_config_error *error);

/* As xt_config_key_set(), with the path in the sentence. */
int xt_config_path_key_set(struct xt_config_path *path, const struct xt_config_key *key,
	struct xt_str value, const struct xt_config_error *error);

/* All three in one: of the flag or the call that names a key of a path. XT_ENOTFOUND: no such key. */
int xt_config_path_set(struct xt_config *config, struct xt_str path, struct xt_str name,
	struct xt_str value, const struct xt_config_error *error);

void xt_config_paths_fini(struct xt_config_paths *paths);

/* 0 or XT_ENOMEM; `to` is to be ended in any case. */
int xt_config_paths_copy(struct xt_config_paths *to, const struct xt_config_paths *from);

/* What stands at which line is forgotten: another file is read. */
void xt_config_paths_forget_lines(struct xt_config_paths *paths);

#endif
