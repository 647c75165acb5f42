/* The columns of list. A mail is asked for what is in the columns that are
   printed alone: some are dear. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strescape.h"
#include "imap-bodystructure.h"
#include "message-part.h"
#include "message-part-data.h"
#include "mail-storage.h"
#include "core/origin-codec.h"
#include "core/passed-lines.h"
#include "hold/cover.h"
#include "doveadm/print.h"
#include "doveadm/table.h"
#include "doveadm/list-columns.h"

enum list_column {
	LIST_UID,
	LIST_MAILBOX,
	LIST_GUID,
	LIST_DELETED,
	LIST_ORIGIN,
	LIST_VIA,
	LIST_FLAGS,
	LIST_SIZE,
	LIST_RECEIVED,
	LIST_FROM,
	LIST_SUBJECT,
	LIST_HELD,
	LIST_TO,
	LIST_ATTACHMENTS,
	LIST_COUNT
};

static const struct {
	const char *title;
	void (*header)(const char *key);
	enum lazy_expunge_column kind;
	enum mail_fetch_field fields;
	const char *header_name;
} list_columns[LIST_COUNT] = {
	[LIST_UID] = { .title = "uid",
		.header = lazy_expunge_print_header_number },
	[LIST_MAILBOX] = { .title = "mailbox",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC },
	[LIST_GUID] = { .title = "guid",
		.header = lazy_expunge_print_header,
		.fields = MAIL_FETCH_GUID },
	[LIST_DELETED] = { .title = "deleted",
		.header = lazy_expunge_print_header_time },
	[LIST_ORIGIN] = { .title = "origin",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC },
	[LIST_VIA] = { .title = "via",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC },
	[LIST_FLAGS] = { .title = "flags",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC,
		.fields = MAIL_FETCH_FLAGS },
	[LIST_SIZE] = { .title = "size",
		.header = lazy_expunge_print_header_number,
		.fields = MAIL_FETCH_VIRTUAL_SIZE },
	[LIST_RECEIVED] = { .title = "received",
		.header = lazy_expunge_print_header_time,
		.fields = MAIL_FETCH_RECEIVED_DATE },
	[LIST_FROM] = { .title = "from",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC, .header_name = "From" },
	[LIST_SUBJECT] = { .title = "subject",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC,
		.header_name = "Subject" },
	[LIST_HELD] = { .title = "held",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC },
	[LIST_TO] = { .title = "to",
		.header = lazy_expunge_print_header,
		.kind = LAZY_EXPUNGE_COLUMN_ELASTIC, .header_name = "To" },
	[LIST_ATTACHMENTS] = { .title = "attachments",
		.header = lazy_expunge_print_header_number,
		.fields = MAIL_FETCH_IMAP_BODYSTRUCTURE },
};

/* What a person sees first: one line a mail. */
static const char *const short_titles[] = {
	"deleted", "origin", "from", "subject", "size", "uid", NULL
};

struct lazy_expunge_list_columns {
	ARRAY(enum list_column) wanted;
	/* the table shows short_titles alone, and to in the place of from */
	bool is_short;
};

struct list_values {
	const char *guid, *from, *to, *subject, *flags;
	uoff_t size;
	time_t received;
	unsigned int attachments;
};

static const char *list_titles(void)
{
	string_t *str = t_str_new(128);

	for (unsigned int i = 0; i < LIST_COUNT; i++) {
		str_printfa(str, "%s%s", i == 0 ? "" : ", ",
			    list_columns[i].title);
	}
	return str_c(str);
}

static bool columns_have(const struct lazy_expunge_list_columns *columns,
			 enum list_column column)
{
	enum list_column wanted;

	array_foreach_elem(&columns->wanted, wanted) {
		if (wanted == column)
			return TRUE;
	}
	return FALSE;
}

static int columns_add(struct lazy_expunge_list_columns *columns,
		       const char *name, const char **error_r)
{
	for (enum list_column i = 0; i < LIST_COUNT; i++) {
		if (strcmp(list_columns[i].title, name) != 0)
			continue;
		if (columns_have(columns, i)) {
			*error_r = t_strdup_printf("-c: the column %s is "
						   "there twice", name);
			return -1;
		}
		array_push_back(&columns->wanted, &i);
		return 0;
	}
	*error_r = t_strdup_printf("-c: there is no column %s; there are %s",
				   name, list_titles());
	return -1;
}

