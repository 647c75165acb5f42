#ifndef LAZY_EXPUNGE_COMMANDS_H
#define LAZY_EXPUNGE_COMMANDS_H

/* The commands, each in the file of its name. */

extern struct doveadm_cmd_ver2 lazy_expunge_cmd_account_delete;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_account_list;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_account_purge;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_account_rename;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_account_undelete;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_check;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_deletions;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_erase;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_export;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_hold;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_holds;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_import;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_list;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_maintain;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_release;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_restore;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_status;
extern struct doveadm_cmd_ver2 lazy_expunge_cmd_verify;

#endif
