/* Archives by their names. */

#include "lib.h"
#include "export/archive-format.h"

static const struct {
	const char *end;
	enum lazy_expunge_archive_format format;
} formats[] = {
	{ ".tar", LAZY_EXPUNGE_ARCHIVE_TAR },
	{ ".tar.gz", LAZY_EXPUNGE_ARCHIVE_TAR_GZ },
	{ ".tgz", LAZY_EXPUNGE_ARCHIVE_TAR_GZ },
	{ ".tar.zst", LAZY_EXPUNGE_ARCHIVE_TAR_ZST },
	{ ".zip", LAZY_EXPUNGE_ARCHIVE_ZIP },
};

int lazy_expunge_archive_format_find(const char *name,
				     enum lazy_expunge_archive_format *format_r)
{
	size_t len = strlen(name), end_len;

	*format_r = LAZY_EXPUNGE_ARCHIVE_TAR;
	if (strcmp(name, "-") == 0)
		return 0;
	for (unsigned int i = 0; i < N_ELEMENTS(formats); i++) {
		end_len = strlen(formats[i].end);
		if (len > end_len && name[len - end_len - 1] != '/' &&
		    strcasecmp(name + len - end_len, formats[i].end) == 0) {
			*format_r = formats[i].format;
			return 0;
		}
	}
	return -1;
}
