#ifndef FUZZ_H
#define FUZZ_H

/* What the libFuzzer targets share. Each has a fuzz_one(), which is called with
   the input as text; what must not be is an i_assert(). */

#include "lib.h"

/* text ends in NUL and has none before. It may be changed. */
void fuzz_one(char *text);

/* Cuts the text at the first newline. Returns what is behind it, "" if there is
   none. */
char *fuzz_cut(char *text);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
