/* Check of the account: what locks and maintenance need. */

#include "lib.h"
#include "mail-namespace.h"
#include "account/user.h"
#include "catalog/writer.h"
#include "formats/format.h"
#include "formats/mdbox-global-map.h"
#include "retention/stamp.h"
#include "core/text.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN

static void check_home(struct lazy_expunge_findings *findings,
		       struct mail_user *user, bool never_used)
{
	const char *home;
	int ret = mail_user_get_home(user, &home);

	if (ret > 0 && never_used) {
		lazy_expunge_findings_add(findings, "home", OK,
			t_strdup_printf("%s: the user never had mail", home),
			NULL);
		return;
	}
	lazy_expunge_findings_add(findings, "home", ret > 0 ? OK : WARN,
		ret > 0 ? home : "the user has no home directory: locks "
		"and records lie beside the mail",
		"give users a home that is not their mail directory");
}

static void check_maintained(struct lazy_expunge_findings *findings,
			     struct mail_user *user, bool never_used,
			     time_t now)
{
	/* by the catalog only who has something due is visited more often */
	const bool weekly =
		lazy_expunge_catalog_is_set(lazy_expunge_user_get(user));
	struct lazy_expunge_stamp stamp;
	const char *error, *text;

	if (never_used) {
		lazy_expunge_findings_add(findings, "maintain", OK,
			"the user never had mail", NULL);
		return;
	}
	if (lazy_expunge_stamp_read(user, &stamp, &error) < 0)
		text = error;
	else if (stamp.time == 0)
		text = "never";
	else {
		text = t_strdup_printf("%s: %"PRIu64" mails expunged, "
			"%"PRIu64" failed", lazy_expunge_text_time(stamp.time),
			stamp.expunged, stamp.failed);
	}
	lazy_expunge_findings_add(findings, "maintain",
		lazy_expunge_finding_maintained(stamp.time, stamp.failed,
						weekly, now),
		text, weekly ? "have the timer or cron run "
		"lazy-expunge-maintain daily, and look at its errors" :
		"run doveadm lazy-expunge maintain -A daily, by the "
		"timer or cron, and look at its errors");
}

static void check_purge(struct lazy_expunge_findings *findings,
			struct mail_user *user)
{
	struct mail_namespace *ns = mail_namespace_find_inbox(user->namespaces);
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);
	unsigned int files;

	if (lazy_expunge_storage_format(storage) != LAZY_EXPUNGE_FORMAT_MDBOX) {
		lazy_expunge_findings_add(findings, "purge", OK,
			"this mail format needs none", NULL);
	} else if (lazy_expunge_mdbox_map_purgeable(storage, &files) < 0) {
		lazy_expunge_findings_add(findings, "purge", WARN,
			"cannot be told", "look at the log");
	} else {
		lazy_expunge_findings_add(findings, "purge",
			files > 0 ? WARN : OK, files == 0 ? "nothing to do" :
			t_strdup_printf("%u files have mail that is deleted",
					files),
			"run doveadm lazy-expunge maintain daily");
	}
}

void lazy_expunge_check_account(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				bool never_used, time_t now)
{
	check_home(findings, luser->user, never_used);
	check_maintained(findings, luser->user, never_used, now);
	check_purge(findings, luser->user);
}
