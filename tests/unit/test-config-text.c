/* What doveconf -n prints: settings for addresses, and command lines. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/config-text.h"

static const char *const services[] = { "imap", "pop3", NULL };

static const struct {
	const char *text, *addresses, *executables;
} texts[] = {
	{ "", "", "" },
	{ "mail_plugins = lazy_expunge\nplugin {\n  lazy_expunge = X\n}\n",
	  "", "" },
	{ "remote 10.0.0.0/8 {\n  ssl = no\n}\n", "", "" },
	{ "remote 10.0.0.0/8 {\n  mail_plugins = quota\n}\n",
	  "remote 10.0.0.0/8", "" },
	{ "remote 10.0.0.0/8 {\n  protocol imap {\n    plugin {\n"
	  "      lazy_expunge = \n      lazy_expunge_hidden = yes\n    }\n"
	  "  }\n}\nlocal 127.0.0.1 {\n  lazy_expunge_mailbox = \n}\n"
	  "local_name a {\n  lazy_expunge_exclude {\n    b = yes\n  }\n}\n",
	  "remote 10.0.0.0/8, local 127.0.0.1, local_name a", "" },
	/* the blocks the other way round */
	{ "protocol imap {\n  remote ::1 {\n    mail_plugins {\n"
	  "      quota = yes\n    }\n  }\n  lazy_expunge_mailbox = Y\n}\n",
	  "remote ::1", "" },
	/* what is not closed or begun */
	{ "}\n}\nremote a {\n", "", "" },
	{ "service imap {\n  executable = imap -o plugin/lazy_expunge=\n}\n",
	  "", "service imap { executable = imap -o plugin/lazy_expunge= }" },
	{ "service imap {\n  executable = /usr/libexec/imap imap-postlogin\n}\n"
	  "service pop3 {\n  executable = /opt/pop3-wrapper\n}\n"
	  "service lmtp {\n  executable = lmtp -o mail_plugins=\n}\n"
	  "service pop3 {\n  unix_listener pop3 {\n    executable = x\n  }\n}\n",
	  "", "service pop3 { executable = /opt/pop3-wrapper }" },
	{ "service pop3 {\n  executable = pop3 -o mail_plugins=\n}\n",
	  "", "service pop3 { executable = pop3 -o mail_plugins= }" },
};

START_TEST(what_is_set)
{
	T_BEGIN {
		ARRAY_TYPE(const_string) found;
		pool_t pool = pool_datastack_create();

		t_array_init(&found, 4);
		lazy_expunge_config_text_addresses(texts[_i].text, pool,
						   &found);
		ck_assert_str_eq(t_array_const_string_join(&found, ", "),
				 texts[_i].addresses);
		array_clear(&found);
		lazy_expunge_config_text_executables(texts[_i].text, services,
						     pool, &found);
		ck_assert_str_eq(t_array_const_string_join(&found, ", "),
				 texts[_i].executables);
	} T_END;
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("config-text", &tcase);

	tcase_add_loop_test(tcase, what_is_set, 0, N_ELEMENTS(texts));
	return suite;
}
