/* Check of protocols: what the sessions of each really have, which is not what
   doveadm has. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mailbox-list-iter.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "settings/excluded.h"
#include "settings/read.h"
#include "check/doveconf.h"
#include "check/sessions.h"
#include "account/never-used.h"
#include "account/storages.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN
#define FAIL LAZY_EXPUNGE_FINDING_FAIL

#define PLUGIN_NAME "lazy_expunge"
/* so many names of mailboxes are told */
#define MAX_NAMES 8

static const char *const protocol_names[LAZY_EXPUNGE_CHECK_PROTOCOLS] = {
	"imap", "pop3", "lmtp", "lda", "doveadm"
};

const char *
lazy_expunge_check_protocol_name(enum lazy_expunge_check_protocol protocol)
{
	return protocol_names[protocol];
}

bool lazy_expunge_check_protocol_is_enabled(
	const struct lazy_expunge_check_config *config,
	enum lazy_expunge_check_protocol protocol)
{
	/* lda and doveadm are programs, no services to be enabled */
	return protocol >= LAZY_EXPUNGE_CHECK_LDA ||
		config->protocols == NULL ||
		lazy_expunge_finding_list_has(config->protocols, NULL,
					      protocol_names[protocol]);
}

/* What holds for the sessions of a protocol. Data stack. */
struct verdict {
	enum lazy_expunge_finding_state state;
	const char *found, *remedy;
};

static struct verdict verdict_fail(const char *found, const char *remedy)
{
	const struct verdict verdict = {
		.state = FAIL, .found = found, .remedy = remedy,
	};
	return verdict;
}

/* Is the storage one that doveadm's commands look into? */
static bool storage_is_known(struct lazy_expunge_user *luser,
			     const char *setting)
{
	return lazy_expunge_user_storage_find(luser, setting) != NULL;
}

struct unprotected {
	pool_t pool;
	/* name of each, and how many there are */
	string_t *names;
	unsigned int count;
	bool inbox;
	/* a storage that doveadm does not know, or settings in error */
	const char *foreign, *error;
};

static void unprotected_look(struct unprotected *un,
			     struct lazy_expunge_user *luser,
			     struct mail_user *session,
			     struct mail_namespace *ns, const char *vname)
{
	struct lazy_expunge_settings set;
	struct mailbox *box;
	bool excluded;

	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	lazy_expunge_settings_read_filters(session, ns->list, vname,
					   pool_datastack_create(), &set);
	excluded = set.error == NULL && (*set.storage == '\0' ||
		lazy_expunge_settings_exclude_box(&set, box));
	mailbox_free(&box);

	if (set.error != NULL && un->error == NULL)
		un->error = p_strdup(un->pool, set.error);
	if (excluded) {
		if (++un->count <= MAX_NAMES) {
			str_printfa(un->names, "%s%s",
				    un->count == 1 ? "" : ", ", vname);
		}
		if (strcasecmp(vname, "INBOX") == 0)
			un->inbox = TRUE;
	} else if (set.error == NULL && un->foreign == NULL &&
		   !storage_is_known(luser, set.storage))
		un->foreign = p_strdup(un->pool, set.storage);
}

/* The mailboxes that there are, as doveadm sees them, judged by what the session
   has for them. A POP3 session has the INBOX alone. */
static void unprotected_find(struct unprotected *un,
			     struct lazy_expunge_user *luser,
			     struct mail_user *session, bool inbox_only)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct mail_namespace *ns;

	unprotected_look(un, luser, session,
			 mail_namespace_find_inbox(session->namespaces),
			 "INBOX");
	/* to list what is not there would want to make a place for it */
	if (inbox_only || lazy_expunge_user_never_used(luser->user))
		return;
	iter = mailbox_list_iter_init_namespaces(luser->user->namespaces,
		(const char *const []) { "*", NULL },
		MAIL_NAMESPACE_TYPE_PRIVATE, flags);
	while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		ns = mail_namespace_find(session->namespaces, info->vname);
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) == 0 &&
		    strcasecmp(info->vname, "INBOX") != 0 &&
		    ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    lazy_expunge_storage_match(luser, info->ns,
					       info->vname) == NULL)
			unprotected_look(un, luser, session, ns, info->vname);
	} T_END;
	/* what cannot be listed is not there for a session either */
	(void)mailbox_list_iter_deinit(&iter);
}

