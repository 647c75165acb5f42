#ifndef LAZY_EXPUNGE_DOVECONF_H
#define LAZY_EXPUNGE_DOVECONF_H

/* What doveconf says of a setting: the configuration of others than this
   process. */

/* Run doveconf with these arguments (NULL-terminated) for the configuration
   file. Returns its output (data stack), NULL if it could not be run or
   failed: nothing is known then. */
const char *lazy_expunge_doveconf(const char *config_path,
				  const char *const *args);
/* The value of one setting (data stack), NULL likewise. */
const char *lazy_expunge_doveconf_value(const char *config_path,
					const char *key);
/* The same with its output written to fd. Returns 0 if ok, -1 if not. */
int lazy_expunge_doveconf_to_fd(const char *config_path,
				const char *const *args, int fd);
/* Where a Dovecot that runs with this configuration tells it. Data stack. NULL
   if that cannot be told. */
const char *lazy_expunge_doveconf_config_socket(const char *config_path);

#endif
