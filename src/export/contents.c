/* Contents: the sums of all files are made in one pass, and then held against
   what the manifest and SHA256SUMS say. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "hex-binary.h"
#include "sha2.h"
#include "str.h"
#include "export/archive-reader.h"
#include "export/contents.h"

#include <ctype.h>

/* No line of an archive of ours is longer: headers are cut when they are
   written. */
#define CONTENTS_MAX_LINE (1024 * 1024)

struct contents_reader {
	struct lazy_expunge_contents *contents;
	struct lazy_expunge_archive_reader *reader;
	const char *path;
	/* a line that is not whole yet, and how many there were */
	string_t *line;
	unsigned int lines;
	/* the manifest had its last line */
	bool ended;
};

typedef int contents_line_func_t(struct contents_reader *cr, const char *line);

static struct lazy_expunge_contents_file *
contents_get(struct lazy_expunge_contents *contents, const char *name)
{
	struct lazy_expunge_contents_file *file =
		hash_table_lookup(contents->by_name, name);

	if (file != NULL)
		return file;
	file = p_new(contents->pool, struct lazy_expunge_contents_file, 1);
	file->name = p_strdup(contents->pool, name);
	hash_table_insert(contents->by_name, file->name, file);
	array_push_back(&contents->files, &file);
	return file;
}

static void contents_problem(struct lazy_expunge_contents *contents,
			     const char *file, const char *state,
			     const char *text)
{
	struct lazy_expunge_contents_problem *problem =
		array_append_space(&contents->problems);

	problem->file = p_strdup(contents->pool, file);
	problem->state = state;
	problem->text = p_strdup(contents->pool, text);
}

/* "<64 hex digits>  <name>" */
static int read_sums_line(struct contents_reader *cr, const char *line)
{
	struct lazy_expunge_contents_file *file;

	for (unsigned int i = 0; i < 2 * SHA256_RESULTLEN; i++) {
		if (!i_isdigit(line[i]) && (line[i] < 'a' || line[i] > 'f'))
			return -1;
	}
	if (line[2 * SHA256_RESULTLEN] != ' ' ||
	    line[2 * SHA256_RESULTLEN + 1] != ' ' ||
	    line[2 * SHA256_RESULTLEN + 2] == '\0')
		return -1;
	file = contents_get(cr->contents, line + 2 * SHA256_RESULTLEN + 2);
	if (file->sum != NULL)
		return -1;
	file->sum = p_strndup(cr->contents->pool, line, 2 * SHA256_RESULTLEN);
	return 0;
}

static int read_mail_line(struct contents_reader *cr, const char *line)
{
	struct lazy_expunge_contents *contents = cr->contents;
	struct lazy_expunge_manifest_mail *mail;
	struct lazy_expunge_contents_file *file;

	mail = p_new(contents->pool, struct lazy_expunge_manifest_mail, 1);
	if (lazy_expunge_manifest_mail_read(contents->pool, line, mail) < 0)
		return -1;
	file = contents_get(contents, mail->file);
	if (file->mail != NULL)
		return -1;
	file->mail = mail;
	contents->messages++;
	contents->bytes += mail->size;
	return 0;
}

static int read_manifest_line(struct contents_reader *cr, const char *line)
{
	if (cr->lines == 1) {
		return lazy_expunge_manifest_head_read(cr->contents->pool, line,
						       &cr->contents->head);
	}
	if (cr->lines == 2) {
		return strcmp(line, t_strcut(LAZY_EXPUNGE_MANIFEST_BEGIN,
					     '\n')) == 0 ? 0 : -1;
	}
	if (cr->ended)
		return -1;
	if (strcmp(line, "]}") == 0) {
		cr->ended = TRUE;
		return 0;
	}
	return read_mail_line(cr, line);
}

/* Returns -1 if it is not understood. */
static int read_lines(struct contents_reader *cr, contents_line_func_t *func,
		      const char *data, size_t size)
{
	const char *end;
	size_t len;
	int ret = 0;

	while (size > 0 && ret == 0) {
		end = memchr(data, '\n', size);
		len = end == NULL ? size : (size_t)(end - data);
		if (str_len(cr->line) + len > CONTENTS_MAX_LINE ||
		    memchr(data, '\0', len) != NULL)
			return -1;
		str_append_data(cr->line, data, len);
		if (end == NULL)
			break;
		cr->lines++;
		T_BEGIN {
			ret = func(cr, str_c(cr->line));
		} T_END;
		str_truncate(cr->line, 0);
		data += len + 1;
		size -= len + 1;
	}
	return ret;
}

static contents_line_func_t *find_line_func(const char *name)
{
	if (strcmp(name, LAZY_EXPUNGE_MANIFEST_JSON) == 0)
		return read_manifest_line;
	if (strcmp(name, LAZY_EXPUNGE_MANIFEST_SUMS) == 0)
		return read_sums_line;
	return NULL;
}

