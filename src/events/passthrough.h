#ifndef LAZY_EXPUNGE_PASSTHROUGH_H
#define LAZY_EXPUNGE_PASSTHROUGH_H

/* How each event of the plugin begins. */

#include "lib-event.h"

extern struct event_category event_category_lazy_expunge;

/* An event of this name below the parent, NULL = none; sent by what is made of its
   event() (event_create_passthrough()). */
static inline struct event_passthrough *
lazy_expunge_event_begin(struct event *parent, const char *name)
{
	return event_create_passthrough(parent)->
		add_category(&event_category_lazy_expunge)->
		set_name(name);
}

#endif
