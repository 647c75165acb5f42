#include "lib.h"
#include "lazy-expunge-instances.h"
enum lazy_expunge_instance
lazy_expunge_instances_look(struct lazy_expunge_user *luser ATTR_UNUSED, struct mail *mail ATTR_UNUSED)
{ return LAZY_EXPUNGE_INSTANCE_LAST; }
void lazy_expunge_instances_close(struct lazy_expunge_instances *i ATTR_UNUSED) {}
void lazy_expunge_instances_deinit(struct lazy_expunge_instances **i ATTR_UNUSED) {}
