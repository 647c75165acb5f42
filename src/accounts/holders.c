/* Holders: by the files that they have open, as the kernel tells. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "sleep.h"
#include "lazy-expunge-config.h"
#include "core/account-record.h"
#include "accounts/holders.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define WAIT_SECS 20
#define WAIT_MSECS 20

/* After the fork: nothing but system calls. */
static void ATTR_NORETURN kick_exec(const char *const argv[])
{
	int null = open("/dev/null", O_RDWR);

	if (null != -1 && dup2(null, STDIN_FILENO) != -1 &&
	    dup2(null, STDOUT_FILENO) != -1 && dup2(null, STDERR_FILENO) != -1)
		(void)execv(argv[0], (char *const *)argv);
	_exit(EX_OSERR);
}

void lazy_expunge_holders_kick(const char *base_dir, const char *user)
{
	const char *config = t_strconcat(base_dir, "/config", NULL);
	const char *const argv[] = {
		LE_DOVEADM, "-c", config, "kick", user, NULL
	};
	struct stat st;
	pid_t pid;
	int status;

	if (stat(config, &st) < 0)
		return;
	pid = fork();
	if (pid == 0)
		kick_exec(argv);
	if (pid != -1) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR) ;
	}
}

static const char *read_link(const char *path)
{
	char buf[PATH_MAX];
	ssize_t len = readlink(path, buf, sizeof(buf));

	return len <= 0 || (size_t)len >= sizeof(buf) ? "" :
		t_strndup(buf, len);
}

/* What was opened under its old name is shown by the new one. */
static bool is_of_account(const struct lazy_expunge_account *account,
			  const char *path)
{
	const struct lazy_expunge_account_part *part;

	if (*path != '/')
		return FALSE;
	array_foreach(&account->parts, part) {
		if (lazy_expunge_account_path_is_below(path, part->to) ||
		    lazy_expunge_account_path_is_below(path, part->from))
			return TRUE;
	}
	return FALSE;
}

/* What is not Dovecot's (a shell, a backup) does not deliver mail by halves. */
static bool is_dovecot(const char *proc)
{
	const char *exe = read_link(t_strconcat(proc, "/exe", NULL));

	return strstr(exe, "/dovecot/") != NULL ||
		strstr(exe, "/doveadm") != NULL;
}

/* The directory that a process is in says nothing: one that waits for its next
   client stays in the home of the last one. */
static bool process_holds(const struct lazy_expunge_account *account,
			  const char *proc, const char **path_r)
{
	const char *fds = t_strconcat(proc, "/fd", NULL);
	const struct dirent *entry;
	bool found = FALSE;
	DIR *dir;

	dir = opendir(fds);
	if (dir == NULL)
		return FALSE;
	while (!found && (entry = readdir(dir)) != NULL) {
		*path_r = read_link(t_strdup_printf("%s/%s", fds,
						    entry->d_name));
		found = is_of_account(account, *path_r);
	}
	(void)closedir(dir);
	return found;
}

/* Returns TRUE and the process if there is one. */
static bool holders_find(const struct lazy_expunge_account *account,
			 const char **pid_r, const char **path_r)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	const char *proc;
	bool found = FALSE;

	if (dir == NULL)
		return FALSE;
	while (!found && (entry = readdir(dir)) != NULL) {
		if (!i_isdigit(entry->d_name[0]) ||
		    strcmp(entry->d_name, my_pid) == 0)
			continue;
		proc = t_strconcat("/proc/", entry->d_name, NULL);
		found = is_dovecot(proc) &&
			process_holds(account, proc, path_r);
		if (found)
			*pid_r = t_strdup(entry->d_name);
	}
	(void)closedir(dir);
	return found;
}

int lazy_expunge_holders_wait(const struct lazy_expunge_account *account,
			      const char *base_dir, const char **error_r)
{
	time_t kicked = time(NULL);
	const time_t end = kicked + WAIT_SECS;
	const char *pid, *path;
	char *error = NULL;
	bool found;

	for (;;) {
		const bool over = time(NULL) > end;

		T_BEGIN {
			found = holders_find(account, &pid, &path);
			if (found && over) {
				error = i_strdup_printf("Process %s still has "
					"%s open: run the same command again "
					"when it has ended", pid, path);
			}
		} T_END;
		if (!found)
			return 0;
		if (over)
			break;
		if (time(NULL) > kicked) {
			kicked = time(NULL);
			lazy_expunge_holders_kick(base_dir, account->user);
		}
		i_sleep_msecs(WAIT_MSECS);
	}
	*error_r = t_strdup(error);
	i_free(error);
	return -1;
}
