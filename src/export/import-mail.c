/* Imported mails: what a manifest may say of one, and what of it is saved. */

#include "lib.h"
#include "mail-types.h"
#include "core/manifest.h"
#include "core/origin-codec.h"
#include "export/import-mail.h"

/* No GUID of Dovecot and no keyword is longer. */
#define IMPORT_MAX_GUID 200
#define IMPORT_MAX_KEYWORD 1000

static const struct {
	const char *name;
	enum mail_flags flag;
} flag_names[] = {
	{ "\\Answered", MAIL_ANSWERED },
	{ "\\Flagged", MAIL_FLAGGED },
	{ "\\Deleted", MAIL_DELETED },
	{ "\\Seen", MAIL_SEEN },
	{ "\\Draft", MAIL_DRAFT },
};

/* Returns FALSE if there is no such flag. */
static bool flag_find(const char *name, enum mail_flags *flag_r)
{
	for (unsigned int i = 0; i < N_ELEMENTS(flag_names); i++) {
		if (strcmp(flag_names[i].name, name) == 0) {
			*flag_r = flag_names[i].flag;
			return TRUE;
		}
	}
	return FALSE;
}

/* TRUE if it is printable ASCII, of none of these characters. */
static bool word_is_plain(const char *word, size_t max_len, const char *not)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < len; i++) {
		if (word[i] <= ' ' || word[i] >= 0x7f ||
		    strchr(not, word[i]) != NULL)
			return FALSE;
	}
	return len > 0 && len <= max_len;
}

int lazy_expunge_import_check(const struct lazy_expunge_manifest_mail *mail,
			      const char **error_r)
{
	const char *const *word;
	enum mail_flags flag;

	*error_r = "its GUID cannot be";
	if (!word_is_plain(mail->guid, IMPORT_MAX_GUID, "/"))
		return -1;
	*error_r = "it has a flag that there is not";
	for (word = mail->flags; *word != NULL; word++) {
		if (!flag_find(*word, &flag))
			return -1;
	}
	*error_r = "it has a keyword that cannot be";
	for (word = mail->keywords; *word != NULL; word++) {
		if (!word_is_plain(*word, IMPORT_MAX_KEYWORD, "(){%*\"\\]") ||
		    lazy_expunge_origin_is_keyword(*word))
			return -1;
	}
	return 0;
}

const char *
lazy_expunge_import_origin(const struct lazy_expunge_manifest_mail *mail)
{
	/* what was not deleted is where it is */
	return *mail->origin == '\0' && mail->deleted == 0 ?
		mail->mailbox : mail->origin;
}

enum mail_flags
lazy_expunge_import_flags(const struct lazy_expunge_manifest_mail *mail)
{
	const char *const *name;
	enum mail_flags flags = 0, flag;

	for (name = mail->flags; *name != NULL; name++) {
		if (flag_find(*name, &flag) && flag != MAIL_DELETED)
			flags |= flag;
	}
	return flags;
}
