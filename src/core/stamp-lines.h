#ifndef LAZY_EXPUNGE_STAMP_LINES_H
#define LAZY_EXPUNGE_STAMP_LINES_H

/* The stamp of a user's maintenance as text: lines of a name, a space and a
   number, which monitoring may read. After them comes until when there is
   nothing to do, with a check sum, for maintenance itself. */

struct lazy_expunge_stamp {
	/* when it ended */
	time_t time;
	uint64_t expunged, bytes, failed;

	/* When mailboxes were looked at, and when there may be something to
	   do at the earliest; 0 = not known, nor is the rest. */
	time_t looked, next;
	/* lazy_expunge_idle: the settings, and lines of core/file-line.h */
	const char *settings;
	/* what userdb said of the user, and the configuration, when the settings
	   were read (doveadm/pass-over.h), NULL = not known */
	const char *lookup;
	/* core/catalog-row.h, NULL = not known */
	const char *row;
	const char *watch;
};

/* Where the digits of the time stand, which may be written over alone. */
#define LAZY_EXPUNGE_STAMP_TIME_OFFSET (sizeof("time ") - 1)

/* The time as it stands in the text, always of the same length. Data stack. */
const char *lazy_expunge_stamp_time_digits(time_t time);
/* Append the text. What is not known of the second part is left out. */
void lazy_expunge_stamp_append(string_t *dest,
			       const struct lazy_expunge_stamp *stamp);
/* Read a text. Lines of other names are left alone; what is missing, or wrong by
   the check sum, is 0 or NULL, as is time if this is no stamp. Texts are on the
   data stack. */
void lazy_expunge_stamp_parse(const char *text,
			      struct lazy_expunge_stamp *stamp_r);

#endif
