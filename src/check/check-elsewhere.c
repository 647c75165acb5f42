/* Check of what the rows of protocols cannot tell: sessions from some addresses
   may have other settings, and a service may start with settings of its own. */

#include "lib.h"
#include "array.h"
#include "core/config-text.h"
#include "check/check.h"

static const char *const services[] = { "imap", "pop3", "lmtp", NULL };

static const char *joined(const ARRAY_TYPE(const_string) *strings)
{
	return t_array_const_string_join(strings, ", ");
}

void lazy_expunge_check_elsewhere(struct lazy_expunge_findings *findings,
				const struct lazy_expunge_check_config *config)
{
	ARRAY_TYPE(const_string) found;
	pool_t pool = pool_datastack_create();

	/* the rows of protocols say that nothing could be read */
	if (config->text == NULL)
		return;
	t_array_init(&found, 4);
	lazy_expunge_config_text_addresses(config->text, pool, &found);
	if (array_count(&found) > 0) {
		lazy_expunge_findings_add(findings, "addresses",
			LAZY_EXPUNGE_FINDING_WARN, t_strdup_printf(
			"%s: sessions there have settings of their own, of "
			"which the rows protocol and live do not tell",
			joined(&found)),
			"set lazy_expunge and mail_plugins outside of it, or "
			"delete a mail in such a session and look for it in "
			"list");
	}
	array_clear(&found);
	lazy_expunge_config_text_executables(config->text, services, pool,
					     &found);
	if (array_count(&found) > 0) {
		lazy_expunge_findings_add(findings, "executables",
			LAZY_EXPUNGE_FINDING_WARN, t_strdup_printf(
			"%s: its sessions may have other settings than the "
			"files say, of which the rows protocol and live do not "
			"tell", joined(&found)),
			"put settings into the configuration, and see with a "
			"mail that such a session deletes");
	}
}
