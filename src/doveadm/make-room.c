/* See the header. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "account/never-used.h"
#include "account/storages.h"
#include "core/room-plan.h"
#include "core/setting-values.h"
#include "core/text.h"
#include "retention/first-room.h"
#include "retention/room.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/make-room.h"

/* Blocks are freed as a whole, and what is written meanwhile takes some: so
   much less than was wanted is no failure. */
#define WANTED_TOLERANCE 16
/* How often it is looked for more when what went freed less than it should. */
#define MAX_PLANS 20
/* So many users whose mdbox gives nothing back for want of room are enough, as
   long as nobody has given any. */
#define MAX_STUCK 3

/* What becomes of one user: a row. */
struct make_room_user {
	const char *username;
	struct lazy_expunge_room_result result;
};

enum make_room_phase {
	PHASE_READ,
	PHASE_TAKE,
	/* those again whose mdbox needed more room than there was */
	PHASE_AGAIN
};

struct lazy_expunge_make_room {
	pool_t pool;
	bool plan_only;
	uint64_t wanted, freed;
	/* what was freed when the phase, and the plan, began */
	uint64_t freed_before_phase, freed_before_plan;
	enum make_room_phase phase;
	unsigned int plans;
	struct lazy_expunge_room_plan *plan;
	const ARRAY_TYPE(lazy_expunge_room_share) *shares;
	/* all that were read; and those of a phase but the first, of whom the
	   next one is next */
	ARRAY_TYPE(const_string) usernames, queue;
	unsigned int next;
	ARRAY(struct make_room_user *) users;
	HASH_TABLE(const char *, struct make_room_user *) users_by_name;
};

static int make_room_read_option(struct lazy_expunge_cmd *cmd, uint64_t *size_r,
				 const char **error_r)
{
	struct doveadm_cmd_context *cctx = cmd->ctx.cctx;
	const char *value, *error;

	*size_r = 0;
	if (!doveadm_cmd_param_str(cctx, "make-room", &value))
		return 0;
	if (lazy_expunge_settings_parse_size("--make-room", value, size_r,
					     &error) < 0 || *size_r == 0) {
		*error_r = t_strdup_printf("--make-room %s: the room to be "
			"made must be a size such as 500M or 2G", value);
		return -1;
	}
	if (cmd->jobs > 1 || cmd->is_worker) {
		*error_r = "-j and --make-room cannot be used together: the "
			"oldest mails of all users go first";
		return -1;
	}
	/* it would make that room for each user */
	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_TCP) {
		*error_r = "--make-room works only on the server on which the "
			"mail is, without -S";
		return -1;
	}
	return 1;
}

