/* Mails for room: reads all mailboxes of the storages. */

#include "lib.h"
#include "array.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "core/retention-rules.h"
#include "formats/mail-room.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "inventory/select.h"
#include "retention/room-mails.h"

static int room_mail_cmp(const struct lazy_expunge_room_mail *m1,
			 const struct lazy_expunge_room_mail *m2)
{
	const struct lazy_expunge_cap_mail cap1 =
		{ .saved = m1->saved, .box = m1->box, .uid = m1->uid };
	const struct lazy_expunge_cap_mail cap2 =
		{ .saved = m2->saved, .box = m2->box, .uid = m2->uid };
	int ret = lazy_expunge_cap_mail_cmp(&cap1, &cap2);

	if (ret != 0)
		return ret;
	return m1->path == NULL || m2->path == NULL ? 0 :
		strcmp(m1->path, m2->path);
}

struct room_reading {
	struct lazy_expunge_room *room;
	struct lazy_expunge_cover *cover;
	struct lazy_expunge_room_dir *dir;
};

static void room_add(struct lazy_expunge_room *room, uint32_t uid, time_t saved,
		     const struct lazy_expunge_mail_room *mroom)
{
	struct lazy_expunge_room_mail *rmail;

	if (mroom->bytes == 0)
		return;
	rmail = array_append_space(&room->mails);
	rmail->saved = saved;
	rmail->bytes = mroom->bytes;
	rmail->box = room->box;
	rmail->uid = uid;
	rmail->path = p_strdup(room->select->pool, mroom->path);
}

/* Returns 0, or -1 if it cannot be read. */
static int room_read_mail(struct room_reading *reading, struct mail *mail)
{
	struct lazy_expunge_mail_room mroom;
	time_t saved;

	if (reading->cover != NULL &&
	    lazy_expunge_cover_find(reading->cover, mail) != NULL)
		return 0; /* it stays */
	if (lazy_expunge_mail_room(reading->dir, mail, &mroom) < 0)
		return mail->expunged ? 0 : -1;
	if (mail_get_save_date(mail, &saved) < 0) {
		/* Where a uidlist cannot be locked a file may not be found by
		   Dovecot. What is not cached is the same time. */
		if (mail->expunged || mroom.path == NULL)
			return mail->expunged ? 0 : -1;
		saved = mroom.changed;
	}
	room_add(reading->room, mail->uid, saved, &mroom);
	return 0;
}

static void room_read_file(const struct lazy_expunge_mail_room *mroom,
			   void *context)
{
	room_add(context, 0, mroom->changed, mroom);
}

static int room_read_mails(struct room_reading *reading, struct mailbox *box)
{
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail_search_args *args;
	struct mail *mail;
	int ret = 0;

	args = mail_search_build_init();
	mail_search_build_add_all(args);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge room read");
	search = mailbox_search_init(t, args, NULL, MAIL_FETCH_SAVE_DATE, NULL);
	mail_search_args_unref(&args);
	while (ret == 0 && mailbox_search_next(search, &mail)) T_BEGIN {
		ret = room_read_mail(reading, mail);
	} T_END;
	if (mailbox_search_deinit(&search) < 0)
		ret = -1;
	/* what was read into the cache cannot be written on a full disk */
	mailbox_transaction_rollback(&t);
	return ret;
}

static int room_read_box(struct lazy_expunge_room *room, struct mailbox *box,
			 struct lazy_expunge_holds *holds)
{
	struct room_reading reading = { .room = room };
	int ret;

	reading.dir = lazy_expunge_room_dir_init(box);
	if (holds != NULL)
		reading.cover = lazy_expunge_cover_init(holds, box);
	ret = room_read_mails(&reading, box);
	/* whether it is held cannot be told of a file without a mail */
	if (ret == 0 && holds == NULL)
		lazy_expunge_room_dir_files(reading.dir, room_read_file, room);
	lazy_expunge_cover_deinit(&reading.cover);
	lazy_expunge_room_dir_deinit(&reading.dir);
	return ret;
}

int lazy_expunge_room_open(struct lazy_expunge_room *room,
			   struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_holds *holds = lazy_expunge_holds_get(room->luser);
	const struct lazy_expunge_select_box *sbox;

	room->holds = holds;
	if (holds != NULL)
		lazy_expunge_holds_ref(holds);
	i_array_init(&room->mails, 256);
	room->select = lazy_expunge_select_init(room->luser, error_r);
	if (room->select == NULL)
		return -1;
	if (holds != NULL && holds->everything != NULL)
		return 0;
	for (room->box = 0; room->box < array_count(&room->select->boxes);
	     room->box++) {
		sbox = array_idx(&room->select->boxes, room->box);
		if (room_read_box(room, sbox->box, holds) < 0) {
			lazy_expunge_error_set_box(error_r, "Cannot read",
						   sbox->box);
			return -1;
		}
	}
	array_sort(&room->mails, room_mail_cmp);
	return 0;
}

void lazy_expunge_room_close(struct lazy_expunge_room *room)
{
	lazy_expunge_select_deinit(&room->select);
	array_free(&room->mails);
	lazy_expunge_holds_unref(&room->holds);
}
