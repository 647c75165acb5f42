#ifndef LAZY_EXPUNGE_DOVEADM_AS_ROOT_H
#define LAZY_EXPUNGE_DOVEADM_AS_ROOT_H

/* Commands that have to do with files of whoever runs doveadm, not of the mail's
   owner. */

#include "compat/dovecot.h"
#include "doveadm-mail.h"

/* For preinit: doveadm becomes the owner of the mail for as long as it has to do
   with it, and not for good, also where it has one user to do. */
void lazy_expunge_cmd_stay_root(struct doveadm_mail_cmd_context *ctx);
/* Be who runs doveadm again. Call when no mail is open. */
void lazy_expunge_cmd_be_root(void);

#endif
