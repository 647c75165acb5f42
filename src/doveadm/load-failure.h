#ifndef LAZY_EXPUNGE_DOVEADM_STARTUP_H
#define LAZY_EXPUNGE_DOVEADM_STARTUP_H

/* doveadm ends before it comes to a command when a mail plugin cannot be
   loaded. If the command is check, and this plugin is the cause, say so as a row
   of check. */

/* Call when the module is loaded, before the mail plugins are. */
void lazy_expunge_startup_watch(void);
/* Doveadm has started: nothing to watch any more. */
void lazy_expunge_startup_done(void);

#endif
