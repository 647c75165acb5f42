/* Export: reads a mail twice, for its sum and size stand before it. A small one
   is kept in memory for the second time. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "hex-binary.h"
#include "istream.h"
#include "istream-crlf.h"
#include "sha2.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "core/archive-name.h"
#include "core/deletion-lines.h"
#include "inventory/select.h"
#include "export/archive-writer.h"
#include "export/export-metadata.h"
#include "inventory/live-boxes.h"
#include "export/spool.h"
#include "export/export.h"

/* What of a mail is kept in memory. */
#define EXPORT_SMALL_MAIL (256 * 1024)

struct lazy_expunge_export {
	struct lazy_expunge_user *luser;
	struct lazy_expunge_archive_writer *writer;
	const struct lazy_expunge_export_params *params;
	struct lazy_expunge_spool *json, *csv, *sums;
	uint64_t mails, bytes;
	/* of the mail that is being written, if it is small */
	buffer_t *body;
	/* names that were given, folded, and how often: the names are short of
	   their ending */
	pool_t pool;
	HASH_TABLE(char *, void *) names;
};

/* What is known of a mail before it is read. */
struct export_mail {
	struct mailbox_transaction_context *t;
	struct mail *mail;
	struct lazy_expunge_manifest_mail manifest;
	char separator;
};

