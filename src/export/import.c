/* Import: the second pass over an archive, whose contents the first one has
   found to be as they were written. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "hex-binary.h"
#include "iostream-temp.h"
#include "istream.h"
#include "ostream.h"
#include "sha2.h"
#include "str.h"
#include "mail-user.h"
#include "account/lock.h"
#include "account/user.h"
#include "export/archive-reader.h"
#include "export/contents.h"
#include "export/import-box.h"
#include "export/import-mail.h"
#include "export/import.h"

/* Mails of one commit. */
#define IMPORT_BATCH_SIZE 500
/* What of a mail is kept in memory. */
#define IMPORT_SMALL_MAIL (256 * 1024)

struct import_target {
	struct lazy_expunge_import_box *box;
	/* index to rows */
	unsigned int row;
};

struct import {
	struct lazy_expunge_user *luser;
	const struct lazy_expunge_contents *contents;
	const struct lazy_expunge_import_params *params;
	pool_t pool;
	struct lazy_expunge_archive_reader *reader;
	ARRAY_TYPE(lazy_expunge_import_row) *rows;
	ARRAY(struct import_target) targets;
	/* indexes to targets and 1, by where the mails come from */
	HASH_TABLE(char *, void *) by_origin;
	unsigned int saved;
	uint64_t done;
	bool locked;
};

int lazy_expunge_import_verify(const struct lazy_expunge_contents *contents,
			       const char *path, const char **error_r)
{
	struct lazy_expunge_contents_file *file;
	const struct lazy_expunge_contents_problem *problem;
	const char *error;

	if (array_count(&contents->problems) > 0) {
		problem = array_front(&contents->problems);
		*error_r = t_strdup_printf("%s is not as it was written, "
			"and nothing is imported: %s is %s", path,
			problem->file, problem->state);
		return -1;
	}
	array_foreach_elem(&contents->files, file) {
		if (file->mail != NULL &&
		    lazy_expunge_import_check(file->mail, &error) < 0) {
			*error_r = t_strdup_printf("%s: this is no "
				"archive of export, and nothing is imported: "
				"%s: %s", path, file->name, error);
			return -1;
		}
	}
	return 0;
}

/* The targets are found by what decides about them. */
static const char *
target_key(struct import *import,
	   const struct lazy_expunge_manifest_mail *mail)
{
	if (import->params->target != NULL)
		return "";
	/* a mail that went through a Trash is kept as that of the Trash */
	return *mail->via != '\0' ? mail->via :
		lazy_expunge_import_origin(mail);
}

/* Storages and mailboxes may be one for many origins. */
static int target_add(struct import *import, const char *key,
		      struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_import_box *box;
	struct lazy_expunge_import_row *row;
	struct import_target *target;
	const char *vname;
	char *origin;
	unsigned int idx;

	box = lazy_expunge_import_box_open(import->luser,
					   import->params->target, key,
					   error_r);
	if (box == NULL)
		return -1;
	vname = lazy_expunge_import_box_vname(box);
	for (idx = 0; idx < array_count(&import->targets); idx++) {
		row = array_idx_modifiable(import->rows, idx);
		if (strcmp(row->mailbox, vname) == 0)
			break;
	}
	if (idx < array_count(&import->targets))
		lazy_expunge_import_box_close(&box);
	else {
		target = array_append_space(&import->targets);
		target->box = box;
		target->row = idx;
		row = array_append_space(import->rows);
		row->mailbox = p_strdup(import->pool, vname);
	}
	origin = p_strdup(import->pool, key);
	hash_table_insert(import->by_origin, origin, POINTER_CAST(idx + 1));
	return 0;
}

static struct import_target *
target_get(struct import *import,
	   const struct lazy_expunge_manifest_mail *mail,
	   struct lazy_expunge_error *error_r)
{
	const char *key = target_key(import, mail);
	void *value = hash_table_lookup(import->by_origin, key);

	if (value == NULL) {
		if (target_add(import, key, error_r) < 0)
			return NULL;
		value = hash_table_lookup(import->by_origin, key);
	}
	return array_idx_modifiable(&import->targets,
		POINTER_CAST_TO(value, unsigned int) - 1);
}

/* Commit what was saved, and let others have the account. */
static int import_commit(struct import *import,
			 struct lazy_expunge_error *error_r)
{
	struct import_target *target;
	struct lazy_expunge_import_row *row;
	int count, ret = 0;

	array_foreach_modifiable(&import->targets, target) {
		if (ret < 0)
			break;
		count = lazy_expunge_import_box_commit(target->box, error_r);
		if (count < 0) {
			ret = -1;
			continue;
		}
		row = array_idx_modifiable(import->rows, target->row);
		row->imported += (unsigned int)count;
	}
	import->saved = 0;
	if (import->locked)
		lazy_expunge_lock_put(import->luser);
	import->locked = FALSE;
	return ret;
}

/* As for a delete: a commit to mdbox is marked by who holds the account's
   lock. */
static int import_lock(struct import *import,
		       struct lazy_expunge_error *error_r)
{
	const char *error;
	int ret;

