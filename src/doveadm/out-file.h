#ifndef LAZY_EXPUNGE_DOVEADM_OUT_FILE_H
#define LAZY_EXPUNGE_DOVEADM_OUT_FILE_H

/* The file of -w, one for each user. It belongs to who runs doveadm and not to the
   owner of the mail: it is opened before doveadm becomes that one, and gets its
   name when it is so no more. */

struct doveadm_mail_cmd_context;
struct lazy_expunge_cmd;
struct lazy_expunge_output;

struct lazy_expunge_out_file {
	/* -w: %u is the user, %% is %. NULL = not given, and nothing is done */
	const char *path;
	/* of the user that is being done, NULL = it could not be opened */
	struct lazy_expunge_output *output;
	char *username, *name;
	/* all of it was written */
	bool whole;
};

/* The command's preinit. */
void lazy_expunge_out_file_preinit(struct doveadm_mail_cmd_context *ctx);
/* For prerun. What fails is said, and there is no output then. */
void lazy_expunge_out_file_begin(struct lazy_expunge_cmd *cmd,
				 struct lazy_expunge_out_file *file);
/* For the beginning of prerun, and deinit: no mail is open. Returns TRUE if the file
   that was whole has its name now; the name and the user are as they were. */
bool lazy_expunge_out_file_finish(struct lazy_expunge_cmd *cmd,
				  struct lazy_expunge_out_file *file);
/* The same while the mail is open. */
bool lazy_expunge_out_file_finish_now(struct lazy_expunge_cmd *cmd,
				      struct lazy_expunge_out_file *file);
/* The last one. */
void lazy_expunge_out_file_deinit(struct lazy_expunge_out_file *file);

#endif
