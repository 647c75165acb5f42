/* File names of a Maildir with origin numbers. */

#include "lib.h"
#include "maildir-storage.h"
#include "maildir-uidlist.h"
#include "maildir-sync.h"
#include "core/deletion-lines.h"
#include "core/origin-id.h"
#include "formats/origin-fname.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct fname_context {
	uint64_t id;
	uint32_t deletion;
	/* why it could not be written, 0 if it was */
	int error;
};

static void context_read(struct fname_context *ctx, const char *fname)
{
	ctx->id = lazy_expunge_origin_id_from_fname(fname);
	ctx->deletion = lazy_expunge_deletion_id_from_fname(fname);
}

/* These return 0 if the file may have another name by now, else 1. */
static int fname_read(struct maildir_mailbox *mbox ATTR_UNUSED,
		      const char *path, struct fname_context *ctx)
{
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	context_read(ctx, path);
	return 1;
}

static int fname_write(struct maildir_mailbox *mbox ATTR_UNUSED,
		       const char *path, struct fname_context *ctx)
{
	const char *fname = strrchr(path, '/') + 1, *dir = path, *new_path;

	if (lazy_expunge_origin_id_from_fname(path) != 0)
		return 1;
	/* only in cur/ names have flags, and what follows them */
	dir = t_strdup_until(path, fname);
	if (strchr(fname, ':') == NULL)
		fname = t_strconcat("../cur/", fname, ":2,", NULL);
	new_path = t_strconcat(dir, fname,
			       lazy_expunge_origin_id_to_info(ctx->id), NULL);
	if (rename(path, new_path) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	ctx->error = errno;
	return 1;
}

static void fname_find(struct mail *mail, struct fname_context *ctx)
{
	struct maildir_mailbox *mbox = MAILDIR_MAILBOX(mail->box);
	enum maildir_uidlist_rec_flag flags;
	const char *fname;
	int ret;

	ret = maildir_sync_lookup(mbox, mail->uid, &flags, &fname);
	if (ret <= 0)
		return;
	/* the name as the directory has it */
	if ((flags & MAILDIR_UIDLIST_REC_FLAG_NONSYNCED) == 0)
		context_read(ctx, fname);
	/* a guess is wrong if the name has a number, and then it is looked for */
	else if (maildir_file_do(mbox, mail->uid, fname_read, ctx) < 0)
		i_zero(ctx);
}

uint64_t lazy_expunge_origin_fname_read(struct mail *mail, uint32_t *deletion_r)
{
	struct fname_context ctx = { .id = 0 };

	fname_find(mail, &ctx);
	if (deletion_r != NULL)
		*deletion_r = ctx.deletion;
	return ctx.id;
}

void lazy_expunge_origin_fname_write(struct mailbox *box, uint32_t uid,
				     uint64_t id)
{
	struct fname_context ctx = { .id = id };

	if (maildir_file_do(MAILDIR_MAILBOX(box), uid, fname_write,
			    &ctx) >= 0 && ctx.error == 0)
		return;
	errno = ctx.error;
	e_warning(box->event, "lazy_expunge: UID %u: The origin cannot be "
		  "written to the file name%s", uid, ctx.error == 0 ? "" :
		  t_strdup_printf(": %m"));
}
