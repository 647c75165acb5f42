#ifndef LAZY_EXPUNGE_ORIGIN_CODEC_H
#define LAZY_EXPUNGE_ORIGIN_CODEC_H

/* Where a kept mail came from, as an IMAP keyword and as a mailbox name. */

#define LAZY_EXPUNGE_ORIGIN_PREFIX "$Expunged-From:"
/* One of the keywords of an origin that does not fit in one: the prefix, which
   part it is and of how many, and the text: "$Expunged-Part:1/2:work=2fold". */
#define LAZY_EXPUNGE_ORIGIN_PART_PREFIX "$Expunged-Part:"
/* The Trash that a mail went through on its way from the origin, encoded alike. */
#define LAZY_EXPUNGE_ORIGIN_VIA_PREFIX "$Expunged-Via:"
/* Where the mailbox is now that was renamed since, encoded alike. Only shown to
   users, and never stored. */
#define LAZY_EXPUNGE_ORIGIN_NOW_PREFIX "$Expunged-Now:"
/* The number of the deletion: "$Expunged-In:0a1b2c3d". dsync alone sees it. */
#define LAZY_EXPUNGE_ORIGIN_DELETION_PREFIX "$Expunged-In:"
/* The longest keyword that dsync carries (mail_max_keyword_length's default). It
   drops all keywords of a mail of which one is longer. */
#define LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD 50
/* The shortest limit of parts. */
#define LAZY_EXPUNGE_ORIGIN_MIN_KEYWORD 30
/* So many origins of a storage have a keyword of their own, which each program
   can read and search for. Others have a number (core/origin-id.h): each
   keyword makes all of them dearer, and a Maildir has letters for 26. */
#define LAZY_EXPUNGE_ORIGIN_KEYWORDS_MAX 16

/* Returns the keyword for a mailbox name (UTF-8, any bytes but NUL), allocated
   from the data stack. Bytes that an IMAP atom cannot hold (RFC 3501 section 9,
   atom-specials, and all that is not printable ASCII) and '=' are written as
   =XX with upper-case hex digits. */
const char *lazy_expunge_origin_encode(const char *vname);
/* The same, but with every letter of the name written as =XX. Keywords have no
   case, mailbox names do: this form tells "foo" from "Foo" when both are
   needed in one mailbox. Decoded like the other. */
const char *lazy_expunge_origin_encode_exact(const char *vname);
/* Add keywords for the name that are at most max_len bytes long each
   (at least LAZY_EXPUNGE_ORIGIN_MIN_KEYWORD), allocated from the data stack. Case does not matter in them, and
   lazy_expunge_origin_find() reads them in any order. Adds none if it would be
   more than 999. */
void lazy_expunge_origin_encode_parts(const char *vname, size_t max_len,
				      ARRAY_TYPE(const_string) *keywords);
/* The keyword for the Trash that the mail went through. */
const char *lazy_expunge_origin_encode_via(const char *vname);
/* The keyword for the mailbox's name now. */
const char *lazy_expunge_origin_encode_now(const char *vname);
/* As lazy_expunge_origin_encode_exact(). */
const char *lazy_expunge_origin_encode_now_exact(const char *vname);
/* The keyword for a deletion. */
const char *lazy_expunge_origin_encode_deletion(uint32_t id);
/* The first deletion among NULL-terminated keywords, 0 if there is none. */
uint32_t lazy_expunge_origin_find_deletion(const char *const *keywords);
/* Returns TRUE if the keyword has the prefix of an origin, of a part of one, of a
   Trash, of a name now or of a deletion. */
bool lazy_expunge_origin_is_keyword(const char *keyword);
/* Append those of the keywords (NULL-terminated) that are none of the plugin's. */
void lazy_expunge_origin_append_others(ARRAY_TYPE(const_string) *dest,
				       const char *const *keywords);
/* Returns TRUE if it is that of a Trash. */
bool lazy_expunge_origin_is_via(const char *keyword);
/* Returns TRUE and the mailbox name, allocated from the data stack, if the
   keyword is an origin: the prefix (in any case) and a name of one byte or
   more, in which =XX (hex digits of either case, not =00) stands wherever the
   encoder writes it. */
bool lazy_expunge_origin_decode(const char *keyword, const char **vname_r);
/* The first origin among NULL-terminated keywords (may be NULL), or NULL. An
   origin in parts must be complete. Data stack. */
const char *lazy_expunge_origin_find(const char *const *keywords);
/* The first Trash among them, or NULL. Data stack. */
const char *lazy_expunge_origin_find_via(const char *const *keywords);

/* Namespace mode: the name below the storage's prefix for the mailbox name
   (no prefix). With one separator for both it is the same name. Else separators
   are translated; a storage separator that is part of a name is written as
   =XX, and so is a '=' that would otherwise be read as the start of such a
   sequence. Separators are no '=', letters or digits. Allocated from the data
   stack. */
const char *lazy_expunge_origin_to_name(const char *name, char sep,
					char storage_sep);
/* The reverse of lazy_expunge_origin_to_name(). */
const char *lazy_expunge_origin_from_name(const char *name, char sep,
					  char storage_sep);

#endif
