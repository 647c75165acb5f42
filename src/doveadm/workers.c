/* Workers: starts them, hands out users, collects their rows. */

#include "lib.h"
#include "array.h"
#include "env-util.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "time-util.h"
#include "write-full.h"
#include "compat/compat-command.h"
#include "doveadm/command-line.h"
#include "doveadm/workers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define ROW_MAX_SIZE (1024 * 1024)
/* A process has one user at a time, for no other can do those whom it has before
   it. But if a user takes less than this it would wait for the next one longer than
   that, and has more. */
#define QUICK_USECS 2000
#define QUICK_MAX_USERS 16U
/* Where all are that quick: to be woken for each user takes a good part of what
   the user takes. In this time none of them comes to the end of its users. */
#define QUICK_PAUSE_USECS 500

struct worker {
	/* -1 = it is not there any more */
	pid_t pid;
	int fd;
	struct istream *input;
	/* whom it is at work for, and then those who are next */
	ARRAY(char *) users;
	/* how many it may have, and since when it is at work for those */
	unsigned int users_max;
	uint64_t users_since;
	/* it has asked for a user at least once */
	bool ready;
};

struct workers {
	const struct lazy_expunge_workers_callbacks *callbacks;
	void *context;
	const char *const *argv;
	const char *executable;
	/* -1 = each reads the configuration itself */
	int config_fd;
	const char *const *environment;
	ARRAY(struct worker) list;
	/* processes that died had not come to them */
	ARRAY(char *) again;
	/* no more users: 0 = all are handed out, -1 = failed */
	bool finished;
	int ret;
	int exit_code;
};

/* This process's, and where the configuration is: to have it read again is
   most of what the start of a process takes. */
static void workers_prepare_environment(struct workers *workers)
{
	const char *const key = LAZY_EXPUNGE_COMPAT_CONFIG_FD_ENV"=";
	ARRAY_TYPE(const_string) words;
	const char *word;
	char **env;

	t_array_init(&words, 32);
	for (env = *env_get_environ_p(); *env != NULL; env++) {
		word = *env;
		if (strncmp(word, key, strlen(key)) != 0)
			array_push_back(&words, &word);
	}
	workers->config_fd = lazy_expunge_compat_cmd_config_fd();
	if (workers->config_fd != -1) {
		word = t_strdup_printf("%s%d", key, workers->config_fd);
		array_push_back(&words, &word);
	}
	array_append_zero(&words);
	workers->environment = array_front(&words);
}

static int workers_prepare(struct workers *workers, const char *command,
			   const char *const options[], const char **error_r)
{
	static const char *const own[] = { "-W", "-F", "/dev/null" };
	char path[PATH_MAX];
	ARRAY_TYPE(const_string) words;
	const char *const *word;
	ssize_t len;

	t_array_init(&words, 32);
	if (lazy_expunge_command_line_read(&words) < 0) {
		*error_r = "-j works only on the command line";
		return -1;
	}
	len = readlink("/proc/self/exe", path, sizeof(path));
	if (len <= 0 || (size_t)len >= sizeof(path)) {
		*error_r = t_strdup_printf("readlink(/proc/self/exe) failed: "
					   "%m");
		return -1;
	}
	workers->executable = t_strndup(path, len);
	for (word = t_strsplit(command, " "); *word != NULL; word++)
		array_push_back(&words, word);
	array_append(&words, own, N_ELEMENTS(own));
	for (word = options; *word != NULL; word++)
		array_push_back(&words, word);
	array_append_zero(&words);
	workers->argv = array_front(&words);
	workers_prepare_environment(workers);
	return 0;
}

/* After the fork: nothing but system calls. */
static void ATTR_NORETURN worker_exec(const struct workers *workers, int fd)
{
	int null = open("/dev/null", O_WRONLY);

	if (null != -1 && dup2(null, STDOUT_FILENO) != -1 &&
	    dup2(fd, STDIN_FILENO) != -1 &&
	    (workers->config_fd == -1 ||
	     fcntl(workers->config_fd, F_SETFD, 0) != -1))
		(void)execve(workers->executable,
			     (char *const *)workers->argv,
			     (char *const *)workers->environment);
	_exit(EX_OSERR);
}

