/* Check of the storage: will it take mail, how long is that kept. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "settings/mailbox-blocks.h"
#include "formats/format.h"
#include "report/report.h"
#include "retention/due.h"
#include "inventory/select.h"
#include "core/text.h"
#include "compat/dovecot.h"
#include "account/never-used.h"
#include "account/storage-box.h"
#include "account/storages.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN
#define FAIL LAZY_EXPUNGE_FINDING_FAIL

const char *
lazy_expunge_check_storage_remedy(const struct lazy_expunge_storage *storage)
{
	if (storage->remedy != NULL)
		return storage->remedy;
	if (storage->is_live)
		return "give the storage a place of its own";
	return storage->ns_mode ?
		"configure a namespace of its own for it, or remove the "
		"trailing separator to use a mailbox" :
		"choose another name for the storage";
}

static void check_name(struct lazy_expunge_findings *findings,
		       struct lazy_expunge_user *luser,
		       struct lazy_expunge_storage *storage)
{
	struct lazy_expunge_error error;
	struct mailbox *box;
	const char *legal, *name;
	/* to open what is not there would want to make a place for it */
	const bool never_used = lazy_expunge_user_never_used(luser->user);
	bool exists;

	if (storage->ns == NULL || storage->error != NULL) {
		lazy_expunge_findings_add(findings, "storage", FAIL,
			storage->error,
			lazy_expunge_check_storage_remedy(storage));
		return;
	}
	if (storage->ns_mode) {
		if ((storage->ns->flags & NAMESPACE_FLAG_INBOX_USER) != 0) {
			lazy_expunge_findings_add(findings, "storage", FAIL,
				"the namespace of the storage has the INBOX",
				"use a namespace of its own");
		} else {
			lazy_expunge_findings_add(findings, "storage", OK,
				storage->root ? t_strdup_printf(
					"mailbox %s, the root of a namespace",
					storage->setting) :
				t_strdup_printf("namespace %s",
						storage->ns->prefix), NULL);
		}
		return;
	}
	/* of a tree that of the INBOX */
	name = lazy_expunge_storage_vname(storage) + storage->ns->prefix_len;
	legal = lazy_expunge_storage_legal_name(storage->ns->list, name);
	box = lazy_expunge_mailbox_alloc(luser, storage->ns,
		lazy_expunge_storage_legal_vname(storage), 0);
	exists = !never_used && mailbox_open(box) == 0;
	if (!exists && !never_used &&
	    mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
		lazy_expunge_error_set_box(&error, "Cannot open", box);
		lazy_expunge_findings_add(findings, "storage", FAIL, error.text,
			"correct the cause, or choose another name");
	} else if (exists && lazy_expunge_storage_box_is_live(storage, box,
							      &error.text)) {
		lazy_expunge_findings_add(findings, "storage", FAIL, error.text,
			"give the storage a place of its own");
	} else if (!exists && mailbox_verify_create_name(box) < 0) {
		lazy_expunge_error_set_box(&error, "Cannot create", box);
		lazy_expunge_findings_add(findings, "storage", FAIL, error.text,
			"choose a name that this layout and separator allow");
	} else if (strcasecmp(name, "yes") == 0 || strcasecmp(name, "no") == 0) {
		lazy_expunge_findings_add(findings, "storage", WARN,
			t_strdup_printf("mailbox %s", storage->setting),
			LE_STORAGE_SETTING" is the name of a mailbox, and not "
			"on or off: set it so, also in the userdb");
	} else {
		lazy_expunge_findings_add(findings, "storage", OK,
			t_strdup_printf("%s %s%s%s", storage->tree ?
				"a mailbox for each," : "mailbox",
				storage->setting,
				strcmp(name, legal) == 0 ? "" :
				t_strdup_printf(", on disk as %s", legal),
				exists ? "" : ", not made yet"), NULL);
	}
	mailbox_free(&box);
}

static void check_retention(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser, time_t now)
{
	struct lazy_expunge_report report;
	struct lazy_expunge_error error;
	string_t *text = t_str_new(64);

	if (lazy_expunge_report(luser, now, &report, &error) < 0) {
		lazy_expunge_findings_add(findings, "retention", FAIL,
					  error.text, "correct the cause");
		return;
	}
	if (report.retention.autoexpunge > 0) {
		str_printfa(text, "%s", lazy_expunge_text_interval(
					report.retention.autoexpunge));
	}
	if (report.retention_missing)
		str_append(text, str_len(text) > 0 ? ", but not everywhere" :
			   "mail is kept for ever");
	lazy_expunge_findings_add(findings, "retention",
		report.retention_missing ? WARN : OK, str_c(text),
		"set autoexpunge in a mailbox block for the storage");

	str_truncate(text, 0);
	if (report.retention.max_mails > 0) {
		str_printfa(text, "%u mails", report.retention.max_mails);
		if (report.max_storage > 0)
			str_append(text, ", ");
	}
	if (report.max_storage > 0)
		str_append(text, lazy_expunge_text_size(report.max_storage));
	if (str_len(text) == 0)
		str_append(text, "none");
	if (report.too_young > 0) {
		str_printfa(text, "; %u mails go before their retention is over",
			    report.too_young);
	}
	lazy_expunge_findings_add(findings, "cap",
		report.too_young > 0 ? WARN : OK, str_c(text),
		"raise lazy_expunge_max_storage or autoexpunge_max_mails, or "
		"shorten autoexpunge");
}

/* Retention goes by save dates: without the cache it reads each mail, and what
   touches the files, such as a backup by hard links, makes the mail young. */
