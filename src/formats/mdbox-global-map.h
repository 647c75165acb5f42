#ifndef LAZY_EXPUNGE_MDBOX_GLOBAL_MAP_H
#define LAZY_EXPUNGE_MDBOX_GLOBAL_MAP_H

/* mdbox's map: which mail lies in which file, and how many mailboxes it is in. */

struct mail_namespace;
struct mail_storage;

/* The log that each change of the map of a namespace's storage is written to
   first. Data stack; NULL if it lies nowhere in the file system. */
const char *lazy_expunge_mdbox_map_log_path(struct mail_namespace *ns);
/* How many files have mail that is in no mailbox any more (doveadm purge removes
   it). Returns 0 if ok, -1 if that cannot be told. */
int lazy_expunge_mdbox_map_purgeable(struct mail_storage *storage,
				     unsigned int *files_r);
/* See what other processes have done (mdbox_map_refresh()). Returns 0 if ok, -1
   if the counts may be old, because of an error or of a transaction that is open
   upon them. */
int lazy_expunge_mdbox_map_refresh(struct mail_storage *storage);
/* Let Dovecot see to the map's logs, as it does at the end of each change of the
   map (mdbox_map_atomic_finish()): one that is large is turned over, and one that
   was goes when it is old. Nothing happens if there is no map, or on an error. */
void lazy_expunge_mdbox_map_sync(struct mail_storage *storage);

#endif
