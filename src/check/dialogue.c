/* Dialogue: runs a program with pipes for its input and output. By a socket imap and pop3
   that root begins think that inetd did. */

#include "lib.h"
#include "fd-util.h"
#include "str.h"
#include "write-full.h"
#include "check/dialogue.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <unistd.h>
#include <sys/wait.h>

/* A mailbox that is opened for the first time may take long. */
#define ANSWER_TIMEOUT_MSECS (60 * 1000)

struct lazy_expunge_dialogue {
	/* its input, and its output */
	int fd_to, fd_from;
	pid_t pid;
	/* read and not given out, after what was given out last */
	string_t *input;
	size_t given;
};

/* The process is the user for the time being: back to who began it. The
   user's groups must not stay with root; who is not root never left. */
static int dialogue_become_real_user(void)
{
	gid_t gid = getgid();

	if (seteuid(getuid()) < 0 || setegid(gid) < 0)
		return -1;
	return getuid() != 0 ? 0 : setgroups(1, &gid);
}

static void ATTR_NORETURN
dialogue_exec(int fd_in, int fd_out, const char *program, const char *config_path,
	      const char *username)
{
	static const char *const env[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL
	};
	const char *const argv[] = {
		program, "-c", config_path, "-u", username, NULL
	};
	int null_fd = open("/dev/null", O_RDWR);

	if (dialogue_become_real_user() < 0)
		_exit(126);
	if (null_fd != -1 && dup2(fd_in, STDIN_FILENO) != -1 &&
	    dup2(fd_out, STDOUT_FILENO) != -1 &&
	    dup2(null_fd, STDERR_FILENO) != -1) {
		/* nothing else of this process */
		for (int i = STDERR_FILENO + 1; i < 256; i++)
			(void)close(i);
		(void)execve(program, (void *)argv, (void *)env);
	}
	_exit(127);
}

static void pipe_close(int fd[2])
{
	i_close_fd(&fd[0]);
	i_close_fd(&fd[1]);
}

struct lazy_expunge_dialogue *
lazy_expunge_dialogue_start(const char *program, const char *config_path,
			    const char *username, const char **error_r)
{
	struct lazy_expunge_dialogue *dialogue;
	int to[2], from[2];
	pid_t pid;

	if (access(program, X_OK) < 0) {
		*error_r = t_strdup_printf("Cannot run %s: %m", program);
		return NULL;
	}
	if (pipe(to) < 0) {
		*error_r = t_strdup_printf("pipe() failed: %m");
		return NULL;
	}
	if (pipe(from) < 0) {
		*error_r = t_strdup_printf("pipe() failed: %m");
		pipe_close(to);
		return NULL;
	}
	pid = fork();
	if (pid == -1) {
		*error_r = t_strdup_printf("fork() failed: %m");
		pipe_close(to);
		pipe_close(from);
		return NULL;
	}
	if (pid == 0)
		dialogue_exec(to[0], from[1], program, config_path, username);
	i_close_fd(&to[0]);
	i_close_fd(&from[1]);
	dialogue = i_new(struct lazy_expunge_dialogue, 1);
	dialogue->fd_to = to[1];
	dialogue->fd_from = from[0];
	dialogue->pid = pid;
	dialogue->input = str_new(default_pool, 1024);
	return dialogue;
}

int lazy_expunge_dialogue_send(struct lazy_expunge_dialogue *dialogue,
			       const char *line)
{
	int ret;

	T_BEGIN {
		const char *data = t_strconcat(line, "\r\n", NULL);

		ret = write_full(dialogue->fd_to, data, strlen(data));
	} T_END;
	return ret;
}

static bool dialogue_read_more(struct lazy_expunge_dialogue *dialogue)
{
	struct pollfd pfd = { .fd = dialogue->fd_from, .events = POLLIN };
	char buf[4096];
	ssize_t size;

	if (poll(&pfd, 1, ANSWER_TIMEOUT_MSECS) <= 0)
		return FALSE;
	size = read(dialogue->fd_from, buf, sizeof(buf));
	if (size <= 0)
		return FALSE;
	str_append_data(dialogue->input, buf, size);
	return TRUE;
}

const char *lazy_expunge_dialogue_read(struct lazy_expunge_dialogue *dialogue)
{
	const char *end;
	size_t len;

	str_delete(dialogue->input, 0, dialogue->given);
	dialogue->given = 0;
	while ((end = strchr(str_c(dialogue->input), '\n')) == NULL) {
		if (!dialogue_read_more(dialogue))
			return NULL;
	}
	len = end - str_c(dialogue->input);
	dialogue->given = len + 1;
	str_c_modifiable(dialogue->input)[len] = '\0';
	if (len > 0 && str_c(dialogue->input)[len - 1] == '\r')
		str_c_modifiable(dialogue->input)[len - 1] = '\0';
	return str_c(dialogue->input);
}

void lazy_expunge_dialogue_end(struct lazy_expunge_dialogue **_dialogue)
{
	struct lazy_expunge_dialogue *dialogue = *_dialogue;

	if (dialogue == NULL)
		return;
	*_dialogue = NULL;
	i_close_fd(&dialogue->fd_to);
	i_close_fd(&dialogue->fd_from);
	while (waitpid(dialogue->pid, NULL, 0) < 0 && errno == EINTR)
		;
	str_free(&dialogue->input);
	i_free(dialogue);
}
