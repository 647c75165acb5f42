#ifndef LAZY_EXPUNGE_INSTANCES_PRIVATE_H
#define LAZY_EXPUNGE_INSTANCES_PRIVATE_H

/* The mailboxes in which instances are looked for, shared by the look in the
   account and the one in the storage. */

#include "array.h"
#include "guid.h"
#include "mail-user.h"

struct lazy_expunge_budget;
struct lazy_expunge_user;
struct mail_namespace;
struct mailbox;

/* How many mails are read between two searches. */
#define READ_CHUNK 2000

struct instance_box {
	struct mail_namespace *ns;
	char *vname;
	struct lazy_expunge_guids *guids;
	time_t mtime;
	bool in_storage;
	/* it was asked what it is on disk: in_storage is right */
	bool is_told;

	/* while the account is locked: */
	struct mailbox *box;
	struct lazy_expunge_live *live;
	/* The same mailbox may be open under another name, when another
	   session has renamed it: its index is another object then. */
	guid_128_t guid;
	/* it was tried to open it, and to sync it */
	bool tried, synced;
	/* it counts: not excluded */
	bool is_protected;
};

struct lazy_expunge_instances {
	union mail_user_module_context module_ctx;
	struct lazy_expunge_user *luser;
	/* not created before the first look */
	ARRAY(struct instance_box *) boxes;
	/* where the last one was found: mails that are deleted together were
	   copied together */
	struct instance_box *last_hit;
	/* boxes has all mailboxes of the account as they are now */
	bool listed;
	/* a look was done since they were closed */
	bool in_use;
	/* since when something is remembered */
	time_t since;
};

struct lazy_expunge_instances *
lazy_expunge_instances_get(struct lazy_expunge_user *luser);
/* Close what looks have opened; what was read of it stays. */
void lazy_expunge_instance_boxes_close(struct lazy_expunge_user *luser);
/* The mailbox of this name, which is added if it is not known yet. It need not
   exist. */
struct instance_box *
lazy_expunge_instance_box_get(struct lazy_expunge_instances *inst,
			      struct mail_namespace *ns, const char *vname);
/* List the mailboxes of the account, those that changed last first. Once while
   the account is locked. */
void lazy_expunge_instances_list(struct lazy_expunge_instances *inst);
/* What one look may read. */
void lazy_expunge_instances_budget(struct lazy_expunge_instances *inst,
				   struct lazy_expunge_budget *budget_r);
/* Open the mailbox in its latest state. Without a sync mails may be missing
   that others than Dovecot put there. Returns FALSE if that is not possible:
   nothing in it counts then. */
bool lazy_expunge_instance_box_open(struct lazy_expunge_instances *inst,
				    struct instance_box *ibox, bool sync);
/* TRUE if the open mailbox is the other one under another name, as a second
   namespace shows it, also if it has indexes of its own there. */
bool lazy_expunge_instance_box_shows(struct instance_box *ibox,
				     struct mailbox *box);
/* TRUE if the UID of the open mailbox has this GUID and lives. */
bool lazy_expunge_instance_is_live(struct lazy_expunge_instances *inst,
				   struct instance_box *ibox, uint32_t uid,
				   const char *guid);

#endif
