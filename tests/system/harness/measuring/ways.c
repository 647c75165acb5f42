/* Linked into the build of tools/ways: each function of the plugin writes down when
   it is entered and left, as "> MODULE ADDRESS" and "< MODULE ADDRESS", in a
   file of its process. Nothing is written while WAYS_DIR does not exist. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOT_ITSELF __attribute__((no_instrument_function))
/* else those of libc would be called */
#define OWN __attribute__((visibility("hidden"))) NOT_ITSELF

void __cyg_profile_func_enter(void *function, void *caller) OWN;
void __cyg_profile_func_exit(void *function, void *caller) OWN;

/* -1 before the first; a process that was forked has a file of its own */
static int fd = -1;
static pid_t pid;

static NOT_ITSELF void file_open(void)
{
	char path[512];

	if (pid == getpid())
		return;
	if (fd != -1)
		close(fd);
	pid = getpid();
	snprintf(path, sizeof(path), "%s/%ld", WAYS_DIR, (long)pid);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static NOT_ITSELF void put(char what, void *function)
{
	char line[512];
	Dl_info info;
	int size;

	file_open();
	if (fd == -1 || dladdr(function, &info) == 0)
		return;
	size = snprintf(line, sizeof(line), "%c %s %lx\n", what,
			strrchr(info.dli_fname, '/') + 1,
			(unsigned long)((char *)function -
					(char *)info.dli_fbase));
	if (write(fd, line, size) != size) {
		/* a line that is missing is noticed by who reads the file */
		close(fd);
		fd = -1;
	}
}

void __cyg_profile_func_enter(void *function, void *caller)
{
	(void)caller;
	put('>', function);
}

void __cyg_profile_func_exit(void *function, void *caller)
{
	(void)caller;
	put('<', function);
}
