/* Others: looks through directories, so far and no further. */

#include "lib.h"
#include "array.h"
#include "compat/dovecot.h"
#include "account/files.h"
#include "accounts/others.h"

#include <dirent.h>
#include <sys/stat.h>

#define LOOK_DEPTH 6
#define LOOK_ENTRIES 50000

static const struct lazy_expunge_place_path *
find_place(const ARRAY_TYPE(lazy_expunge_place_path) *paths, const char *path)
{
	const struct lazy_expunge_place_path *place;

	array_foreach(paths, place) {
		if (strcmp(place->path, path) == 0)
			return place;
	}
	return NULL;
}

struct others_look {
	const ARRAY_TYPE(lazy_expunge_place_path) *paths;
	/* so many entries more are looked at */
	unsigned int left;
};

/* What a directory that Dovecot has mailboxes in has. */
static bool is_of_mail(const char *fname)
{
	static const char *const begins[] = {
		"dovecot-uidlist", "dovecot-uidvalidity", "dovecot.index",
		"dovecot.list.index", "dovecot.map.index",
	};

	for (unsigned int i = 0; i < N_ELEMENTS(begins); i++) {
		if (str_begins_with(fname, begins[i]))
			return TRUE;
	}
	return FALSE;
}

/* Of mails, or up and down. */
static bool is_no_home(const char *fname)
{
	static const char *const names[] = {
		".", "..", "cur", "new", "tmp", "dbox-Mails", "storage", NULL
	};

	return str_array_find(names, fname);
}

/* own: it is in a place of the user's, where mailboxes are his. */
static const char *
others_find(struct others_look *look, const char *dir_path,
	    unsigned int depth, bool own)
{
	const struct lazy_expunge_place_path *place;
	const struct dirent *entry;
	const char *path, *found = NULL;
	struct stat st;
	DIR *dir = opendir(dir_path);

	if (dir == NULL)
		return NULL;
	while (found == NULL && look->left > 0 &&
	       (entry = readdir(dir)) != NULL) T_BEGIN {
		look->left--;
		path = t_strconcat(dir_path, "/", entry->d_name, NULL);
		if ((depth > 0 && lazy_expunge_place_has_name(entry->d_name)) ||
		    (depth > 1 && !own && is_of_mail(entry->d_name)))
			found = dir_path;
		else if (depth < LOOK_DEPTH &&
			 !is_no_home(entry->d_name) &&
			 lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			place = find_place(look->paths, path);
			/* of locks, also of this plugin's */
			if (place == NULL || !place->is_volatile) {
				found = others_find(look, path, depth + 1,
						    own || place != NULL);
			}
		}
	} T_END_PASS_STR_IF(found != NULL, &found);
	(void)closedir(dir);
	return found;
}

const char *lazy_expunge_others_find(
	const ARRAY_TYPE(lazy_expunge_place_path) *paths, const char *path,
	bool is_home)
{
	struct others_look look = { .paths = paths, .left = LOOK_ENTRIES };

	return others_find(&look, path, 0, !is_home);
}
