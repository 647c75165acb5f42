/* Names of origins and mails that passed, which go, see the header. */

#include "lib.h"
#include "array.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "account/origin-names.h"
#include "account/passed.h"
#include "account/user.h"
#include "inventory/missed.h"
#include "inventory/select.h"
#include "retention/names.h"

static int names_find_needed(struct lazy_expunge_select *select,
			     struct lazy_expunge_error *error_r)
{
	struct mail_search_args *args = mail_search_build_init();
	int ret;

	mail_search_build_add_all(args);
	ret = lazy_expunge_select_find(select, args, NULL, 0, error_r);
	mail_search_args_unref(&args);
	return ret;
}

static int names_shrink(struct lazy_expunge_user *luser, time_t now,
			const char **error_r)
{
	struct lazy_expunge_select *select;
	struct lazy_expunge_error error;
	int ret;

	select = lazy_expunge_select_init(luser, &error);
	if (select == NULL) {
		*error_r = error.text;
		return -1;
	}
	ret = names_find_needed(select, &error);
	if (ret < 0)
		*error_r = t_strdup(error.text);
	else {
		ret = lazy_expunge_origin_names_shrink(luser->user,
						       &select->origins, now,
						       error_r);
	}
	lazy_expunge_select_deinit(&select);
	return ret;
}

static void passed_maintain(struct lazy_expunge_user *luser, time_t now)
{
	const time_t since = lazy_expunge_missed_since(luser, now);
	const char *error;

	if (since != 0 &&
	    lazy_expunge_passed_forget(luser->user, since, NULL, NULL,
				       &error) < 0) {
		e_warning(luser->user->event, "lazy_expunge: What passed while "
			  "a copy lived cannot be shortened: %s", error);
	}
}

void lazy_expunge_names_maintain(struct lazy_expunge_user *luser, time_t now)
{
	const char *error;

	T_BEGIN {
		passed_maintain(luser, now);
	} T_END;
	if (!lazy_expunge_origin_names_are_many(luser->user))
		return;
	T_BEGIN {
		if (names_shrink(luser, now, &error) < 0) {
			e_warning(luser->user->event, "lazy_expunge: The names "
				  "of origins cannot be shortened: %s", error);
		}
	} T_END;
}