static struct verdict
judge_unprotected(const struct unprotected *un, const char *name)
{
	struct verdict verdict = { .state = OK };

	if (un->error != NULL) {
		return verdict_fail(t_strdup(un->error), "correct the setting: "
				    "until then no mail can be deleted");
	}
	if (un->inbox) {
		return verdict_fail(t_strdup_printf(
			"mail deleted by %s is not kept: %s", name,
			str_c(un->names)), "let no exclude and no filter of "
			"a mailbox or protocol take the INBOX");
	}
	if (un->foreign != NULL) {
		return verdict_fail(t_strdup_printf(
			"mail deleted by %s is kept in %s, which doveadm does "
			"not know", name, un->foreign), "set "
			LE_STORAGE_SETTING" to the same everywhere");
	}
	verdict.found = un->count == 0 ? "deleted mail is kept" :
		t_strdup_printf("deleted mail is kept, but not that of %s",
				str_c(un->names));
	return verdict;
}

static struct verdict
judge_mailboxes(struct lazy_expunge_user *luser, struct mail_user *session,
		const char *name)
{
	struct unprotected un;
	struct verdict verdict;

	i_zero(&un);
	un.pool = pool_alloconly_create("lazy_expunge unprotected", 512);
	un.names = str_new(un.pool, 128);
	unprotected_find(&un, luser, session, strcmp(name, "pop3") == 0);
	if (un.count > MAX_NAMES)
		str_printfa(un.names, ", and %u more", un.count - MAX_NAMES);
	verdict = judge_unprotected(&un, name);
	pool_unref(&un.pool);
	return verdict;
}

/* session is the user of doveadm, or as the protocol has it. */
static struct verdict judge(struct lazy_expunge_user *luser,
			    struct mail_user *session, const char *name)
{
	struct lazy_expunge_user *lsession;
	struct lazy_expunge_storage *storage;
	struct verdict verdict = { .state = OK };
	unsigned int count = 0;

	if (!lazy_expunge_compat_user_has_plugin(session, PLUGIN_NAME)) {
		return verdict_fail(t_strdup_printf(
			"mail deleted by %s is not kept: mail_plugins there "
			"has no lazy_expunge", name), t_strdup_printf(
			"add lazy_expunge to mail_plugins outside of protocol "
			"blocks, and let that of protocol %s add to it ("
			LE_PLUGINS_ADD")", name));
	}
	lsession = lazy_expunge_user_get(session);
	if (lsession->set.error != NULL) {
		verdict = verdict_fail(t_strdup(lsession->set.error),
			"correct the setting: until then no mail can be "
			"deleted");
	} else if (lazy_expunge_settings_protect_nothing(&lsession->set)) {
		verdict = verdict_fail(t_strdup_printf(
			"mail deleted by %s is not kept: lazy_expunge_exclude "
			"names every mailbox", name), "exclude less");
	} else {
		array_foreach_elem(lazy_expunge_user_storages(lsession),
				   storage) {
			count++;
			if (storage->error != NULL) {
				verdict = verdict_fail(t_strdup(storage->error),
					lazy_expunge_check_storage_remedy(
								storage));
			}
		}
		if (count == 0) {
			verdict = verdict_fail(t_strdup_printf(
				"mail deleted by %s is not kept: "
				LE_STORAGE_SETTING" is not set there", name),
				"set it outside of protocol blocks, in small "
				"letters, and let no protocol block take it "
				"away");
		}
	}
	if (verdict.state == OK)
		verdict = judge_mailboxes(luser, session, name);
	if (lsession != luser)
		lazy_expunge_user_release(lsession);
	return verdict;
}

static struct verdict
judge_sessions(struct lazy_expunge_user *luser,
	       struct lazy_expunge_sessions *sessions,
	       enum lazy_expunge_check_protocol protocol)
{
	struct verdict verdict = { .state = WARN };
	struct mail_user *session;
	const char *error;

	/* this process is doveadm, with all that it was started with */
	if (protocol == LAZY_EXPUNGE_CHECK_DOVEADM)
		return judge(luser, luser->user, protocol_names[protocol]);
	if (lazy_expunge_sessions_user(sessions, protocol_names[protocol],
				       luser->user, &session, &error) < 0) {
		verdict.found = t_strdup_printf("what it has for this user "
						"cannot be told: %s", error);
		verdict.remedy = "look at the log";
		return verdict;
	}
	verdict = judge(luser, session, protocol_names[protocol]);
	lazy_expunge_sessions_user_free(&session);
	return verdict;
}

