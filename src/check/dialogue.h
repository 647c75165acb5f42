#ifndef LAZY_EXPUNGE_DIALOGUE_H
#define LAZY_EXPUNGE_DIALOGUE_H

/* A session of a user with Dovecot's own program of a protocol, which reads
   commands and answers in lines, as after a log-in. */

struct lazy_expunge_dialogue;

/* Start the program (its absolute path) as root for the user, with the
   configuration that is read from config_path. Returns NULL and the error if it
   cannot be started. */
struct lazy_expunge_dialogue *
lazy_expunge_dialogue_start(const char *program, const char *config_path,
			    const char *username, const char **error_r);
/* Send a line, which ends with CRLF here. Returns 0, or -1 if nobody reads. */
int lazy_expunge_dialogue_send(struct lazy_expunge_dialogue *dialogue,
			       const char *line);
/* The next line of the answer, without its end, valid until the next call. NULL
   if there is none any more, or none in time. */
const char *lazy_expunge_dialogue_read(struct lazy_expunge_dialogue *dialogue);
/* Hang up and wait for the program to end, which may run retention. Takes
   NULL. */
void lazy_expunge_dialogue_end(struct lazy_expunge_dialogue **dialogue);

#endif
