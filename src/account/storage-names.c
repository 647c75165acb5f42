/* Names of a storage. */

#include "lib.h"
#include "hex-dec.h"
#include "str.h"
#include "mail-namespace.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "core/storage-name.h"
#include "account/storage-names.h"

#include <ctype.h>

const char *lazy_expunge_name_without_prefix(struct mail_namespace *ns,
					     const char *vname)
{
	if (ns->prefix_len > 0 &&
	    strncmp(vname, ns->prefix, ns->prefix_len) == 0)
		return vname + ns->prefix_len;
	return vname;
}

const char *lazy_expunge_storage_legal_name(struct mailbox_list *list,
					    const char *name)
{
	bool escapes = lazy_expunge_compat_list_escape_char(list) != '\0';

	return lazy_expunge_legal_name(name, mail_namespace_get_sep(list->ns),
				       mailbox_list_get_hierarchy_sep(list),
				       escapes);
}

/* What is between the two, NULL if it is not so or nothing is. */
static const char *name_between(const char *name, const char *begin,
				const char *end)
{
	size_t len = strlen(name);
	size_t begin_len = strlen(begin), end_len = strlen(end);

	if (len <= begin_len + end_len ||
	    strncmp(name, begin, begin_len) != 0 ||
	    strcmp(name + len - end_len, end) != 0)
		return NULL;
	return t_strndup(name + begin_len, len - begin_len - end_len);
}

/* The parent of a whole tree, which is there without mail, NULL if there is
   none. */
static const char *tree_parent(const struct lazy_expunge_storage *storage,
			       const char *begin)
{
	size_t len = strlen(begin);

	if (len < 2 || begin[len - 1] != mail_namespace_get_sep(storage->ns))
		return NULL;
	return t_strndup(begin, len - 1);
}

static const char *
tree_own_name(const struct lazy_expunge_storage *storage,
	      struct mailbox_list *list, const char *name)
{
	const char *begin = storage->name, *end = storage->name_end;
	const char *legal_begin, *legal_end, *source, *parent;

	source = name_between(name, begin, end);
	if (source == NULL && strchr(name, '=') != NULL) {
		legal_begin = lazy_expunge_storage_legal_name(list, begin);
		legal_end = lazy_expunge_storage_legal_name(list, end);
		source = name_between(name, legal_begin, legal_end);
		if (source == NULL && tree_parent(storage, begin) != NULL &&
		    null_strcmp(name, tree_parent(storage, legal_begin)) == 0)
			return tree_parent(storage, begin);
	}
	if (source != NULL)
		return t_strconcat(begin, source, end, NULL);
	parent = tree_parent(storage, begin);
	return parent != NULL && strcmp(parent, name) == 0 ? parent : NULL;
}

const char *
lazy_expunge_storage_own_name(const struct lazy_expunge_storage *storage,
			      struct mailbox_list *list, const char *name)
{
	name = lazy_expunge_compat_name_normalize(list, name);
	if (storage->tree)
		return tree_own_name(storage, list, name);
	if (strcmp(name, storage->name) == 0)
		return storage->name;
	/* only names with an escape can be the legal form of the storage */
	return strchr(name, '=') != NULL &&
		strcmp(name, lazy_expunge_storage_legal_name(list,
						storage->name)) == 0 ?
		storage->name : NULL;
}

const char *
lazy_expunge_storage_open_vname(const struct lazy_expunge_storage *storage,
				struct mail_namespace *ns, const char *vname)
{
	const char *name;

	if (storage->ns_mode)
		return vname;
	name = lazy_expunge_storage_own_name(storage, ns->list,
			lazy_expunge_name_without_prefix(ns, vname));
	return name == NULL ? vname : t_strconcat(ns->prefix,
		lazy_expunge_storage_legal_name(ns->list, name), NULL);
}

/* The name of which this is the legal one. */
static const char *legal_name_undo(struct mailbox_list *list, const char *name)
{
	string_t *str = t_str_new(64);
	unsigned char byte;

	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '=' && i_isxdigit(p[1]) && i_isxdigit(p[2])) {
			byte = hex2dec((const unsigned char *)p + 1, 2);
			str_append_c(str, byte);
			p += 2;
		} else {
			str_append_c(str, *p);
		}
	}
	return strcmp(lazy_expunge_storage_legal_name(list, str_c(str)),
		      name) == 0 ? str_c(str) : name;
}

const char *
lazy_expunge_storage_spelled_name(const struct lazy_expunge_storage *storage,
				  struct mailbox_list *list, const char *name)
{
	const char *normalized =
		lazy_expunge_compat_name_normalize(list, name);
	const char *own = lazy_expunge_storage_own_name(storage, list, name);

	if (own == NULL || strcmp(normalized, name) == 0)
		return own;
	return strcmp(own, normalized) == 0 ? name :
		legal_name_undo(list, name);
}

const char *
lazy_expunge_storage_tree_name(const struct lazy_expunge_storage *storage,
			       const char *source)
{
	return t_strconcat(storage->name, source, storage->name_end, NULL);
}

const char *
lazy_expunge_storage_tree_source(const struct lazy_expunge_storage *storage,
				 const char *name)
{
	return name_between(name, storage->name, storage->name_end);
}

bool lazy_expunge_storage_is_many(const struct lazy_expunge_storage *storage)
{
	return storage->ns_mode || storage->tree;
}

bool lazy_expunge_storage_has_origins(
	const struct lazy_expunge_storage *storage)
{
	return !storage->ns_mode || storage->root;
}

static const char *
storage_sample_name(const struct lazy_expunge_storage *storage)
{
	if (storage->ns_mode)
		return "INBOX";
	return !storage->tree ? storage->name :
		lazy_expunge_storage_tree_name(storage, "INBOX");
}

const char *
lazy_expunge_storage_vname(const struct lazy_expunge_storage *storage)
{
	struct mail_namespace *ns = storage->ns;

	return storage->root ? t_strndup(ns->prefix, ns->prefix_len - 1) :
		t_strconcat(ns->prefix, storage_sample_name(storage), NULL);
}

const char *
lazy_expunge_storage_legal_vname(const struct lazy_expunge_storage *storage)
{
	return t_strconcat(storage->ns->prefix,
			   lazy_expunge_storage_legal_name(storage->ns->list,
						storage_sample_name(storage)),
			   NULL);
}

bool lazy_expunge_storage_is_named(struct lazy_expunge_storage *storage,
				   struct mail_namespace *ns, const char *vname)
{
	bool named;

	if (storage->ns_mode ||
	    (ns != storage->ns && ns->alias_for != storage->ns &&
	     ns->type != MAIL_NAMESPACE_TYPE_SHARED))
		return ns == storage->ns || ns->alias_for == storage->ns;
	T_BEGIN {
		named = lazy_expunge_storage_own_name(storage, ns->list,
			lazy_expunge_name_without_prefix(ns, vname)) != NULL;
	} T_END;
	return named;
}
