/* The frame of a libFuzzer target: text from bytes, inside an initialised
   libdovecot. */

#include "fuzz.h"

char *fuzz_cut(char *text)
{
	char *p = strchr(text, '\n');

	if (p == NULL)
		return text + strlen(text);
	*p = '\0';
	return p + 1;
}

int LLVMFuzzerInitialize(int *argc ATTR_UNUSED, char ***argv ATTR_UNUSED)
{
	lib_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of its own size, so that a read beyond the end is seen */
	char *text = malloc(size + 1);

	i_assert(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	T_BEGIN {
		fuzz_one(text);
	} T_END;
	free(text);
	return 0;
}
