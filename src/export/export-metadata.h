#ifndef LAZY_EXPUNGE_EXPORT_METADATA_H
#define LAZY_EXPUNGE_EXPORT_METADATA_H

/* What the manifest has of a mail without its body: UID, GUID, flags, keywords but
   those of origins, received date and headers. Returns 0, or -1 if something
   cannot be read. Texts live as long as the mail and the data stack frame. */

#include "core/manifest.h"

struct mail;

int lazy_expunge_export_metadata(struct mail *mail,
				 struct lazy_expunge_manifest_mail *manifest);

#endif
