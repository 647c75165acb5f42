#ifndef LAZY_EXPUNGE_DOVECONF_H
#define LAZY_EXPUNGE_DOVECONF_H

/* What doveconf says of a setting: the configuration of others than this
   process. */

/* Run doveconf with these arguments (NULL-terminated) for the configuration
   file. Returns its output (data stack), NULL if it could not be run or
   failed: nothing is known then. */
const char *lazy_expunge_doveconf(const char *config_path,
				  const char *const *args);

#endif
