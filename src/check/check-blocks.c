/* Check of mailbox blocks: how long sessions keep mail may be another time in
   what runs than in the files, until a reload. */

#include "lib.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "core/text.h"
#include "compat/dovecot.h"
#include "check/check.h"

/* so many blocks are told */
#define MAX_BLOCKS 8

static const struct mailbox_settings *
block_find(struct mail_user *user, const char *prefix, const char *name)
{
	struct mail_namespace *ns =
		mail_namespace_find_prefix(user->namespaces, prefix);
	const struct mailbox_settings *block = NULL;

	for (unsigned int i = 0; ns != NULL; i++) {
		block = lazy_expunge_compat_mailbox_settings(ns, i);
		if (block == NULL || strcmp(block->name, name) == 0)
			break;
	}
	return block;
}

static bool block_expires(const struct mailbox_settings *block)
{
	return block != NULL && (block->autoexpunge > 0 ||
				 block->autoexpunge_max_mails > 0);
}

static bool blocks_equal(const struct mailbox_settings *a,
			 const struct mailbox_settings *b)
{
	if (!block_expires(a) || !block_expires(b))
		return block_expires(a) == block_expires(b);
	return a->autoexpunge == b->autoexpunge &&
		a->autoexpunge_max_mails == b->autoexpunge_max_mails;
}

/* Data stack. */
static const char *block_text(const struct mailbox_settings *block)
{
	string_t *text = t_str_new(32);

	if (!block_expires(block))
		return "for ever";
	if (block->autoexpunge > 0) {
		str_printfa(text, "for %s",
			    lazy_expunge_text_interval(block->autoexpunge));
	}
	if (block->autoexpunge_max_mails > 0) {
		str_printfa(text, "%s%u mails at most",
			    str_len(text) > 0 ? " and " : "",
			    block->autoexpunge_max_mails);
	}
	return str_c(text);
}

struct blocks {
	string_t *text;
	unsigned int count;
};

static void blocks_add(struct blocks *blocks, const char *vname,
		       const struct mailbox_settings *running,
		       const struct mailbox_settings *files)
{
	if (blocks_equal(running, files) || ++blocks->count > MAX_BLOCKS)
		return;
	str_printfa(blocks->text, "%s%s is kept %s, and with it %s",
		    blocks->count == 1 ? "" : "; ", vname, block_text(running),
		    block_text(files));
}

/* The blocks that of has, in both. */
static void blocks_compare(struct blocks *blocks, struct mail_user *of,
			   struct mail_user *running, struct mail_user *files)
{
	const struct mailbox_settings *block, *in_running, *in_files;
	struct mail_namespace *ns;

	for (ns = of->namespaces; ns != NULL; ns = ns->next) {
		for (unsigned int i = 0; (block =
		     lazy_expunge_compat_mailbox_settings(ns, i)) != NULL;
		     i++) {
			in_running = block_find(running, ns->prefix,
						block->name);
			in_files = block_find(files, ns->prefix, block->name);
			/* what the files have was looked at with them */
			if (of == files || in_files == NULL) {
				blocks_add(blocks, t_strconcat(ns->prefix,
					block->name, NULL), in_running,
					in_files);
			}
		}
	}
}

void lazy_expunge_check_blocks(struct lazy_expunge_findings *findings,
			       struct mail_user *running,
			       struct mail_user *files)
{
	struct blocks blocks = { .text = t_str_new(128) };

	blocks_compare(&blocks, files, running, files);
	blocks_compare(&blocks, running, running, files);
	if (blocks.count == 0)
		return;
	if (blocks.count > MAX_BLOCKS)
		str_printfa(blocks.text, "; and %u more",
			    blocks.count - MAX_BLOCKS);
	lazy_expunge_findings_add(findings, "reload-mailboxes",
		LAZY_EXPUNGE_FINDING_WARN, t_strdup_printf(
		"the configuration was changed, and Dovecot not reloaded: %s",
		str_c(blocks.text)), "reload Dovecot");
}
