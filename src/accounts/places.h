#ifndef LAZY_EXPUNGE_PLACES_H
#define LAZY_EXPUNGE_PLACES_H

/* All that belongs to a user, by what the settings say: home, and mail, indexes,
   control files, alternative storage and volatile files of each private
   namespace. The errors are on the data stack. */

#include "lib.h"
#include "array.h"
#include "core/account-record.h"
#include "accounts/place-path.h"

struct lazy_expunge_user;
struct mail_user;

/* Where the settings have the user's things, whether or not they are there. The
   mail of the INBOX comes first. Allocated from the pool. */
void lazy_expunge_places_read(struct mail_user *user, pool_t pool,
			      ARRAY_TYPE(lazy_expunge_place_path) *paths_r);
/* How the mail of the user's private namespaces is read when their settings are
   gone, and what in them is a storage. Allocated from the pool. */
void lazy_expunge_places_describe(
	struct lazy_expunge_user *luser, pool_t pool,
	ARRAY_TYPE(lazy_expunge_account_namespace) *namespaces_r);
/* Which of the paths, of which there is at least one, is that of an account's first
   part, or would be if nothing is there yet. Data stack. */
const char *
lazy_expunge_places_first(const ARRAY_TYPE(lazy_expunge_place_path) *paths);
/* Fill parts and places of the account, whose id and user are set, with what is
   there. own: the paths are believed to be this user's also where they do not
   have the name in them, or a link that the user may have made leads to what does
   not belong to uid, the user's. Returns 1, 0 if nothing is there, -1 and the error. */
int lazy_expunge_places_split(struct lazy_expunge_account *account, pool_t pool,
			      const ARRAY_TYPE(lazy_expunge_place_path) *paths,
			      uid_t uid, bool own, const char **error_r);
/* Set where each part goes when it is brought to these paths. Returns 0, or -1
   and the error. */
int lazy_expunge_places_aim(struct lazy_expunge_account *account, pool_t pool,
			    const ARRAY_TYPE(lazy_expunge_place_path) *paths,
			    const char **error_r);

#endif
