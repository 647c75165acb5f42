/* See the header. */

#include "lib.h"
#include "mail-storage-private.h"
#include "dbox-storage.h"
#include "maildir-storage.h"
#include "mdbox-storage.h"
#include "sdbox-storage.h"
#include "formats/format.h"

/* of the virtual plugin, whose header is not among Dovecot's */
#define VIRTUAL_STORAGE_NAME "virtual"
/* fail_storage */
#define FAIL_STORAGE_NAME "fail"

enum lazy_expunge_format
lazy_expunge_storage_format(const struct mail_storage *storage)
{
	static const struct {
		const char *name;
		enum lazy_expunge_format format;
	} formats[] = {
		{ MAILDIR_STORAGE_NAME, LAZY_EXPUNGE_FORMAT_MAILDIR },
		{ SDBOX_STORAGE_NAME, LAZY_EXPUNGE_FORMAT_SDBOX },
		{ MDBOX_STORAGE_NAME, LAZY_EXPUNGE_FORMAT_MDBOX },
		{ VIRTUAL_STORAGE_NAME, LAZY_EXPUNGE_FORMAT_VIRTUAL },
		{ FAIL_STORAGE_NAME, LAZY_EXPUNGE_FORMAT_FAIL },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(formats); i++) {
		if (strcmp(storage->name, formats[i].name) == 0)
			return formats[i].format;
	}
	return LAZY_EXPUNGE_FORMAT_OTHER;
}

enum lazy_expunge_format lazy_expunge_box_format(const struct mailbox *box)
{
	return lazy_expunge_storage_format(box->storage);
}