int lazy_expunge_list_columns_init(pool_t pool, const char *names, bool all,
				   struct lazy_expunge_list_columns **columns_r,
				   const char **error_r)
{
	struct lazy_expunge_list_columns *columns =
		p_new(pool, struct lazy_expunge_list_columns, 1);
	const char *const *name;

	p_array_init(&columns->wanted, pool, LIST_COUNT);
	*columns_r = columns;
	if (names == NULL) {
		columns->is_short = !all;
		for (enum list_column i = 0; i < LIST_COUNT; i++)
			array_push_back(&columns->wanted, &i);
		return 0;
	}
	if (*names == '\0')
		return columns_add(columns, names, error_r);
	for (name = t_strsplit(names, ","); *name != NULL; name++) {
		if (columns_add(columns, *name, error_r) < 0)
			return -1;
	}
	return 0;
}

/* What a table does not show need not be found out for it. */
static bool column_is_dropped(const struct lazy_expunge_list_columns *columns,
			      enum list_column column)
{
	return columns->is_short && lazy_expunge_print_is_table() &&
		column != LIST_TO &&
		!str_array_find(short_titles, list_columns[column].title);
}

void
lazy_expunge_list_columns_headers(struct lazy_expunge_list_columns *columns)
{
	enum list_column column;

	if (columns->is_short)
		lazy_expunge_table_show_only(short_titles);
	array_foreach_elem(&columns->wanted, column) {
		lazy_expunge_table_column(list_columns[column].kind);
		list_columns[column].header(list_columns[column].title);
	}
	lazy_expunge_table_column(LAZY_EXPUNGE_COLUMN_FIXED);
}

struct mail *
lazy_expunge_list_columns_mail(struct lazy_expunge_list_columns *columns,
			       struct mailbox_transaction_context *t)
{
	struct mailbox_header_lookup_ctx *headers_ctx = NULL;
	enum mail_fetch_field fields = 0;
	ARRAY_TYPE(const_string) headers;
	enum list_column column;
	struct mail *mail;

	t_array_init(&headers, 4);
	array_foreach_elem(&columns->wanted, column) {
		if (column_is_dropped(columns, column))
			continue;
		fields |= list_columns[column].fields;
		if (list_columns[column].header_name != NULL)
			array_push_back(&headers,
					&list_columns[column].header_name);
	}
	if (array_count(&headers) > 0) {
		array_append_zero(&headers);
		headers_ctx = mailbox_header_lookup_init(
			mailbox_transaction_get_mailbox(t),
			array_front(&headers));
	}
	mail = mail_alloc(t, fields, headers_ctx);
	if (headers_ctx != NULL)
		mailbox_header_lookup_unref(&headers_ctx);
	return mail;
}

static const char *
list_flags(const struct lazy_expunge_select_mail *smail, struct mail *mail)
{
	enum mail_flags flags = smail->passed != NULL ? smail->passed->flags :
		mail_get_flags(mail);
	const char *const *keywords = smail->passed != NULL ?
		smail->passed->keywords : mail_get_keywords(mail);
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

static unsigned int count_attachments(struct message_part *part)
{
	static const struct message_part_attachment_settings set;
	unsigned int count = 0;

	for (; part != NULL; part = part->next) {
		if (part->children != NULL)
			count += count_attachments(part->children);
		else if (message_part_is_attachment(part, &set))
			count++;
	}
	return count;
}

/* By the rule of Dovecot's own $HasAttachment. What is no MIME has none. */
static int list_attachments(struct mail *mail, unsigned int *count_r)
{
	const char *structure, *error;
	struct message_part *parts = NULL;
	pool_t pool;

	*count_r = 0;
	if (mail_get_special(mail, MAIL_FETCH_IMAP_BODYSTRUCTURE,
			     &structure) < 0)
		return -1;
	pool = pool_alloconly_create("lazy_expunge list parts", 1024);
	if (imap_bodystructure_parse_full(structure, pool, &parts, &error) == 0)
		*count_r = count_attachments(parts);
	pool_unref(&pool);
	return 0;
}

static int list_read(const struct lazy_expunge_select_mail *smail,
		     struct mail *mail, enum list_column column,
		     struct list_values *values)
{
	switch (column) {
	case LIST_GUID:
		return mail_get_special(mail, MAIL_FETCH_GUID, &values->guid);
	case LIST_FLAGS:
		values->flags = list_flags(smail, mail);
		return 0;
	case LIST_SIZE:
		return mail_get_virtual_size(mail, &values->size);
	case LIST_RECEIVED:
		return mail_get_received_date(mail, &values->received);
	case LIST_FROM:
		return list_header(mail, "From", &values->from);
	case LIST_TO:
		return list_header(mail, "To", &values->to);
	case LIST_SUBJECT:
		return list_header(mail, "Subject", &values->subject);
	case LIST_ATTACHMENTS:
		return list_attachments(mail, &values->attachments);
	default:
		/* it is known */
		return 0;
	}
}

/* The Trash that a mail went through, and where one lives that is in no storage,
   are said in a line of a few columns, too. */
static const char *
list_origin(const struct lazy_expunge_list_columns *columns,
	    struct lazy_expunge_select *select,
	    const struct lazy_expunge_select_mail *smail)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, smail->box);
	const char *origin = lazy_expunge_select_origin(select, smail);
	const char *via = lazy_expunge_select_via(select, smail);

	if (!columns->is_short || !lazy_expunge_print_is_table())
		return origin;
	if (*via != '\0')
		origin = t_strdup_printf("%s, via %s", origin, via);
	if (sbox->storage == NULL)
		origin = t_strdup_printf("%s, now in %s", origin, sbox->vname);
	return origin;
}

