/* Who gives a command. */

#include "lib.h"
#include "net.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm/who.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static const char *who_is_logged_in(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *pw;

	if (name != NULL && *name != '\0')
		return name;
	pw = getpwuid(getuid());
	return pw != NULL ? t_strdup(pw->pw_name) :
		t_strdup_printf("uid %ld", (long)getuid());
}

const char *lazy_expunge_cmd_who(const struct doveadm_cmd_context *cctx)
{
	const char *by;

	if (doveadm_cmd_param_str(cctx, "by", &by) && *by != '\0')
		return by;
	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		return who_is_logged_in();
	if (cctx->remote_ip.family == 0)
		return "doveadm server";
	return t_strdup_printf("doveadm server, from %s",
			       net_ip2addr(&cctx->remote_ip));
}
