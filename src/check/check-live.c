/* Live check: a probe mail goes the way of a deleted mail, as each protocol
   deletes, and back. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "check/dialogue.h"
#include "check/probe.h"
#include "check/sessions.h"
#include "account/storages.h"
#include "formats/mail-room.h"
#include "check/check.h"

#include <unistd.h>

#define OK LAZY_EXPUNGE_FINDING_OK
#define FAIL LAZY_EXPUNGE_FINDING_FAIL

/* The probe is among the newest mails; others may come meanwhile. */
#define POP3_MAX_LOOKS 100

/* Send a command and read until its end. Returns the last word of the untagged
   line that begins with this, "" if there is none (data stack), and NULL if it
   was not answered with OK. */
static const char *imap_command(struct lazy_expunge_dialogue *dialogue,
				const char *command, const char *untagged)
{
	const char *line, *found = "";

	if (lazy_expunge_dialogue_send(dialogue, t_strconcat("a ", command,
							     NULL)) < 0)
		return NULL;
	while ((line = lazy_expunge_dialogue_read(dialogue)) != NULL) {
		if (strncmp(line, "a ", 2) == 0)
			return strncmp(line, "a OK", 4) == 0 ? found : NULL;
		if (untagged != NULL &&
		    strncmp(line, untagged, strlen(untagged)) == 0) {
			found = strrchr(line, ' ');
			found = found == NULL ? "" : t_strdup(found + 1);
		}
	}
	return NULL;
}

/* Returns NULL if the probe was deleted, else what did not work. */
static const char *imap_delete(struct lazy_expunge_dialogue *dialogue,
			       struct lazy_expunge_probe *probe)
{
	const char *uid;

	if (imap_command(dialogue, "SELECT INBOX", NULL) == NULL)
		return "SELECT INBOX";
	uid = imap_command(dialogue, t_strdup_printf(
		"UID SEARCH HEADER Message-ID %s",
		lazy_expunge_probe_message_id(probe)), "* SEARCH");
	if (uid == NULL || str_is_numeric(uid, '\0') == FALSE)
		return "SEARCH";
	if (imap_command(dialogue, t_strdup_printf(
			"UID STORE %s +FLAGS.SILENT (\\Deleted)", uid),
			 NULL) == NULL)
		return "STORE";
	if (imap_command(dialogue, t_strdup_printf("UID EXPUNGE %s", uid),
			 NULL) == NULL)
		return "EXPUNGE";
	return imap_command(dialogue, "LOGOUT", NULL) == NULL ? "LOGOUT" : NULL;
}

/* Send a command. Returns its line, NULL if that is not +OK. */
static const char *pop3_command(struct lazy_expunge_dialogue *dialogue,
				const char *command)
{
	const char *line;

	if (lazy_expunge_dialogue_send(dialogue, command) < 0)
		return NULL;
	line = lazy_expunge_dialogue_read(dialogue);
	return line == NULL || strncmp(line, "+OK", 3) != 0 ? NULL : line;
}

/* Returns 1 if the mail is the probe, 0 if not, -1 on failure. */
static int pop3_is_probe(struct lazy_expunge_dialogue *dialogue,
			 unsigned int number, const char *message_id)
{
	const char *line;
	bool found = FALSE;

	if (pop3_command(dialogue, t_strdup_printf("TOP %u 0", number)) == NULL)
		return -1;
	while ((line = lazy_expunge_dialogue_read(dialogue)) != NULL) {
		if (strcmp(line, ".") == 0)
			return found ? 1 : 0;
		if (strstr(line, message_id) != NULL)
			found = TRUE;
	}
	return -1;
}

static bool pop3_is_count(const char *line, unsigned int *count_r)
{
	const char *const *words = t_strsplit(line, " ");

	return strcmp(words[0], "+OK") == 0 && words[1] != NULL &&
		str_to_uint(words[1], count_r) == 0;
}

/* The greeting is not waited for: pop3 that is begun with -u has none. */
static int pop3_stat(struct lazy_expunge_dialogue *dialogue,
		     unsigned int *count_r)
{
	const char *line = pop3_command(dialogue, "STAT");

	if (line != NULL && !pop3_is_count(line, count_r))
		line = lazy_expunge_dialogue_read(dialogue);
	return line != NULL && pop3_is_count(line, count_r) ? 0 : -1;
}

static const char *pop3_delete(struct lazy_expunge_dialogue *dialogue,
			       struct lazy_expunge_probe *probe)
{
	const char *message_id = lazy_expunge_probe_message_id(probe);
	unsigned int count, number, looks;
	int ret = 0;

