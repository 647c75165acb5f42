#ifndef LAZY_EXPUNGE_WATCH_H
#define LAZY_EXPUNGE_WATCH_H

/* Files that tell whether a mailbox changed: what was learnt from the mailboxes
   holds as long as none of these files did. Kept as text, a line a file. */

#include "lib.h"

struct mail_namespace;
struct lazy_expunge_watch;

/* now: changes from here on are to be seen. Look at the mailboxes only after
   their files were added, so that nothing is missed in between. */
struct lazy_expunge_watch *lazy_expunge_watch_init(time_t now);
/* Takes NULL. */
void lazy_expunge_watch_deinit(struct lazy_expunge_watch **watch);

/* Mails come and go in a mailbox, which need not exist. */
void lazy_expunge_watch_mailbox(struct lazy_expunge_watch *watch,
				struct mail_namespace *ns, const char *vname);
/* Mailboxes come and go in a namespace. */
void lazy_expunge_watch_list(struct lazy_expunge_watch *watch,
			     struct mail_namespace *ns);
/* Mail loses its last mailbox in the namespace's storage (mdbox). */
void lazy_expunge_watch_purge(struct lazy_expunge_watch *watch,
			      struct mail_namespace *ns);

/* Any other file, which need not exist. */
void lazy_expunge_watch_file(struct lazy_expunge_watch *watch,
			     const char *path);

/* The lines, as long as the watch; NULL if some change could go unseen: a file
   changed just now, so that its time may not tell of another change, or it is
   not known what to look at. */
const char *lazy_expunge_watch_text(struct lazy_expunge_watch *watch);
/* Returns TRUE if the file of the line, without its end, is what it was. */
bool lazy_expunge_watch_line_holds(const char *line);

#endif
