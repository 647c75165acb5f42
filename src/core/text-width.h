#ifndef LAZY_EXPUNGE_TEXT_WIDTH_H
#define LAZY_EXPUNGE_TEXT_WIDTH_H

/* How much room text takes on a terminal (wcwidth()). Text is valid UTF-8. */

/* Columns of the text. */
size_t lazy_expunge_text_width(const char *text);
/* The text, or as much of it as fits into this many columns (at least 1) with a
   mark at its end. Data stack. */
const char *lazy_expunge_text_fit(const char *text, size_t width);

#endif
