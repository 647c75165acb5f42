/* See the header. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-storage.h"
#include "module-context.h"
#include "doveadm-mail.h"
#include "account/never-used.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "account/user.h"
#include "doveadm/missing-storage.h"

#define MISSING_STORAGE_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, missing_storage_module)

struct missing_storage_cmd {
	union doveadm_mail_cmd_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(missing_storage_module,
				  &doveadm_mail_cmd_module_register);

/* what read mails by a query, and write nothing where none is found */
static const char *const commands[] = { "expunge", "fetch", "search" };

static void (*next_hook)(struct doveadm_mail_cmd_context *ctx);

static bool box_is_missing(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box = lazy_expunge_mailbox_alloc(luser, ns, vname, 0);
	enum mailbox_existence existence;
	bool missing = mailbox_exists(box, FALSE, &existence) == 0 &&
		existence == MAILBOX_EXISTENCE_NONE;

	mailbox_free(&box);
	return missing;
}

static int storage_listed(struct mail_namespace *ns, const char *vname,
			  void *context)
{
	struct lazy_expunge_user *luser = context;

	return box_is_missing(luser, ns, vname) ? 0 : -1;
}

/* Of many mailboxes one user's is asked for by its name, and others are there: it
   may be misspelt. */
static bool is_misspelt(struct doveadm_mail_cmd_context *ctx,
			struct lazy_expunge_user *luser,
			struct lazy_expunge_storage *storage)
{
	const char *error;
	enum mail_error code;

	return ctx->iterate_single_user &&
		lazy_expunge_storage_is_many(storage) &&
		lazy_expunge_storage_list(luser, storage, storage_listed,
					  luser, &error, &code) < 0;
}

static bool storage_is_missing(struct doveadm_mail_cmd_context *ctx,
			       struct lazy_expunge_user *luser,
			       const char *vname)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	struct lazy_expunge_storage *storage =
		lazy_expunge_storage_match_name(luser, ns, vname);

	if (storage == NULL)
		return FALSE;
	/* where not even a home can be made */
	if (lazy_expunge_user_is_new(luser->user))
		return TRUE;
	return box_is_missing(luser, ns,
			lazy_expunge_storage_open_vname(storage, ns, vname)) &&
		!is_misspelt(ctx, luser, storage);
}

/* A pattern that begins with the name of a storage: Dovecot lists what there is,
   and for that would make a place for a user who never had any. */
static bool storages_are_missing(struct lazy_expunge_user *luser,
				 const char *pattern)
{
	struct lazy_expunge_storage *storage;
	const char *vname;

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns == NULL)
			continue;
		vname = storage->ns_mode ? storage->ns->prefix :
			lazy_expunge_storage_vname(storage);
		if (*vname != '\0' &&
		    strncmp(pattern, vname, strlen(vname)) == 0)
			return lazy_expunge_user_is_new(luser->user);
	}
	return FALSE;
}

/* TRUE if all of these must match, and one of them is to be in such a mailbox. */
static bool args_want_missing(struct doveadm_mail_cmd_context *ctx,
			      struct lazy_expunge_user *luser,
			      const struct mail_search_arg *args)
{
	bool found = FALSE;

	for (; args != NULL && !found; args = args->next) {
		if (args->match_not)
			continue;
		if (args->type == SEARCH_SUB)
			found = args_want_missing(ctx, luser,
						  args->value.subargs);
		else if (args->type == SEARCH_MAILBOX)
			found = storage_is_missing(ctx, luser,
						   args->value.str);
		else if (args->type == SEARCH_MAILBOX_GLOB)
			found = storages_are_missing(luser, args->value.str);
	}
	return found;
}

static int missing_storage_run(struct doveadm_mail_cmd_context *ctx,
			       struct mail_user *user)
{
	struct missing_storage_cmd *cmd = MISSING_STORAGE_CONTEXT_REQUIRE(ctx);
	struct lazy_expunge_user *luser;
	bool missing;

	if (ctx->search_args == NULL)
		return cmd->module_ctx.super.run(ctx, user);
	luser = lazy_expunge_user_get(user);
	T_BEGIN {
		missing = args_want_missing(ctx, luser,
					    ctx->search_args->args);
	} T_END;
	lazy_expunge_user_release(luser);
	return missing ? 0 : cmd->module_ctx.super.run(ctx, user);
}

static void missing_storage_hook(struct doveadm_mail_cmd_context *ctx)
{
	struct missing_storage_cmd *cmd;

	if (next_hook != NULL)
		next_hook(ctx);
	for (unsigned int i = 0; i < N_ELEMENTS(commands); i++) {
		if (strcmp(ctx->cmd->name, commands[i]) != 0)
			continue;
		cmd = p_new(ctx->pool, struct missing_storage_cmd, 1);
		cmd->module_ctx.super = ctx->v;
		ctx->v.run = missing_storage_run;
		MODULE_CONTEXT_SET(ctx, missing_storage_module, cmd);
	}
}

void lazy_expunge_missing_storage_init(void)
{
	next_hook = hook_doveadm_mail_init;
	hook_doveadm_mail_init = missing_storage_hook;
}

void lazy_expunge_missing_storage_deinit(void)
{
	hook_doveadm_mail_init = next_hook;
}