static void list_print_known(const struct lazy_expunge_list_columns *columns,
			     struct lazy_expunge_select *select,
			     const struct lazy_expunge_select_mail *smail,
			     enum list_column column)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, smail->box);

	switch (column) {
	case LIST_UID:
		lazy_expunge_print_number(smail->uid);
		break;
	case LIST_MAILBOX:
		lazy_expunge_print_text(sbox->vname);
		break;
	case LIST_DELETED:
		lazy_expunge_print_time(smail->saved);
		break;
	case LIST_ORIGIN:
		lazy_expunge_print_text(list_origin(columns, select, smail));
		break;
	case LIST_VIA:
		lazy_expunge_print_text(
			lazy_expunge_select_via(select, smail));
		break;
	default:
		i_unreached();
	}
}

/* Returns FALSE if the column is not of what is read of the mail. */
static bool list_print_read(const struct list_values *values,
			    enum list_column column)
{
	switch (column) {
	case LIST_GUID:
		lazy_expunge_print_text(values->guid);
		return TRUE;
	case LIST_FLAGS:
		lazy_expunge_print_text(values->flags);
		return TRUE;
	case LIST_SIZE:
		lazy_expunge_print_size(values->size);
		return TRUE;
	case LIST_RECEIVED:
		lazy_expunge_print_time(values->received);
		return TRUE;
	case LIST_FROM:
		lazy_expunge_print_text(values->from);
		return TRUE;
	case LIST_TO:
		lazy_expunge_print_text(values->to);
		return TRUE;
	case LIST_SUBJECT:
		lazy_expunge_print_text(values->subject);
		return TRUE;
	case LIST_ATTACHMENTS:
		lazy_expunge_print_number(values->attachments);
		return TRUE;
	default:
		return FALSE;
	}
}

int lazy_expunge_list_columns_print(
	struct lazy_expunge_list_columns *columns,
	struct lazy_expunge_select *select,
	const struct lazy_expunge_select_mail *smail, struct mail *mail,
	bool sent, struct lazy_expunge_cover *cover)
{
	struct list_values values;
	enum list_column column;

	i_zero(&values);
	array_foreach_elem(&columns->wanted, column) {
		if (!column_is_dropped(columns, column) &&
		    list_read(smail, mail, column, &values) < 0)
			return -1;
	}
	/* what everybody sent himself says nothing */
	if (columns->is_short && lazy_expunge_print_is_table() && sent)
		values.from = t_strconcat("To: ", values.to, NULL);
	array_foreach_elem(&columns->wanted, column) {
		if (column_is_dropped(columns, column))
			lazy_expunge_print_none();
		else if (column == LIST_HELD) {
			lazy_expunge_print_text(cover == NULL ? "" :
				lazy_expunge_cover_names(cover, mail));
		} else if (!list_print_read(&values, column)) {
			list_print_known(columns, select, smail, column);
		}
	}
	return 0;
}
