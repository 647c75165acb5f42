#ifndef LAZY_EXPUNGE_ARCHIVE_NAME_H
#define LAZY_EXPUNGE_ARCHIVE_NAME_H

/* Names of files in an archive, made of what mails and mailboxes are called, so
   that they can be unpacked everywhere: on file systems with few characters,
   short names, reserved names or no case. */

/* The directory and the name of a mail without its ending: "Work/Spring/2023-01-02
   03.04.05 Offer". origin: its parts are joined by separator. Times are UTC. Data
   stack. */
const char *lazy_expunge_archive_name(const char *origin, char separator,
				      time_t received, const char *subject);
/* What is the same for two names that a file system may take for one: case and
   Unicode's ways to write a character do not count. Data stack. */
const char *lazy_expunge_archive_name_fold(const char *name);
/* TRUE if a name that an archive has can only be a file below where it is
   unpacked. */
bool lazy_expunge_archive_name_is_safe(const char *name);

#endif
