#ifndef LAZY_EXPUNGE_POLICY_H
#define LAZY_EXPUNGE_POLICY_H

/* What happens to one mail that is being expunged. Pure: facts in, verdict
   out. */

enum lazy_expunge_verdict {
	/* An ordinary expunge, nothing is kept. */
	LAZY_EXPUNGE_PASS,
	/* Move the mail to the storage. */
	LAZY_EXPUNGE_KEEP,
	/* The mail stays where it is and the client gets an error. */
	LAZY_EXPUNGE_REFUSE,
	/* The verdict depends on whether another instance lives: look for one
	   and ask again with facts.instance set. */
	LAZY_EXPUNGE_LOOK
};

enum lazy_expunge_reason {
	LAZY_EXPUNGE_REASON_LAST_INSTANCE,
	LAZY_EXPUNGE_REASON_DELETED,
	LAZY_EXPUNGE_REASON_VIRTUAL,
	LAZY_EXPUNGE_REASON_GONE,
	LAZY_EXPUNGE_REASON_MOVED,
	LAZY_EXPUNGE_REASON_STORAGE,
	LAZY_EXPUNGE_REASON_PROTECTED,
	LAZY_EXPUNGE_REASON_HELD,
	LAZY_EXPUNGE_REASON_SETTINGS,
	LAZY_EXPUNGE_REASON_OFF,
	LAZY_EXPUNGE_REASON_EXCLUDED,
	LAZY_EXPUNGE_REASON_DSYNC,
	LAZY_EXPUNGE_REASON_SHARED,
	LAZY_EXPUNGE_REASON_OTHER_INSTANCE,
	/* not asked for: an administrator wants it gone for good */
	LAZY_EXPUNGE_REASON_ERASE
};

enum lazy_expunge_instance {
	/* not looked for yet */
	LAZY_EXPUNGE_INSTANCE_UNKNOWN,
	/* no other live instance was found, or the look could not tell */
	LAZY_EXPUNGE_INSTANCE_LAST,
	/* another instance lives in a protected mailbox of the account */
	LAZY_EXPUNGE_INSTANCE_OTHER
};

enum lazy_expunge_moving {
	LAZY_EXPUNGE_NOT_MOVING,
	/* the mail goes because another mailbox of the account has it now */
	LAZY_EXPUNGE_MOVED,
	/* the same, but the account could not be locked for that: another
	   session may count on this instance as it deletes the new one */
	LAZY_EXPUNGE_MOVED_UNLOCKED
};

struct lazy_expunge_facts {
	/* the settings could not be read */
	bool settings_failed;
	/* a storage is set for the mailbox */
	bool enabled;
	/* the mailbox is virtual: its backend mailboxes decide */
	bool is_virtual;
	/* another session has expunged the mail already */
	bool gone;
	/* the mail is in the storage */
	bool in_storage;
	/* lazy_expunge_protect */
	bool protect;
	/* doveadm or another administrative service */
	bool by_admin;
	/* autoexpunge or another retention of the administrator */
	bool by_retention;
	/* the mailbox is excluded */
	bool excluded;
	/* dsync applies a change of another side */
	bool dsync;
	/* the mailbox is another user's, and lazy_expunge_shared is off */
	bool foreign;
	/* the mail goes to where a delete is for good, or that is not known */
	bool moving_unkept;
	/* a hold covers the mail of the storage, and it is not the plugin
	   itself that puts it back */
	bool held;
	/* a hold is in force for the account */
	bool account_held;
	bool only_last_instance;
	enum lazy_expunge_moving moving;
	enum lazy_expunge_instance instance;
};

/* Returns the verdict, and why. */
enum lazy_expunge_verdict
lazy_expunge_policy_decide(const struct lazy_expunge_facts *facts,
			   enum lazy_expunge_reason *reason_r);

/* A word for events and logs. Static. */
const char *lazy_expunge_reason_name(enum lazy_expunge_reason reason);

#endif
