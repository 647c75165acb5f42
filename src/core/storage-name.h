#ifndef LAZY_EXPUNGE_STORAGE_NAME_H
#define LAZY_EXPUNGE_STORAGE_NAME_H

/* A name that a mailbox list can hold: the name itself, or, where it breaks the
   layout's rules, one with =xx for the characters that do. The separators are
   those of the namespace and of the list (on disk); escapes says that the list
   escapes what its own separator would mean. The name is below the namespace's
   prefix. Data stack. */
const char *lazy_expunge_legal_name(const char *name, char ns_sep,
				    char list_sep, bool escapes);

#endif
