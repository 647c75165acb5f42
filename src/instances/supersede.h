#ifndef LAZY_EXPUNGE_SUPERSEDE_H
#define LAZY_EXPUNGE_SUPERSEDE_H

struct lazy_expunge_user;
struct mail;

/* The older instance, which was saved in its storage then, is about to go, and
   the newer one stays. */
typedef void lazy_expunge_superseded_t(void *context, struct mail *older,
				       time_t saved, struct mail *newer);

/* A mail with this GUID was just committed to the storage: remove older
   instances from the storage, so that it is there once, with the new deletion
   time. The callback gets each that goes. The account must be locked. Failures
   leave duplicates. */
void lazy_expunge_instances_supersede(struct lazy_expunge_user *luser,
				      const char *guid,
				      lazy_expunge_superseded_t *callback,
				      void *context);

#endif
