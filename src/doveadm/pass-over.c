/* See the header. */

#include "lib.h"
#include "array.h"
#include "hex-binary.h"
#include "ioloop.h"
#include "sha1.h"
#include "auth-master.h"
#include "compat/compat-command.h"
#include "compat/config-digest.h"
#include "retention/maintain.h"
#include "doveadm/command.h"
#include "doveadm/command-line.h"
#include "doveadm/pass-over.h"

#include <unistd.h>

struct lazy_expunge_pass_over {
	struct doveadm_mail_cmd_context *ctx;
	/* of the last user's lookup */
	pool_t pool;
	/* of the configuration and what overrides it */
	unsigned char config[SHA1_RESULTLEN];
	const char *lookup;
	bool begun, ended;
};

struct pass_over_user {
	const char *home;
	uid_t uid;
	gid_t gid;
};

struct lazy_expunge_pass_over *
lazy_expunge_pass_over_init(struct lazy_expunge_cmd *cmd)
{
	struct lazy_expunge_pass_over *pass_over;

	/* other processes do the users, or another server */
	if (cmd->ctx.iterate_single_user || cmd->jobs > 1 ||
	    cmd->ctx.cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI ||
	    !lazy_expunge_cmd_is_done_here(cmd))
		return NULL;
	pass_over = i_new(struct lazy_expunge_pass_over, 1);
	pass_over->ctx = &cmd->ctx;
	pass_over->pool = pool_alloconly_create("lazy_expunge pass over", 1024);
	return pass_over;
}

void lazy_expunge_pass_over_deinit(struct lazy_expunge_pass_over **_pass_over)
{
	struct lazy_expunge_pass_over *pass_over = *_pass_over;

	if (pass_over == NULL)
		return;
	*_pass_over = NULL;
	pool_unref(&pass_over->pool);
	i_free(pass_over);
}

/* -o and -c change what is configured. */
static int digest_config(struct lazy_expunge_pass_over *pass_over)
{
	ARRAY_TYPE(const_string) words;
	unsigned char config[SHA1_RESULTLEN];
	struct sha1_ctxt sha1;
	const char *word;

	t_array_init(&words, 32);
	if (lazy_expunge_command_line_read(&words) < 0 ||
	    lazy_expunge_compat_config_digest(pass_over->ctx, config) < 0)
		return -1;
	sha1_init(&sha1);
	sha1_loop(&sha1, PACKAGE_VERSION, sizeof(PACKAGE_VERSION));
	sha1_loop(&sha1, config, sizeof(config));
	array_foreach_elem(&words, word)
		sha1_loop(&sha1, word, strlen(word) + 1);
	sha1_result(&sha1, pass_over->config);
	return 0;
}

void lazy_expunge_pass_over_begin(struct lazy_expunge_pass_over *pass_over)
{
	if (pass_over == NULL || pass_over->begun)
		return;
	pass_over->begun = TRUE;
	T_BEGIN {
		if (digest_config(pass_over) < 0)
			pass_over->ended = TRUE;
	} T_END;
}

void lazy_expunge_pass_over_end(struct lazy_expunge_pass_over *pass_over)
{
	if (pass_over != NULL)
		pass_over->ended = TRUE;
}

static const char *
digest_lookup(struct lazy_expunge_pass_over *pass_over, const char *username,
	      const char *const *fields)
{
	unsigned char digest[SHA1_RESULTLEN];
	struct sha1_ctxt sha1;

	sha1_init(&sha1);
	sha1_loop(&sha1, pass_over->config, sizeof(pass_over->config));
	sha1_loop(&sha1, username, strlen(username) + 1);
	for (; *fields != NULL; fields++)
		sha1_loop(&sha1, *fields, strlen(*fields) + 1);
	sha1_result(&sha1, digest);
	return p_strdup(pass_over->pool,
			binary_to_hex(digest, sizeof(digest)));
}

static const char *find_field(const char *const *fields, const char *name)
{
	const size_t len = strlen(name);

	for (; *fields != NULL; fields++) {
		if (strncmp(*fields, name, len) == 0 && (*fields)[len] == '=')
			return *fields + len + 1;
	}
	return NULL;
}

/* Returns FALSE if userdb does not say all of it, but the configuration. */
static bool user_parse(const char *const *fields, struct pass_over_user *user_r)
{
	const char *uid = find_field(fields, "uid");
	const char *gid = find_field(fields, "gid");

	user_r->home = find_field(fields, "home");
	return uid != NULL && str_to_uid(uid, &user_r->uid) == 0 &&
		user_r->uid != 0 &&
		gid != NULL && str_to_gid(gid, &user_r->gid) == 0 &&
		user_r->home != NULL && *user_r->home == '/' &&
		strstr(user_r->home, "/./") == NULL &&
		find_field(fields, "chroot") == NULL;
}

static bool user_lookup(struct lazy_expunge_pass_over *pass_over,
			const char *username, struct pass_over_user *user_r)
{
	struct doveadm_mail_cmd_context *ctx = pass_over->ctx;
	const struct auth_user_info info = {
		.LAZY_EXPUNGE_COMPAT_AUTH_PROTOCOL =
			ctx->storage_service_input.service,
		.local_ip = ctx->storage_service_input.local_ip,
		.remote_ip = ctx->storage_service_input.remote_ip,
	};
	struct auth_master_connection *conn;
	const char *const *fields;

	conn = mail_storage_service_get_auth_conn(ctx->storage_service);
	if (auth_master_user_lookup(conn, username, &info, pass_over->pool,
				    &username, &fields) <= 0)
		return FALSE;
	pass_over->lookup = digest_lookup(pass_over, username, fields);
	return user_parse(fields, user_r);
}

/* The files are the user's, and are looked at with the user's rights. */
static bool user_is_done(const struct lazy_expunge_pass_over *pass_over,
			 const struct pass_over_user *user)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	bool done;

	if (uid != user->uid && uid != 0)
		return FALSE;
	if (uid != user->uid &&
	    (setegid(user->gid) < 0 || seteuid(user->uid) < 0)) {
		done = FALSE;
	} else {
		io_loop_time_refresh();
		done = lazy_expunge_maintain_is_done(user->home,
						     pass_over->lookup,
						     ioloop_time);
	}
	if (uid != user->uid && (seteuid(uid) < 0 || setegid(gid) < 0))
		i_fatal("seteuid(%ld) failed: %m", (long)uid);
	return done;
}

bool lazy_expunge_pass_over_user(struct lazy_expunge_pass_over *pass_over,
				 const char *username)
{
	struct pass_over_user user;
	bool done;

	if (pass_over == NULL)
		return FALSE;
	pass_over->lookup = NULL;
	if (!pass_over->begun || pass_over->ended)
		return FALSE;
	p_clear(pass_over->pool);
	/* 2.3 leaves a process with the rights of the user whom it has visited */
	if (geteuid() != 0 && getuid() == 0 && seteuid(0) < 0)
		return FALSE;
	T_BEGIN {
		done = user_lookup(pass_over, username, &user) &&
			user_is_done(pass_over, &user);
	} T_END;
	return done;
}

const char *
lazy_expunge_pass_over_lookup(const struct lazy_expunge_pass_over *pass_over)
{
	return pass_over == NULL || pass_over->ended ? NULL : pass_over->lookup;
}
