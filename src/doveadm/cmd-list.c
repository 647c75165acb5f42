/* doveadm lazy-expunge list: what is in the storage, the newest deletion
   first. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-storage.h"
#include "core/origin-codec.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "inventory/select.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

/* Rows that are held back at most on the command line. */
#define LIST_FLUSH_ROWS 100

struct list_cmd {
	struct lazy_expunge_cmd cmd;
	/* -l, 0 = all */
	unsigned int limit;
};

/* A mailbox while its mails are printed. */
struct list_box {
	struct mailbox_transaction_context *t;
	struct mail *mail;
	/* NULL if nothing is held */
	struct lazy_expunge_cover *cover;
};

static const char *list_flags(struct mail *mail)
{
	enum mail_flags flags = mail_get_flags(mail);
	const char *const *keywords = mail_get_keywords(mail);
	static const struct {
		enum mail_flags flag;
		const char *name;
	} names[] = {
		{ MAIL_ANSWERED, "\\Answered" },
		{ MAIL_FLAGGED, "\\Flagged" },
		{ MAIL_DELETED, "\\Deleted" },
		{ MAIL_SEEN, "\\Seen" },
		{ MAIL_DRAFT, "\\Draft" }
	};
	string_t *str = t_str_new(64);

	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if ((flags & names[i].flag) != 0)
			str_printfa(str, " %s", names[i].name);
	}
	for (; *keywords != NULL; keywords++) {
		if (!lazy_expunge_origin_is_keyword(*keywords))
			str_printfa(str, " %s", *keywords);
	}
	return str_len(str) == 0 ? "" : str_c(str) + 1;
}

/* The header decoded, "" if there is none. Returns -1 if it cannot be read. */
static int list_header(struct mail *mail, const char *name,
		       const char **value_r)
{
	int ret = mail_get_first_header_utf8(mail, name, value_r);

	if (ret <= 0)
		*value_r = "";
	return ret < 0 ? -1 : 0;
}

/* Returns 0 if printed, -1 if something of the mail could not be read: nothing
   is printed then. */
static int list_mail(struct lazy_expunge_select *select,
		     const struct lazy_expunge_select_mail *smail,
		     struct mail *mail, struct lazy_expunge_cover *cover)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, smail->box);
	const char *guid, *from, *subject;
	uoff_t size;
	time_t received;

	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0 ||
	    mail_get_virtual_size(mail, &size) < 0 ||
	    mail_get_received_date(mail, &received) < 0 ||
	    list_header(mail, "From", &from) < 0 ||
	    list_header(mail, "Subject", &subject) < 0)
		return -1;

	lazy_expunge_print_number(mail->uid);
	lazy_expunge_print_text(sbox->vname);
	lazy_expunge_print_text(guid);
	lazy_expunge_print_time(smail->saved);
	lazy_expunge_print_text(lazy_expunge_select_origin(select, smail));
	lazy_expunge_print_text(array_idx_elem(&select->origins, smail->via));
	lazy_expunge_print_text(list_flags(mail));
	lazy_expunge_print_size(size);
	lazy_expunge_print_time(received);
	lazy_expunge_print_text(from);
	lazy_expunge_print_text(subject);
	lazy_expunge_print_text(cover == NULL ? "" :
				lazy_expunge_cover_names(cover, mail));
	return 0;
}

static void list_box_open(struct lazy_expunge_select *select,
			  unsigned int box_idx, struct list_box *lbox)
{
	static const char *const headers[] = { "From", "Subject", NULL };
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, box_idx);
	struct mailbox_header_lookup_ctx *headers_ctx;
	struct lazy_expunge_holds *holds;

	if (lbox->t != NULL)
		return;
	headers_ctx = mailbox_header_lookup_init(sbox->box, headers);
	holds = lazy_expunge_holds_get(select->luser);
	if (holds != NULL)
		lbox->cover = lazy_expunge_cover_init(holds, sbox->box);
	lbox->t = mailbox_transaction_begin(sbox->box, 0, "lazy_expunge list");
	lbox->mail = mail_alloc(lbox->t, MAIL_FETCH_FLAGS | MAIL_FETCH_GUID |
				MAIL_FETCH_VIRTUAL_SIZE |
				MAIL_FETCH_RECEIVED_DATE, headers_ctx);
	mailbox_header_lookup_unref(&headers_ctx);
}

static int list_print(struct list_cmd *lcmd,
		      struct lazy_expunge_select *select)
{
	const struct doveadm_cmd_context *cctx = lcmd->cmd.ctx.cctx;
	struct list_box *boxes =
		i_new(struct list_box, array_count(&select->boxes) + 1);
	const struct lazy_expunge_select_mail *smail;
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_error error;
	unsigned int printed = 0;
	int ret = 0;

	array_foreach(&select->mails, smail) {
		struct list_box *lbox = &boxes[smail->box];

		/* whoever reads it may have seen enough (head, a pager) */
		if ((lcmd->limit > 0 && printed == lcmd->limit) ||
		    doveadm_is_killed() || lazy_expunge_print_failed())
			break;
		list_box_open(select, smail->box, lbox);
		if (!mail_set_uid(lbox->mail, smail->uid))
			continue;
		T_BEGIN {
			if (list_mail(select, smail, lbox->mail,
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
	for (unsigned int i = 0; i < array_count(&select->boxes); i++) {
		if (boxes[i].t == NULL)
			continue;
		mail_free(&boxes[i].mail);
		lazy_expunge_cover_deinit(&boxes[i].cover);
		/* caches what was read */
		(void)mailbox_transaction_commit(&boxes[i].t);
	}
	i_free(boxes);
	return ret;
}

static int list_run(struct lazy_expunge_cmd *cmd,
		    struct lazy_expunge_user *luser)
{
	struct list_cmd *lcmd = container_of(cmd, struct list_cmd, cmd);
	struct lazy_expunge_select *select;
	int ret;

	select = lazy_expunge_cmd_select(cmd, luser, 0, &ret);
	if (select == NULL)
		return ret;
	ret = list_print(lcmd, select);
	lazy_expunge_select_deinit(&select);
	return ret;
}

static void list_print_headers(void)
{
	lazy_expunge_print_header_number("uid");
	lazy_expunge_print_header("mailbox");
	lazy_expunge_print_header("guid");
	lazy_expunge_print_header_time("deleted");
	lazy_expunge_print_header("origin");
	lazy_expunge_print_header("via");
	lazy_expunge_print_header("flags");
	lazy_expunge_print_header_number("size");
	lazy_expunge_print_header_time("received");
	lazy_expunge_print_header("from");
	lazy_expunge_print_header("subject");
	lazy_expunge_print_header("held");
}

static void list_init(struct lazy_expunge_cmd *cmd)
{
	struct list_cmd *lcmd = container_of(cmd, struct list_cmd, cmd);

	lazy_expunge_cmd_init_query(cmd, FALSE);
	lazy_expunge_cmd_init_limit(cmd, &lcmd->limit);
	/* a refusal has no rows */
	if (!cmd->refused)
		list_print_headers();
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
		LAZY_EXPUNGE_CMD_QUERY_USAGE "[-l <limit>] [<search query>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('l', "limit", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_QUERY_PARAMS
DOVEADM_CMD_PARAMS_END
};
