/* Check of the catalog: can it be read and written, and is the user's row what the
   mailboxes say? */

#include "lib.h"
#include "array.h"
#include "account/storages.h"
#include "catalog/reader.h"
#include "core/text.h"
#include "retention/figures.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN

#define REMEDY_MAINTAIN "doveadm lazy-expunge maintain mends it"
#define REMEDY_DICT "look at the log of the dict service; conf.d has its " \
	"configuration and the tables"

static void catalog_compare(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser,
			    const struct lazy_expunge_catalog_row *row,
			    bool never_used, time_t now)
{
	struct lazy_expunge_catalog_row figures;
	struct lazy_expunge_error error;

	if (never_used)
		i_zero(&figures);
	else if (lazy_expunge_figures_read(luser, now, FALSE, &figures,
					   &error) < 0) {
		lazy_expunge_findings_add(findings, "catalog", WARN,
			error.text, "see the row of the storage");
		return;
	}
	if (row == NULL && figures.messages == 0) {
		lazy_expunge_findings_add(findings, "catalog", OK,
			"read and written; no row, as nothing was kept", NULL);
	} else if (row == NULL) {
		lazy_expunge_findings_add(findings, "catalog", WARN,
			"the user has no row", REMEDY_MAINTAIN);
	} else if (row->messages != figures.messages ||
		   row->bytes != figures.bytes) {
		lazy_expunge_findings_add(findings, "catalog", WARN,
			t_strdup_printf("behind: the row has %"PRIu64" mails "
				"of %s, the storage %"PRIu64" of %s",
				row->messages,
				lazy_expunge_text_size(row->bytes),
				figures.messages,
				lazy_expunge_text_size(figures.bytes)),
			REMEDY_MAINTAIN);
	} else if (row->due > figures.due && row->due > now) {
		lazy_expunge_findings_add(findings, "catalog", WARN,
			t_strdup_printf("behind: something is due at %s, the "
				"row says later",
				lazy_expunge_text_time(figures.due)),
			REMEDY_MAINTAIN);
	} else {
		lazy_expunge_findings_add(findings, "catalog", OK,
			"read and written; the row is what the storage has",
			NULL);
	}
}

void lazy_expunge_check_catalog(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				bool never_used, time_t now)
{
	struct lazy_expunge_catalog *catalog;
	struct lazy_expunge_catalog_row row;
	const char *error;
	int ret;

	ret = luser->set.error != NULL ? 0 :
		lazy_expunge_catalog_open(luser->user->event,
					  luser->set.catalog, &catalog, &error);
	if (ret == 0)
		return;
	if (ret < 0) {
		lazy_expunge_findings_add(findings, "catalog", WARN, error,
			"correct lazy_expunge_catalog");
		return;
	}
	ret = lazy_expunge_catalog_lookup(catalog, luser->user->username,
					  pool_datastack_create(), &row,
					  &error);
	if (ret < 0 || lazy_expunge_catalog_try_write(catalog, &error) < 0) {
		lazy_expunge_findings_add(findings, "catalog", WARN, error,
					  REMEDY_DICT);
	} else {
		catalog_compare(findings, luser, ret > 0 ? &row : NULL,
				never_used, now);
	}
	lazy_expunge_catalog_close(&catalog);
}
