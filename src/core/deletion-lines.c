/* Deletions: numbers and lines of text. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/deletion-lines.h"

#define ID_DIGITS 8
#define INFO_MARK ",d"
#define MAILS_PREFIX "m:"
#define TAKEN_PREFIX "t:"
#define BOX_PREFIX "b:"
/* the fields before the counts */
#define FIXED_FIELDS 8
#define ADDS_SUFFIX "+"
/* From here on a line has no more fields: readers take 64 kB, and a name has
   some hundred bytes. */
#define LINE_ENOUGH (16 * 1024)

static const char *const kinds[] = {
	[LAZY_EXPUNGE_DELETION_KIND_DELETION] = "D",
	[LAZY_EXPUNGE_DELETION_KIND_RESTORE] = "R",
};

const char *lazy_expunge_deletion_id_to_text(uint32_t id)
{
	return t_strdup_printf("%08x", id);
}

/* The digits at p, which must end the text or, if end is not NUL, come before
   it. */
static uint32_t id_parse(const char *p, char end)
{
	uint32_t id;

	if (strspn(p, "0123456789abcdef") != ID_DIGITS ||
	    (p[ID_DIGITS] != '\0' && p[ID_DIGITS] != end))
		return 0;
	return str_to_uint32_hex(t_strndup(p, ID_DIGITS), &id) < 0 ? 0 : id;
}

uint32_t lazy_expunge_deletion_id_parse(const char *text)
{
	uint32_t id;

	T_BEGIN {
		id = id_parse(t_str_lcase(text), '\0');
	} T_END;
	return id;
}

const char *lazy_expunge_deletion_id_to_info(uint32_t id)
{
	return t_strconcat(INFO_MARK, lazy_expunge_deletion_id_to_text(id),
			   NULL);
}

uint32_t lazy_expunge_deletion_id_from_fname(const char *fname)
{
	const char *p = strrchr(fname, ':');
	uint32_t id = 0;

	if (p == NULL || strncmp(p, ":2,", 3) != 0)
		return 0;
	T_BEGIN {
		for (p += 3; id == 0 && (p = strstr(p, INFO_MARK)) != NULL; ) {
			p += strlen(INFO_MARK);
			id = id_parse(p, ',');
		}
	} T_END;
	return id;
}

static void append_text(string_t *dest, const char *text)
{
	str_append_c(dest, '\t');
	str_append_tabescaped(dest, text);
}

static void line_begin(string_t *dest,
		       const struct lazy_expunge_deletion_record *record,
		       bool adds)
{
	str_printfa(dest, "%s%s\t%08x\t%"PRId64"\t%"PRId64,
		    kinds[record->kind], adds ? ADDS_SUFFIX : "", record->id,
		    (int64_t)record->first, (int64_t)record->last);
	append_text(dest, record->by);
	append_text(dest, record->command);
	append_text(dest, record->address);
	append_text(dest, record->session);
}

/* Another field is to be appended to the line that began at *start. */
static void line_go_on(string_t *dest,
		       const struct lazy_expunge_deletion_record *record,
		       size_t *start)
{
	if (str_len(dest) - *start >= LINE_ENOUGH) {
		str_append_c(dest, '\n');
		*start = str_len(dest);
		line_begin(dest, record, TRUE);
	}
	str_append_c(dest, '\t');
}

void lazy_expunge_deletion_append(
			string_t *dest,
			const struct lazy_expunge_deletion_record *record)
{
	const struct lazy_expunge_deletion_mails *mails;
	const struct lazy_expunge_deletion_taken *taken;
	size_t start = str_len(dest);
	const char *box;

	line_begin(dest, record, record->adds);
	array_foreach(&record->mails, mails) {
		if (record->adds && mails->count == 0)
			continue;
		line_go_on(dest, record, &start);
		str_printfa(dest, MAILS_PREFIX"%u:", mails->count);
		str_append_tabescaped(dest, mails->mailbox);
	}
	array_foreach(&record->taken, taken) {
		if (record->adds && taken->count == 0)
			continue;
		line_go_on(dest, record, &start);
		str_printfa(dest, TAKEN_PREFIX"%u:%08x", taken->count,
			    taken->id);
	}
	array_foreach_elem(&record->boxes, box) {
		line_go_on(dest, record, &start);
		str_append(dest, BOX_PREFIX);
		str_append_tabescaped(dest, box);
	}
	str_append_c(dest, '\n');
}

static bool kind_parse(const char *text,
		       struct lazy_expunge_deletion_record *record)
{
	size_t len = strcspn(text, ADDS_SUFFIX);

	record->adds = text[len] != '\0';
	if (record->adds && strcmp(text + len, ADDS_SUFFIX) != 0)
		return FALSE;
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		if (strncmp(text, kinds[i], len) == 0 &&
		    kinds[i][len] == '\0') {
			record->kind = i;
			return TRUE;
		}
	}
	return FALSE;
}

/* Returns FALSE if the field says something wrong. What is no UTF-8 is no
   mailbox's name, and passed over. */
