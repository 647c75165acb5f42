#ifndef LAZY_EXPUNGE_MANIFEST_H
#define LAZY_EXPUNGE_MANIFEST_H

/* The manifest of an archive: a line of JSON for its head, one for each mail;
   and the same as CSV. */

#define LAZY_EXPUNGE_MANIFEST_JSON "manifest.json"
#define LAZY_EXPUNGE_MANIFEST_CSV "manifest.csv"
#define LAZY_EXPUNGE_MANIFEST_SUMS "SHA256SUMS"
/* Before the first mail, and after the last one. */
#define LAZY_EXPUNGE_MANIFEST_BEGIN "\"mails\":[\n"
#define LAZY_EXPUNGE_MANIFEST_END "\n]}\n"

/* Texts are "" if there is none, times 0. */
struct lazy_expunge_manifest_mail {
	const char *file, *guid;
	uint32_t uid;
	/* where it is; where it was deleted, and the Trash between */
	const char *mailbox, *origin, *via;
	/* the number of the deletion */
	const char *deletion;
	time_t deleted, received;
	const char *from, *to, *subject;
	/* NULL-terminated */
	const char *const *flags, *const *keywords;
	uint64_t size;
	/* hexadecimal */
	const char *sha256;
};

struct lazy_expunge_manifest_head {
	const char *user, *query, *by, *server, *dovecot, *version;
	time_t created;
	uint64_t messages, bytes;
};

/* Append the line, without a comma or an end of line. */
void lazy_expunge_manifest_mail_write(
	string_t *str, const struct lazy_expunge_manifest_mail *mail);
/* Append the line of CSV (RFC 4180) with its end; NULL = that of the titles. What a
   spreadsheet would take for a formula has a ' before it. */
void lazy_expunge_manifest_mail_write_csv(
	string_t *str, const struct lazy_expunge_manifest_mail *mail);
/* Append the head, up to LAZY_EXPUNGE_MANIFEST_BEGIN. */
void lazy_expunge_manifest_head_write(
	string_t *str, const struct lazy_expunge_manifest_head *head);
/* Read a line, with a comma at its end or not. Everything is allocated from the
   pool. Returns 0, or -1 if it is none. */
int lazy_expunge_manifest_mail_read(pool_t pool, const char *line,
				    struct lazy_expunge_manifest_mail *mail_r);
int lazy_expunge_manifest_head_read(pool_t pool, const char *line,
				    struct lazy_expunge_manifest_head *head_r);

#endif
