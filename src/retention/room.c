/* Room: takes the oldest mails in batches that grow, for the first ones make the
   room in which the others are written. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "core/transactions.h"
#include "formats/disk.h"
#include "formats/format.h"
#include "formats/mail-room.h"
#include "formats/mdbox-mark.h"
#include "formats/mdbox-room.h"
#include "hold/holds.h"
#include "inventory/select.h"
#include "retention/first-room.h"
#include "retention/room.h"
#include "retention/room-mails.h"

#include <unistd.h>

#define ROOM_BATCH_MAX 1000
/* How often room is made for the same batch. */
#define ROOM_TRIES 3
/* So many files at most go before their index says so. */
#define ROOM_FILES_AHEAD 16

/* The mailbox if it is the first that lies in its mdbox storage, and what is
   counted there can be believed. */
static struct mailbox *room_mdbox(struct lazy_expunge_room *room,
				  unsigned int idx)
{
	const struct lazy_expunge_select_box *sboxes =
		array_front(&room->select->boxes);
	struct mailbox *box = sboxes[idx].box;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX ||
	    lazy_expunge_unclean_is_marked(box))
		return NULL;
	for (unsigned int i = 0; i < idx; i++) {
		if (sboxes[i].box->storage == box->storage)
			return NULL;
	}
	return box;
}

int lazy_expunge_room_read(struct lazy_expunge_user *luser,
			   struct lazy_expunge_room_plan *plan, bool with_gone,
			   struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_room room = { .luser = luser };
	const struct lazy_expunge_room_mail *rmail;
	struct mailbox *box;
	uint64_t bytes;
	int ret;

	ret = lazy_expunge_room_open(&room, error_r);
	if (ret == 0) {
		lazy_expunge_room_plan_add_user(plan, luser->user->username);
		for (unsigned int i = 0;
		     i < array_count(&room.select->boxes); i++) {
			box = room_mdbox(&room, i);
			if (box != NULL && with_gone &&
			    lazy_expunge_disk_purgeable(box->storage,
							&bytes) == 0)
				lazy_expunge_room_plan_add_purged(plan, bytes);
		}
		array_foreach(&room.mails, rmail) {
			lazy_expunge_room_plan_add_mail(plan, rmail->saved,
							rmail->bytes);
		}
	}
	lazy_expunge_room_close(&room);
	return ret;
}

static void room_free_dead(struct lazy_expunge_room *room)
{
	struct mailbox *box;

	for (unsigned int i = 0; i < array_count(&room->select->boxes); i++) {
		box = room_mdbox(room, i);
		if (box != NULL)
			lazy_expunge_mdbox_room_dead(box->storage);
	}
}

static uint64_t room_taken(struct lazy_expunge_room *room)
{
	struct mailbox *box;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < array_count(&room->select->boxes); i++) {
		box = room_mdbox(room, i);
		if (box != NULL)
			bytes += lazy_expunge_mdbox_room_taken(box->storage);
	}
	return bytes;
}

/* Caches go for the room that a purge needs, too. */
static int
room_purge_storage(struct lazy_expunge_room *room, struct mailbox *box,
		   uint64_t *needed_r, struct lazy_expunge_error *error_r)
{
	int ret;

	do {
		ret = lazy_expunge_mdbox_room_purge(box->storage, needed_r);
	} while (ret == 0 && *needed_r > 0 &&
		 lazy_expunge_first_room(room->luser, box, *needed_r, FALSE) &&
		 lazy_expunge_disk_has(box, *needed_r));
	if (ret < 0) {
		error_r->text = t_strdup_printf("Cannot purge the storage: %s",
			mail_storage_get_last_internal_error(box->storage,
							     &error_r->code));
	}
	return ret;
}

static int room_purge(struct lazy_expunge_room *room, uint64_t *needed_r,
		      struct lazy_expunge_error *error_r)
{
	struct mailbox *box;
	uint64_t needed;
	int ret = 0;

	*needed_r = 0;
	for (unsigned int i = 0; i < array_count(&room->select->boxes); i++) {
		box = room_mdbox(room, i);
		if (box == NULL)
			continue;
		if (room_purge_storage(room, box, &needed, error_r) < 0)
			ret = -1;
		*needed_r += needed;
	}
	return ret;
}

static bool is_short(struct mailbox *box)
{
	return !lazy_expunge_disk_has(box, LAZY_EXPUNGE_ROOM_TO_WRITE);
}

/* Make room to write what a batch needs: by what is gone already, and by what
   can be made anew. */
static void room_make_first(struct lazy_expunge_room *room, struct mailbox *box,
			    bool failed)
{
	if (!failed && !is_short(box))
		return;
	room_free_dead(room);
	/* a Maildir does well without a file before its index knows that */
	if (failed ||
	    lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MAILDIR) {
		(void)lazy_expunge_first_room(room->luser, box,
			LAZY_EXPUNGE_ROOM_TO_WRITE, failed);
	}
}

/* A hold that was set just now may cover what was read before. */
static bool room_holds_changed(struct lazy_expunge_room *room)
{
	io_loop_time_refresh();
	return lazy_expunge_holds_get(room->luser) != room->holds;
}

/* And by files of the batch itself, of which is known by now that no hold
   covers them: a transaction is about to say that they are gone. */
static void
room_unlink_ahead(struct lazy_expunge_room *room, unsigned int box_idx,
		  const struct lazy_expunge_room_mail *rmails,
		  unsigned int count, bool failed)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&room->select->boxes, box_idx);
	unsigned int files = 0;

	if (room_holds_changed(room))
		return;
	for (unsigned int i = 0; i < count && files < ROOM_FILES_AHEAD; i++) {
		if (rmails[i].box != box_idx || rmails[i].uid == 0)
			continue;
		if (!is_short(sbox->box) && (!failed || files > 0))
			return;
		if (rmails[i].path != NULL)
			i_unlink_if_exists(rmails[i].path);
		else
			lazy_expunge_mail_room_unlink(sbox->box, rmails[i].uid);
		files++;
	}
}