struct lazy_expunge_export *
lazy_expunge_export_init(struct lazy_expunge_user *luser,
			 struct lazy_expunge_archive_writer *writer,
			 const struct lazy_expunge_export_params *params,
			 struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_export *exported =
		i_new(struct lazy_expunge_export, 1);
	string_t *titles = t_str_new(256);

	exported->luser = luser;
	exported->writer = writer;
	exported->params = params;
	exported->body = buffer_create_dynamic(default_pool, 8192);
	exported->pool = pool_alloconly_create("lazy_expunge export", 8192);
	hash_table_create(&exported->names, default_pool, 0, str_hash, strcmp);
	if (lazy_expunge_spool_init(luser->user, &exported->json,
				    &error_r->text) < 0 ||
	    lazy_expunge_spool_init(luser->user, &exported->csv,
				    &error_r->text) < 0 ||
	    lazy_expunge_spool_init(luser->user, &exported->sums,
				    &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		lazy_expunge_export_deinit(&exported);
		return NULL;
	}
	lazy_expunge_manifest_mail_write_csv(titles, NULL);
	lazy_expunge_spool_add(exported->csv, str_c(titles));
	return exported;
}

void lazy_expunge_export_deinit(struct lazy_expunge_export **_exported)
{
	struct lazy_expunge_export *exported = *_exported;

	if (exported == NULL)
		return;
	*_exported = NULL;
	lazy_expunge_spool_deinit(&exported->json);
	lazy_expunge_spool_deinit(&exported->csv);
	lazy_expunge_spool_deinit(&exported->sums);
	hash_table_destroy(&exported->names);
	pool_unref(&exported->pool);
	buffer_free(&exported->body);
	i_free(exported);
}

/* The name of the mail's file, which no other has. Data stack. */
static const char *export_name(struct lazy_expunge_export *exported,
			       const struct export_mail *email)
{
	const struct lazy_expunge_manifest_mail *manifest = &email->manifest;
	const char *base, *name, *folded;
	char *key;
	void *value;
	unsigned int count;

	base = name = lazy_expunge_archive_name(
		*manifest->origin == '\0' ? manifest->mailbox :
		manifest->origin, email->separator, manifest->received,
		manifest->subject);
	for (;;) {
		folded = lazy_expunge_archive_name_fold(name);
		if (!hash_table_lookup_full(exported->names, folded,
					    &key, &value))
			break;
		count = POINTER_CAST_TO(value, unsigned int) + 1;
		hash_table_update(exported->names, key, POINTER_CAST(count));
		name = t_strdup_printf("%s (%u)", base, count);
		/* the one with the number may be another's own: then that has
		   one more */
	}
	key = p_strdup(exported->pool, folded);
	hash_table_insert(exported->names, key, POINTER_CAST(1U));
	return t_strconcat(name, ".eml", NULL);
}

/* Read the mail as clients get it: its size and sum, and what is in the buffer if
   it is small. Returns 0, or -1 if it cannot be read. */
static int export_read_body(struct lazy_expunge_export *exported,
			    struct export_mail *email)
{
	unsigned char digest[SHA256_RESULTLEN];
	const unsigned char *data;
	struct istream *input, *crlf;
	struct sha256_ctx sum;
	size_t size;
	int ret;

	if (mail_get_stream(email->mail, NULL, NULL, &input) < 0)
		return -1;
	i_stream_seek(input, 0);
	crlf = i_stream_create_crlf(input);
	sha256_init(&sum);
	buffer_set_used_size(exported->body, 0);
	email->manifest.size = 0;
	while (i_stream_read_more(crlf, &data, &size) > 0) {
		sha256_loop(&sum, data, size);
		email->manifest.size += size;
		if (email->manifest.size <= EXPORT_SMALL_MAIL)
			buffer_append(exported->body, data, size);
		i_stream_skip(crlf, size);
	}
	ret = crlf->stream_errno != 0 ? -1 : 0;
	if (ret < 0) {
		mail_set_critical(email->mail, "read(%s) failed: %s",
				  i_stream_get_name(crlf),
				  i_stream_get_error(crlf));
	}
	i_stream_unref(&crlf);
	sha256_result(&sum, digest);
	email->manifest.sha256 = binary_to_hex(digest, sizeof(digest));
	return ret;
}

/* A mail that is not in memory, for the second time. */
static int export_write_large(struct lazy_expunge_export *exported,
			      struct export_mail *email, const char **error_r)
{
	const unsigned char *data;
	struct istream *input, *crlf;
	uint64_t left = email->manifest.size;
	size_t size;
	int ret = 0;

	if (mail_get_stream(email->mail, NULL, NULL, &input) < 0) {
		*error_r = mailbox_get_last_internal_error(email->mail->box,
							   NULL);
		return -1;
	}
	i_stream_seek(input, 0);
	crlf = i_stream_create_crlf(input);
	while (ret == 0 && left > 0 &&
	       i_stream_read_more(crlf, &data, &size) > 0) {
		size = I_MIN(size, left);
		left -= size;
		ret = lazy_expunge_archive_writer_data(exported->writer, data,
						       size, error_r);
		i_stream_skip(crlf, size);
	}
	i_stream_unref(&crlf);
	if (ret == 0 && left > 0) {
		*error_r = "The mail changed while it was read";
		ret = -1;
	}
	return ret;
}

static void export_record(struct lazy_expunge_export *exported,
			  const struct lazy_expunge_manifest_mail *manifest)
{
	string_t *str = t_str_new(512);

	if (exported->mails++ > 0)
		str_append(str, ",\n");
	exported->bytes += manifest->size;
	lazy_expunge_manifest_mail_write(str, manifest);
	lazy_expunge_spool_add(exported->json, str_c(str));
	str_truncate(str, 0);
	lazy_expunge_manifest_mail_write_csv(str, manifest);
	lazy_expunge_spool_add(exported->csv, str_c(str));
	lazy_expunge_spool_add(exported->sums,
		t_strdup_printf("%s  %s\n", manifest->sha256, manifest->file));
	if (exported->params->progress != NULL) {
		exported->params->progress(exported->params->context,
					   exported->mails);
	}
}

static int export_check_killed(struct lazy_expunge_export *exported,
			       struct lazy_expunge_error *error_r)
{
	if (exported->params->is_killed == NULL ||
	    !exported->params->is_killed())
		return 0;
	error_r->code = MAIL_ERROR_TEMP;
	error_r->text = "Killed";
	return -1;
}

static void export_open(struct export_mail *email, struct mailbox *box)
{
	static const char *const headers[] = {
		"From", "To", "Subject", NULL
	};
	struct mailbox_header_lookup_ctx *headers_ctx =
		mailbox_header_lookup_init(box, headers);

	email->t = mailbox_transaction_begin(box, 0, "lazy_expunge export");
	email->mail = mail_alloc(email->t, MAIL_FETCH_GUID, headers_ctx);
	mailbox_header_lookup_unref(&headers_ctx);
}

static void export_close(struct export_mail *email)
{
	mail_free(&email->mail);
	/* what was read need not be cached */
	mailbox_transaction_rollback(&email->t);
}

/* Returns 0 also if the mail is gone. */
static int export_mail(struct lazy_expunge_export *exported,
		       struct export_mail *email, uint32_t uid,
		       struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_manifest_mail *manifest = &email->manifest;
	const char *error = NULL;
	int ret;

	if (export_check_killed(exported, error_r) < 0)
		return -1;
	if (!mail_set_uid(email->mail, uid))
		return 0;
	if (lazy_expunge_export_metadata(email->mail, manifest) < 0 ||
	    export_read_body(exported, email) < 0) {
		if (email->mail->expunged)
			return 0;
		lazy_expunge_error_set_box(error_r,
			t_strdup_printf("Cannot read UID %u of",
					email->mail->uid), email->mail->box);
		return -1;
	}
	manifest->file = export_name(exported, email);
	ret = lazy_expunge_archive_writer_begin(exported->writer,
			manifest->file, manifest->size, manifest->received,
			&error);
	if (ret < 0)
		;
	else if (manifest->size == exported->body->used) {
		ret = lazy_expunge_archive_writer_data(exported->writer,
			exported->body->data, exported->body->used, &error);
	} else {
		ret = export_write_large(exported, email, &error);
	}
	if (ret == 0) {
		export_record(exported, manifest);
		return 0;
	}
	error_r->code = MAIL_ERROR_TEMP;
	error_r->text = error;
	return -1;
}

static char origin_separator(struct lazy_expunge_export *exported)
{
	return mail_namespace_get_sep(mail_namespace_find_inbox(
				exported->luser->user->namespaces));
}

/* The mails of a run that lie in one mailbox. */
static int export_select_run(struct lazy_expunge_export *exported,
			     struct lazy_expunge_select *select,
			     const struct lazy_expunge_select_mail *smails,
			     unsigned int count,
			     struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, smails->box);
	struct export_mail email;
	int ret = 0;

	i_zero(&email);
	export_open(&email, sbox->box);
	email.separator = origin_separator(exported);
	email.manifest.mailbox = sbox->vname;
	for (unsigned int i = 0; i < count && ret == 0; i++) T_BEGIN {
		email.manifest.origin =
			lazy_expunge_select_origin(select, &smails[i]);
		email.manifest.via =
			lazy_expunge_select_via(select, &smails[i]);
		email.manifest.deleted = smails[i].saved;
		email.manifest.deletion = smails[i].deletion == 0 ? "" :
			lazy_expunge_deletion_id_to_text(smails[i].deletion);
		ret = export_mail(exported, &email, smails[i].uid, error_r);
	} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	export_close(&email);
	return ret;
}

