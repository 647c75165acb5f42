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
	/* NULL if it could not be found, then error says why */
	struct mail_namespace *ns;
	const char *error;
	/* mailbox mode: name below the namespace's prefix */
	const char *name;
	/* lists that were held against that of ns (storage-identity.c) */
	struct lazy_expunge_storage_list *lists;
};

/* vname without the namespace's prefix. */
const char *lazy_expunge_name_without_prefix(struct mail_namespace *ns,
					     const char *vname);
/* A name for the storage that the list's layout can hold: the name itself, or,
   where it breaks the layout's rules, one with =xx for the characters that do.
   Names are below the namespace prefix. Data stack. */
const char *lazy_expunge_storage_legal_name(struct mailbox_list *list,
					    const char *name);
/* The full virtual name of the mailbox of a storage whose namespace is known, or
   of namespace mode any. Data stack. */
const char *
lazy_expunge_storage_vname(const struct lazy_expunge_storage *storage);
/* The same made of the legal name. Not of namespace mode. */
const char *
lazy_expunge_storage_legal_vname(const struct lazy_expunge_storage *storage);

#endif
