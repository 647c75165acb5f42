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
	char *vname;
	/* NULL if it would be too long */
	char *keyword;
	struct lazy_expunge_origin_carrier save, link;
	/* mails of this transaction are saved so that the keyword gets a letter;
	   that was tried before */
	bool letter_wanted, letter_tried;
};

struct lazy_expunge_origin_carriers *
lazy_expunge_origin_carriers_init(struct mailbox *dest,
				  struct lazy_expunge_letters *letters,
				  const char *vname)
{
	struct lazy_expunge_origin_carriers *carriers;

	carriers = i_new(struct lazy_expunge_origin_carriers, 1);
	carriers->dest = dest;
	carriers->letters = letters;
	if (vname == NULL)
		return carriers;
	carriers->vname = i_strdup(vname);
	T_BEGIN {
		const char *keyword = lazy_expunge_origin_encode(vname);

		if (strlen(keyword) <= LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD)
			carriers->keyword = i_strdup(keyword);
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
	i_free(carriers->vname);
	i_free(carriers->keyword);
	i_free(carriers);
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
		if (lazy_expunge_origin_is_keyword(name))
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

/* Whether the keyword of a saved mail gets a letter is certain only afterwards:
   it has the number, too. */
static void carrier_for_letters(struct lazy_expunge_origin_carriers *carriers,
				struct lazy_expunge_origin_carrier *carrier)
{
	char letter;

	carrier->keyword = NULL;
	if (carriers->keyword != NULL) {
		lazy_expunge_letters_refresh(carriers->letters);
		if (lazy_expunge_letters_find(carriers->letters,
					      carriers->keyword, TRUE,
					      &letter)) {
			carrier->keyword = carriers->keyword;
			carrier->id = 0;
			return;
		}
		if (lazy_expunge_letters_have_room(carriers->letters,
						   carriers->keyword))
			carrier->keyword = carriers->keyword;
	}
	carrier_set_id(carriers, carrier);
}

const struct lazy_expunge_origin_carrier *
lazy_expunge_origin_carrier_for_save(
			struct lazy_expunge_origin_carriers *carriers)
{
	struct lazy_expunge_origin_carrier *carrier = &carriers->save;

	if (carriers->vname == NULL)
		return carrier;
	if (carriers->letters != NULL)
		carrier_for_letters(carriers, carrier);
	else if (carrier->keyword != NULL || carrier->id != 0)
		; /* it stays */
	else if (carriers->keyword != NULL &&
		 index_has_room(carriers->dest->index, carriers->keyword))
		carrier->keyword = carriers->keyword;
	else
		carrier_set_id(carriers, carrier);
	return carrier;
}

const struct lazy_expunge_origin_carrier *
lazy_expunge_origin_carrier_for_link(
			struct lazy_expunge_origin_carriers *carriers)
{
	struct lazy_expunge_origin_carrier *carrier = &carriers->link;

	if (carriers->vname == NULL ||
	    (carrier->id != 0 && carrier->keyword == NULL))
		return carrier;
	carrier_for_letters(carriers, carrier);
	if (carrier->keyword != NULL && carrier->id != 0 &&
	    !carriers->letter_tried) {
		carriers->letter_wanted = TRUE;
		return NULL;
	}
	if (carrier->id != 0)
		carrier->keyword = NULL;
	return carrier;
}

void lazy_expunge_origin_carriers_committed(
			struct lazy_expunge_origin_carriers *carriers)
{
	carriers->letter_tried = carriers->letter_wanted;
}
