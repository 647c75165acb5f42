#ifndef UNIT_H
#define UNIT_H

/* What the unit tests share. Each program is one file with a unit_suite() and
   is linked with unit.c, which has main(). */

#include "lib.h"

#include <check.h>

/* The suite of this program. */
Suite *unit_suite(void);
/* A suite with one test case of this name, to which tests are added. */
Suite *unit_suite_create(const char *name, TCase **tcase_r);

/* The text of an error that must be there and name the setting and value. */
#define unit_assert_names(error, key, value) \
	ck_assert_msg((error) != NULL && strstr(error, key) != NULL && \
		      strstr(error, value) != NULL, \
		      "\"%s\" does not name %s and %s", error, key, value)

#endif
