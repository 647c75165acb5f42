#ifndef LAZY_EXPUNGE_MOVES_H
#define LAZY_EXPUNGE_MOVES_H

/* Moving a part of an account on its own file system. What is taken away leaves
   a gate behind: a small file, in exchange for which the part goes in one step,
   and under which neither Dovecot nor anybody else can make a directory. So a
   session that begins meanwhile is refused, and one that goes on fails in what
   it does, instead of making up half an account. All can be done again after a
   failure or a crash, from what is there. The errors are on the data stack. */

struct lazy_expunge_account;
struct lazy_expunge_account_part;
struct stat;

/* The directory beside a part, in which those that are deleted lie. */
#define LAZY_EXPUNGE_ACCOUNTS_DIR ".lazy-expunge-deleted"

enum lazy_expunge_found {
	LAZY_EXPUNGE_FOUND_NOTHING,
	/* the gate of this account */
	LAZY_EXPUNGE_FOUND_GATE,
	LAZY_EXPUNGE_FOUND_SOMETHING
};

/* Where parts that lie beside path go (data stack). */
const char *lazy_expunge_accounts_dir(const char *path);

/* Make a directory that nobody but who runs these commands may enter, if it is
   not there. Returns 0, or -1 and the error. */
int lazy_expunge_moves_mkdir(const char *path, const char **error_r);
/* Is it such a directory? st is that of the path. Returns 0, or -1 and the
   error. */
int lazy_expunge_moves_check_dir(const char *path, const struct stat *st,
				 const char **error_r);
/* What is at the path? Returns 0, or -1 and the error, which is also when it is
   the gate of another account. */
int lazy_expunge_moves_look(const struct lazy_expunge_account *account,
			    const char *path, enum lazy_expunge_found *found_r,
			    const char **error_r);
/* Make the directories of the account among the deleted, and its gates. */
int lazy_expunge_moves_prepare(const struct lazy_expunge_account *account,
			       const char **error_r);
/* Take the part away; a gate takes its place. */
int lazy_expunge_moves_take(const struct lazy_expunge_account *account,
			    const struct lazy_expunge_account_part *part,
			    const char **error_r);
/* Put a gate to where the part is to go. Fails if something is there. */
int lazy_expunge_moves_close(const struct lazy_expunge_account *account,
			     const struct lazy_expunge_account_part *part,
			     const char **error_r);
/* Bring the part to its new place, from which its gate goes. */
int lazy_expunge_moves_bring(const struct lazy_expunge_account *account,
			     const struct lazy_expunge_account_part *part,
			     const char **error_r);
/* Remove the account's gate from the path, if it is there. */
int lazy_expunge_moves_open(const struct lazy_expunge_account *account,
			    const char *path, const char **error_r);
/* Remove the directories among the deleted, in which no part lies any more. The
   one with the record goes last. */
int lazy_expunge_moves_forget(const struct lazy_expunge_account *account,
			      const char **error_r);

#endif