	if (pop3_stat(dialogue, &count) < 0)
		return "the log-in";
	for (looks = 0, number = count; ret == 0 && number > 0 &&
	     looks < POP3_MAX_LOOKS; looks++, number--)
		ret = pop3_is_probe(dialogue, number, message_id);
	if (ret <= 0)
		return "TOP";
	if (pop3_command(dialogue, t_strdup_printf("DELE %u",
						   number + 1)) == NULL)
		return "DELE";
	return pop3_command(dialogue, "QUIT") == NULL ? "QUIT" : NULL;
}

/* As after a log-in, with the program of the protocol. Returns 0, or -1 and the
   error, and if it cannot be tried at all 1. */
static int delete_by_program(struct lazy_expunge_probe *probe,
			     const struct lazy_expunge_check_config *config,
			     enum lazy_expunge_check_protocol protocol)
{
	const char *name = lazy_expunge_check_protocol_name(protocol);
	const char *failed, *line, *error;
	struct lazy_expunge_dialogue *dialogue;

	if (getuid() != 0 || config->libexec_dir == NULL)
		return 1;
	dialogue = lazy_expunge_dialogue_start(
		t_strdup_printf("%s/%s", config->libexec_dir, name),
		config->running != NULL ? config->socket_path :
		config->config_path, probe->luser->user->username, &error);
	if (dialogue == NULL)
		return 1;
	if (protocol == LAZY_EXPUNGE_CHECK_POP3)
		failed = pop3_delete(dialogue, probe);
	else if ((line = lazy_expunge_dialogue_read(dialogue)) == NULL ||
		 strncmp(line, "* PREAUTH", 9) != 0)
		failed = "the log-in";
	else
		failed = imap_delete(dialogue, probe);
	lazy_expunge_dialogue_end(&dialogue);
	if (failed == NULL)
		return 0;
	probe->error.text = t_strdup_printf("the probe in INBOX cannot be "
		"deleted by %s: %s fails", name, failed);
	return -1;
}

static struct lazy_expunge_sessions *
sessions_of(const struct lazy_expunge_check_config *config,
	    enum lazy_expunge_check_protocol protocol)
{
	return config->running != NULL && protocol < LAZY_EXPUNGE_CHECK_LDA ?
		config->running : config->files;
}

/* The protocol may have kept it where doveadm does not look. */
static void take_from_session(struct lazy_expunge_probe *probe,
			      const struct lazy_expunge_check_config *config,
			      enum lazy_expunge_check_protocol protocol)
{
	struct lazy_expunge_sessions *sessions = sessions_of(config, protocol);
	struct lazy_expunge_user *lsession;
	struct mail_user *session;
	const char *error;

	if (sessions == NULL || lazy_expunge_sessions_user(sessions,
			lazy_expunge_check_protocol_name(protocol),
			probe->luser->user, &session, &error) < 0)
		return;
	lsession = lazy_expunge_user_get(session);
	lazy_expunge_probe_take_from(probe, lsession);
	lazy_expunge_user_release(lsession);
	lazy_expunge_sessions_user_free(&session);
}

/* In this process, by a user as a process of the protocol has it. */
static int delete_by_session(struct lazy_expunge_probe *probe,
			     const struct lazy_expunge_check_config *config,
			     enum lazy_expunge_check_protocol protocol)
{
	struct lazy_expunge_sessions *sessions = sessions_of(config, protocol);
	struct mail_user *session;
	struct mailbox *box;
	const char *error;
	int ret;

	if (sessions == NULL || lazy_expunge_sessions_user(sessions,
			lazy_expunge_check_protocol_name(protocol),
			probe->luser->user, &session, &error) < 0) {
		probe->error.text = "what it has cannot be told";
		return -1;
	}
	box = mailbox_alloc(
		mail_namespace_find_inbox(session->namespaces)->list, "INBOX",
		MAILBOX_FLAG_IGNORE_ACLS);
	ret = mailbox_open(box);
	if (ret < 0) {
		lazy_expunge_error_set_box(&probe->error, "Cannot open", box);
	} else {
		ret = lazy_expunge_probe_expunge(probe, box);
		if (ret == 0)
			probe->error.text = "the probe is not in its mailbox";
	}
	mailbox_free(&box);
	lazy_expunge_sessions_user_free(&session);
	return ret > 0 ? 0 : -1;
}

