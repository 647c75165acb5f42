/* Plan of a target: asks of it what Dovecot asks only when it creates a mailbox
   or saves to one. */

#include "lib.h"
#include "istream.h"
#include "mail-storage-private.h"
#include "account/acl.h"
#include "restore/plan-target.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include <sys/stat.h>

static int plan_fail(struct mailbox *box, const char *path, int error,
		     struct lazy_expunge_error *error_r)
{
	error_r->code = error == EACCES || error == EROFS ?
		MAIL_ERROR_PERM : MAIL_ERROR_NOTPOSSIBLE;
	error_r->text = t_strdup_printf("Cannot create %s: %s: %s",
					mailbox_get_vname(box), path,
					strerror(error));
	return -1;
}

/* Returns 0 if the directory is there or could be made, or errno. *path_r is
   where it could not. */
static int directory_can_be_made(const char *path, const char **path_r)
{
	const char *p, *name;
	struct stat st;

	if (strlen(path) >= PATH_MAX) {
		*path_r = path;
		return ENAMETOOLONG;
	}
	while (stat(path, &st) < 0) {
		*path_r = path;
		p = strrchr(path, '/');
		/* ENOTDIR: a parent is a file, which is seen there */
		if ((errno != ENOENT && errno != ENOTDIR) || p == NULL)
			return errno;
		name = p + 1;
		if (strlen(name) > NAME_MAX)
			return ENAMETOOLONG;
		path = p == path ? "/" : t_strdup_until(path, p);
	}
	*path_r = path;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0 ?
		errno : 0;
}

/* It could be there, and hidden from the user. */
static bool plan_may_create(struct mailbox *box)
{
	const char *const *rights;
	struct mailbox *seen;
	enum mailbox_existence existence;
	bool hidden;
	int ret;

	if ((box->flags & MAILBOX_FLAG_IGNORE_ACLS) != 0)
		return TRUE;
	ret = lazy_expunge_acl_get_parent_rights(box, &rights);
	if (ret == 0)
		return TRUE;
	if (!lazy_expunge_acl_has(ret, rights, "create"))
		return FALSE;
	seen = mailbox_alloc(box->list, mailbox_get_vname(box),
			     MAILBOX_FLAG_IGNORE_ACLS);
	hidden = mailbox_exists(seen, FALSE, &existence) == 0 &&
		existence == MAILBOX_EXISTENCE_SELECT;
	mailbox_free(&seen);
	return !hidden;
}

int lazy_expunge_restore_plan_create(struct mailbox *box,
				     struct lazy_expunge_error *error_r)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
	};
	const char *path, *where;
	int error;

	if (mailbox_verify_create_name(box) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot create", box);
		return -1;
	}
	if (!plan_may_create(box)) {
		error_r->code = MAIL_ERROR_PERM;
		error_r->text = t_strdup_printf("Cannot create %s: the "
			"user has no right to", mailbox_get_vname(box));
		return -1;
	}
	/* what has no quota has no mail of its own: virtual mailboxes */
	if ((box->storage->class_flags &
	     MAIL_STORAGE_CLASS_FLAG_NOQUOTA) != 0) {
		error_r->code = MAIL_ERROR_NOTPOSSIBLE;
		error_r->text = t_strdup_printf("Cannot create %s: mailboxes "
			"of this namespace are not made by clients",
			mailbox_get_vname(box));
		return -1;
	}
	for (unsigned int i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_get_path_to(box, types[i], &path) <= 0)
			continue;
		error = directory_can_be_made(path, &where);
		if (error != 0)
			return plan_fail(box, where, error, error_r);
	}
	return 0;
}

/* A virtual mailbox takes mail only if its configuration says where to. */
static int virtual_can_save(struct mailbox *box)
{
	struct mailbox_transaction_context *t;
	struct mail_save_context *ctx;
	struct istream *input;
	int ret;

	t = mailbox_transaction_begin(box, MAILBOX_TRANSACTION_FLAG_EXTERNAL,
				      "lazy_expunge restore");
	ctx = mailbox_save_alloc(t);
	input = i_stream_create_from_data("", 0);
	ret = mailbox_save_begin(&ctx, input);
	if (ret == 0)
		mailbox_save_cancel(&ctx);
	i_stream_unref(&input);
	mailbox_transaction_rollback(&t);
	return ret;
}

int lazy_expunge_restore_plan_save(struct mailbox *box,
				   struct lazy_expunge_error *error_r)
{
	const char *const *rights;
	int ret;

	if (mailbox_is_readonly(box)) {
		error_r->code = MAIL_ERROR_PERM;
		error_r->text = t_strdup_printf("Cannot save to %s: the "
			"mailbox is read-only", mailbox_get_vname(box));
		return -1;
	}
	ret = (box->flags & MAILBOX_FLAG_IGNORE_ACLS) != 0 ? 0 :
		lazy_expunge_acl_get_rights(box, &rights);
	if (ret != 0 && !lazy_expunge_acl_has(ret, rights, "insert")) {
		error_r->code = MAIL_ERROR_PERM;
		error_r->text = t_strdup_printf("Cannot save to %s: the "
			"user has no right to", mailbox_get_vname(box));
		return -1;
	}
	if (box->virtual_vfuncs != NULL && virtual_can_save(box) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot save to", box);
		return -1;
	}
	return 0;
}
