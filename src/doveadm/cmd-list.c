/* doveadm lazy-expunge list: what is in the storage, the newest deletion
   first. */

#include "lib.h"
#include "array.h"
#include "unichar.h"
#include "mail-namespace.h"
#include "mail-storage.h"
#include "compat/dovecot.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "inventory/select.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"
#include "doveadm/list-columns.h"

/* Rows that are held back at most on the command line. */
#define LIST_FLUSH_ROWS 100
/* Live mailboxes that are open at once at most. */
#define LIST_LIVE_BOXES 16

struct list_cmd {
	struct lazy_expunge_cmd cmd;
	/* -l, 0 = all */
	unsigned int limit;
	struct lazy_expunge_list_columns *columns;
};

/* A mailbox while its mails are printed. */
struct list_box {
	struct mailbox_transaction_context *t;
	struct mail *mail;
	/* NULL if nothing is held */
	struct lazy_expunge_cover *cover;
	/* a live one that cannot be opened */
	bool failed;
};

/* All of them. */
struct list_boxes {
	struct lazy_expunge_select *select;
	struct list_box *boxes;
	/* how many of the live ones are open */
	unsigned int live;
};

/* Of an origin. */
struct list_sent {
	bool known, sent;
};

/* Is the mailbox that the mails come from one of sent mail? Asked for each name
   once. */
static bool list_is_sent(struct lazy_expunge_select *select,
			 const struct lazy_expunge_select_mail *smail,
			 struct list_sent *sent)
{
	struct mail_user *user = select->luser->user;
	const char *origin = lazy_expunge_select_origin(select, smail);
	struct list_sent *known = &sent[smail->origin];
	const char *const *uses;
	struct mail_namespace *ns;
	struct mailbox *box;

	if (known->known || *origin == '\0')
		return known->sent;
	known->known = TRUE;
	/* no mailbox can have it, and Dovecot does not take it */
	if (!uni_utf8_str_is_valid(origin))
		return FALSE;
	ns = mail_namespace_find(user->namespaces, origin);
	box = lazy_expunge_mailbox_alloc(select->luser, ns, origin, 0);
	uses = lazy_expunge_compat_special_use(box);
	known->sent = uses != NULL && str_array_icase_find(uses, "\\Sent");
	mailbox_free(&box);
	return known->sent;
}

static void list_box_close(struct list_box *lbox)
{
	if (lbox->t == NULL)
		return;
	mail_free(&lbox->mail);
	lazy_expunge_cover_deinit(&lbox->cover);
	/* caches what was read */
	(void)mailbox_transaction_commit(&lbox->t);
}

static void list_boxes_close(struct list_boxes *boxes, bool live_only)
{
	const struct lazy_expunge_select_box *sbox;

	for (unsigned int i = 0; i < array_count(&boxes->select->boxes); i++) {
		sbox = array_idx(&boxes->select->boxes, i);
		if (sbox->storage == NULL || !live_only)
			list_box_close(&boxes->boxes[i]);
	}
	lazy_expunge_select_live_close(boxes->select);
	boxes->live = 0;
}

/* Returns FALSE if a live one is gone, or cannot be opened, which is said
   once. */
static bool list_live_open(struct list_cmd *lcmd, struct list_boxes *boxes,
			   unsigned int idx, int *ret_r)
{
	struct list_box *lbox = &boxes->boxes[idx];
	struct lazy_expunge_error error;
	int ret;

	if (lbox->failed)
		return FALSE;
	if (boxes->live == LIST_LIVE_BOXES)
		list_boxes_close(boxes, TRUE);
	ret = lazy_expunge_select_box_open(boxes->select, idx, &error);
	if (ret > 0) {
		boxes->live++;
		return TRUE;
	}
	lbox->failed = TRUE;
	if (ret < 0)
		*ret_r = lazy_expunge_cmd_fail(&lcmd->cmd, &error);
	return FALSE;
}

/* NULL if it cannot be had. */
static struct list_box *
list_box_open(struct list_cmd *lcmd, struct list_boxes *boxes,
	      unsigned int idx, int *ret_r)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&boxes->select->boxes, idx);
	struct list_box *lbox = &boxes->boxes[idx];
	struct lazy_expunge_holds *holds = NULL;

	if (lbox->t != NULL)
		return lbox;
	if (sbox->storage != NULL)
		holds = lazy_expunge_holds_get(boxes->select->luser);
	else if (!list_live_open(lcmd, boxes, idx, ret_r))
		return NULL;
	if (holds != NULL)
		lbox->cover = lazy_expunge_cover_init(holds, sbox->box);
	lbox->t = mailbox_transaction_begin(sbox->box, 0, "lazy_expunge list");
	lbox->mail = lazy_expunge_list_columns_mail(lcmd->columns, lbox->t);
	return lbox;
}