static int worker_start(struct workers *workers, struct worker *worker,
			const char **error_r)
{
	int fds[2];

	i_zero(worker);
	worker->pid = -1;
	worker->fd = -1;
	worker->users_max = 1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		*error_r = t_strdup_printf("socketpair() failed: %m");
		return -1;
	}
	worker->pid = fork();
	if (worker->pid == 0)
		worker_exec(workers, fds[1]);
	i_close_fd(&fds[1]);
	if (worker->pid == -1) {
		*error_r = t_strdup_printf("fork() failed: %m");
		i_close_fd(&fds[0]);
		return -1;
	}
	worker->fd = fds[0];
	worker->input = i_stream_create_fd(worker->fd, ROW_MAX_SIZE);
	i_array_init(&worker->users, QUICK_MAX_USERS);
	return 0;
}

/* A temporary failure says more than another. */
static void workers_add_exit_code(struct workers *workers, int exit_code)
{
	if (workers->exit_code == 0 || exit_code == EX_TEMPFAIL)
		workers->exit_code = exit_code;
}

/* Wait for its end, which has begun. Returns NULL if it ended by itself with
   all its work done, or how it ended. */
static const char *worker_end(struct workers *workers, struct worker *worker)
{
	const char *how = NULL;
	int status, ret;

	i_stream_destroy(&worker->input);
	i_close_fd(&worker->fd);
	do {
		ret = waitpid(worker->pid, &status, 0);
	} while (ret < 0 && errno == EINTR);
	worker->pid = -1;
	if (ret < 0)
		how = t_strdup_printf("cannot be waited for: %m");
	else if (WIFSIGNALED(status))
		how = t_strdup_printf("died with signal %d", WTERMSIG(status));
	else if (array_count(&worker->users) > 0 || !worker->ready) {
		how = t_strdup_printf("ended with exit status %d",
				      WEXITSTATUS(status));
	} else if (WEXITSTATUS(status) != 0)
		workers_add_exit_code(workers, WEXITSTATUS(status));
	return how;
}

/* Whom it was at work for is not tried again. */
static void worker_lost(struct workers *workers, struct worker *worker,
			const char *how)
{
	char *const *users;
	unsigned int count;

	users = array_get(&worker->users, &count);
	if (count == 0) {
		i_error("A process of doveadm %s", how);
		return;
	}
	array_append(&workers->again, users + 1, count - 1);
	workers->callbacks->died(workers->context, users[0], how);
	i_free(*array_front_modifiable(&worker->users));
}

static void worker_ended(struct workers *workers, struct worker *worker)
{
	const char *error, *how = worker_end(workers, worker);
	bool ready = worker->ready;

	if (how != NULL) {
		workers_add_exit_code(workers, EX_TEMPFAIL);
		worker_lost(workers, worker, how);
	}
	array_free(&worker->users);
	/* one that cannot even begin would not the next time either */
	if (how != NULL && ready && !doveadm_is_killed() &&
	    (!workers->finished || array_count(&workers->again) > 0) &&
	    worker_start(workers, worker, &error) < 0)
		i_error("A process cannot be replaced: %s", error);
}

/* Returns the next user, NULL if there is none any more. Allocated. */
static char *workers_next(struct workers *workers)
{
	const char *username;
	char *again;
	int ret;

	if (array_count(&workers->again) > 0 && !doveadm_is_killed()) {
		again = *array_back(&workers->again);
		array_pop_back(&workers->again);
		return again;
	}
	if (workers->finished)
		return NULL;
	ret = workers->callbacks->next(workers->context, &username);
	if (ret > 0 && !doveadm_is_killed())
		return i_strdup(username);
	workers->finished = TRUE;
	/* as doveadm without -j: some users are left over */
	workers->ret = ret == 0 ? 0 : -1;
	return NULL;
}

/* Hand users to a worker that may have more. */
static void worker_feed(struct workers *workers, struct worker *worker)
{
	string_t *lines = t_str_new(256);
	char *username = NULL;

	while (array_count(&worker->users) < worker->users_max) {
		username = workers_next(workers);
		if (username == NULL)
			break;
		if (array_count(&worker->users) == 0)
			worker->users_since = i_microseconds();
		array_push_back(&worker->users, &username);
		str_append_tabescaped(lines, username);
		str_append_c(lines, '\n');
	}
	/* if it died meanwhile, the next read tells */
	if (str_len(lines) > 0)
		(void)write_full(worker->fd, str_data(lines), str_len(lines));
	if (array_count(&worker->users) == 0)
		(void)shutdown(worker->fd, SHUT_WR);
}