/* Returns 0, or -1 and the error. */
static int read_file(struct contents_reader *cr,
		     struct lazy_expunge_contents_file *file,
		     const char **error_r)
{
	contents_line_func_t *func = find_line_func(file->name);
	unsigned char digest[SHA256_RESULTLEN];
	struct sha256_ctx sum;
	const void *data;
	size_t size;
	int ret;

	file->found = TRUE;
	str_truncate(cr->line, 0);
	cr->lines = 0;
	sha256_init(&sum);
	while ((ret = lazy_expunge_archive_reader_data(cr->reader, &data, &size,
						       error_r)) > 0) {
		sha256_loop(&sum, data, size);
		file->size += size;
		if (func != NULL && read_lines(cr, func, data, size) < 0) {
			contents_problem(cr->contents, file->name, "changed",
				t_strdup_printf("line %u is not understood",
						cr->lines));
			func = NULL;
		}
	}
	if (func != NULL && (str_len(cr->line) > 0 ||
			     (func == read_manifest_line && !cr->ended)))
		contents_problem(cr->contents, file->name, "changed",
				 "its end is missing");
	sha256_result(&sum, digest);
	file->sha256 = p_strdup(cr->contents->pool,
				binary_to_hex(digest, sizeof(digest)));
	return ret;
}

static int read_files(struct contents_reader *cr, const char **error_r)
{
	struct lazy_expunge_contents_file *file;
	const char *name;
	int ret;

	while ((ret = lazy_expunge_archive_reader_next(cr->reader, &name,
						       error_r)) > 0) {
		file = contents_get(cr->contents, name);
		if (file->found) {
			*error_r = t_strdup_printf("%s: this is no archive of "
				"export: %s is in it twice", cr->path, name);
			return -1;
		}
		if (read_file(cr, file, error_r) < 0)
			return -1;
	}
	return ret;
}

/* The file against what is said of it. */
static void compare_file(struct lazy_expunge_contents *contents,
			 const struct lazy_expunge_contents_file *file)
{
	const struct lazy_expunge_manifest_mail *mail = file->mail;
	const bool own = strcmp(file->name, LAZY_EXPUNGE_MANIFEST_JSON) == 0 ||
		strcmp(file->name, LAZY_EXPUNGE_MANIFEST_CSV) == 0;

	if (!file->found) {
		contents_problem(contents, file->name, "missing", "");
	} else if (strcmp(file->name, LAZY_EXPUNGE_MANIFEST_SUMS) == 0) {
		if (file->sum != NULL || mail != NULL)
			contents_problem(contents, file->name, "changed",
					 "it names itself");
	} else if (file->sum == NULL) {
		contents_problem(contents, file->name, "added",
			"it is not in "LAZY_EXPUNGE_MANIFEST_SUMS);
	} else if (strcmp(file->sum, file->sha256) != 0) {
		contents_problem(contents, file->name, "changed",
				 "it has another sum");
	} else if (own == (mail != NULL)) {
		contents_problem(contents, file->name, "added",
			own ? "it is in the manifest as a mail" :
			"it is not in "LAZY_EXPUNGE_MANIFEST_JSON);
	} else if (mail != NULL && (mail->size != file->size ||
				    strcmp(mail->sha256, file->sha256) != 0)) {
		contents_problem(contents, file->name, "changed",
			"it has another sum or size than in "
			LAZY_EXPUNGE_MANIFEST_JSON);
	}
}

static void contents_compare(struct lazy_expunge_contents *contents)
{
	static const char *const needed[] = {
		LAZY_EXPUNGE_MANIFEST_SUMS, LAZY_EXPUNGE_MANIFEST_JSON,
		LAZY_EXPUNGE_MANIFEST_CSV
	};
	struct lazy_expunge_contents_file *file;

	/* what is not there is missing */
	for (unsigned int i = 0; i < N_ELEMENTS(needed); i++)
		(void)contents_get(contents, needed[i]);
	array_foreach_elem(&contents->files, file)
		compare_file(contents, file);
	if (contents->head.messages != contents->messages ||
	    contents->head.bytes != contents->bytes) {
		contents_problem(contents, LAZY_EXPUNGE_MANIFEST_JSON,
			"changed", t_strdup_printf("its head has %"PRIu64
			" mails of %"PRIu64" bytes, and there are %"PRIu64
			" of %"PRIu64, contents->head.messages,
			contents->head.bytes, contents->messages,
			contents->bytes));
	}
}

struct lazy_expunge_contents *
lazy_expunge_contents_read(int fd, const char *path, const char **error_r)
{
	struct lazy_expunge_contents *contents;
	struct contents_reader cr = { .path = path };
	pool_t pool;
	int ret;

	if (lazy_expunge_archive_reader_init(fd, path, &cr.reader, error_r) < 0)
		return NULL;
	pool = pool_alloconly_create("lazy_expunge contents", 65536);
	contents = cr.contents = p_new(pool, struct lazy_expunge_contents, 1);
	contents->pool = pool;
	p_array_init(&contents->files, pool, 256);
	p_array_init(&contents->problems, pool, 16);
	hash_table_create(&contents->by_name, default_pool, 0, str_hash,
			  strcmp);
	cr.line = str_new(default_pool, 1024);
	ret = read_files(&cr, error_r);
	str_free(&cr.line);
	lazy_expunge_archive_reader_deinit(&cr.reader);
	if (ret < 0)
		lazy_expunge_contents_deinit(&contents);
	else
		contents_compare(contents);
	return contents;
}

void lazy_expunge_contents_deinit(struct lazy_expunge_contents **_contents)
{
	struct lazy_expunge_contents *contents = *_contents;

	if (contents == NULL)
		return;
	*_contents = NULL;
	hash_table_destroy(&contents->by_name);
	pool_unref(&contents->pool);
}
