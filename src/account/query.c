/* Queries: built by Dovecot, and put so that it finds what they say. */

#include "lib.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-search-parser.h"
#include "account/query.h"

/* Say the contrary of the contrary, if there is a word for it. Of two bounds that are
   both negated mail_search_args_simplify() keeps the wrong one: it makes "not
   before A not before B" to "not before" the earlier of them, and with "or" to the
   later. */
static void arg_put_straight(struct mail_search_arg *arg)
{
	switch (arg->type) {
	case SEARCH_BEFORE:
		arg->type = SEARCH_SINCE;
		break;
	case SEARCH_SINCE:
		arg->type = SEARCH_BEFORE;
		break;
	case SEARCH_LARGER:
		if (arg->value.size == UOFF_T_MAX)
			return;
		arg->type = SEARCH_SMALLER;
		arg->value.size++;
		break;
	case SEARCH_SMALLER:
		if (arg->value.size == 0)
			return;
		arg->type = SEARCH_LARGER;
		arg->value.size--;
		break;
	default:
		return;
	}
	arg->match_not = !arg->match_not;
}

/* negated: by what is around them. */
static void args_put_straight(struct mail_search_arg *args, bool negated)
{
	struct mail_search_arg *arg;

	for (arg = args; arg != NULL; arg = arg->next) {
		if (arg->type == SEARCH_OR || arg->type == SEARCH_SUB) {
			args_put_straight(arg->value.subargs,
					  negated != arg->match_not);
		} else if (arg->type == SEARCH_INTHREAD) {
			args_put_straight(arg->value.subargs, FALSE);
		} else if (negated != arg->match_not) {
			arg_put_straight(arg);
		}
	}
}

int lazy_expunge_query_build(const char *const *query,
			     struct mail_search_args **args_r,
			     const char **error_r)
{
	struct mail_search_parser *parser =
		mail_search_parser_init_cmdline(query);
	const char *charset = "UTF-8", *error;
	int ret;

	ret = mail_search_build(mail_search_register_get_human(), parser,
				&charset, args_r, &error);
	/* it may be the parser's */
	if (ret < 0)
		*error_r = t_strdup(error);
	else
		args_put_straight((*args_r)->args, FALSE);
	mail_search_parser_deinit(&parser);
	return ret;
}
