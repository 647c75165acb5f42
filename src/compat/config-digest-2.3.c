/* The configuration is a parser's structs, which say what is in them. */

#include "lib.h"
#include "array.h"
#include "sha1.h"
#include "settings-parser.h"
#include "mail-storage-service.h"
#include "compat/compat-command.h"
#include "compat/config-digest.h"

static void digest_string(struct sha1_ctxt *sha1, const char *value)
{
	/* "" is not NULL */
	sha1_loop(sha1, value == NULL ? "-" : "+", 1);
	if (value != NULL)
		sha1_loop(sha1, value, strlen(value) + 1);
}

static void digest_strings(struct sha1_ctxt *sha1,
			   const ARRAY_TYPE(const_string) *values)
{
	const char *value;

	if (array_is_created(values)) {
		array_foreach_elem(values, value)
			digest_string(sha1, value);
	}
	digest_string(sha1, NULL);
}

static void digest_structs(struct sha1_ctxt *sha1,
			   const struct setting_parser_info *info,
			   const ARRAY_TYPE(void_array) *structs);

static void digest_setting(struct sha1_ctxt *sha1,
			   const struct setting_define *def, const void *value)
{
	size_t size = 0;

	switch (def->type) {
	case SET_BOOL:
		size = sizeof(bool);
		break;
	case SET_UINT:
	case SET_UINT_OCT:
	case SET_TIME:
	case SET_TIME_MSECS:
		size = sizeof(unsigned int);
		break;
	case SET_SIZE:
		size = sizeof(uoff_t);
		break;
	case SET_IN_PORT:
		size = sizeof(in_port_t);
		break;
	case SET_STR:
	case SET_STR_VARS:
	case SET_ENUM:
		digest_string(sha1, *(const char *const *)value);
		break;
	case SET_DEFLIST:
	case SET_DEFLIST_UNIQUE:
		digest_structs(sha1, def->list_info, value);
		break;
	case SET_STRLIST:
		digest_strings(sha1, value);
		break;
	case SET_ALIAS:
		break;
	}
	sha1_loop(sha1, value, size);
}

static void digest_struct(struct sha1_ctxt *sha1,
			  const struct setting_parser_info *info,
			  const void *set)
{
	const struct setting_define *def;

	for (def = info->defines; def->key != NULL; def++)
		digest_setting(sha1, def, CONST_PTR_OFFSET(set, def->offset));
}

static void digest_structs(struct sha1_ctxt *sha1,
			   const struct setting_parser_info *info,
			   const ARRAY_TYPE(void_array) *structs)
{
	void *set;

	if (array_is_created(structs)) {
		array_foreach_elem(structs, set)
			digest_struct(sha1, info, set);
	}
	digest_string(sha1, NULL);
}

int lazy_expunge_compat_config_digest(struct doveadm_mail_cmd_context *ctx,
				      unsigned char *digest_r)
{
	const struct setting_parser_info *user_info, *const *roots;
	const struct setting_parser_context *parser;
	struct sha1_ctxt sha1;
	const char *error;
	void **sets;
	int ret;

	sha1_init(&sha1);
	T_BEGIN {
		ret = mail_storage_service_read_settings(ctx->storage_service,
			&ctx->storage_service_input, pool_datastack_create(),
			&user_info, &parser, &error);
		if (ret == 0) {
			sets = settings_parser_get_list(parser);
			roots = settings_parser_get_roots(parser);
			for (; *roots != NULL; roots++, sets++)
				digest_struct(&sha1, *roots, *sets);
		}
	} T_END;
	sha1_result(&sha1, digest_r);
	return ret < 0 ? -1 : 0;
}