int lazy_expunge_export_select(struct lazy_expunge_export *exported,
			       struct lazy_expunge_select *select,
			       struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_mail *smails;
	unsigned int i = 0, count, size;

	smails = array_get(&select->mails, &count);
	while (i < count) {
		size = 1;
		while (i + size < count && smails[i + size].box == smails[i].box)
			size++;
		if (export_select_run(exported, select, smails + i, size,
				      error_r) < 0)
			return -1;
		i += size;
	}
	return 0;
}

/* The UIDs of what matches. */
static int export_live_find(struct mailbox *box, struct mail_search_args *args,
			    ARRAY_TYPE(uint32_t) *uids,
			    struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail *mail;
	int ret;

	mail_search_args_init(args, box, FALSE, NULL);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge export");
	search = mailbox_search_init(t, args, NULL, 0, NULL);
	while (mailbox_search_next(search, &mail))
		array_push_back(uids, &mail->uid);
	ret = mailbox_search_deinit(&search);
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot search", box);
	mailbox_transaction_rollback(&t);
	mail_search_args_deinit(args);
	return ret;
}

struct export_live {
	struct lazy_expunge_export *exported;
	struct mail_search_args *args;
};

static int export_live_box(struct mailbox *box, void *context,
			   struct lazy_expunge_error *error_r)
{
	struct export_live *live = context;
	struct export_mail email;
	ARRAY_TYPE(uint32_t) uids;
	uint32_t uid;
	int ret;

	i_zero(&email);
	email.separator = mail_namespace_get_sep(mailbox_get_namespace(box));
	email.manifest.mailbox = mailbox_get_vname(box);
	email.manifest.origin = email.manifest.via = "";
	email.manifest.deletion = "";
	i_array_init(&uids, 64);
	ret = export_live_find(box, live->args, &uids, error_r);
	export_open(&email, box);
	array_foreach_elem(&uids, uid) {
		if (ret == 0) T_BEGIN {
			ret = export_mail(live->exported, &email, uid, error_r);
		} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	}
	export_close(&email);
	array_free(&uids);
	return ret;
}

int lazy_expunge_export_live(struct lazy_expunge_export *exported,
			     struct mail_search_args *args,
			     const struct lazy_expunge_origin_mask *mask,
			     struct lazy_expunge_error *error_r)
{
	struct export_live live = { .exported = exported, .args = args };

	return lazy_expunge_live_boxes(exported->luser, mask, export_live_box,
				       NULL, &live, error_r);
}

static int export_finish(struct lazy_expunge_export *exported,
			 const char *head, const char **error_r)
{
	const char *sum;

	sum = lazy_expunge_spool_write(exported->csv, exported->writer,
				       LAZY_EXPUNGE_MANIFEST_CSV, "", "",
				       error_r);
	if (sum == NULL)
		return -1;
	lazy_expunge_spool_add(exported->sums,
		t_strdup_printf("%s  "LAZY_EXPUNGE_MANIFEST_CSV"\n", sum));
	sum = lazy_expunge_spool_write(exported->json, exported->writer,
				       LAZY_EXPUNGE_MANIFEST_JSON, head,
				       LAZY_EXPUNGE_MANIFEST_END, error_r);
	if (sum == NULL)
		return -1;
	lazy_expunge_spool_add(exported->sums,
		t_strdup_printf("%s  "LAZY_EXPUNGE_MANIFEST_JSON"\n", sum));
	if (lazy_expunge_spool_write(exported->sums, exported->writer,
				     LAZY_EXPUNGE_MANIFEST_SUMS, "", "",
				     error_r) == NULL)
		return -1;
	return lazy_expunge_archive_writer_finish(exported->writer, error_r);
}

int lazy_expunge_export_finish(struct lazy_expunge_export *exported,
			       struct lazy_expunge_manifest_head *head,
			       struct lazy_expunge_error *error_r)
{
	string_t *str = t_str_new(512);

	head->messages = exported->mails;
	head->bytes = exported->bytes;
	head->dovecot = DOVECOT_VERSION;
	head->version = LE_VERSION;
	lazy_expunge_manifest_head_write(str, head);
	error_r->code = MAIL_ERROR_TEMP;
	return export_finish(exported, str_c(str), &error_r->text);
}
