#ifndef LAZY_EXPUNGE_ORIGIN_CARRIER_H
#define LAZY_EXPUNGE_ORIGIN_CARRIER_H

/* How a mail carries its origin in the storage: by a keyword, which each program
   can read and search for, while few origins have one and it is short enough
   for dsync; else by a number. */

#include "core/origin-id.h"

struct lazy_expunge_letters;
struct mailbox;

/* The carriers for the mails of one origin in one mailbox of the storage. */
struct lazy_expunge_origin_carriers;

/* letters are those of dest, NULL if it has none; they must stay. dest need not
   be open. vname = NULL: the origin is not recorded. */
struct lazy_expunge_origin_carriers *
lazy_expunge_origin_carriers_init(struct mailbox *dest,
				  struct lazy_expunge_letters *letters,
				  const char *vname, const char *via);
/* TRUE if they are for this origin and Trash. */
bool lazy_expunge_origin_carriers_match(
			const struct lazy_expunge_origin_carriers *carriers,
			const char *vname, const char *via);
/* Takes NULL. */
void lazy_expunge_origin_carriers_deinit(
			struct lazy_expunge_origin_carriers **carriers);
/* The carrier for the next mail that Dovecot saves: by keyword, number or both.
   dest must be open. */
const struct lazy_expunge_origin_carrier *
lazy_expunge_origin_carrier_for_save(
			struct lazy_expunge_origin_carriers *carriers);
/* The carrier for the next mail that is linked into the Maildir, NULL if mails of
   this transaction are to be saved by Dovecot, so that the keyword gets a letter. */
const struct lazy_expunge_origin_carrier *
lazy_expunge_origin_carrier_for_link(
			struct lazy_expunge_origin_carriers *carriers);
/* The transaction that saved or linked the mails has ended. */
void lazy_expunge_origin_carriers_committed(
			struct lazy_expunge_origin_carriers *carriers);

#endif