struct lazy_expunge_make_room *
lazy_expunge_make_room_init(struct lazy_expunge_cmd *cmd, bool plan)
{
	struct lazy_expunge_make_room *room;
	const char *error;
	uint64_t size;
	pool_t pool;
	int ret;

	ret = make_room_read_option(cmd, &size, &error);
	if (ret < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
	if (ret <= 0)
		return NULL;
	pool = pool_alloconly_create("lazy_expunge make room", 4096);
	room = p_new(pool, struct lazy_expunge_make_room, 1);
	room->pool = pool;
	room->plan_only = plan;
	room->wanted = size;
	room->plan = lazy_expunge_room_plan_init(size);
	p_array_init(&room->usernames, pool, 64);
	p_array_init(&room->queue, pool, 64);
	p_array_init(&room->users, pool, 64);
	hash_table_create(&room->users_by_name, pool, 0, str_hash, strcmp);
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header_time("oldest");
	lazy_expunge_print_header_time("newest");
	lazy_expunge_print_header_number("failed");
	return room;
}

static struct make_room_user *
make_room_user_get(struct lazy_expunge_make_room *room, const char *username)
{
	struct make_room_user *user;

	user = hash_table_lookup(room->users_by_name, username);
	if (user == NULL) {
		user = p_new(room->pool, struct make_room_user, 1);
		user->username = p_strdup(room->pool, username);
		hash_table_insert(room->users_by_name, user->username, user);
		array_push_back(&room->users, &user);
	}
	return user;
}

static void make_room_add(struct lazy_expunge_make_room *room,
			  const char *username,
			  const struct lazy_expunge_room_result *result)
{
	struct lazy_expunge_room_result *sum =
		&make_room_user_get(room, username)->result;

	room->freed += result->bytes;
	sum->messages += result->messages;
	sum->bytes += result->bytes;
	sum->failed += result->failed;
	sum->needed = result->needed;
	if (sum->oldest == 0)
		sum->oldest = result->oldest;
	sum->newest = I_MAX(sum->newest, result->newest);
}

static bool make_room_is_enough(struct lazy_expunge_make_room *room)
{
	return room->freed >= room->wanted - room->wanted / WANTED_TOLERANCE;
}

/* All are read: what is to go of whom. */
static void make_room_begin_taking(struct lazy_expunge_make_room *room)
{
	const struct lazy_expunge_room_share *share;

	(void)lazy_expunge_room_plan_finish(room->plan, &room->shares);
	array_foreach(room->shares, share) {
		struct lazy_expunge_room_result result = {
			.messages = share->messages,
			.bytes = share->bytes + share->purged,
			.oldest = share->oldest,
			.newest = share->newest,
		};

		if (room->plan_only)
			make_room_add(room, share->username, &result);
		else
			array_push_back(&room->queue, &share->username);
	}
	room->phase = PHASE_TAKE;
	room->plans++;
}

/* The room that was made may be what others need. */
static void make_room_begin_again(struct lazy_expunge_make_room *room)
{
	struct make_room_user *user;

	array_foreach_elem(&room->users, user) {
		if (user->result.needed > 0)
			array_push_back(&room->queue, &user->username);
	}
	room->phase = PHASE_AGAIN;
}

/* Less came of it than was planned: more of the oldest. */
static void make_room_begin_plan(struct lazy_expunge_make_room *room)
{
	lazy_expunge_room_plan_deinit(&room->plan);
	room->shares = NULL;
	room->plan = lazy_expunge_room_plan_init(room->wanted - room->freed);
	array_append_array(&room->queue, &room->usernames);
	room->freed_before_plan = room->freed;
	room->phase = PHASE_READ;
}

/* Returns FALSE if nothing more is to be done. */
static bool make_room_next_phase(struct lazy_expunge_make_room *room)
{
	bool progress = room->freed > room->freed_before_phase;

	array_clear(&room->queue);
	room->next = 0;
	room->freed_before_phase = room->freed;
	if (room->phase == PHASE_READ)
		make_room_begin_taking(room);
	else if (progress)
		make_room_begin_again(room);
	else if (!make_room_is_enough(room) && room->plans < MAX_PLANS &&
		 room->freed > room->freed_before_plan)
		make_room_begin_plan(room);
	else
		return FALSE;
	return !room->plan_only;
}

static bool make_room_is_stuck(struct lazy_expunge_make_room *room)
{
	struct make_room_user *user;
	unsigned int stuck = 0;

	if (room->freed > 0 || room->phase == PHASE_READ)
		return FALSE;
	array_foreach_elem(&room->users, user) {
		if (user->result.needed > 0)
			stuck++;
	}
	return stuck >= MAX_STUCK;
}

static bool make_room_next_user(struct lazy_expunge_make_room *room,
				const char **username_r)
{
	const char *const *username;

	while (room->next == array_count(&room->queue) ||
	       make_room_is_stuck(room)) {
		if (!make_room_next_phase(room))
			return FALSE;
	}
	username = array_idx(&room->queue, room->next++);
	*username_r = *username;
	return TRUE;
}

static int make_room_take(struct lazy_expunge_cmd *cmd,
			  struct lazy_expunge_make_room *room,
			  struct lazy_expunge_user *luser)
{
	static const struct lazy_expunge_room_share nothing;
	const struct lazy_expunge_room_share *share = &nothing;
	const char *const *username = array_idx(&room->queue, room->next - 1);
	struct lazy_expunge_room_result result;
	struct lazy_expunge_error error;
	int ret;

	if (room->phase == PHASE_TAKE)
		share = array_idx(room->shares, room->next - 1);
	ret = lazy_expunge_room_take(luser, share, &result, &error);
	make_room_add(room, *username, &result);
	return ret < 0 ? lazy_expunge_cmd_fail(cmd, &error) : 0;
}

static int make_room_read(struct lazy_expunge_cmd *cmd,
			  struct lazy_expunge_make_room *room,
			  struct lazy_expunge_user *luser)
{
	struct lazy_expunge_error error;
	const char *username;
	int ret;

	if (luser->set.error != NULL) {
		i_error("%s", luser->set.error);
		cmd->ctx.exit_code = EX_CONFIG;
		return -1;
	}
	if (array_count(lazy_expunge_user_storages(luser)) == 0 ||
	    lazy_expunge_user_never_used(luser->user))
		return 0;
	if (room->plans == 0) {
		username = p_strdup(room->pool, luser->user->username);
		array_push_back(&room->usernames, &username);
	}
	ret = lazy_expunge_room_read(luser, room->plan, room->plans == 0,
				     &error);
	if (ret < 0 && !room->plan_only &&
	    lazy_expunge_first_room_to_open(luser)) {
		ret = lazy_expunge_room_read(luser, room->plan,
					     room->plans == 0, &error);
	}
	return ret < 0 ? lazy_expunge_cmd_fail(cmd, &error) : 0;
}

static int make_room_do(struct lazy_expunge_cmd *cmd,
			struct lazy_expunge_make_room *room,
			struct lazy_expunge_user *luser)
{
	return room->phase == PHASE_READ ? make_room_read(cmd, room, luser) :
		make_room_take(cmd, room, luser);
}

int lazy_expunge_make_room_run(struct lazy_expunge_cmd *cmd,
			       struct lazy_expunge_make_room *room,
			       struct lazy_expunge_user *luser)
{
	const char *username;
	int ret;

	ret = make_room_do(cmd, room, luser);
	if (lazy_expunge_cmd_is_multi(cmd))
		return ret;
	while (ret == 0 && make_room_next_user(room, &username))
		ret = make_room_do(cmd, room, luser);
	return ret;
}

int lazy_expunge_make_room_next(struct lazy_expunge_cmd *cmd,
				struct lazy_expunge_make_room *room,
				const char **username_r)
{
	if (room->plans == 0 && !lazy_expunge_cmd_knows_all(cmd)) {
		i_error("%s: Not all users could be read on this server, so it "
			"is not known whose mails are the oldest",
			cmd->ctx.cmd->name);
		cmd->ctx.exit_code = EX_UNAVAILABLE;
		return 0;
	}
	return make_room_next_user(room, username_r) ? 1 : 0;
}

static void make_room_print(struct lazy_expunge_cmd *cmd,
			    const struct make_room_user *user)
{
	const struct lazy_expunge_room_result *result = &user->result;

	if (lazy_expunge_cmd_is_multi(cmd))
		doveadm_print_sticky("username", user->username);
	lazy_expunge_print_number(result->messages);
	lazy_expunge_print_size(result->bytes);
	lazy_expunge_print_time(result->oldest);
	lazy_expunge_print_time(result->newest);
	lazy_expunge_print_number(result->failed);
}

static void make_room_print_all(struct lazy_expunge_cmd *cmd,
				struct lazy_expunge_make_room *room)
{
	struct make_room_user *user;
	uint64_t messages = 0, users = 0, needed = 0;

	array_foreach_elem(&room->users, user) T_BEGIN {
		make_room_print(cmd, user);
		messages += user->result.messages;
		users += user->result.messages > 0 ? 1 : 0;
		if (user->result.needed > 0 &&
		    (needed == 0 || user->result.needed < needed))
			needed = user->result.needed;
	} T_END;
	lazy_expunge_cmd_say(cmd, "%s of %s %s free again: %"PRIu64" mails of "
		"%"PRIu64" users", lazy_expunge_text_size(room->freed),
		lazy_expunge_text_size(room->wanted),
		room->plan_only ? "would be" : "are", messages, users);
	if (make_room_is_enough(room))
		return;
	if (needed > 0) {
		i_error("%s: What is gone still takes room in files of mdbox: "
			"they are purged when %s are free", cmd->ctx.cmd->name,
			lazy_expunge_text_size(needed));
	} else if (cmd->ctx.exit_code != 0) {
		i_error("%s: Less than --make-room asks for: what users with "
			"an error have is not counted", cmd->ctx.cmd->name);
	} else {
		i_error("%s: Less than --make-room asks for: the rest is "
			"held, or the disk would not have it back",
			cmd->ctx.cmd->name);
	}
	if (cmd->ctx.exit_code == 0)
		cmd->ctx.exit_code = EX_UNAVAILABLE;
}

void lazy_expunge_make_room_deinit(struct lazy_expunge_cmd *cmd,
				   struct lazy_expunge_make_room **_room)
{
	struct lazy_expunge_make_room *room = *_room;

	if (room == NULL)
		return;
	*_room = NULL;
	if (room->plans > 0) T_BEGIN {
		make_room_print_all(cmd, room);
	} T_END;
	lazy_expunge_room_plan_deinit(&room->plan);
	hash_table_destroy(&room->users_by_name);
	pool_unref(&room->pool);
}
