/* main() of a unit test: runs its suite inside an initialised libdovecot. */

#include "unit.h"

Suite *unit_suite_create(const char *name, TCase **tcase_r)
{
	Suite *suite = suite_create(name);

	*tcase_r = tcase_create(name);
	/* the default of 4 seconds is reached on a machine that is busy */
	tcase_set_timeout(*tcase_r, 120);
	suite_add_tcase(suite, *tcase_r);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	lib_init();
	runner = srunner_create(unit_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	if (srunner_ntests_run(runner) == 0)
		failed = 1;
	srunner_free(runner);
	lib_deinit();
	return failed == 0 ? 0 : 1;
}
