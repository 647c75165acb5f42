#ifndef LAZY_EXPUNGE_COMPAT_QUOTA_H
#define LAZY_EXPUNGE_COMPAT_QUOTA_H

/* What differs between versions in the API of the quota plugin. */

#include "lazy-expunge-config.h"
#include "quota-private.h"

/* quota_try_alloc() by a pointer to it, for a mail that takes the place of none. */
#ifdef HAVE_SAVE_EXPUNGED_MAIL
#  define LAZY_EXPUNGE_COMPAT_QUOTA_TRY_ALLOC(func, ctx, mail, error_r) \
	(func)(ctx, mail, NULL, NULL, error_r)
#else
#  define LAZY_EXPUNGE_COMPAT_QUOTA_TRY_ALLOC(func, ctx, mail, error_r) \
	(func)(ctx, mail, error_r)
#endif

#endif
