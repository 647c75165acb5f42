#ifndef LAZY_EXPUNGE_ARCHIVE_LOCALE_H
#define LAZY_EXPUNGE_ARCHIVE_LOCALE_H

/* libarchive takes names as the locale's, and doveadm has none: while it has to do
   with names, the locale of this thread has UTF-8. */

#include <locale.h>

struct lazy_expunge_archive_locale {
	locale_t utf8, old;
};

static inline void
lazy_expunge_archive_locale_set(struct lazy_expunge_archive_locale *locale)
{
	locale->old = (locale_t)0;
	locale->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (locale->utf8 != (locale_t)0)
		locale->old = uselocale(locale->utf8);
}

static inline void
lazy_expunge_archive_locale_reset(struct lazy_expunge_archive_locale *locale)
{
	if (locale->utf8 == (locale_t)0)
		return;
	(void)uselocale(locale->old);
	freelocale(locale->utf8);
}

#endif
