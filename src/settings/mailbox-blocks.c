/* Retention as configured: what mail_user_autoexpunge() goes by. */

#include "lib.h"
#include "ioloop.h"
#include "imap-match.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "compat/dovecot.h"
#include "settings/mailbox-blocks.h"

/* how far in the future a time of renaming may be; beyond, it is an error */
#define RENAMED_FUTURE_SECS 60

static bool block_names(struct mail_namespace *ns,
			const struct mailbox_settings *block,
			const char *vname)
{
	const char *name = t_strconcat(ns->prefix, block->name, NULL);
	struct imap_match_glob *glob;
	bool match;

	if (strpbrk(block->name, "*?") == NULL) {
		/* a block without a name is for the prefix itself */
		if (block->name[0] == '\0' && ns->prefix_len > 0)
			name = t_strndup(ns->prefix, ns->prefix_len - 1);
		return strcmp(name, vname) == 0;
	}
	glob = imap_match_init(default_pool, name, FALSE,
			       mail_namespace_get_sep(ns));
	match = imap_match(glob, vname) == IMAP_MATCH_YES;
	imap_match_deinit(&glob);
	return match;
}

static void keep_shorter(unsigned int *value, unsigned int other)
{
	if (other > 0 && (*value == 0 || other < *value))
		*value = other;
}

void lazy_expunge_keep_time_get(struct mail_namespace *ns, const char *vname,
				struct lazy_expunge_retention *set_r)
{
	const struct mailbox_settings *block;

	i_zero(set_r);
	for (unsigned int i = 0;; i++) {
		block = lazy_expunge_compat_mailbox_settings(ns, i);
		if (block == NULL)
			break;
		if (block->autoexpunge == 0 && block->autoexpunge_max_mails == 0)
			continue;
		T_BEGIN {
			if (block_names(ns, block, vname)) {
				keep_shorter(&set_r->autoexpunge,
					     block->autoexpunge);
				keep_shorter(&set_r->max_mails,
					     block->autoexpunge_max_mails);
			}
		} T_END;
	}
}

time_t lazy_expunge_keep_time_renamed(struct mailbox *box)
{
	const void *data;
	size_t size;
	uint32_t stamp;

	mail_index_get_header_ext(box->view, box->box_last_rename_stamp_ext_id,
				  &data, &size);
	if (size < sizeof(stamp))
		return 0;
	memcpy(&stamp, data, sizeof(stamp));
	return stamp > ioloop_time + RENAMED_FUTURE_SECS ? 0 : (time_t)stamp;
}
