#ifndef LAZY_EXPUNGE_IMPORT_BOX_H
#define LAZY_EXPUNGE_IMPORT_BOX_H

/* A mailbox that mails are imported to. */

#include "account/error.h"

struct istream;
struct lazy_expunge_import_box;
struct lazy_expunge_manifest_mail;
struct lazy_expunge_user;

/* The mailbox of the storage for mail of this origin, made when it is missing; or
   with target != NULL that mailbox. name: the name that it is found by again. Returns
   NULL and the error on failure. */
struct lazy_expunge_import_box *
lazy_expunge_import_box_open(struct lazy_expunge_user *luser,
			     const char *target, const char *origin,
			     struct lazy_expunge_error *error_r);
const char *
lazy_expunge_import_box_vname(const struct lazy_expunge_import_box *ibox);
/* TRUE if it has the mail, or will have it when what was saved is committed. In a
   storage a mail of another origin is another one. */
bool lazy_expunge_import_box_has(struct lazy_expunge_import_box *ibox,
				 const struct lazy_expunge_manifest_mail *mail);
/* Before the first mail: an earlier run that was killed may have left files that the
   index does not know, and would find later. Returns 0, or -1 and the error. */
int lazy_expunge_import_box_find_left(struct lazy_expunge_import_box *ibox,
				      struct lazy_expunge_error *error_r);
/* If it has the mail, give it the flags, keywords and origin that a run that was
   killed may have left out. Returns 1 if it has it, 0 if not, -1 and the
   error. */
int lazy_expunge_import_box_complete(
	struct lazy_expunge_import_box *ibox,
	const struct lazy_expunge_manifest_mail *mail,
	struct lazy_expunge_error *error_r);
/* Returns 0, or -1 and the error: then nothing more can be saved. */
int lazy_expunge_import_box_save(struct lazy_expunge_import_box *ibox,
				 const struct lazy_expunge_manifest_mail *mail,
				 struct istream *input,
				 struct lazy_expunge_error *error_r);
/* Returns the number of mails that are in the mailbox now, or -1 and the error. */
int lazy_expunge_import_box_commit(struct lazy_expunge_import_box *ibox,
				   struct lazy_expunge_error *error_r);
/* What was not committed is not saved. Takes NULL. */
void lazy_expunge_import_box_close(struct lazy_expunge_import_box **ibox);

#endif
