#ifndef LAZY_EXPUNGE_CONFIG_TEXT_H
#define LAZY_EXPUNGE_CONFIG_TEXT_H

/* What doveconf -n prints, for what no session can be asked for. */

#include "array-decl.h"

/* Adds (allocated from the pool) the blocks "remote …", "local …" and
   "local_name …" in which lazy_expunge or mail_plugins is set, whatever blocks
   are around or in them: "remote 10.0.0.0/8". */
void lazy_expunge_config_text_addresses(const char *text, pool_t pool,
					ARRAY_TYPE(const_string) *blocks);
/* Adds the lines in which a service of these names (NULL-terminated) starts with
   settings of lazy_expunge or mail_plugins of its own, or starts something that
   does not have its name: "service imap { executable = imap -o … }". */
void lazy_expunge_config_text_executables(const char *text,
					  const char *const *services,
					  pool_t pool,
					  ARRAY_TYPE(const_string) *lines);

#endif
