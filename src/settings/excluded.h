#ifndef LAZY_EXPUNGE_SETTINGS_EXCLUDED_H
#define LAZY_EXPUNGE_SETTINGS_EXCLUDED_H

#include "core/setting-values.h"

struct mailbox;

/* TRUE if the exclude list of the settings names the mailbox. */
bool lazy_expunge_settings_exclude_box(const struct lazy_expunge_settings *set,
				       struct mailbox *box);

#endif
