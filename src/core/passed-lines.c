/* Mails that passed while a copy lived: lines of text. */

#include "lib.h"
#include "array.h"
#include "hex-binary.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/deletion-lines.h"
#include "core/passed-lines.h"

#define PASSED_KIND "C"
#define SUPERSEDED_KIND "S"
#define BACK_KIND "X"
#define GUID_DIGITS (GUID_128_SIZE * 2)
#define PASSED_FIXED_FIELDS 5
#define BACK_FIXED_FIELDS 3
/* From here on a line has no more mails (see core/deletion-lines.c). */
#define LINE_ENOUGH (16 * 1024)
/* A mail's keywords, which have no limit of their own: readers take a line of
   64 kB. More is not what a person has set, and is left out. */
#define KEYWORDS_ENOUGH (16 * 1024)

static const struct {
	enum mail_flags flag;
	char letter;
} flag_letters[] = {
	{ MAIL_ANSWERED, 'R' },
	{ MAIL_DRAFT, 'D' },
	{ MAIL_FLAGGED, 'F' },
	{ MAIL_SEEN, 'S' },
};

/* All that comes before the mails, but for the tab. */
static const string_t *line_head(const struct lazy_expunge_passed *passed)
{
	string_t *head = t_str_new(128);

	if (passed->back)
		str_append(head, BACK_KIND"\t");
	else {
		str_printfa(head, "%s\t%08x\t", passed->superseded ?
			    SUPERSEDED_KIND : PASSED_KIND, passed->deletion);
	}
	str_append_tabescaped(head, passed->mailbox);
	if (!passed->back) {
		str_append_c(head, '\t');
		str_append_tabescaped(head, passed->via);
	}
	str_printfa(head, "\t%"PRId64, (int64_t)passed->time);
	return head;
}

/* Be at the end of a line to which the mail can be appended. */
static void line_go_on(struct lazy_expunge_passed_lines *lines,
		       const struct lazy_expunge_passed *passed)
{
	const string_t *head = line_head(passed);
	string_t *text = lines->text;

	if (lines->head_len == str_len(head) &&
	    str_len(text) - lines->start < LINE_ENOUGH &&
	    memcmp(str_data(text) + lines->start, str_data(head),
		   str_len(head)) == 0 &&
	    str_data(text)[lines->start + str_len(head)] == '\t') {
		str_truncate(text, str_len(text) - 1);
		return;
	}
	lines->start = str_len(text);
	lines->head_len = str_len(head);
	str_append_str(text, head);
}

static void append_keywords(string_t *text, const char *const *keywords)
{
	const size_t start = str_len(text);
	size_t before;

	for (; *keywords != NULL; keywords++) {
		before = str_len(text);
		str_append_c(text, ' ');
		str_append_tabescaped(text, *keywords);
		if (str_len(text) - start > KEYWORDS_ENOUGH) {
			str_truncate(text, before);
			break;
		}
	}
}

void lazy_expunge_passed_append(struct lazy_expunge_passed_lines *lines,
				const struct lazy_expunge_passed *passed)
{
	string_t *text = lines->text;

	T_BEGIN {
		line_go_on(lines, passed);
	} T_END;
	str_append_c(text, '\t');
	binary_to_hex_append(text, passed->guid, GUID_128_SIZE);
	if (!passed->back) {
		str_append_c(text, ':');
		for (unsigned int i = 0; i < N_ELEMENTS(flag_letters); i++) {
			if ((passed->flags & flag_letters[i].flag) != 0)
				str_append_c(text, flag_letters[i].letter);
		}
		append_keywords(text, passed->keywords);
	}
	str_append_c(text, '\n');
}

bool lazy_expunge_passed_is_line(const char *line)
{
	static const char kinds[] = PASSED_KIND SUPERSEDED_KIND BACK_KIND;

	return *line != '\0' && strchr(kinds, *line) != NULL && line[1] == '\t';
}

/* Returns FALSE if the field is no mail. */
static bool mail_parse(const char *field, pool_t pool,
		       struct lazy_expunge_passed *passed)
{
	const char *const *words;
	size_t letters;

	if (strlen(field) < GUID_DIGITS ||
	    guid_128_from_string(t_strndup(field, GUID_DIGITS),
				 passed->guid) < 0)
		return FALSE;
	field += GUID_DIGITS;
	if (passed->back)
		return *field == '\0';
	if (*field != ':')
		return FALSE;
	field++;
	letters = strcspn(field, " ");
	passed->flags = 0;
	for (unsigned int i = 0; i < N_ELEMENTS(flag_letters); i++) {
		if (memchr(field, flag_letters[i].letter, letters) != NULL)
			passed->flags |= flag_letters[i].flag;
	}
	words = t_strsplit_spaces(field + letters, " ");
	passed->keywords = (const char *const *)p_strarray_dup(pool, words);
	return TRUE;
}

/* Returns FALSE if the text is no number of a deletion, nor says that none is
   known. */
static bool deletion_parse(const char *text, uint32_t *id_r)
{
	*id_r = lazy_expunge_deletion_id_parse(text);
	return *id_r != 0 ||
		strcmp(text, lazy_expunge_deletion_id_to_text(0)) == 0;
}

static void passed_parse(const char *const *fields, pool_t pool,
			 ARRAY_TYPE(lazy_expunge_passed) *all)
{
	struct lazy_expunge_passed passed;
	unsigned int count = str_array_length(fields);

	i_zero(&passed);
	if (strcmp(fields[0], BACK_KIND) == 0 && count > BACK_FIXED_FIELDS) {
		passed.back = TRUE;
		passed.mailbox = p_strdup(pool, fields[1]);
		fields += 2;
	} else if ((strcmp(fields[0], PASSED_KIND) == 0 ||
		    strcmp(fields[0], SUPERSEDED_KIND) == 0) &&
		   count > PASSED_FIXED_FIELDS &&
		   deletion_parse(fields[1], &passed.deletion)) {
		passed.superseded = *fields[0] == *SUPERSEDED_KIND;
		passed.mailbox = p_strdup(pool, fields[2]);
		/* what is no name is not known */
		passed.via = uni_utf8_str_is_valid(fields[3]) ?
			p_strdup(pool, fields[3]) : "";
		fields += 4;
	} else {
		return;
	}
	if (str_to_time(fields[0], &passed.time) < 0 ||
	    *passed.mailbox == '\0' ||
	    !uni_utf8_str_is_valid(passed.mailbox))
		return;
	for (fields++; *fields != NULL; fields++) {
		if (mail_parse(*fields, pool, &passed))
			array_push_back(all, &passed);
	}
}

void lazy_expunge_passed_parse(const char *line, pool_t pool,
			       ARRAY_TYPE(lazy_expunge_passed) *passed)
{
	if (!lazy_expunge_passed_is_line(line))
		return;
	T_BEGIN {
		passed_parse(t_strsplit_tabescaped(line), pool, passed);
	} T_END;
}
