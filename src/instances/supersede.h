#ifndef LAZY_EXPUNGE_SUPERSEDE_H
#define LAZY_EXPUNGE_SUPERSEDE_H

struct lazy_expunge_user;

/* A mail with this GUID was just committed to the storage: remove older
   instances from the storage, so that it is there once, with the new deletion
   time. The account must be locked. Failures leave duplicates. */
void lazy_expunge_instances_supersede(struct lazy_expunge_user *luser,
				      const char *guid);

#endif
