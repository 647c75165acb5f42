/* The policy: a table of the facts that matter, and what holds for all. */

#include "unit.h"
#include "core/policy.h"

#define FACTS(...) { .enabled = TRUE, ##__VA_ARGS__ }
#define LAST .only_last_instance = TRUE

static const struct {
	const char *what;
	struct lazy_expunge_facts facts;
	enum lazy_expunge_verdict verdict;
	enum lazy_expunge_reason reason;
} cases[] = {
	{ "an ordinary delete", FACTS(),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_DELETED },
	{ "by retention", FACTS(.by_retention = TRUE),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_DELETED },
	{ "by doveadm", FACTS(.by_admin = TRUE),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_DELETED },
	{ "protect changes nothing outside", FACTS(.protect = TRUE),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_DELETED },
	{ "the instance does not matter when all are kept",
	  FACTS(.instance = LAZY_EXPUNGE_INSTANCE_OTHER),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_DELETED },

	{ "not looked yet", FACTS(LAST),
	  LAZY_EXPUNGE_LOOK, LAZY_EXPUNGE_REASON_LAST_INSTANCE },
	{ "the last one",
	  FACTS(LAST, .instance = LAZY_EXPUNGE_INSTANCE_LAST),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_LAST_INSTANCE },
	{ "another lives",
	  FACTS(LAST, .instance = LAZY_EXPUNGE_INSTANCE_OTHER),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_OTHER_INSTANCE },

	{ "not set", { .enabled = FALSE },
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_OFF },
	{ "not set, and only the last", { LAST },
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_OFF },
	{ "excluded", FACTS(.excluded = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_EXCLUDED },
	{ "a move", FACTS(.moving = LAZY_EXPUNGE_MOVED),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_MOVED },
	{ "a move out of the protected storage",
	  FACTS(.moving = LAZY_EXPUNGE_MOVED, .in_storage = TRUE, .protect = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_MOVED },
	{ "a move while another session may count on the mail",
	  FACTS(LAST, .moving = LAZY_EXPUNGE_MOVED_UNLOCKED,
		.instance = LAZY_EXPUNGE_INSTANCE_LAST),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_LAST_INSTANCE },
	{ "such a move out of an excluded mailbox",
	  FACTS(LAST, .moving = LAZY_EXPUNGE_MOVED_UNLOCKED,
		.excluded = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_EXCLUDED },
	{ "dsync", FACTS(.dsync = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_DSYNC },
	{ "another's mailbox, not wanted", FACTS(.foreign = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_SHARED },
	{ "gone already", FACTS(.gone = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_GONE },
	{ "virtual", FACTS(.is_virtual = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_VIRTUAL },

	{ "in the storage", FACTS(.in_storage = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_STORAGE },
	{ "in the storage, where it is switched off",
	  { .in_storage = TRUE, .protect = TRUE },
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_PROTECTED },
	{ "in the protected storage",
	  FACTS(.in_storage = TRUE, .protect = TRUE),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_PROTECTED },
	{ "in the protected storage, by doveadm",
	  FACTS(.in_storage = TRUE, .protect = TRUE, .by_admin = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_STORAGE },
	{ "in the protected storage, by retention",
	  FACTS(.in_storage = TRUE, .protect = TRUE, .by_retention = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_STORAGE },
	{ "in the protected storage, by dsync",
	  FACTS(.in_storage = TRUE, .protect = TRUE, .dsync = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_STORAGE },

	{ "held in the storage", FACTS(.in_storage = TRUE, .held = TRUE),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_HELD },
	{ "held, by doveadm",
	  FACTS(.in_storage = TRUE, .held = TRUE, .by_admin = TRUE),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_HELD },
	{ "held, by retention",
	  FACTS(.in_storage = TRUE, .held = TRUE, .by_retention = TRUE),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_HELD },
	{ "held, by dsync",
	  FACTS(.in_storage = TRUE, .held = TRUE, .dsync = TRUE),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_HELD },
	{ "held, and a user may not delete anyway",
	  FACTS(.in_storage = TRUE, .held = TRUE, .protect = TRUE),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_PROTECTED },
	{ "held, moved to where it is kept again",
	  FACTS(.in_storage = TRUE, .held = TRUE,
		.moving = LAZY_EXPUNGE_MOVED),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_MOVED },
	{ "held, moved to where it is not",
	  FACTS(.in_storage = TRUE, .held = TRUE, .moving_unkept = TRUE,
		.moving = LAZY_EXPUNGE_MOVED),
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_HELD },
	{ "not held, moved to where it is not kept",
	  FACTS(.in_storage = TRUE, .moving_unkept = TRUE,
		.moving = LAZY_EXPUNGE_MOVED),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_MOVED },
	{ "a copy of a held account",
	  FACTS(LAST, .account_held = TRUE,
		.instance = LAZY_EXPUNGE_INSTANCE_OTHER),
	  LAZY_EXPUNGE_KEEP, LAZY_EXPUNGE_REASON_DELETED },
	{ "a copy of a held account, in an excluded mailbox",
	  FACTS(LAST, .account_held = TRUE, .excluded = TRUE),
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_EXCLUDED },

	{ "settings in error", { .settings_failed = TRUE },
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_SETTINGS },
	{ "settings in error, by doveadm",
	  { .settings_failed = TRUE, .by_admin = TRUE },
	  LAZY_EXPUNGE_REFUSE, LAZY_EXPUNGE_REASON_SETTINGS },
	{ "settings in error, a move",
	  { .settings_failed = TRUE, .moving = LAZY_EXPUNGE_MOVED },
	  LAZY_EXPUNGE_PASS, LAZY_EXPUNGE_REASON_MOVED },
};

START_TEST(verdict_is_as_the_table_says)
{
	enum lazy_expunge_verdict verdict;
	enum lazy_expunge_reason reason;

	verdict = lazy_expunge_policy_decide(&cases[_i].facts, &reason);
	ck_assert_msg(verdict == cases[_i].verdict &&
		      reason == cases[_i].reason,
		      "%s: verdict %d, reason %s", cases[_i].what, verdict,
		      lazy_expunge_reason_name(reason));
}
END_TEST

#define FACT_BITS 15
/* a fact that is added must be among them */
_Static_assert(offsetof(struct lazy_expunge_facts, only_last_instance) +
	       sizeof(bool) == FACT_BITS * sizeof(bool),
	       "FACT_BITS is not the number of facts that are yes or no");

static void facts_from_bits(unsigned int bits, struct lazy_expunge_facts *f)
{
	bool *const flags[FACT_BITS] = {
		&f->settings_failed, &f->enabled, &f->is_virtual, &f->gone,
		&f->in_storage, &f->protect, &f->by_admin, &f->by_retention,
		&f->excluded, &f->dsync, &f->foreign,
		&f->only_last_instance, &f->held, &f->account_held,
		&f->moving_unkept,
	};

	i_zero(f);
	for (unsigned int i = 0; i < FACT_BITS; i++)
		*flags[i] = (bits & (1U << i)) != 0;
}

/* A mail that nothing excuses is never let go: this is the promise, written
   another way than the policy writes it. */
static bool may_go(const struct lazy_expunge_facts *f)
{
	/* where another session may count on this instance, the one that it was
	   moved to may be gone by then */
	bool counted_on = f->moving == LAZY_EXPUNGE_MOVED_UNLOCKED &&
		!f->in_storage && !f->settings_failed;
	bool held = f->in_storage && f->held;
	bool moved = f->moving != LAZY_EXPUNGE_NOT_MOVING && !counted_on &&
		!(held && f->moving_unkept);
	bool lives_on = f->is_virtual || f->gone || moved;
	bool not_asked_for = f->in_storage || !f->enabled || f->excluded ||
		f->dsync || f->foreign;
	bool has_copy = f->only_last_instance && !f->account_held &&
		f->instance == LAZY_EXPUNGE_INSTANCE_OTHER;

	return lives_on ||
		(!f->settings_failed && !held && (not_asked_for || has_copy));
}

static void assert_invariants(const struct lazy_expunge_facts *f)
{
	enum lazy_expunge_verdict verdict;
	enum lazy_expunge_reason reason;

	verdict = lazy_expunge_policy_decide(f, &reason);
	ck_assert(strlen(lazy_expunge_reason_name(reason)) > 0);
	switch (verdict) {
	case LAZY_EXPUNGE_PASS:
		ck_assert(may_go(f));
		break;
	case LAZY_EXPUNGE_KEEP:
		/* never twice: nothing in the storage is kept again */
		ck_assert(!may_go(f) && !f->in_storage);
		break;
	case LAZY_EXPUNGE_LOOK:
		/* asked at most once */
		ck_assert(f->only_last_instance &&
			  f->instance == LAZY_EXPUNGE_INSTANCE_UNKNOWN);
		ck_assert(!may_go(f));
		break;
	case LAZY_EXPUNGE_REFUSE:
		/* a virtual mailbox, a move and what is gone never fail */
		ck_assert(!f->is_virtual && !f->gone);
		ck_assert(f->moving == LAZY_EXPUNGE_NOT_MOVING ||
			  (f->in_storage && f->held && f->moving_unkept));
		ck_assert(f->settings_failed || (f->in_storage && f->held) ||
			  (f->in_storage && f->protect && !f->by_admin &&
			   !f->by_retention && !f->dsync));
		break;
	}
}

START_TEST(no_set_of_facts_breaks_the_promise)
{
	static const enum lazy_expunge_instance instances[] = {
		LAZY_EXPUNGE_INSTANCE_UNKNOWN, LAZY_EXPUNGE_INSTANCE_LAST,
		LAZY_EXPUNGE_INSTANCE_OTHER
	};
	static const enum lazy_expunge_moving movings[] = {
		LAZY_EXPUNGE_NOT_MOVING, LAZY_EXPUNGE_MOVED,
		LAZY_EXPUNGE_MOVED_UNLOCKED
	};
	struct lazy_expunge_facts facts;

	for (unsigned int bits = 0; bits < 1U << FACT_BITS; bits++) {
		for (unsigned int i = 0; i < N_ELEMENTS(movings); i++) {
			facts_from_bits(bits, &facts);
			facts.instance = instances[_i];
			facts.moving = movings[i];
			assert_invariants(&facts);
		}
	}
}
END_TEST

START_TEST(reasons_have_names_of_their_own)
{
	for (int i = 0; i <= LAZY_EXPUNGE_REASON_ERASE; i++) {
		for (int j = 0; j < i; j++) {
			ck_assert_str_ne(lazy_expunge_reason_name(i),
					 lazy_expunge_reason_name(j));
		}
	}
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("policy", &tcase);

	tcase_add_loop_test(tcase, verdict_is_as_the_table_says,
			    0, N_ELEMENTS(cases));
	/* some hundred thousand sets, on machines with other work */
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, no_set_of_facts_breaks_the_promise, 0, 3);
	tcase_add_test(tcase, reasons_have_names_of_their_own);
	return suite;
}
