#ifndef LAZY_EXPUNGE_HELP_H
#define LAZY_EXPUNGE_HELP_H

struct doveadm_cmd_context;

#define LAZY_EXPUNGE_CMD_HELP_PARAM \
DOVEADM_CMD_PARAM('h', "help", CMD_PARAM_BOOL, 0)
/* Every mail command takes these. */
#define LAZY_EXPUNGE_CMD_COMMON_PARAMS \
DOVEADM_CMD_MAIL_COMMON \
LAZY_EXPUNGE_CMD_HELP_PARAM

/* With -h: print what the command takes, a line an option. Without it: what doveadm
   does with a mail command. Before doveadm looks for users, without which it does
   nothing on 2.4. */
void lazy_expunge_help_or_run(struct doveadm_cmd_context *cctx);
/* With -h: the same, and TRUE. For commands that are no mail commands. */
bool lazy_expunge_help_asked(const struct doveadm_cmd_context *cctx);

#endif
