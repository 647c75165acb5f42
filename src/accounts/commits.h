#ifndef LAZY_EXPUNGE_COMMITS_H
#define LAZY_EXPUNGE_COMMITS_H

/* Commits of mdbox. What is saved there is cut off its file again if something
   by a path fails between the writing of the indexes and the end of the commit,
   and whoever delivered it is told that it was taken (mdbox-save.c,
   mdbox_transaction_save_commit_post(), Dovecot 2.3.19, 2.4.1, 2.4.5). So the
   account must not go from its paths in the middle of one. All that time the
   storage's map is locked; who gets that lock after the paths are gone sees it,
   and nothing is taken. */

struct lazy_expunge_account;

struct lazy_expunge_commits {
	ARRAY(int) fds;
	/* those of them that are directories with a dotlock of ours */
	ARRAY(int) dotlock_dirs;
};

/* Lock the maps of the account, where it still is at its old place, without
   waiting, by each of Dovecot's methods; by dotlock only if the account may have
   that (kernel_locks). Returns 1, 0 if somebody is at it, or -1 and the error
   (data stack). The caller unlocks only after 1, and may have moved the account
   by then. */
int lazy_expunge_commits_lock(const struct lazy_expunge_account *account,
			      struct lazy_expunge_commits *commits_r,
			      const char **error_r);
void lazy_expunge_commits_unlock(struct lazy_expunge_commits *commits);

#endif
