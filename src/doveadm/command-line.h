#ifndef LAZY_EXPUNGE_COMMAND_LINE_H
#define LAZY_EXPUNGE_COMMAND_LINE_H

/* Append the words of this process's command line up to the command's own: the
   program, and the options of doveadm. They are on the data stack. Returns 0, or
   -1 if it was not started by one. */
int lazy_expunge_command_line_read(ARRAY_TYPE(const_string) *words);

#endif
