#ifndef LAZY_EXPUNGE_CONFIG_DIGEST_H
#define LAZY_EXPUNGE_CONFIG_DIGEST_H

/* The configuration as a number. */

struct doveadm_mail_cmd_context;

/* A SHA-1 digest (SHA1_RESULTLEN bytes) of the configuration that this process has
   for mail, no user in particular: as long as it stays the same, users of whom
   userdb says the same have the same settings. What -o overrides is not in it on
   2.4. A user must have been looked up before. Returns 0, or -1 if it cannot be
   told. */
int lazy_expunge_compat_config_digest(struct doveadm_mail_cmd_context *ctx,
				      unsigned char *digest_r);

#endif