/* The first of its users is done. */
static void worker_done(struct workers *workers, struct worker *worker,
			const char *values)
{
	char **first = array_front_modifiable(&worker->users);

	workers->callbacks->done(workers->context, *first, values);
	i_free(*first);
	array_pop_front(&worker->users);
}

/* It has told of so many users since it told the last time. */
static void worker_count(struct worker *worker, unsigned int count)
{
	uint64_t now = i_microseconds();

	worker->users_max = now - worker->users_since > count * QUICK_USECS ?
		1 : I_MIN(worker->users_max * 2, QUICK_MAX_USERS);
	worker->users_since = now;
}

static void worker_read(struct workers *workers, struct worker *worker)
{
	unsigned int count = 0;
	char *line;

	if (i_stream_read(worker->input) < 0 &&
	    i_stream_get_data_size(worker->input) == 0) {
		worker_ended(workers, worker);
		return;
	}
	while ((line = i_stream_next_line(worker->input)) != NULL) {
		worker->ready = TRUE;
		if (array_count(&worker->users) > 0) {
			worker_done(workers, worker, line);
			count++;
		}
	}
	if (count > 0)
		worker_count(worker, count);
	/* not before it asks for the first */
	if (worker->ready && array_count(&worker->users) <=
				worker->users_max / 2)
		worker_feed(workers, worker);
}

static bool workers_are_quick(const struct workers *workers)
{
	const struct worker *worker;

	array_foreach(&workers->list, worker) {
		if (worker->fd != -1 &&
		    array_count(&worker->users) <= QUICK_MAX_USERS / 2)
			return FALSE;
	}
	return TRUE;
}

/* Returns FALSE if none lives, or can be heard of. */
static bool workers_wait(struct workers *workers)
{
	struct worker *worker;
	struct pollfd *fds;
	unsigned int i, count = array_count(&workers->list), living = 0;

	fds = t_new(struct pollfd, count);
	for (i = 0; i < count; i++) {
		worker = array_idx_modifiable(&workers->list, i);
		/* negative ones are passed over */
		fds[i].fd = worker->fd;
		fds[i].events = POLLIN;
		if (worker->fd != -1)
			living++;
	}
	if (living == 0)
		return FALSE;
	if (workers_are_quick(workers))
		(void)usleep(QUICK_PAUSE_USECS);
	if (poll(fds, count, -1) < 0) {
		if (errno == EINTR)
			return TRUE;
		i_error("poll() failed: %m");
		return FALSE;
	}
	for (i = 0; i < count; i++) {
		if (fds[i].fd != -1 && fds[i].revents != 0) T_BEGIN {
			worker_read(workers,
				    array_idx_modifiable(&workers->list, i));
		} T_END;
	}
	return TRUE;
}

int lazy_expunge_workers_run(
	const char *command, const char *const options[], unsigned int count,
	const struct lazy_expunge_workers_callbacks *callbacks, void *context,
	int *exit_code_r, const char **error_r)
{
	struct workers workers = {
		.callbacks = callbacks,
		.context = context,
	};
	unsigned int started = 0;
	bool left, more = TRUE;
	char *username;

	*error_r = NULL;
	if (workers_prepare(&workers, command, options, error_r) < 0)
		return -1;
	t_array_init(&workers.list, count);
	i_array_init(&workers.again, QUICK_MAX_USERS);
	while (started < count &&
	       worker_start(&workers, array_append_space(&workers.list),
			    error_r) == 0)
		started++;
	if (started == 0) {
		array_free(&workers.again);
		return -1;
	}
	*error_r = NULL;
	callbacks->started(context);
	while (more) T_BEGIN {
		more = workers_wait(&workers);
	} T_END;
	*exit_code_r = workers.exit_code;
	left = array_count(&workers.again) > 0;
	array_foreach_elem(&workers.again, username)
		i_free(username);
	array_free(&workers.again);
	if (workers.finished && (!left || doveadm_is_killed()))
		return left ? -1 : workers.ret;
	*error_r = "No process is left to do the users that are left";
	return -1;
}
