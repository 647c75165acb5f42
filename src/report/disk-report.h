#ifndef LAZY_EXPUNGE_DISK_REPORT_H
#define LAZY_EXPUNGE_DISK_REPORT_H

#include "account/error.h"

struct lazy_expunge_user;

struct lazy_expunge_disk_report {
	/* what the mails of the storages take (formats/disk.h) */
	uint64_t disk;
	/* what a purge would free, of all that the account's mdbox has */
	uint64_t purgeable;
};

/* Looks at every mail. Returns 0 if ok, -1 and the error. */
int lazy_expunge_disk_report(struct lazy_expunge_user *luser,
			     struct lazy_expunge_disk_report *report_r,
			     struct lazy_expunge_error *error_r);

#endif
