/* Copies that were found are added to a selection, where the query matches
   them. */

#include "lib.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "inventory/copies-private.h"

static bool copies_take_all(const struct mail_search_args *args)
{
	const struct mail_search_arg *arg = args->args;

	return arg != NULL && arg->type == SEARCH_ALL && !arg->match_not &&
		arg->next == NULL;
}

static bool is_needed(const struct copies_mail *cmail)
{
	struct copies_wanted *wanted;

	array_foreach_elem(&cmail->wanted, wanted) {
		if (cmail->uid != 0 && !wanted->present)
			return TRUE;
	}
	return FALSE;
}

/* Which copies in the mailbox does the query match? */
static int copies_match(struct copies *copies, struct mailbox *box,
			bool in_storage, unsigned int idx,
			struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct copies_mail *cmail;
	struct mail *mail;
	int ret;

	mail_search_args_init(copies->args, box, FALSE, NULL);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge copies");
	search = mailbox_search_init(t, copies->args, NULL, MAIL_FETCH_GUID,
				     NULL);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		cmail = lazy_expunge_copies_lookup(copies, mail);
		if (cmail != NULL && cmail->in_storage == in_storage &&
		    cmail->box == idx && cmail->uid == mail->uid)
			cmail->found = TRUE;
	} T_END;
	ret = mailbox_search_deinit(&search);
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot search", box);
	(void)mailbox_transaction_commit(&t);
	mail_search_args_deinit(copies->args);
	return ret;
}

static unsigned int origin_idx(struct lazy_expunge_select *select,
			       const char *name)
{
	const char *const *origins;
	unsigned int count;

	origins = array_get(&select->origins, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(origins[i], name) == 0)
			return i;
	}
	name = p_strdup(select->pool, name);
	array_push_back(&select->origins, &name);
	return count;
}

/* All mailboxes that are to have a copy from this one, which is an index to
   select->boxes. */
static void copies_add_mail(struct copies *copies,
			    const struct copies_mail *cmail,
			    unsigned int box_idx)
{
	struct lazy_expunge_select *select = copies->select;
	struct lazy_expunge_select_mail *smail;
	const struct lazy_expunge_passed *passed;
	struct copies_wanted *wanted;

	array_foreach_elem(&cmail->wanted, wanted) {
		if (wanted->present)
			continue;
		passed = wanted->passed;
		smail = array_append_space(&select->mails);
		smail->saved = passed->time;
		smail->uid = cmail->uid;
		smail->box = box_idx;
		smail->origin = origin_idx(select, wanted->shown);
		smail->recorded = origin_idx(select, passed->mailbox);
		T_BEGIN {
			smail->via = origin_idx(select,
				lazy_expunge_select_shown(select, passed->via));
		} T_END;
		smail->deletion = passed->deletion;
		smail->passed = passed;
	}
}

static void copies_add(struct copies *copies, bool in_storage, unsigned int idx,
		       unsigned int box_idx)
{
	struct copies_mail *cmail;

	array_foreach_elem(&copies->mails, cmail) {
		if (cmail->found && cmail->uid != 0 && cmail->box == idx &&
		    cmail->in_storage == in_storage)
			copies_add_mail(copies, cmail, box_idx);
	}
}

static bool box_is_needed(struct copies *copies, bool in_storage,
			  unsigned int idx)
{
	struct copies_mail *cmail;

	array_foreach_elem(&copies->mails, cmail) {
		if (cmail->box == idx && cmail->in_storage == in_storage &&
		    is_needed(cmail))
			return TRUE;
	}
	return FALSE;
}

static void copies_add_live(struct copies *copies,
			    const struct copies_box *cbox)
{
	struct lazy_expunge_select *select = copies->select;
	struct lazy_expunge_select_box *sbox;

	sbox = array_append_space(&select->boxes);
	sbox->ns = cbox->ns;
	sbox->vname = p_strdup(select->pool, cbox->vname);
}

static int copies_add_storage(struct copies *copies, unsigned int idx,
			      struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;

	if (!box_is_needed(copies, TRUE, idx))
		return 0;
	sbox = array_idx(&copies->select->boxes, idx);
	if (!copies_take_all(copies->args) &&
	    copies_match(copies, sbox->box, TRUE, idx, error_r) < 0)
		return -1;
	copies_add(copies, TRUE, idx, idx);
	return 0;
}

static void copies_add_box(struct copies *copies, unsigned int idx)
{
	struct lazy_expunge_select *select = copies->select;
	const struct copies_box *cbox = array_idx(&copies->live, idx);
	const unsigned int box_idx = array_count(&select->boxes);
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_error error;
	int ret = 1;

	if (!box_is_needed(copies, FALSE, idx))
		return;
	copies_add_live(copies, cbox);
	if (!copies_take_all(copies->args)) {
		ret = lazy_expunge_select_box_open(select, box_idx, &error);
		sbox = array_idx(&select->boxes, box_idx);
		if (ret > 0 && copies_match(copies, sbox->box, FALSE, idx,
					    &error) < 0)
			ret = -1;
		if (ret < 0)
			lazy_expunge_copies_unread(cbox->vname, &error, copies);
		lazy_expunge_select_live_close(select);
	}
	if (ret > 0)
		copies_add(copies, FALSE, idx, box_idx);
}

int lazy_expunge_copies_add(struct copies *copies, unsigned int storage_boxes,
			    struct lazy_expunge_error *error_r)
{
	const bool all = copies_take_all(copies->args);
	struct copies_mail *cmail;

	array_foreach_elem(&copies->mails, cmail)
		cmail->found = all;
	for (unsigned int i = 0; i < storage_boxes; i++) {
		if (copies_add_storage(copies, i, error_r) < 0)
			return -1;
	}
	for (unsigned int i = 0; i < array_count(&copies->live); i++) T_BEGIN {
		copies_add_box(copies, i);
	} T_END;
	return 0;
}
