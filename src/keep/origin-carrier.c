/* Carriers of origins, see the header. */

#include "lib.h"
#include "array.h"
#include "mail-index.h"
#include "mail-storage-private.h"
#include "formats/letters.h"
#include "core/origin-codec.h"
#include "core/origin-id.h"
#include "account/origin-names.h"
#include "keep/origin.h"
#include "keep/origin-carrier.h"

struct lazy_expunge_origin_carriers {
	struct mailbox *dest;
	struct lazy_expunge_letters *letters;
	/* NULL if it is not recorded */
	char *vname, *via_vname;
	/* NULL if it would be too long */
	char *keyword, *via;
	struct lazy_expunge_origin_carrier save, link;
	/* mails of this transaction are saved so that the keyword gets a letter;
	   that was tried before */
	bool letter_wanted, letter_tried;
	/* the one for links stays as it is */
	bool link_fixed;
};

static char *keyword_dup(const char *keyword)
{
	return strlen(keyword) > LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD ? NULL :
		i_strdup(keyword);
}

struct lazy_expunge_origin_carriers *
lazy_expunge_origin_carriers_init(struct mailbox *dest,
				  struct lazy_expunge_letters *letters,
				  const char *vname, const char *via)
{
	struct lazy_expunge_origin_carriers *carriers;

	carriers = i_new(struct lazy_expunge_origin_carriers, 1);
	carriers->dest = dest;
	carriers->letters = letters;
	if (vname == NULL)
		return carriers;
	carriers->vname = i_strdup(vname);
	carriers->via_vname = i_strdup(via);
	T_BEGIN {
		carriers->keyword =
			keyword_dup(lazy_expunge_origin_encode(vname));
		if (via != NULL) {
			carriers->via = keyword_dup(
				lazy_expunge_origin_encode_via(via));
		}
	} T_END;
	return carriers;
}

void lazy_expunge_origin_carriers_deinit(
			struct lazy_expunge_origin_carriers **_carriers)
{
	struct lazy_expunge_origin_carriers *carriers = *_carriers;

	if (carriers == NULL)
		return;
	*_carriers = NULL;
	if (carriers->save.alone != NULL)
		mailbox_keywords_unref(&carriers->save.alone);
	i_free(carriers->vname);
	i_free(carriers->via_vname);
	i_free(carriers->keyword);
	i_free(carriers->via);
	i_free(carriers);
}

bool lazy_expunge_origin_carriers_match(
			const struct lazy_expunge_origin_carriers *carriers,
			const char *vname, const char *via)
{
	return null_strcmp(carriers->vname, vname) == 0 &&
		null_strcmp(carriers->via_vname, via) == 0;
}

/* TRUE if the index has the keyword among its first origins, or has room for it.
   One that differs in case is another mailbox's: keywords have no case. */
static bool index_has_room(struct mail_index *index, const char *keyword)
{
	const ARRAY_TYPE(keywords) *names = mail_index_get_keywords(index);
	unsigned int origins = 0;
	const char *name;

	array_foreach_elem(names, name) {
		if (strcasecmp(name, keyword) == 0) {
			return strcmp(name, keyword) == 0 &&
				origins < LAZY_EXPUNGE_ORIGIN_KEYWORDS_MAX;
		}
		if (lazy_expunge_origin_is_keyword(name) &&
		    !lazy_expunge_origin_is_via(name))
			origins++;
	}
	return origins < LAZY_EXPUNGE_ORIGIN_KEYWORDS_MAX;
}

static void carrier_set_id(struct lazy_expunge_origin_carriers *carriers,
			   struct lazy_expunge_origin_carrier *carrier)
{
	if (carrier->id != 0)
		return;
	lazy_expunge_origin_names_add(
		lazy_expunge_origin_owner(carriers->dest), carriers->vname);
	carrier->id = lazy_expunge_origin_id(carriers->vname);
}