static bool box_caches_save_dates(struct mailbox *box)
{
	const struct mailbox_cache_field *field;
	struct mailbox_metadata metadata;

	if (mailbox_get_metadata(box, MAILBOX_METADATA_CACHE_FIELDS,
				 &metadata) < 0)
		return FALSE;
	array_foreach(metadata.cache_fields, field) {
		if (strcmp(field->name, "date.save") == 0)
			return TRUE;
	}
	return FALSE;
}

/* The first mailbox with a retention whose save dates are not cached. */
struct save_dates {
	struct lazy_expunge_user *luser;
	const char *missing;
};

static void save_dates_mailbox(struct mail_namespace *ns, const char *vname,
			       void *context)
{
	struct save_dates *dates = context;
	struct lazy_expunge_retention set;
	struct mailbox_status status;
	struct mailbox *box;

	lazy_expunge_keep_time_get(ns, vname, &set);
	if (dates->missing != NULL || set.autoexpunge == 0 ||
	    lazy_expunge_storage_match(dates->luser, ns, vname) != NULL)
		return;
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX &&
	    mailbox_open(box) == 0 && mailbox_sync(box, 0) == 0) {
		mailbox_get_open_status(box, STATUS_MESSAGES, &status);
		if (status.messages > 0 && !box_caches_save_dates(box)) {
			dates->missing = p_strdup(dates->luser->user->pool,
						  vname);
		}
	}
	mailbox_free(&box);
}

static void check_save_dates(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_select *select;
	struct lazy_expunge_error error;
	struct mailbox_status status;
	struct save_dates dates = { .luser = luser };
	const char *found = "no mail kept yet", *missing = NULL;

	/* other rows say why it cannot be opened */
	select = lazy_expunge_select_init(luser, &error);
	if (select == NULL)
		return;
	array_foreach(&select->boxes, sbox) {
		mailbox_get_open_status(sbox->box, STATUS_MESSAGES, &status);
		if (lazy_expunge_box_format(sbox->box) ==
		    LAZY_EXPUNGE_FORMAT_MDBOX)
			found = "in the index";
		else if (status.messages == 0)
			;
		else if (box_caches_save_dates(sbox->box))
			found = "in the cache";
		else if (missing == NULL)
			missing = sbox->vname;
	}
	if (missing == NULL) {
		(void)lazy_expunge_due_mailboxes(luser, save_dates_mailbox,
						 &dates, &error);
		missing = dates.missing;
	}
	lazy_expunge_findings_add(findings, "save-dates",
		missing == NULL ? OK : WARN, missing == NULL ? found :
		t_strdup_printf("not in the cache of %s", missing),
		"add date.save to mail_always_cache_fields, or run "
		"doveadm lazy-expunge maintain daily");
	lazy_expunge_select_deinit(&select);
}

static bool quota_is_ignored(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_storage *storage;

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns != NULL && !storage->quota_ignore)
			return FALSE;
	}
	return TRUE;
}

void lazy_expunge_check_storage(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				const struct lazy_expunge_check_config *config,
				time_t now)
{
	const struct lazy_expunge_settings *set = &luser->set;
	struct lazy_expunge_storage *storage;
	bool may_open = TRUE;

	if (set->error != NULL) {
		lazy_expunge_findings_add(findings, "settings", FAIL,
			set->error, "correct the setting: until then no mail "
			"can be deleted");
		return;
	}
	if (array_count(lazy_expunge_user_storages(luser)) == 0) {
		lazy_expunge_findings_add(findings, "settings", FAIL,
			"no storage is set: deleted mail is not kept",
			"set "LE_STORAGE_SETTING" = .EXPUNGED");
		return;
	}
	if (lazy_expunge_settings_protect_nothing(set)) {
		lazy_expunge_findings_add(findings, "settings", FAIL,
			"lazy_expunge_exclude names every mailbox: deleted "
			"mail is not kept", "exclude less");
	} else {
		lazy_expunge_findings_add(findings, "settings", OK,
					  "they can be read", NULL);
	}
	lazy_expunge_findings_add(findings, "last-instance", OK,
		set->only_last_instance ?
		"a mail is kept when its last copy is deleted" :
		"each copy of a mail that is deleted is kept", NULL);
	lazy_expunge_findings_add(findings, "on-failure",
		set->on_failure == LAZY_EXPUNGE_ON_FAILURE_REFUSE ? OK : WARN,
		set->on_failure == LAZY_EXPUNGE_ON_FAILURE_REFUSE ?
		"a mail that cannot be kept is not deleted" :
		"a mail that cannot be kept is deleted for good",
		"set lazy_expunge_on_failure = refuse");
	lazy_expunge_findings_add(findings, "quota",
		quota_is_ignored(luser) ? OK : WARN, quota_is_ignored(luser) ?
		"the storage does not count" :
		"the storage counts in the users' quota",
		"set lazy_expunge_quota_ignore = yes");
	array_foreach_elem(lazy_expunge_user_storages(luser), storage) T_BEGIN {
		if (!lazy_expunge_check_index(findings, luser, storage))
			may_open = FALSE;
	} T_END;
	/* the next rows would hide what this one has found */
	if (!may_open)
		return;
	array_foreach_elem(lazy_expunge_user_storages(luser), storage) T_BEGIN {
		check_name(findings, luser, storage);
	} T_END;
	lazy_expunge_check_visibility(findings, luser, config);
	check_save_dates(findings, luser);
	check_retention(findings, luser, now);
}