static int
room_expunge_from(struct lazy_expunge_room *room, unsigned int box_idx,
		  const struct lazy_expunge_room_mail *rmails,
		  unsigned int count, bool failed)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&room->select->boxes, box_idx);
	struct mailbox_transaction_context *t;
	struct mail *mail;
	int ret;

	room_make_first(room, sbox->box, failed);
	t = mailbox_transaction_begin(sbox->box, 0,
				      LAZY_EXPUNGE_TRANSACTION_ROOM);
	mail = mail_alloc(t, 0, NULL);
	for (unsigned int i = 0; i < count; i++) {
		if (rmails[i].box == box_idx && rmails[i].uid != 0 &&
		    mail_set_uid(mail, rmails[i].uid))
			mail_expunge(mail);
	}
	mail_free(&mail);
	room_unlink_ahead(room, box_idx, rmails, count, failed);
	ret = mailbox_transaction_commit(&t);
	if (mailbox_sync(sbox->box, 0) < 0)
		ret = -1;
	return ret;
}

/* The file of a mail that has no UID. */
static int room_unlink_file(struct lazy_expunge_room *room, const char *path,
			    struct lazy_expunge_error *error_r)
{
	error_r->code = MAIL_ERROR_TEMP;
	if (room_holds_changed(room)) {
		error_r->text = "The holds of the user were changed meanwhile";
		return -1;
	}
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	error_r->text = t_strdup_printf("unlink(%s) failed: %m", path);
	return -1;
}

/* Returns 0 if all of them are gone. */
static int
room_expunge(struct lazy_expunge_room *room,
	     const struct lazy_expunge_room_mail *rmails, unsigned int count,
	     bool failed, struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	bool found;
	int ret = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (rmails[i].uid == 0 &&
		    room_unlink_file(room, rmails[i].path, error_r) < 0)
			ret = -1;
	}
	for (unsigned int b = 0; b < array_count(&room->select->boxes); b++) {
		found = FALSE;
		for (unsigned int i = 0; i < count && !found; i++)
			found = rmails[i].box == b && rmails[i].uid != 0;
		sbox = array_idx(&room->select->boxes, b);
		if (found &&
		    room_expunge_from(room, b, rmails, count, failed) < 0) {
			lazy_expunge_error_set_box(error_r,
				"Cannot expunge from", sbox->box);
			ret = -1;
		}
	}
	return ret;
}

static void
room_count(const struct lazy_expunge_room_mail *rmails, unsigned int count,
	   struct lazy_expunge_room_result *result)
{
	for (unsigned int i = 0; i < count; i++) {
		if (result->oldest == 0)
			result->oldest = rmails[i].saved;
		result->newest = rmails[i].saved;
		result->bytes += rmails[i].bytes;
	}
	result->messages += count;
}

static int
room_take_batches(struct lazy_expunge_room *room,
		  const struct lazy_expunge_room_mail *rmails,
		  unsigned int count, struct lazy_expunge_room_result *result,
		  struct lazy_expunge_error *error_r)
{
	unsigned int batch = 1, done = 0, tries = 0;
	int ret;

	while (done < count) {
		batch = I_MIN(batch, count - done);
		T_BEGIN {
			ret = room_expunge(room, rmails + done, batch,
					   tries > 0, error_r);
		} T_END_PASS_STR_IF(ret < 0, &error_r->text);
		if (ret < 0 && ++tries < ROOM_TRIES)
			continue;
		if (ret < 0) {
			result->failed += count - done;
			return -1;
		}
		room_count(rmails + done, batch, result);
		done += batch;
		batch = I_MIN(batch * 2, ROOM_BATCH_MAX);
		tries = 0;
	}
	return 0;
}

static int room_take_once(struct lazy_expunge_user *luser,
			  const struct lazy_expunge_room_share *share,
			  struct lazy_expunge_room_result *result_r,
			  struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_room room = { .luser = luser };
	const struct lazy_expunge_room_mail *rmails;
	unsigned int count, goes = 0;
	uint64_t taken, left;
	int ret;

	i_zero(result_r);
	ret = lazy_expunge_room_open(&room, error_r);
	if (ret < 0)
		result_r->failed = share->messages;
	else {
		taken = room_taken(&room);
		rmails = array_get(&room.mails, &count);
		while (goes < count && goes < share->messages &&
		       rmails[goes].saved <= share->newest)
			goes++;
		ret = room_take_batches(&room, rmails, goes, result_r, error_r);
		room_free_dead(&room);
		if (room_purge(&room, &result_r->needed, error_r) < 0)
			ret = -1;
		/* mdbox frees what its files tell */
		left = room_taken(&room);
		if (taken > 0)
			result_r->bytes = taken > left ? taken - left : 0;
	}
	lazy_expunge_room_close(&room);
	return ret;
}

int lazy_expunge_room_take(struct lazy_expunge_user *luser,
			   const struct lazy_expunge_room_share *share,
			   struct lazy_expunge_room_result *result_r,
			   struct lazy_expunge_error *error_r)
{
	static const struct lazy_expunge_room_share nothing;
	struct lazy_expunge_room_result more;
	int ret;

	ret = room_take_once(luser, share, result_r, error_r);
	/* the storages are closed again */
	if (ret == 0 && result_r->needed > 0 &&
	    lazy_expunge_first_room_of_storages(luser)) {
		ret = room_take_once(luser, &nothing, &more, error_r);
		result_r->bytes += more.bytes;
		result_r->needed = more.needed;
	}
	return ret;
}