/* Returns TRUE if the keyword has a letter, or could get one. */
static bool letter_find(struct lazy_expunge_origin_carriers *carriers,
			const char *keyword, bool *has_letter_r)
{
	char letter;

	*has_letter_r = FALSE;
	if (keyword == NULL)
		return FALSE;
	*has_letter_r = lazy_expunge_letters_find(carriers->letters, keyword,
						  TRUE, &letter);
	return *has_letter_r ||
		lazy_expunge_letters_have_room(carriers->letters, keyword);
}

/* Whether the keyword of a saved mail gets a letter is certain only afterwards:
   it has the number, too. The Trash does without. Returns TRUE if all have
   letters that could have. */
static bool carrier_for_letters(struct lazy_expunge_origin_carriers *carriers,
				struct lazy_expunge_origin_carrier *carrier)
{
	bool has_letter, via_has_letter;

	if (carriers->keyword != NULL || carriers->via != NULL)
		lazy_expunge_letters_refresh(carriers->letters);
	carrier->keyword = letter_find(carriers, carriers->keyword,
				       &has_letter) ? carriers->keyword : NULL;
	carrier->via = letter_find(carriers, carriers->via,
				   &via_has_letter) ? carriers->via : NULL;
	if (has_letter)
		carrier->id = 0;
	else
		carrier_set_id(carriers, carrier);
	return (carrier->keyword == NULL || has_letter) &&
		(carrier->via == NULL || via_has_letter);
}

static void carrier_for_index(struct lazy_expunge_origin_carriers *carriers,
			      struct lazy_expunge_origin_carrier *carrier)
{
	carrier->via = carriers->via;
	if (carrier->keyword != NULL || carrier->id != 0)
		; /* it stays */
	else if (carriers->keyword != NULL &&
		 index_has_room(carriers->dest->index, carriers->keyword))
		carrier->keyword = carriers->keyword;
	else
		carrier_set_id(carriers, carrier);
}

/* Most mails have no keywords of their own: these are made once. */
static void carrier_set_alone(struct lazy_expunge_origin_carriers *carriers,
			      struct lazy_expunge_origin_carrier *carrier)
{
	const char *names[] = { carrier->keyword, NULL };

	if (carrier->alone == NULL && carrier->keyword != NULL) {
		carrier->alone = mail_index_keywords_create(
					carriers->dest->index, names);
	}
}

const struct lazy_expunge_origin_carrier *
lazy_expunge_origin_carrier_for_save(
			struct lazy_expunge_origin_carriers *carriers)
{
	struct lazy_expunge_origin_carrier *carrier = &carriers->save;

	if (carriers->vname == NULL)
		return carrier;
	if (carriers->letters != NULL)
		(void)carrier_for_letters(carriers, carrier);
	else
		carrier_for_index(carriers, carrier);
	carrier_set_alone(carriers, carrier);
	return carrier;
}

const struct lazy_expunge_origin_carrier *
lazy_expunge_origin_carrier_for_link(
			struct lazy_expunge_origin_carriers *carriers)
{
	struct lazy_expunge_origin_carrier *carrier = &carriers->link;
	bool has_letter;

	if (carriers->vname == NULL || carriers->link_fixed)
		return carrier;
	if (carrier_for_letters(carriers, carrier)) {
		/* nothing of it depends on letters */
		carriers->link_fixed = carrier->keyword == NULL &&
			carrier->via == NULL;
		return carrier;
	}
	if (!carriers->letter_tried) {
		carriers->letter_wanted = TRUE;
		return NULL;
	}
	if (carrier->id != 0)
		carrier->keyword = NULL;
	if (!letter_find(carriers, carrier->via, &has_letter) || !has_letter)
		carrier->via = NULL;
	return carrier;
}

void lazy_expunge_origin_carriers_committed(
			struct lazy_expunge_origin_carriers *carriers)
{
	carriers->letter_tried = carriers->letter_wanted;
}
