/* Numbers of deletions in the index, and where the index is lost, in the cache
   file, or on Maildir in the file name. */

#include "lib.h"
#include "mail-cache.h"
#include "mail-index.h"
#include "mail-storage-private.h"
#include "formats/format.h"
#include "formats/save-date.h"
#include "keep/deletion-id.h"

#define DELETION_EXT_NAME "lazy_expunge_deletion"

static unsigned int cache_register(struct mailbox *box)
{
	return lazy_expunge_cache_field_register(box, "lazy_expunge.deletion",
						 sizeof(uint32_t));
}

static bool box_is_maildir(struct mailbox *box)
{
	return lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MAILDIR;
}

unsigned int lazy_expunge_deletion_id_register(struct mailbox *box)
{
	/* Maildir has it in the file name */
	return box_is_maildir(box) ? UINT_MAX : cache_register(box);
}

void lazy_expunge_deletion_id_add(struct mailbox_transaction_context *t,
				  uint32_t seq, uint32_t id,
				  unsigned int field)
{
	uint32_t ext_id;

	ext_id = mail_index_ext_register(t->box->index, DELETION_EXT_NAME, 0,
					 sizeof(id), sizeof(id));
	mail_index_update_ext(t->itrans, seq, ext_id, &id, NULL);
	if (field != UINT_MAX)
		mail_cache_add(t->cache_trans, seq, field, &id, sizeof(id));
}

void lazy_expunge_deletion_id_set(struct mailbox_transaction_context *t,
				  uint32_t seq, uint32_t id)
{
	if (id != 0) {
		lazy_expunge_deletion_id_add(t, seq, id,
			lazy_expunge_deletion_id_register(t->box));
	}
}

static uint32_t id_indexed(struct mail *mail)
{
	const void *data;
	uint32_t ext_id, id;

	if (!mail_index_ext_lookup(mail->box->index, DELETION_EXT_NAME,
				   &ext_id))
		return 0;
	mail_index_lookup_ext(mail->transaction->view, mail->seq, ext_id,
			      &data, NULL);
	if (data == NULL)
		return 0;
	memcpy(&id, data, sizeof(id));
	return id;
}

uint32_t lazy_expunge_deletion_id_get(struct mail *mail)
{
	uint32_t id = id_indexed(mail);
	buffer_t buf;

	if (id != 0 || box_is_maildir(mail->box))
		return id;
	buffer_create_from_data(&buf, &id, sizeof(id));
	if (mail_cache_lookup_field(mail->transaction->cache_view, &buf,
				    mail->seq, cache_register(mail->box)) <= 0 ||
	    buf.used != sizeof(id))
		return 0;
	return id;
}

void lazy_expunge_deletion_id_catch_up(struct mailbox_transaction_context *t,
				       struct mail *mail, uint32_t id)
{
	if (id != 0 && id_indexed(mail) == 0)
		lazy_expunge_deletion_id_set(t, mail->seq, id);
}
