#ifndef LAZY_EXPUNGE_DOVEADM_WHO_H
#define LAZY_EXPUNGE_DOVEADM_WHO_H

/* Who gives a command, as far as that is known: what -b says, else who logged
   in to the machine, else from where a doveadm server is asked. */

struct doveadm_cmd_context;

#define LAZY_EXPUNGE_CMD_BY_PARAM \
DOVEADM_CMD_PARAM('b', "by", CMD_PARAM_STR, 0)

/* Valid as long as the command and the data stack frame. */
const char *lazy_expunge_cmd_who(const struct doveadm_cmd_context *cctx);

#endif
