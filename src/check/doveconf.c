/* doveconf: runs it and reads its output. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "str.h"
#include "fd-util.h"
#include "check/doveconf.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/wait.h>

/* what a large site has set is far shorter */
#define DOVECONF_MAX_OUTPUT (4 * 1024 * 1024)

static void ATTR_NORETURN
doveconf_exec(int fd_out, const char *config_path, const char *const *args)
{
	/* nothing of this process's configuration */
	static const char *const env[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL
	};
	const char *argv[16] = { LE_DOVECONF, "-c", config_path };
	unsigned int argc = 3;
	int null_fd = open("/dev/null", O_RDWR);

	for (; *args != NULL && argc < N_ELEMENTS(argv) - 1; args++)
		argv[argc++] = *args;
	argv[argc] = NULL;
	if (null_fd != -1 && dup2(null_fd, STDIN_FILENO) != -1 &&
	    dup2(fd_out, STDOUT_FILENO) != -1 &&
	    dup2(null_fd, STDERR_FILENO) != -1) {
		(void)execve(LE_DOVECONF, (void *)argv, (void *)env);
	}
	_exit(127);
}

static bool doveconf_read(int fd, string_t *output)
{
	char buf[4096];
	ssize_t size;

	while ((size = read(fd, buf, sizeof(buf))) != 0) {
		if (size < 0 && errno != EINTR)
			return FALSE;
		if (size > 0 && str_len(output) < DOVECONF_MAX_OUTPUT)
			str_append_data(output, buf, size);
	}
	return TRUE;
}

static bool doveconf_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return FALSE;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *lazy_expunge_doveconf(const char *config_path,
				  const char *const *args)
{
	string_t *output = t_str_new(256);
	int fd[2];
	bool complete;
	pid_t pid;

	if (pipe(fd) < 0)
		return NULL;
	pid = fork();
	if (pid == -1) {
		i_close_fd(&fd[0]);
		i_close_fd(&fd[1]);
		return NULL;
	}
	if (pid == 0)
		doveconf_exec(fd[1], config_path, args);
	i_close_fd(&fd[1]);
	complete = doveconf_read(fd[0], output);
	i_close_fd(&fd[0]);
	if (!doveconf_wait(pid) || !complete)
		return NULL;
	return str_c(output);
}

int lazy_expunge_doveconf_to_fd(const char *config_path,
				const char *const *args, int fd)
{
	pid_t pid = fork();

	if (pid == 0)
		doveconf_exec(fd, config_path, args);
	return pid != -1 && doveconf_wait(pid) ? 0 : -1;
}

const char *lazy_expunge_doveconf_value(const char *config_path,
					const char *key)
{
	const char *const args[] = { key, NULL };
	const char *output = lazy_expunge_doveconf(config_path, args);
	const char *prefix = t_strconcat(key, " = ", NULL);

	/* where several services have it, each has a line of it */
	if (output == NULL || strncmp(output, prefix, strlen(prefix)) != 0)
		return NULL;
	return t_strcut(output + strlen(prefix), '\n');
}

const char *lazy_expunge_doveconf_config_socket(const char *config_path)
{
	const char *dir = lazy_expunge_doveconf_value(config_path, "base_dir");

	return dir == NULL ? NULL : t_strconcat(dir, "/config", NULL);
}
