#ifndef LAZY_EXPUNGE_CATALOG_KEYS_H
#define LAZY_EXPUNGE_CATALOG_KEYS_H

/* The dict of the catalog: how it is opened, and its keys. */

#include "compat/compat-dict.h"
#include "core/catalog-row.h"

/* Below these are users. A row as a whole, in the order of its fields: */
#define LAZY_EXPUNGE_CATALOG_ROW "row"
/* Two numbers of it, due and maintained, and the other way round. A dict sorts by all
   that it reads: by these there is an index. */
#define LAZY_EXPUNGE_CATALOG_BY_DUE "by_due"
#define LAZY_EXPUNGE_CATALOG_BY_VISIT "by_visit"
/* A row with the number before it by which it is sorted: */
#define LAZY_EXPUNGE_CATALOG_BY_MESSAGES "by_messages"
#define LAZY_EXPUNGE_CATALOG_BY_BYTES "by_bytes"
#define LAZY_EXPUNGE_CATALOG_BY_OLDEST "by_oldest"
/* of those alone who have holds */
#define LAZY_EXPUNGE_CATALOG_BY_HOLDS "by_holds"
/* below it is one: the sums over all */
#define LAZY_EXPUNGE_CATALOG_SUMS "sums"

/* Data stack. */
const char *lazy_expunge_catalog_key(const char *what, const char *user);
/* The user of a key. Data stack. */
const char *lazy_expunge_catalog_key_user(const char *key);

#endif
