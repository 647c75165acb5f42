/* The metadata of a mail, for the manifest. */

#include "lib.h"
#include "array.h"
#include "mail-storage.h"
#include "core/origin-codec.h"
#include "export/export-metadata.h"

/* What of a header is in the manifest. */
#define EXPORT_MAX_HEADER 10000

static int metadata_header(struct mail *mail, const char *name,
			 const char **value_r)
{
	int ret = mail_get_first_header_utf8(mail, name, value_r);
	size_t len = EXPORT_MAX_HEADER;

	if (ret <= 0)
		*value_r = "";
	else if (strlen(*value_r) > EXPORT_MAX_HEADER) {
		/* not within a character */
		while (len > 0 && ((*value_r)[len] & 0xc0) == 0x80)
			len--;
		*value_r = t_strndup(*value_r, len);
	}
	return ret < 0 ? -1 : 0;
}

static const char *const *metadata_flags(struct mail *mail)
{
	enum mail_flags flags = mail_get_flags(mail);
	static const struct {
		enum mail_flags flag;
		const char *name;
	} names[] = {
		{ MAIL_ANSWERED, "\\Answered" },
		{ MAIL_FLAGGED, "\\Flagged" },
		{ MAIL_DELETED, "\\Deleted" },
		{ MAIL_SEEN, "\\Seen" },
		{ MAIL_DRAFT, "\\Draft" }
	};
	ARRAY_TYPE(const_string) list;

	t_array_init(&list, 8);
	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if ((flags & names[i].flag) != 0)
			array_push_back(&list, &names[i].name);
	}
	array_append_zero(&list);
	return array_front(&list);
}

static const char *const *metadata_keywords(struct mail *mail)
{
	ARRAY_TYPE(const_string) list;

	t_array_init(&list, 8);
	lazy_expunge_origin_append_others(&list, mail_get_keywords(mail));
	array_append_zero(&list);
	return array_front(&list);
}

int lazy_expunge_export_metadata(struct mail *mail,
				 struct lazy_expunge_manifest_mail *manifest)
{
	manifest->uid = mail->uid;
	manifest->flags = metadata_flags(mail);
	manifest->keywords = metadata_keywords(mail);
	return mail_get_special(mail, MAIL_FETCH_GUID, &manifest->guid) < 0 ||
		mail_get_received_date(mail, &manifest->received) < 0 ||
		metadata_header(mail, "From", &manifest->from) < 0 ||
		metadata_header(mail, "To", &manifest->to) < 0 ||
		metadata_header(mail, "Subject", &manifest->subject) < 0 ? -1 : 0;
}
