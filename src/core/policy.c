/* Policy: the one place that decides whether a mail is kept. */

#include "lib.h"
#include "core/policy.h"

enum lazy_expunge_verdict
lazy_expunge_policy_decide(const struct lazy_expunge_facts *facts,
			   enum lazy_expunge_reason *reason_r)
{
	if (facts->is_virtual) {
		*reason_r = LAZY_EXPUNGE_REASON_VIRTUAL;
		return LAZY_EXPUNGE_PASS;
	}
	if (facts->gone) {
		*reason_r = LAZY_EXPUNGE_REASON_GONE;
		return LAZY_EXPUNGE_PASS;
	}
	/* A move loses nothing, wherever it goes out from and however broken
	   the configuration is. Only where others may count on this instance
	   it is judged as a delete, or where one would be for good and a hold
	   forbids that. */
	if (!(facts->in_storage && facts->held && facts->moving_unkept) &&
	    (facts->moving == LAZY_EXPUNGE_MOVED ||
	     (facts->moving == LAZY_EXPUNGE_MOVED_UNLOCKED &&
	      (facts->in_storage || facts->settings_failed)))) {
		*reason_r = LAZY_EXPUNGE_REASON_MOVED;
		return LAZY_EXPUNGE_PASS;
	}
	/* Without settings it is not even known what the storage is. */
	if (facts->settings_failed) {
		*reason_r = LAZY_EXPUNGE_REASON_SETTINGS;
		return LAZY_EXPUNGE_REFUSE;
	}
	if (facts->in_storage) {
		if (facts->protect && !facts->by_admin &&
		    !facts->by_retention && !facts->dsync) {
			*reason_r = LAZY_EXPUNGE_REASON_PROTECTED;
			return LAZY_EXPUNGE_REFUSE;
		}
		if (facts->held) {
			*reason_r = LAZY_EXPUNGE_REASON_HELD;
			return LAZY_EXPUNGE_REFUSE;
		}
		*reason_r = LAZY_EXPUNGE_REASON_STORAGE;
		return LAZY_EXPUNGE_PASS;
	}
	if (!facts->enabled) {
		*reason_r = LAZY_EXPUNGE_REASON_OFF;
		return LAZY_EXPUNGE_PASS;
	}
	if (facts->excluded) {
		*reason_r = LAZY_EXPUNGE_REASON_EXCLUDED;
		return LAZY_EXPUNGE_PASS;
	}
	if (facts->dsync) {
		*reason_r = LAZY_EXPUNGE_REASON_DSYNC;
		return LAZY_EXPUNGE_PASS;
	}
	if (facts->foreign) {
		*reason_r = LAZY_EXPUNGE_REASON_SHARED;
		return LAZY_EXPUNGE_PASS;
	}
	/* with a hold each copy says where and when it was deleted */
	if (!facts->only_last_instance || facts->account_held) {
		*reason_r = LAZY_EXPUNGE_REASON_DELETED;
		return LAZY_EXPUNGE_KEEP;
	}
	switch (facts->instance) {
	case LAZY_EXPUNGE_INSTANCE_UNKNOWN:
		*reason_r = LAZY_EXPUNGE_REASON_LAST_INSTANCE;
		return LAZY_EXPUNGE_LOOK;
	case LAZY_EXPUNGE_INSTANCE_OTHER:
		*reason_r = LAZY_EXPUNGE_REASON_OTHER_INSTANCE;
		return LAZY_EXPUNGE_PASS;
	case LAZY_EXPUNGE_INSTANCE_LAST:
		break;
	}
	*reason_r = LAZY_EXPUNGE_REASON_LAST_INSTANCE;
	return LAZY_EXPUNGE_KEEP;
}

const char *lazy_expunge_reason_name(enum lazy_expunge_reason reason)
{
	switch (reason) {
	case LAZY_EXPUNGE_REASON_LAST_INSTANCE: return "last-instance";
	case LAZY_EXPUNGE_REASON_DELETED: return "deleted";
	case LAZY_EXPUNGE_REASON_VIRTUAL: return "virtual";
	case LAZY_EXPUNGE_REASON_GONE: return "gone";
	case LAZY_EXPUNGE_REASON_MOVED: return "moved";
	case LAZY_EXPUNGE_REASON_STORAGE: return "storage";
	case LAZY_EXPUNGE_REASON_PROTECTED: return "protected";
	case LAZY_EXPUNGE_REASON_HELD: return "hold";
	case LAZY_EXPUNGE_REASON_SETTINGS: return "settings";
	case LAZY_EXPUNGE_REASON_OFF: return "off";
	case LAZY_EXPUNGE_REASON_EXCLUDED: return "excluded";
	case LAZY_EXPUNGE_REASON_DSYNC: return "dsync";
	case LAZY_EXPUNGE_REASON_SHARED: return "shared";
	case LAZY_EXPUNGE_REASON_OTHER_INSTANCE: return "other-instance";
	case LAZY_EXPUNGE_REASON_ERASE: return "erase";
	}
	i_unreached();
}
