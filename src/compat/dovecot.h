#ifndef LAZY_EXPUNGE_COMPAT_H
#define LAZY_EXPUNGE_COMPAT_H

/* The only place that sees differences between Dovecot versions. The rest of
   the code is written for 2.4; here 2.3 learns it. What cannot be spelled the
   same is a function below. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "mail-cache.h"
#include "mail-storage-private.h"

struct event;
struct mail_user;
struct mailbox;
struct mailbox_list;
struct mail_namespace;

#ifndef HAVE_STR_BEGINS_WITH
#  define str_begins_with(haystack, needle) str_begins(haystack, needle)
#endif

/* Where mailbox names are normalized to NFC, Dovecot renames those that are not
   when they are listed or looked for, within our hooks as well. These are for who
   must see a mailbox as it is: names of the list as they are on disk, and a
   mailbox by such a name. */
#ifdef HAVE_MAILBOX_NFC
#  define LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME MAILBOX_FLAG_RAW_NAME
#  define LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING MAILBOX_LIST_ITER_NO_RENAMING
#else
#  define LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME 0
#  define LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING 0
#endif

/* TRUE if it does so in this list. */
bool lazy_expunge_compat_names_are_normalized(struct mailbox_list *list);
/* The name as Dovecot shows it in this list: normalized to NFC where it does
   that, else the same. Data stack. */
const char *lazy_expunge_compat_name_normalize(struct mailbox_list *list,
					       const char *vname);

/* The last error of the index. Valid until the next one. */
const char *lazy_expunge_compat_index_error(struct mail_index *index);

/* mail_cache_register_fields() for one field with a fixed name. */
void lazy_expunge_compat_cache_register(struct mail_cache *cache,
					struct mail_cache_field *field);

/* The character with which the list escapes what its storage names cannot
   hold, '\0' = it does not escape. */
char lazy_expunge_compat_list_escape_char(struct mailbox_list *list);

/* The character with which the list shows what names cannot hold, '\0' = it
   does not: names may have more than one spelling then. */
char lazy_expunge_compat_list_visible_escape_char(struct mailbox_list *list);

/* NULL-terminated special-use flags of the mailbox, or NULL. Valid as long as
   the data stack frame and the mailbox. */
const char *const *lazy_expunge_compat_special_use(struct mailbox *box);

/* Adds to the user the namespace that is configured like ns of another user,
   with the user's own location. Returns 0, or -1 and the error. */
int lazy_expunge_compat_namespace_add(struct mail_user *user,
				      struct mail_namespace *like,
				      const char **error_r);

/* The list is that of a storage namespace: its INBOX is a mailbox like others,
   in a directory of its own. Call when the list is created. */
void lazy_expunge_compat_list_set_plain_inbox(struct mailbox_list *list);

/* The configured name, below the namespace's prefix, of the mailbox with the
   special-use flag, NULL if there is none or it is a wildcard. */
const char *
lazy_expunge_compat_special_use_name(struct mail_namespace *ns,
				     const char *special_use);

/* TRUE if the list has an alternative storage directory (dbox). */
bool lazy_expunge_compat_list_has_alt(struct mailbox_list *list);

/* Tell the quota plugin within a copy() that the source mail goes away with it
   (and, with moving = FALSE, that the copy is over). */
static inline void
lazy_expunge_compat_save_set_moving(struct mail_save_context *ctx,
				    struct mail *mail ATTR_UNUSED, bool moving)
{
	ctx->moving = moving;
#ifdef HAVE_SAVE_EXPUNGED_MAIL
	ctx->expunged_mail = moving ? mail : NULL;
#endif
}

/* The mail that goes away when the one that is being saved is there, NULL if none
   does (REPLACE, RFC 8508). */
static inline struct mail *
lazy_expunge_compat_save_get_replaced(struct mail_save_context *ctx ATTR_UNUSED)
{
#ifdef HAVE_SAVE_EXPUNGED_MAIL
	return ctx->expunged_mail;
#else
	return NULL;
#endif
}

struct mailbox_settings;
/* The mailbox { } blocks of the namespace, one after the other from idx 0 on.
   NULL = there are no more. */
const struct mailbox_settings *
lazy_expunge_compat_mailbox_settings(struct mail_namespace *ns,
				     unsigned int idx);

/* TRUE if the user's mail_plugins, as the userdb may set them, have this one. */
bool lazy_expunge_compat_user_has_plugin(struct mail_user *user,
					 const char *name);
/* The directory of mail plugins. */
const char *lazy_expunge_compat_module_dir(struct mail_user *user);
#ifdef HAVE_DOVECOT_SETTINGS_GET
#  define LE_INBOX_REMEDY "give its namespace a mail_path of its own, and " \
	"mail_inbox_path = (nothing) where that is set for it"
#  define LE_PATHS_REMEDY "give its namespace a mail_path, mail_index_path, " \
	"mail_cache_path and mail_control_path of its own, or none of the " \
	"last three"
#  define LE_STORAGE_SETTING "lazy_expunge_mailbox"
#  define LE_PLUGINS_ADD "mail_plugins { other = yes }"
#else
#  define LE_INBOX_REMEDY "give its namespace a location of its own, " \
	"without INBOX= or with another one"
#  define LE_PATHS_REMEDY "give its namespace a location, and an INDEX and " \
	"a CONTROL, of its own"
#  define LE_STORAGE_SETTING "lazy_expunge"
#  define LE_PLUGINS_ADD "mail_plugins = $mail_plugins other"
#endif

/* Makes the quota plugin leave out a storage of the user.

   user_created: called when the user is created and before the quota plugin
   looks at its settings. storage is a mailbox name, or with a trailing
   separator the prefix of mailboxes. legal_name: lazy_expunge_legal_name().
   mailbox_allocated: called for a mailbox that is not to be counted, before
   the quota plugin sees it. Returns what mailbox_freed wants. */
typedef const char *
lazy_expunge_compat_legal_name_t(const char *name, char ns_sep, char list_sep,
				 bool escapes);
void lazy_expunge_compat_quota_user_created(
	struct mail_user *user, const char *storage,
	lazy_expunge_compat_legal_name_t *legal_name);
void *lazy_expunge_compat_quota_mailbox_allocated(struct mailbox *box);
void lazy_expunge_compat_quota_mailbox_freed(void *context);

/* A field of the event of a user of which not all namespaces are there that the
   settings name (lazy_expunge_compat_user_at()). */
#define LAZY_EXPUNGE_COMPAT_FIELD_USER_AT "lazy_expunge_user_at"

#endif
