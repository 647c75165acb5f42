#ifndef LAZY_EXPUNGE_TEXT_H
#define LAZY_EXPUNGE_TEXT_H

/* Text, sizes and times as people and programs read them. All results are
   allocated from the data stack. */

/* Text of unknown origin (headers, mailbox names) as valid UTF-8: bytes that are
   not become octal (\377), all else stays as it is. */
const char *lazy_expunge_text_valid(const char *text);
/* The same on one line, for programs that read lines: control characters become
   \n, \t, octal (\033) or, if they are C1, \u with four hex digits. A backslash
   is not doubled. */
const char *lazy_expunge_text_line(const char *text);
/* The same for a terminal: characters that change how others are shown, too
   (bidirectional overrides, line separators), become \u. What belongs to words
   (joiners, marks of direction, soft hyphens) stays. */
const char *lazy_expunge_text_safe(const char *text);

/* TRUE if the two names differ at most in how Unicode writes their characters
   (composed or not), and not in case. Both are UTF-8. */
bool lazy_expunge_text_is_same_name(const char *name1, const char *name2);

/* Bytes for people: "999B", "1.2K", "35M"; units are powers of 1024. */
const char *lazy_expunge_text_size(uint64_t bytes);

/* A time for people, local: "2023-01-02 03:04:05". "" for times before 1970 and
   for 0. */
const char *lazy_expunge_text_time(time_t timestamp);
/* The same for programs, ISO 8601 with the zone: "2023-01-02T03:04:05+01:00".
   "" like above. */
const char *lazy_expunge_text_iso8601(time_t timestamp);

/* A span of seconds for people, in its largest unit that divides it: "30 days",
   "1 week", "90 secs". */
const char *lazy_expunge_text_interval(unsigned int secs);

#endif
