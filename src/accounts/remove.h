#ifndef LAZY_EXPUNGE_REMOVE_H
#define LAZY_EXPUNGE_REMOVE_H

/* Remove a tree for good, and count: all names that went, files among them and
   their bytes. Links are not followed, and what is mounted in it is not entered.
   Nothing there is no error. Returns 0, or -1 and the error (data stack). */
int lazy_expunge_remove_tree(const char *path, uint64_t *paths, uint64_t *files,
			     uint64_t *bytes, const char **error_r);
/* Count alone. */
int lazy_expunge_count_tree(const char *path, uint64_t *paths, uint64_t *files,
			    uint64_t *bytes, const char **error_r);

#endif
