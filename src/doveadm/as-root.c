/* Whose files a command has to do with. */

#include "lib.h"
#include "mail-storage-service.h"
#include "doveadm/as-root.h"

#include <unistd.h>

void lazy_expunge_cmd_stay_root(struct doveadm_mail_cmd_context *ctx)
{
	ctx->service_flags |= MAIL_STORAGE_SERVICE_FLAG_TEMP_PRIV_DROP;
}

void lazy_expunge_cmd_be_root(void)
{
	if (getuid() == 0 && geteuid() != 0 && seteuid(0) < 0)
		i_fatal("seteuid(0) failed: %m");
}
