#ifndef LAZY_EXPUNGE_COPY_HOOKS_H
#define LAZY_EXPUNGE_COPY_HOOKS_H

/* mailbox_vfuncs: mail that comes into a mailbox, by saving or copying. */

struct istream;
struct mail;
struct mail_save_context;

int lazy_expunge_save_begin(struct mail_save_context *ctx,
			    struct istream *input);
int lazy_expunge_copy(struct mail_save_context *ctx, struct mail *mail);

#endif
