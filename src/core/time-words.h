#ifndef LAZY_EXPUNGE_TIME_WORDS_H
#define LAZY_EXPUNGE_TIME_WORDS_H

/* Times as people say them. */

/* Read a time. Understood are

     08:00  8:00  08:00:30       the last time that the clock showed this
     today  yesterday            the day; with a clock time behind it that time
     2026-11-28                  the day
     2026-11-28 14:00[:05]       with a T for the blank it is ISO 8601
     2h  3 days  90min  1 week   so long ago
     now
     @1764338400                 seconds since 1970

   each, but for the last three, with a zone behind it if it is not that of the
   process: Z, UTC, +01:00, +0100, +01 or Europe/Berlin, if the system knows the
   latter. Case does not matter, but in that one. Parts of a second are passed
   over. Not safe where another thread reads times.

   A value means a span: a day, a minute or a second. *first_r is its first
   second and *last_r its last. Instants (the last three) are one second.

   Returns 0 if ok, -1 and the error (data stack), which names the value and
   what is understood. */
int lazy_expunge_time_parse(const char *text, time_t now, time_t *first_r,
			    time_t *last_r, const char **error_r);

#endif
