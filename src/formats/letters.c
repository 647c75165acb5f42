/* Letters of keywords in a Maildir, see the header. */

#include "lib.h"
#include "istream.h"
#include "maildir-storage.h"
#include "maildir-keywords.h"
#include "mailbox-list-private.h"
#include "core/origin-codec.h"
#include "formats/format.h"
#include "formats/letters.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct lazy_expunge_letters {
	/* dovecot-keywords */
	char *path;
	/* what it has, by letter, and which file that was */
	pool_t pool;
	const char *keywords[MAILDIR_MAX_KEYWORDS];
	struct stat st;
};

struct lazy_expunge_letters *lazy_expunge_letters_init(struct mailbox *box)
{
	struct lazy_expunge_letters *letters;
	const char *control_path;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MAILDIR ||
	    mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_CONTROL,
				&control_path) <= 0)
		return NULL;
	letters = i_new(struct lazy_expunge_letters, 1);
	letters->path = i_strconcat(control_path, "/"MAILDIR_KEYWORDS_NAME,
				    NULL);
	return letters;
}

void lazy_expunge_letters_deinit(struct lazy_expunge_letters **_letters)
{
	struct lazy_expunge_letters *letters = *_letters;

	if (letters == NULL)
		return;
	*_letters = NULL;
	pool_unref(&letters->pool);
	i_free(letters->path);
	i_free(letters);
}

static void letters_parse(struct lazy_expunge_letters *letters, int fd)
{
	struct istream *input = i_stream_create_fd(fd, 1024);
	const char *line, *name, *number;
	unsigned int idx;

	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		name = strchr(line, ' ');
		number = name == NULL ? "" : t_strdup_until(line, name);
		if (str_to_uint(number, &idx) == 0 &&
		    idx < MAILDIR_MAX_KEYWORDS && name[1] != '\0') {
			letters->keywords[idx] =
				p_strdup(letters->pool, name + 1);
		}
	} T_END;
	if (input->stream_errno != 0)
		i_zero(&letters->keywords);
	i_stream_destroy(&input);
}

/* The file is only replaced, never written to, and letters keep their keywords
   as long as it exists. */
void lazy_expunge_letters_refresh(struct lazy_expunge_letters *letters)
{
	struct stat st;
	int fd;

	if (stat(letters->path, &st) == 0 &&
	    st.st_ino == letters->st.st_ino &&
	    st.st_mtime == letters->st.st_mtime &&
	    st.st_size == letters->st.st_size)
		return;
	i_zero(&letters->keywords);
	i_zero(&letters->st);
	pool_unref(&letters->pool);
	letters->pool = pool_alloconly_create("lazy_expunge letters", 512);
	fd = open(letters->path, O_RDONLY);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0) {
		letters->st = st;
		letters_parse(letters, fd);
	}
	i_close_fd(&fd);
}

bool lazy_expunge_letters_find(struct lazy_expunge_letters *letters,
			       const char *keyword, bool exact, char *letter_r)
{
	for (unsigned int i = 0; i < MAILDIR_MAX_KEYWORDS; i++) {
		const char *known = letters->keywords[i];

		if (known == NULL || strcasecmp(known, keyword) != 0)
			continue;
		*letter_r = MAILDIR_KEYWORD_FIRST + i;
		return !exact || strcmp(known, keyword) == 0;
	}
	return FALSE;
}

bool lazy_expunge_letters_have_room(struct lazy_expunge_letters *letters,
				    const char *keyword)
{
	unsigned int used = 0, origins = 0;

	for (unsigned int i = 0; i < MAILDIR_MAX_KEYWORDS; i++) {
		const char *known = letters->keywords[i];

		if (known == NULL)
			continue;
		used++;
		if (lazy_expunge_origin_is_keyword(known))
			origins++;
		/* another mailbox's, whose name differs in case */
		if (strcasecmp(known, keyword) == 0)
			return FALSE;
	}
	return used < MAILDIR_MAX_KEYWORDS &&
		origins < LAZY_EXPUNGE_ORIGIN_KEYWORDS_MAX;
}
