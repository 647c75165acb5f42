#ifndef LAZY_EXPUNGE_OWN_NAME_H
#define LAZY_EXPUNGE_OWN_NAME_H

/* Where a layout forbids the storage's name, the mailbox is opened by another,
   which is nobody's business: what clients are told has its own name. */

#include "mail-storage-private.h"

/* The mailbox of such a name, and a mail of it, are being allocated: v is that
   of the hooks. */
void lazy_expunge_own_name_mailbox_allocated(struct mailbox_vfuncs *v);
void lazy_expunge_own_name_mail_allocated(struct mail_vfuncs *v);
/* Something failed: have the error say the own name. Returns -1. */
int lazy_expunge_own_name_error(struct mailbox *box);

#endif
