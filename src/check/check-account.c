/* Check of the account: what locks and maintenance need. */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "dbox-storage.h"
#include "mdbox-map.h"
#include "mdbox-storage.h"
#include "retention/stamp.h"
#include "core/text.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN

static void check_home(struct lazy_expunge_findings *findings,
		       struct mail_user *user)
{
	const char *home;
	int ret = mail_user_get_home(user, &home);

	lazy_expunge_findings_add(findings, "home", ret > 0 ? OK : WARN,
		ret > 0 ? home : "the user has no home directory: locks "
		"and records lie beside the mail",
		"give users a home that is not their mail directory");
}

static void check_maintained(struct lazy_expunge_findings *findings,
			     struct mail_user *user, time_t now)
{
	struct lazy_expunge_stamp stamp;
	const char *error, *text;

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
		lazy_expunge_finding_maintained(stamp.time, stamp.failed, now),
		text, "run doveadm lazy-expunge maintain -A daily, by the "
		"timer or cron, and look at its errors");
}

/* Files in which mail of no mailbox takes space. Returns -1 if that cannot be
   told. */
static int purge_needed(struct mail_storage *storage, unsigned int *files_r)
{
	struct mdbox_storage *mstorage = MDBOX_STORAGE(storage);
	struct mdbox_map *map = mstorage->map;
	ARRAY_TYPE(seq_range) file_ids;
	int ret;

	*files_r = 0;
	ret = mdbox_map_open(map);
	if (ret <= 0)
		return ret;
	t_array_init(&file_ids, 16);
	if (mdbox_map_get_zero_ref_files(map, &file_ids) < 0)
		return -1;
	*files_r = seq_range_count(&file_ids);
	return 0;
}

static void check_purge(struct lazy_expunge_findings *findings,
			struct mail_user *user)
{
	struct mail_namespace *ns = mail_namespace_find_inbox(user->namespaces);
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);
	unsigned int files;

	if (strcmp(storage->name, "mdbox") != 0) {
		lazy_expunge_findings_add(findings, "purge", OK,
			"this mail format needs none", NULL);
	} else if (purge_needed(storage, &files) < 0) {
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
				struct lazy_expunge_user *luser, time_t now)
{
	check_home(findings, luser->user);
	check_maintained(findings, luser->user, now);
	check_purge(findings, luser->user);
}