/* What runs and what the files say may differ until a reload. What runs is what
   deletes. */
static void add_verdicts(struct lazy_expunge_findings *findings,
			 const char *id, const char *name,
			 const struct verdict *files,
			 const struct verdict *running)
{
	const char *remedy = running->remedy;

	if (running != files && files->state == OK && running->state != OK)
		remedy = "reload Dovecot: in its files this is mended";
	lazy_expunge_findings_add(findings, id, running->state, running->found,
				  remedy);
	if (running == files || (files->state == running->state &&
				 strcmp(files->found, running->found) == 0))
		return;
	lazy_expunge_findings_add(findings, t_strconcat("reload-", name, NULL),
		I_MAX(WARN, files->state), t_strdup_printf(
		"the configuration was changed, and Dovecot not reloaded: "
		"with it, %s", files->found), files->state == OK ?
		"reload Dovecot" : t_strdup_printf(
		"do not reload Dovecot before this is done: %s",
		files->remedy));
}

static void check_protocol(struct lazy_expunge_findings *findings,
			   struct lazy_expunge_user *luser,
			   const struct lazy_expunge_check_config *config,
			   enum lazy_expunge_check_protocol protocol)
{
	const char *name = protocol_names[protocol];
	const char *id = t_strconcat("protocol-", name, NULL);
	struct verdict files, running;

	if (!lazy_expunge_check_protocol_is_enabled(config, protocol)) {
		lazy_expunge_findings_add(findings, id, OK, "not enabled",
					  NULL);
		return;
	}
	if (config->files == NULL) {
		lazy_expunge_findings_add(findings, id, WARN,
			t_strdup_printf("what it has cannot be told: %s",
					config->files_error),
			"run check as root, with "LE_DOVECONF" in its place");
		return;
	}
	files = judge_sessions(luser, config->files, protocol);
	/* the programs read the files */
	if (config->running == NULL || protocol >= LAZY_EXPUNGE_CHECK_LDA) {
		add_verdicts(findings, id, name, &files, &files);
		return;
	}
	running = judge_sessions(luser, config->running, protocol);
	add_verdicts(findings, id, name, &files, &running);
}

void lazy_expunge_check_protocols(struct lazy_expunge_findings *findings,
				  struct lazy_expunge_user *luser,
				  const struct lazy_expunge_check_config *config)
{
	for (unsigned int i = 0; i < LAZY_EXPUNGE_CHECK_PROTOCOLS; i++) T_BEGIN {
		check_protocol(findings, luser, config, i);
	} T_END;
	if (config->running_error != NULL) {
		lazy_expunge_findings_add(findings, "running", WARN,
			t_strdup_printf("what the running Dovecot has cannot "
					"be told: %s", config->running_error),
			"run check as root");
	}
}

void lazy_expunge_check_config_read(struct lazy_expunge_check_config *config_r,
				    const char *config_path, pool_t pool)
{
	const char *const args[] = { "protocols", NULL };
	const char *const set[] = { "-n", NULL };
	const char *const exclude[] = { "lazy_expunge_exclude", NULL };
	const char *error;

	i_zero(config_r);
	T_BEGIN {
		config_r->protocols = p_strdup(pool,
			lazy_expunge_doveconf(config_path, args));
		config_r->exclude = p_strdup(pool,
			lazy_expunge_doveconf(config_path, exclude));
		config_r->text = p_strdup(pool,
			lazy_expunge_doveconf(config_path, set));
		config_r->files = lazy_expunge_sessions_read(config_path,
			LAZY_EXPUNGE_SESSIONS_FILES, pool, &error);
		if (config_r->files == NULL)
			config_r->files_error = p_strdup(pool, error);
		config_r->running = lazy_expunge_sessions_read(config_path,
			LAZY_EXPUNGE_SESSIONS_RUNNING, pool, &error);
		if (config_r->running == NULL)
			config_r->running_error = p_strdup(pool, error);
		config_r->config_path = p_strdup(pool, config_path);
		config_r->socket_path = p_strdup(pool,
			lazy_expunge_doveconf_config_socket(config_path));
		config_r->libexec_dir = p_strdup(pool,
			lazy_expunge_doveconf_value(config_path,
						    "libexec_dir"));
	} T_END;
}

void lazy_expunge_check_config_free(struct lazy_expunge_check_config *config)
{
	lazy_expunge_sessions_free(&config->files);
	lazy_expunge_sessions_free(&config->running);
}
