/* What cppcheck must know of Dovecot's macros and types to follow the code; it
   does not read Dovecot's headers. */

typedef unsigned char guid_128_t[16];
typedef unsigned char uint8_t;

#define array_foreach(array, elem) \
	for ((elem) = array_front(array); (elem) != array_end(array); (elem)++)
#define array_foreach_modifiable(array, elem) array_foreach(array, elem)
#define array_foreach_elem(array, elem) \
	for ((elem) = array_next(array); (elem) != NULL; \
	     (elem) = array_next(array))
#define T_BEGIN do {
#define T_END } while (0)
#define T_END_PASS_STR_IF(cond, str) T_END
#define T_END_PASS_STR(str) T_END
#define i_zero(p) memset((p), 0, sizeof(*(p)))
#define i_assert(expr) do { if (!(expr)) abort(); } while (0)
#define DOVEADM_CMD_PARAMS_START .parameters = (const struct p []) {
#define DOVEADM_CMD_PARAM(short_opt, name, type, flags) { name },
#define DOVEADM_CMD_PARAMS_END { 0 } }
#define DOVEADM_CMD_MAIL_COMMON
