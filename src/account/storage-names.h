#ifndef LAZY_EXPUNGE_STORAGE_NAMES_H
#define LAZY_EXPUNGE_STORAGE_NAMES_H

/* A storage, and the names that it goes by. */

struct mail_namespace;
struct mailbox_list;

/* One configured storage. */
struct lazy_expunge_storage {
	/* as configured */
	const char *setting;
	/* namespace mode: every mailbox of ns is the storage */
	bool ns_mode;
	/* with that: mail goes to the mailbox that has the name of the prefix
	   without its separator, as in mailbox mode */
	bool root;
	/* NULL if it could not be found, then error says why */
	struct mail_namespace *ns;
	const char *error;
	/* of an error that is not for the usual one, or NULL */
	const char *remedy;
	/* not NULL: it is this one by another name, or a mailbox of it */
	struct lazy_expunge_storage *same_as, *next_alias;
	/* the error is that it has, or shares files with, mail that was not
	   deleted */
	bool is_live;
	/* mailbox mode: name below the namespace's prefix */
	const char *name;
	/* a tree: each mailbox has a storage of its own, and name is what is
	   before its name in that of the storage, name_end what is after it */
	bool tree;
	const char *name_end;
	/* the user may have links to its mailbox (mailbox_alias plugin) */
	bool has_links;
	/* the settings of these names as they hold for it: with the filters of
	   its mailbox or namespace */
	bool hidden, protect, quota_ignore;
	/* lists that were held against that of ns (storage-identity.c) */
	struct lazy_expunge_storage_list *lists;
};

/* TRUE if the storage has more than one mailbox: it is a namespace or a tree. */
bool lazy_expunge_storage_is_many(const struct lazy_expunge_storage *storage);
/* TRUE if the mailbox is of the storage by the storage's own name alone. vname
   is the full virtual name in the namespace. */
bool lazy_expunge_storage_is_named(struct lazy_expunge_storage *storage,
				   struct mail_namespace *ns,
				   const char *vname);
/* TRUE if kept mail says itself where it came from. */
bool lazy_expunge_storage_has_origins(
	const struct lazy_expunge_storage *storage);
/* vname without the namespace's prefix. */
const char *lazy_expunge_name_without_prefix(struct mail_namespace *ns,
					     const char *vname);
/* A name for the storage that the list's layout can hold: the name itself, or,
   where it breaks the layout's rules, one with =xx for the characters that do.
   Names are below the namespace prefix. Data stack. */
const char *lazy_expunge_storage_legal_name(struct mailbox_list *list,
					    const char *name);
/* The full virtual name of the mailbox of a storage whose namespace is known, or
   of one that has many any. Data stack. */
const char *
lazy_expunge_storage_vname(const struct lazy_expunge_storage *storage);
/* The same made of the legal name. Not of namespace mode. */
const char *
lazy_expunge_storage_legal_vname(const struct lazy_expunge_storage *storage);

/* The name by which a mailbox of the storage is opened: as the layout can hold
   it, which works without the mail plugin, too. Data stack. */
const char *
lazy_expunge_storage_open_vname(const struct lazy_expunge_storage *storage,
				struct mail_namespace *ns, const char *vname);

/* The storage's own form of a name in the list, which may be in the form that
   the layout can hold, or in another spelling. NULL if it is none of the
   storage's. Below the namespace's prefix, not of namespace mode. Data stack. */
const char *
lazy_expunge_storage_own_name(const struct lazy_expunge_storage *storage,
			      struct mailbox_list *list, const char *name);
/* The same in the spelling of the name, for a mailbox that is to be renamed. */
const char *
lazy_expunge_storage_spelled_name(const struct lazy_expunge_storage *storage,
				  struct mailbox_list *list, const char *name);
/* A tree: the name of the storage's mailbox for a mailbox of this name; and the
   other way round, NULL if it is for none. Data stack. */
const char *
lazy_expunge_storage_tree_name(const struct lazy_expunge_storage *storage,
			       const char *source);
const char *
lazy_expunge_storage_tree_source(const struct lazy_expunge_storage *storage,
				 const char *name);

#endif
