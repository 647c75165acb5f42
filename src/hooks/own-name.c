/* The storage's own name, in answers to clients. */

#include "lib.h"
#include "str.h"
#include "hooks/context.h"
#include "hooks/own-name.h"

int lazy_expunge_own_name_error(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	const char *text, *p;
	enum mail_error code;

	if (lbox->legal_vname == NULL)
		return -1;
	text = mailbox_get_last_error(box, &code);
	/* an internal error does not say what it is about */
	if (code == MAIL_ERROR_TEMP ||
	    (p = strstr(text, lbox->legal_vname)) == NULL)
		return -1;
	T_BEGIN {
		text = t_strconcat(t_strdup_until(text, p), lbox->own_vname,
				   p + strlen(lbox->legal_vname), NULL);
		mail_storage_set_error(box->storage, code, text);
	} T_END;
	return -1;
}

/* GETMETADATA answers with the name of the mailbox. Opening it would verify that,
   so that comes first. What would verify it once more, as a client's ENABLE does,
   comes to a mailbox that is selected. dsync does both. */
static void show_own_name(struct mailbox *box, struct lazy_expunge_mailbox *lbox)
{
	if (lbox->internal || lbox->luser->user->dsyncing)
		return;
	/* if it cannot be, what follows tells */
	if (box->opened || mailbox_open(box) == 0)
		box->vname = lbox->own_vname;
}

static int own_name_attribute_get(struct mailbox *box,
				  enum mail_attribute_type type_flags,
				  const char *key,
				  struct mail_attribute_value *value_r)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	int ret;

	show_own_name(box, lbox);
	ret = lbox->module_ctx.super.attribute_get(box, type_flags, key,
						   value_r);
	return ret < 0 ? lazy_expunge_own_name_error(box) : ret;
}

static struct mailbox_attribute_iter *
own_name_attribute_iter_init(struct mailbox *box,
			     enum mail_attribute_type type_flags,
			     const char *prefix)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	show_own_name(box, lbox);
	return lbox->module_ctx.super.attribute_iter_init(box, type_flags,
							  prefix);
}

static int own_name_attribute_iter_deinit(struct mailbox_attribute_iter *iter)
{
	struct mailbox *box = iter->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	return lbox->module_ctx.super.attribute_iter_deinit(iter) < 0 ?
		lazy_expunge_own_name_error(box) : 0;
}

void lazy_expunge_own_name_mailbox_allocated(struct mailbox_vfuncs *v)
{
	v->attribute_get = own_name_attribute_get;
	v->attribute_iter_init = own_name_attribute_iter_init;
	v->attribute_iter_deinit = own_name_attribute_iter_deinit;
}

static int own_name_get_special(struct mail *mail, enum mail_fetch_field field,
				const char **value_r)
{
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE((struct mail_private *)mail);

	if (field != MAIL_FETCH_MAILBOX_NAME) {
		return lmail->module_ctx.super.get_special(mail, field,
							   value_r);
	}
	*value_r = lazy_expunge_mailbox_vname(mail->box);
	return 0;
}

void lazy_expunge_own_name_mail_allocated(struct mail_vfuncs *v)
{
	v->get_special = own_name_get_special;
}