static bool count_parse(const char *field, pool_t pool,
			struct lazy_expunge_deletion_record *record)
{
	const char *value;
	unsigned int count;
	uint32_t id;

	if (strncmp(field, BOX_PREFIX, 2) == 0) {
		value = p_strdup(pool, field + 2);
		if (*value != '\0' && uni_utf8_str_is_valid(value))
			array_push_back(&record->boxes, &value);
		return *value != '\0';
	}
	if (strncmp(field, MAILS_PREFIX, 2) != 0 &&
	    strncmp(field, TAKEN_PREFIX, 2) != 0)
		return TRUE;
	value = strchr(field + 2, ':');
	if (value == NULL || value[1] == '\0' ||
	    str_to_uint(t_strdup_until(field + 2, value), &count) < 0)
		return FALSE;
	value++;
	if (*field == *MAILS_PREFIX) {
		if (uni_utf8_str_is_valid(value)) {
			lazy_expunge_deletion_add_mails(&record->mails, pool,
							value, count);
		}
		return TRUE;
	}
	id = id_parse(value, '\0');
	if (id != 0)
		lazy_expunge_deletion_add_taken(&record->taken, id, count);
	return id != 0;
}

static bool deletion_parse(const char *const *fields, pool_t pool,
			   struct lazy_expunge_deletion_record *record)
{
	if (str_array_length(fields) < FIXED_FIELDS ||
	    !kind_parse(fields[0], record) ||
	    (record->id = id_parse(fields[1], '\0')) == 0 ||
	    str_to_time(fields[2], &record->first) < 0 ||
	    str_to_time(fields[3], &record->last) < 0 ||
	    record->first > record->last)
		return FALSE;
	record->by = p_strdup(pool, fields[4]);
	record->command = p_strdup(pool, fields[5]);
	record->address = p_strdup(pool, fields[6]);
	record->session = p_strdup(pool, fields[7]);
	p_array_init(&record->mails, pool, 2);
	p_array_init(&record->taken, pool, 2);
	p_array_init(&record->boxes, pool, 1);
	for (fields += FIXED_FIELDS; *fields != NULL; fields++) {
		if (!count_parse(*fields, pool, record))
			return FALSE;
	}
	return TRUE;
}

bool lazy_expunge_deletion_parse(const char *line, pool_t pool,
				 struct lazy_expunge_deletion_record *record_r)
{
	bool valid;

	i_zero(record_r);
	T_BEGIN {
		valid = deletion_parse(t_strsplit_tabescaped(line), pool,
				       record_r);
	} T_END;
	return valid;
}

void lazy_expunge_deletion_add_mails(
			ARRAY_TYPE(lazy_expunge_deletion_mails) *mails,
			pool_t pool, const char *mailbox, unsigned int count)
{
	struct lazy_expunge_deletion_mails *mail;

	array_foreach_modifiable(mails, mail) {
		if (strcmp(mail->mailbox, mailbox) == 0) {
			mail->count += count;
			return;
		}
	}
	mail = array_append_space(mails);
	mail->mailbox = p_strdup(pool, mailbox);
	mail->count = count;
}

void lazy_expunge_deletion_add_taken(
			ARRAY_TYPE(lazy_expunge_deletion_taken) *taken,
			uint32_t id, unsigned int count)
{
	struct lazy_expunge_deletion_taken *one;

	array_foreach_modifiable(taken, one) {
		if (one->id == id) {
			one->count += count;
			return;
		}
	}
	one = array_append_space(taken);
	one->id = id;
	one->count = count;
}

void lazy_expunge_deletion_merge(
			struct lazy_expunge_deletion_record *record, pool_t pool,
			const struct lazy_expunge_deletion_record *more)
{
	const struct lazy_expunge_deletion_mails *mails;
	const struct lazy_expunge_deletion_taken *taken;

	record->first = I_MIN(record->first, more->first);
	record->last = I_MAX(record->last, more->last);
	array_foreach(&more->mails, mails) {
		lazy_expunge_deletion_add_mails(&record->mails, pool,
						mails->mailbox, mails->count);
	}
	array_foreach(&more->taken, taken) {
		lazy_expunge_deletion_add_taken(&record->taken, taken->id,
						taken->count);
	}
	array_append_array(&record->boxes, &more->boxes);
}

void lazy_expunge_deletion_written(struct lazy_expunge_deletion_record *record)
{
	struct lazy_expunge_deletion_mails *mails;
	struct lazy_expunge_deletion_taken *taken;

	record->adds = TRUE;
	/* their names are used again */
	array_foreach_modifiable(&record->mails, mails)
		mails->count = 0;
	array_foreach_modifiable(&record->taken, taken)
		taken->count = 0;
	array_clear(&record->boxes);
}

unsigned int lazy_expunge_deletion_count(
			const struct lazy_expunge_deletion_record *record)
{
	const struct lazy_expunge_deletion_mails *mails;
	unsigned int count = 0;

	array_foreach(&record->mails, mails)
		count += mails->count;
	return count;
}
