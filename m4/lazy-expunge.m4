# What configure needs of the system and of Dovecot. Each macro says what is
# missing, and which Debian package has it.

# LE_FIND_DOVECOT: find dovecot-config where distributions put it, unless
# --with-dovecot says where.
AC_DEFUN([LE_FIND_DOVECOT], [
  AS_IF([test -z "$with_dovecot"], [
    for le_dir in /usr/lib/dovecot /usr/lib64/dovecot /usr/local/lib/dovecot; do
      AS_IF([test -f "$le_dir/dovecot-config"], [with_dovecot="$le_dir"; break])
    done
  ])
  AS_IF([test -z "$with_dovecot" || test ! -f "$with_dovecot/dovecot-config"], [
    AC_MSG_ERROR([no dovecot-config in ${with_dovecot:-/usr/lib/dovecot}: install Dovecot's development files (Debian package dovecot-dev), or say --with-dovecot=DIR])
  ])
  dnl DC_DOVECOT changes these when it is told to install elsewhere.
  LE_DOVECOT_LIBDIR=`. "$with_dovecot/dovecot-config" && echo "$dovecot_pkglibdir"`
  LE_DOVECOT_INCLUDEDIR=`. "$with_dovecot/dovecot-config" && echo "$dovecot_pkgincludedir"`
  AC_SUBST([LE_DOVECOT_LIBDIR])
])

# LE_MODULEDIR: --with-moduledir goes before what dovecot-config says.
AC_DEFUN([LE_MODULEDIR], [
  AS_IF([test -n "$with_moduledir"], [dovecot_moduledir="$with_moduledir"])
])

# LE_REQUIRE_TOOLS: what autoconf would miss later, without a package's name.
AC_DEFUN([LE_REQUIRE_TOOLS], [
  AS_IF([test -z "$CC"], [
    AC_CHECK_PROGS([le_cc], [gcc clang cc])
    AS_IF([test -z "$le_cc"],
      [AC_MSG_ERROR([no C compiler was found: install one (Debian packages gcc and libc6-dev), or say CC=COMPILER])])
  ])
  PKG_PROG_PKG_CONFIG
  AS_IF([test -z "$PKG_CONFIG"],
    [AC_MSG_ERROR([pkg-config was not found: install it (Debian package pkgconf)])])
])

# LE_REQUIRE_PACKAGE(VARIABLE, MODULE, DEBIAN-PACKAGE)
AC_DEFUN([LE_REQUIRE_PACKAGE], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 was not found: install its development files (Debian package $3)])])
])

# LE_OPTIONAL_CHECK: the unit tests need check; building does not.
AC_DEFUN([LE_OPTIONAL_CHECK], [
  PKG_CHECK_MODULES([CHECK], [check], [le_have_check=yes], [le_have_check=no
    AC_MSG_WARN([check was not found, so "make check" has no unit tests to run: install it (Debian package check)])])
  AM_CONDITIONAL([HAVE_CHECK], [test "$le_have_check" = yes])
])

# LE_TRY(VARIABLE, WHAT, INCLUDES, BODY): define VARIABLE if it compiles.
AC_DEFUN([LE_TRY], [
  AC_MSG_CHECKING([$2])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include "lib.h"
$3]], [[$4]])],
    [AC_MSG_RESULT([yes]); le_result=yes
     AC_DEFINE([$1], [1], [Define if: $2])],
    [AC_MSG_RESULT([no]); le_result=no])
])