static int protocol_run(struct lazy_expunge_probe *probe,
			const struct lazy_expunge_check_config *config,
			enum lazy_expunge_check_protocol protocol)
{
	struct mailbox *box = lazy_expunge_probe_box(probe);
	int ret;

	ret = lazy_expunge_probe_save(probe, box);
	mailbox_free(&box);
	if (ret < 0)
		return -1;
	ret = protocol == LAZY_EXPUNGE_CHECK_IMAP ||
		protocol == LAZY_EXPUNGE_CHECK_POP3 ?
		delete_by_program(probe, config, protocol) : 1;
	if (ret > 0)
		ret = delete_by_session(probe, config, protocol);
	if (ret == 0)
		ret = lazy_expunge_probe_is_kept(probe) > 0 ? 0 : 1;
	if (ret > 0) {
		take_from_session(probe, config, protocol);
		probe->error.text = t_strdup_printf(
			"the probe that %s deleted from INBOX is not in the "
			"storage", lazy_expunge_check_protocol_name(protocol));
		ret = -1;
	}
	return ret;
}

/* There and back in a mailbox of its own, as doveadm deletes. */
static int doveadm_run(struct lazy_expunge_probe *probe)
{
	struct mailbox *box = lazy_expunge_probe_box(probe);
	int ret;

	ret = lazy_expunge_probe_save(probe, box);
	if (ret == 0) {
		ret = lazy_expunge_probe_expunge(probe, box);
		if (ret == 0)
			probe->error.text = "the probe is not in its mailbox";
		ret = ret > 0 ? lazy_expunge_probe_restore(probe) : -1;
	}
	mailbox_free(&box);
	return ret;
}

static void live_check(struct lazy_expunge_findings *findings,
		       struct lazy_expunge_user *luser,
		       const struct lazy_expunge_check_config *config,
		       enum lazy_expunge_check_protocol protocol)
{
	const char *name = lazy_expunge_check_protocol_name(protocol);
	bool here = protocol == LAZY_EXPUNGE_CHECK_DOVEADM;
	const char *id = here ? "live" : t_strconcat("live-", name, NULL);
	struct lazy_expunge_probe probe;
	const char *failed = NULL;
	struct mailbox *box;

	if (lazy_expunge_probe_init(&probe, luser, !here) < 0) {
		lazy_expunge_findings_add(findings, id, FAIL, probe.error.text,
					  "correct the cause");
		return;
	}
	if ((here ? doveadm_run(&probe) :
	     protocol_run(&probe, config, protocol)) < 0)
		failed = probe.error.text;

	box = lazy_expunge_probe_box(&probe);
	if (lazy_expunge_probe_clean(&probe, box) < 0 && failed == NULL) {
		failed = t_strdup_printf("the probe in %s could not be taken "
			"away: %s", probe.vname, probe.error.text);
	}
	mailbox_free(&box);
	lazy_expunge_probe_deinit(&probe);
	lazy_expunge_findings_add(findings, id, failed == NULL ? OK : FAIL,
		failed != NULL ? failed : here ?
		"a probe mail was deleted, kept and restored" :
		t_strdup_printf("a probe mail in INBOX was deleted by %s and "
				"kept", name),
		"look at the rows above, and at the log");
}

/* On a full disk a mailbox for the probe could be made in part, and not be deleted
   again. */
static bool live_has_room(struct lazy_expunge_user *luser)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(luser->user->namespaces);
	struct mailbox *box;
	bool has;

	box = mailbox_alloc(ns->list, "INBOX", MAILBOX_FLAG_IGNORE_ACLS);
	has = lazy_expunge_disk_has(box, LAZY_EXPUNGE_ROOM_TO_WRITE);
	mailbox_free(&box);
	return has;
}

void lazy_expunge_check_live(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser,
			     const struct lazy_expunge_check_config *config)
{
	if (luser->set.error != NULL ||
	    array_count(lazy_expunge_user_storages(luser)) == 0)
		return;
	if (!live_has_room(luser)) {
		lazy_expunge_findings_add(findings, "live", FAIL,
			"the disk is full: what is deleted cannot be kept",
			"make room: doveadm lazy-expunge maintain --make-room");
		return;
	}
	for (unsigned int i = 0; i < LAZY_EXPUNGE_CHECK_PROTOCOLS; i++) T_BEGIN {
		if (lazy_expunge_check_protocol_is_enabled(config, i))
			live_check(findings, luser, config, i);
	} T_END;
}
