/* Excluded mailboxes: what an exclude list is compared with. */

#include "lib.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "core/exclude.h"
#include "settings/excluded.h"

bool lazy_expunge_settings_exclude_box(const struct lazy_expunge_settings *set,
				       struct mailbox *box)
{
	bool excluded;

	T_BEGIN {
		const struct lazy_expunge_match match = {
			.vname = box->vname,
			.prefix_len = box->list->ns->prefix_len,
			.storage_name = box->name,
			.special_use = lazy_expunge_compat_special_use(box),
		};
		excluded = lazy_expunge_match(set->exclude, &match);
	} T_END;
	return excluded;
}