# LE_PROBE_DOVECOT: how this Dovecot's API differs from others, by trying.
AC_DEFUN([LE_PROBE_DOVECOT], [
  le_save_CFLAGS="$CFLAGS"
  le_save_CPPFLAGS="$CPPFLAGS"
  CPPFLAGS="$CPPFLAGS $LIBDOVECOT_INCLUDE $LIBDOVECOT_STORAGE_INCLUDE $LIBDOVECOT_DOVEADM_INCLUDE -DHAVE_CONFIG_H"
  CFLAGS="$CFLAGS -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion"

  AC_MSG_CHECKING([that Dovecot's headers can be used])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include "lib.h"
#include "mail-storage-private.h"]], [[return 0;]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([Dovecot's headers do not compile: install the dovecot-dev that belongs to this Dovecot])])

  LE_TRY([HAVE_DOVECOT_SETTINGS_GET], [settings come from settings_get()],
    [#include "settings.h"
#include "mail-user.h"],
    [const char *error; struct mail_user_settings *set;
     extern const struct setting_parser_info mail_user_setting_parser_info;
     return settings_get((struct event *)NULL, &mail_user_setting_parser_info, 0, &set, &error);])
  AM_CONDITIONAL([DOVECOT_SETTINGS_GET], [test "$le_result" = yes])

  LE_TRY([HAVE_SETTING_STR_NFC], [string settings can be normalized to NFC],
    [#include "settings-parser.h"
struct s { const char *x; };],
    [static const struct setting_define d = SETTING_DEFINE_STRUCT_STR_NFC("x", x, struct s);
     return d.type;])

  LE_TRY([HAVE_STR_BEGINS_WITH], [str_begins_with()], [],
    [return str_begins_with("a", "b") ? 1 : 0;])

  LE_TRY([HAVE_MAILBOX_LIST_MAIL_SET], [mailbox_list has mail_set],
    [#include "mail-storage-private.h"
#include "mailbox-list-private.h"],
    [struct mailbox_list *list = NULL;
     return list->mail_set->mailbox_list_storage_escape_char@<:@0@:>@;])

  LE_TRY([HAVE_DOVEADM_MAIL_CMD_INIT_1], [doveadm mail command init has one parameter],
    [#include "doveadm-mail.h"
static void init(struct doveadm_mail_cmd_context *ctx) { (void)ctx; }],
    [struct doveadm_mail_cmd_context *c = NULL; c->v.init = init;])

  LE_TRY([HAVE_DOVEADM_PARAM_FLAG_OUT], [doveadm_cmd_param_flag() has an output parameter],
    [#include "doveadm.h"],
    [bool b; return doveadm_cmd_param_flag((const struct doveadm_cmd_context *)NULL, "x", &b) ? 1 : 0;])

  LE_TRY([HAVE_SAVE_EXPUNGED_MAIL], [a save context knows the mail that goes away],
    [#include "mail-storage-private.h"],
    [struct mail_save_context *c = NULL; c->expunged_mail = NULL;])

  LE_TRY([HAVE_MAILBOX_NFC], [mailbox names are normalized to NFC],
    [#include "unichar.h"
#include "mail-storage.h"
#include "mailbox-list-iter.h"],
    [const char *nfc;
     int flags = MAILBOX_FLAG_RAW_NAME | MAILBOX_LIST_ITER_NO_RENAMING;
     return uni_utf8_to_nfc("x", 1, &nfc) + flags;])

  AC_MSG_CHECKING([for the version of Dovecot])
  LE_DOVECOT_VERSION=`sed -n 's/^#define DOVECOT_VERSION "\(.*\)"/\1/p' "$LE_DOVECOT_INCLUDEDIR/config.h" 2>/dev/null`
  AC_MSG_RESULT([$LE_DOVECOT_VERSION])
  LE_DOVECOT_SERIES=`echo "$LE_DOVECOT_VERSION" | sed 's/^\(@<:@0-9@:>@*\.@<:@0-9@:>@*\).*/\1/'`
  AC_SUBST([LE_DOVECOT_VERSION])
  AC_SUBST([LE_DOVECOT_SERIES])
  dnl The default of lazy_expunge_only_last_instance is the running
  dnl version's: it can be read off nothing in the headers but the version.
  AS_VERSION_COMPARE([$LE_DOVECOT_VERSION], [2.4.3], [le_last=FALSE], [le_last=TRUE], [le_last=TRUE])
  AC_DEFINE_UNQUOTED([LE_DEFAULT_ONLY_LAST_INSTANCE], [$le_last],
    [Default of lazy_expunge_only_last_instance])

  CFLAGS="$le_save_CFLAGS"
  CPPFLAGS="$le_save_CPPFLAGS"
])

# LE_FIND_DOVECONF: where doveconf will be, for check.
AC_DEFUN([LE_FIND_DOVECONF], [
  AC_PATH_PROG([DOVECONF], [doveconf], [/usr/bin/doveconf], [$PATH:/usr/sbin:/usr/local/bin])
  AC_DEFINE_UNQUOTED([LE_DOVECONF], ["$DOVECONF"], [Path of doveconf])
])

# LE_OPTIONAL_DIR(NAME, VARIABLE, WHAT, DEFAULT): a directory to which something
# is installed, or "no".
AC_DEFUN([LE_OPTIONAL_DIR], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [install $3 to DIR, "no": do not (default: $4)])],
    [], [with_$1='$4'])
  AS_IF([test "$with_$1" = yes], [AC_MSG_ERROR([--with-$1 needs a directory])])
  AS_IF([test "$with_$1" != no], [$1="$with_$1"])
  AC_SUBST([$1])
  AM_CONDITIONAL([$2], [test "$with_$1" != no])
])

# LE_SCHEDULE: systemd units, cron file and bash completion.
AC_DEFUN([LE_SCHEDULE], [
  AC_PATH_PROG([DOVEADM], [doveadm], [/usr/bin/doveadm], [$PATH:/usr/sbin:/usr/local/bin])
  AC_DEFINE_UNQUOTED([LE_DOVEADM], ["$DOVEADM"], [Path of doveadm])
  LE_OPTIONAL_DIR([systemdsystemunitdir], [INSTALL_SYSTEMD], [a systemd service and timer for maintain],
    [${prefix}/lib/systemd/system])
  LE_OPTIONAL_DIR([crondir], [INSTALL_CRON], [a cron file for maintain], [no])
  LE_OPTIONAL_DIR([bashcompletiondir], [INSTALL_COMPLETION], [the bash completion of doveadm lazy-expunge],
    [${datadir}/bash-completion/completions])
])

# LE_OPTIONS: switches for developers and CI.
AC_DEFUN([LE_OPTIONS], [
  LE_CFLAGS="-Wall -Wextra -Wshadow=compatible-local -Wundef -fvisibility=hidden"
  AC_MSG_CHECKING([whether $CC takes -Wshadow=compatible-local])
  le_save_CFLAGS="$CFLAGS"
  CFLAGS="$CFLAGS -Werror -Wshadow=compatible-local"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no]); LE_CFLAGS="-Wall -Wextra -Wundef -fvisibility=hidden"])
  CFLAGS="$le_save_CFLAGS"

  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat warnings as errors])],
    [], [enable_werror=no])
  AS_IF([test "$enable_werror" = yes], [LE_CFLAGS="$LE_CFLAGS -Werror"])

  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers], [build with AddressSanitizer and UndefinedBehaviorSanitizer])],
    [], [enable_sanitizers=no])
  AS_IF([test "$enable_sanitizers" = yes], [
    LE_CFLAGS="$LE_CFLAGS -fsanitize=address,undefined -fno-omit-frame-pointer"
    LE_LDFLAGS="-fsanitize=address,undefined"
  ])

  AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers], [build the libFuzzer programs in tests/fuzz (needs clang)])],
    [], [enable_fuzzers=no])
  AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" = yes])
  AS_IF([test "$enable_fuzzers" = yes], [
    AC_MSG_CHECKING([whether $CC can link with libFuzzer])
    le_save_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS -fsanitize=fuzzer,address,undefined"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return data == NULL && size == 1; }]])],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR([--enable-fuzzers needs CC=clang and its compiler-rt (Debian packages clang and libclang-rt-dev)])])
    CFLAGS="$le_save_CFLAGS"
  ])
  AC_SUBST([LE_CFLAGS])
  AC_SUBST([LE_LDFLAGS])
])
