#ifndef LAZY_EXPUNGE_IMPORT_MAIL_H
#define LAZY_EXPUNGE_IMPORT_MAIL_H

/* What the manifest of an archive says of a mail, for saving it. */

#include "mail-types.h"

struct lazy_expunge_manifest_mail;

/* The mailbox that the mail comes from: where it was deleted, or where it is. */
const char *
lazy_expunge_import_origin(const struct lazy_expunge_manifest_mail *mail);
/* Returns 0 if the mail's GUID, flags and keywords can be saved, or -1 and what is
   wrong (static). */
int lazy_expunge_import_check(const struct lazy_expunge_manifest_mail *mail,
			      const char **error_r);
/* Its flags, but for \Deleted, which no import sets. */
enum mail_flags
lazy_expunge_import_flags(const struct lazy_expunge_manifest_mail *mail);

#endif
