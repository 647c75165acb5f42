#ifndef LAZY_EXPUNGE_EXPORT_H
#define LAZY_EXPUNGE_EXPORT_H

/* Mails into an archive: each as a file, and at the end a manifest of them and
   their sums. Memory is that of one mail, and some bytes for each name. */

#include "account/error.h"
#include "core/manifest.h"

struct lazy_expunge_archive_writer;
struct lazy_expunge_export;
struct lazy_expunge_origin_mask;
struct lazy_expunge_select;
struct lazy_expunge_user;
struct mail_search_args;

struct lazy_expunge_export_params {
	/* Returns TRUE when the rest is not to be done any more; may be NULL. */
	bool (*is_killed)(void);
	/* Called after each mail with their number; may be NULL. */
	void (*progress)(void *context, uint64_t mails);
	void *context;
};

/* Returns NULL and the error on failure. params must stay. */
struct lazy_expunge_export *
lazy_expunge_export_init(struct lazy_expunge_user *luser,
			 struct lazy_expunge_archive_writer *writer,
			 const struct lazy_expunge_export_params *params,
			 struct lazy_expunge_error *error_r);
/* The mails that were found in the storages. Returns 0, or -1 and the error. */
int lazy_expunge_export_select(struct lazy_expunge_export *exported,
			       struct lazy_expunge_select *select,
			       struct lazy_expunge_error *error_r);
/* What matches in the user's other mailboxes, of those that the mask (NULL =
   all) has. Returns 0, or -1 and the error. */
int lazy_expunge_export_live(struct lazy_expunge_export *exported,
			     struct mail_search_args *args,
			     const struct lazy_expunge_origin_mask *mask,
			     struct lazy_expunge_error *error_r);
/* Write the manifest, with this head, in which the numbers are set. Returns 0, or
   -1 and the error. */
int lazy_expunge_export_finish(struct lazy_expunge_export *exported,
			       struct lazy_expunge_manifest_head *head,
			       struct lazy_expunge_error *error_r);
/* Takes NULL. */
void lazy_expunge_export_deinit(struct lazy_expunge_export **exported);

#endif
