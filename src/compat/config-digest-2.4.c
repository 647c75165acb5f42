/* The configuration is a file, which doveconf has written in binary form. */

#include "lib.h"
#include "read-full.h"
#include "sha1.h"
#include "compat/compat-command.h"
#include "compat/config-digest.h"

#include <sys/stat.h>

#if DOVECOT_PREREQ(2,4,2)

#define CONFIG_HEADER "DOVECOT-CONFIG\t"
/* of each file that was read, after its name: inode, size, two times */
#define CONFIG_PATH_SIZE (2 * sizeof(uint64_t) + 4 * sizeof(uint32_t))

/* Returns -1 if the number is not there whole. */
static int read_uint32(const unsigned char *data, size_t size, size_t *pos,
		       uint32_t *value_r)
{
	if (*pos > size || size - *pos < sizeof(*value_r))
		return -1;
	memcpy(value_r, data + *pos, sizeof(*value_r));
	*pos += sizeof(*value_r);
	return 0;
}

static int skip_paths(const unsigned char *data, size_t size, size_t *pos)
{
	const unsigned char *end;
	uint32_t count;

	if (read_uint32(data, size, pos, &count) < 0)
		return -1;
	for (; count > 0; count--) {
		end = memchr(data + *pos, '\0', size - *pos);
		if (end == NULL ||
		    size - (end + 1 - data) < CONFIG_PATH_SIZE)
			return -1;
		*pos = end + 1 - data + CONFIG_PATH_SIZE;
	}
	return 0;
}

/* All names that there are, set or not, stand in a hash table, of which the order
   is another each time. Where it begins and ends; returns -1 if it cannot be
   found. (config-dump-full.c has the format.) */
static int find_names(const unsigned char *data, size_t size, size_t *begin_r,
		      size_t *end_r)
{
	const unsigned char *line_end;
	uint32_t names_size;
	size_t pos;

	line_end = memchr(data, '\n', size);
	if (line_end == NULL || size < strlen(CONFIG_HEADER) ||
	    memcmp(data, CONFIG_HEADER, strlen(CONFIG_HEADER)) != 0)
		return -1;
	pos = line_end + 1 - data + sizeof(uint64_t);
	if (skip_paths(data, size, &pos) < 0 ||
	    read_uint32(data, size, &pos, &names_size) < 0 ||
	    size - pos < names_size)
		return -1;
	*begin_r = pos;
	*end_r = pos + names_size;
	return 0;
}

#else

static int find_names(const unsigned char *data ATTR_UNUSED, size_t size,
		      size_t *begin_r, size_t *end_r)
{
	/* there is no such table */
	*begin_r = *end_r = size;
	return 0;
}

#endif

int lazy_expunge_compat_config_digest(
	struct doveadm_mail_cmd_context *ctx ATTR_UNUSED,
	unsigned char *digest_r)
{
	int fd = lazy_expunge_compat_cmd_config_fd();
	struct sha1_ctxt sha1;
	unsigned char *data;
	size_t begin, end;
	struct stat st;
	int ret = -1;

	if (fd == -1 || fstat(fd, &st) < 0 || st.st_size == 0)
		return -1;
	data = i_malloc(st.st_size);
	if (pread_full(fd, data, st.st_size, 0) == 1 &&
	    find_names(data, st.st_size, &begin, &end) == 0) {
		sha1_init(&sha1);
		sha1_loop(&sha1, data, begin);
		sha1_loop(&sha1, data + end, st.st_size - end);
		sha1_result(&sha1, digest_r);
		ret = 0;
	}
	i_free(data);
	return ret;
}