static int list_print(struct list_cmd *lcmd,
		      struct lazy_expunge_select *select)
{
	const struct doveadm_cmd_context *cctx = lcmd->cmd.ctx.cctx;
	struct list_boxes boxes = {
		.select = select,
		.boxes = i_new(struct list_box, array_count(&select->boxes) + 1),
	};
	struct list_sent *sent =
		i_new(struct list_sent, array_count(&select->origins));
	const struct lazy_expunge_select_mail *smail;
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_error error;
	unsigned int printed = 0;
	int ret = 0;

	array_foreach(&select->mails, smail) {
		struct list_box *lbox;

		/* whoever reads it may have seen enough (head, a pager) */
		if ((lcmd->limit > 0 && printed == lcmd->limit) ||
		    doveadm_is_killed() || lazy_expunge_print_failed())
			break;
		T_BEGIN {
			lbox = list_box_open(lcmd, &boxes, smail->box, &ret);
		} T_END;
		if (lbox == NULL || !mail_set_uid(lbox->mail, smail->uid))
			continue;
		T_BEGIN {
			if (lazy_expunge_list_columns_print(lcmd->columns,
					select, smail, lbox->mail,
					list_is_sent(select, smail, sent),
					lbox->cover) == 0) {
				/* the first at once, for whoever waits */
				if (printed++ % LIST_FLUSH_ROWS == 0 &&
				    cctx->conn_type ==
				    DOVEADM_CONNECTION_TYPE_CLI)
					lazy_expunge_print_flush();
			} else if (!lbox->mail->expunged) {
				sbox = array_idx(&select->boxes, smail->box);
				lazy_expunge_error_set_box(&error,
					t_strdup_printf("Cannot read UID %u of",
						smail->uid), sbox->box);
				ret = lazy_expunge_cmd_fail(&lcmd->cmd, &error);
			}
		} T_END;
	}
	list_boxes_close(&boxes, FALSE);
	i_free(sent);
	i_free(boxes.boxes);
	return ret;
}

static int list_run(struct lazy_expunge_cmd *cmd,
		    struct lazy_expunge_user *luser)
{
	struct list_cmd *lcmd = container_of(cmd, struct list_cmd, cmd);
	struct lazy_expunge_select *select;
	int ret;

	/* of what lives, only what is asked for is of interest */
	if (cmd->range.origins != NULL || cmd->deletion != NULL) {
		select = lazy_expunge_cmd_select_with_copies(cmd, luser, 0,
							     &ret);
	} else {
		select = lazy_expunge_cmd_select(cmd, luser, 0, &ret);
	}
	if (select == NULL)
		return ret;
	ret = list_print(lcmd, select);
	lazy_expunge_select_deinit(&select);
	return ret;
}

static void list_init(struct lazy_expunge_cmd *cmd)
{
	struct list_cmd *lcmd = container_of(cmd, struct list_cmd, cmd);
	const char *names, *error;

	lazy_expunge_cmd_init_query(cmd, FALSE);
	lazy_expunge_cmd_init_limit(cmd, &lcmd->limit);
	if (!doveadm_cmd_param_str(cmd->ctx.cctx, "columns", &names))
		names = NULL;
	if (lazy_expunge_list_columns_init(cmd->ctx.pool, names,
			lazy_expunge_cmd_flag(cmd, "all-columns"),
			&lcmd->columns, &error) < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
	/* a refusal has no rows */
	if (!cmd->refused)
		lazy_expunge_list_columns_headers(lcmd->columns);
}

static struct doveadm_mail_cmd_context *list_alloc(void)
{
	struct list_cmd *lcmd =
		lazy_expunge_cmd_alloc(struct list_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       list_init, list_run);
	return &lcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_list = {
	.name = "lazy-expunge list",
	.mail_cmd = list_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		LAZY_EXPUNGE_CMD_QUERY_USAGE "[-l <limit>] [-v] [-c <columns>] [<search query>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('l', "limit", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('v', "all-columns", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('c', "columns", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_QUERY_PARAMS
DOVEADM_CMD_PARAMS_END
};