	if (import->locked)
		return 0;
	ret = lazy_expunge_lock_get(import->luser,
				    LAZY_EXPUNGE_LOCK_TIMEOUT_SECS, &error);
	if (ret > 0) {
		import->locked = TRUE;
		return 0;
	}
	error_r->code = ret == 0 ? MAIL_ERROR_INUSE : MAIL_ERROR_TEMP;
	error_r->text = t_strdup_printf("Cannot lock the account: %s", error);
	return -1;
}

/* Read the mail from the archive. Returns 0, or -1 and the error. */
static int import_read_file(struct import *import, struct ostream *output,
			    struct sha256_ctx *sum, const char **error_r)
{
	const void *data;
	size_t size;
	int ret;

	while ((ret = lazy_expunge_archive_reader_data(import->reader, &data,
						       &size, error_r)) > 0) {
		sha256_loop(sum, data, size);
		if (o_stream_send(output, data, size) != (ssize_t)size) {
			*error_r = t_strdup_printf("A temporary file cannot be "
				"written: %s", o_stream_get_error(output));
			return -1;
		}
	}
	return ret;
}

/* Read the mail, which must be the one that was read before. */
static struct istream *
import_read(struct import *import,
	    const struct lazy_expunge_contents_file *file, const char **error_r)
{
	string_t *prefix = t_str_new(128);
	unsigned char digest[SHA256_RESULTLEN];
	struct ostream *output;
	struct sha256_ctx sum;
	int ret;

	mail_user_set_get_temp_prefix(prefix, import->luser->user->set);
	output = iostream_temp_create_sized(str_c(prefix), 0, "(import)",
					    IMPORT_SMALL_MAIL);
	sha256_init(&sum);
	ret = import_read_file(import, output, &sum, error_r);
	sha256_result(&sum, digest);
	if (ret == 0 && strcmp(binary_to_hex(digest, sizeof(digest)),
			       file->sha256) != 0) {
		*error_r = t_strdup_printf("%s: the archive changed while it "
					   "was read", import->params->path);
		ret = -1;
	}
	if (ret == 0)
		return iostream_temp_finish(&output, IO_BLOCK_SIZE);
	o_stream_destroy(&output);
	return NULL;
}

static int import_save(struct import *import, struct import_target *target,
		       const struct lazy_expunge_contents_file *file,
		       struct lazy_expunge_error *error_r)
{
	struct istream *input;
	int ret;

	if (import_lock(import, error_r) < 0)
		return -1;
	input = import_read(import, file, &error_r->text);
	if (input == NULL) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	ret = lazy_expunge_import_box_save(target->box, file->mail, input,
					   error_r);
	i_stream_unref(&input);
	if (ret == 0 && ++import->saved == IMPORT_BATCH_SIZE)
		ret = import_commit(import, error_r);
	return ret;
}

static int import_mail(struct import *import,
		       const struct lazy_expunge_contents_file *file,
		       struct lazy_expunge_error *error_r)
{
	struct import_target *target;
	struct lazy_expunge_import_row *row;

	if (import->params->is_killed != NULL && import->params->is_killed()) {
		error_r->code = MAIL_ERROR_TEMP;
		error_r->text = "Killed";
		return -1;
	}
	target = target_get(import, file->mail, error_r);
	if (target == NULL)
		return -1;
	if (lazy_expunge_import_box_has(target->box, file->mail)) {
		row = array_idx_modifiable(import->rows, target->row);
		row->skipped++;
	} else if (import_save(import, target, file, error_r) < 0) {
		return -1;
	}
	import->done++;
	if (import->params->progress != NULL) {
		import->params->progress(import->params->context,
					 import->done);
	}
	return 0;
}

static int import_mails(struct import *import,
			struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_contents_file *file;
	const char *name;
	int next, ret = 0;

	while (ret == 0 && (next = lazy_expunge_archive_reader_next(
				import->reader, &name, &error_r->text)) != 0) {
		if (next < 0) {
			error_r->code = MAIL_ERROR_TEMP;
			return -1;
		}
		file = hash_table_lookup(import->contents->by_name, name);
		if (file != NULL && file->mail != NULL) T_BEGIN {
			ret = import_mail(import, file, error_r);
		} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	}
	return ret < 0 ? -1 : import_commit(import, error_r);
}

static void import_close(struct import *import)
{
	struct import_target *target;

	array_foreach_modifiable(&import->targets, target)
		lazy_expunge_import_box_close(&target->box);
	if (import->locked)
		lazy_expunge_lock_put(import->luser);
	array_free(&import->targets);
	hash_table_destroy(&import->by_origin);
	lazy_expunge_archive_reader_deinit(&import->reader);
}

int lazy_expunge_import(struct lazy_expunge_user *luser, int fd,
			const struct lazy_expunge_contents *contents,
			const struct lazy_expunge_import_params *params,
			pool_t pool, ARRAY_TYPE(lazy_expunge_import_row) *rows,
			struct lazy_expunge_error *error_r)
{
	struct import import = {
		.luser = luser,
		.contents = contents,
		.params = params,
		.pool = pool,
		.rows = rows,
	};
	int ret;

	if (lazy_expunge_archive_reader_init(fd, params->path, &import.reader,
					     &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	i_array_init(&import.targets, 4);
	hash_table_create(&import.by_origin, default_pool, 0, str_hash, strcmp);
	ret = import_mails(&import, error_r);
	import_close(&import);
	return ret;
}
