#!/bin/sh
# Dovecot: of two bounds that are both negated, a search keeps the wrong one.
#
# Guess: NOT BEFORE 5-Jan NOT BEFORE 15-Jan finds the mail from the 15th on, as SINCE 5-Jan SINCE 15-Jan does; with OR between them it
#   finds the mail from the 5th on.
# Behaviour: the first finds all from the 5th on, the second only those from the 15th on. While the query is simplified two bounds of one kind
#   become one, and the choice which does not regard that they are negated. So it is with BEFORE and SINCE of every kind of date, OLDER and
#   YOUNGER, LARGER and SMALLER, with a NOT around both of them, by IMAP SEARCH as by doveadm: search, fetch, expunge, move.
# Version: Dovecot 2.4.1 (Debian trixie); 2.3.19 and 2.4.5 do the same.
# Why it matters: "expunge not savedsince A not savedsince B", from a script that puts conditions together, deletes mail that it was told to
#   keep, and an archive or a legal hold that is defined by such a query misses mail. Nothing says so.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. No server is started: doveadm acts on a Maildir of its
# own. Exits with 0 if it is as described, 1 if not, 77 where that version is not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
VERSION=1:2.4.1
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
debootstrap --variant=minbase --include=dovecot-core trixie "$place/root" "$mirror" >"$place/log" 2>&1 || { tail -n 3 "$place/log"; exit 1; }
found=$(chroot "$place/root" dpkg-query -W -f '${Version}' dovecot-core)
case $found in
"$VERSION"*) ;;
*)
	echo "dovecot-core is $found here, not $VERSION"
	exit 77
	;;
esac
cur=$place/root/srv/anna/Maildir/cur
mkdir -p "$place/root/srv/run" "$cur" "$cur/../new" "$cur/../tmp"
# the time of a Maildir's file is that at which the mail was received
for day in 01 05 10 15 20; do
	printf 'Subject: %s\n\nbody\n' "$day" >"$cur/16094592$day.$day.host:2,"
	touch -d "2021-01-$day 12:00 UTC" "$cur/16094592$day.$day.host:2,"
done
chroot "$place/root" chown -R nobody:nogroup /srv/run /srv/anna
cat >"$place/root/srv/dovecot.conf" <<'END'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /srv/run
state_dir = /srv/run
protocols =
ssl = no
log_path = /dev/stderr
first_valid_uid = 1
mail_driver = maildir
mail_home = /srv/anna
mail_path = ~/Maildir
END

doveadm() {
	chroot "$place/root" setpriv --reuid=nobody --regid=nogroup --clear-groups env USER=anna TZ=UTC \
		doveadm -c /srv/dovecot.conf "$@" 2>>"$place/err"
}
# The days that are found.
days() {
	doveadm fetch --no-userdb-lookup hdr.subject mailbox INBOX "$@" | sed -n 's/^hdr.subject: //p' | sort | tr '\n' ' '
}
A='not before 2021-01-05' B='not before 2021-01-15'
# shellcheck disable=SC2086
{
	all=$(days all)
	since=$(days since 2021-01-05 since 2021-01-15)
	both=$(days $A $B)
	either=$(days '(' $A or $B ')')
	neither=$(days not '(' before 2021-01-05 or before 2021-01-15 ')')
	doveadm expunge --no-userdb-lookup mailbox INBOX $A $B || true
	left=$(days all)
}
echo "mail of January:                        $all"
echo "since 5 since 15:                       $since"
echo "not before 5 not before 15:             $both"
echo "not before 5 or not before 15:          $either"
echo "not (before 5 or before 15):            $neither"
echo "left by expunge not before 5 not before 15: $left"
[ "$all" = "01 05 10 15 20 " ] || { tail -n 3 "$place/err"; exit 1; }
[ "$since" = "15 20 " ] && [ "$both" = "05 10 15 20 " ] && [ "$either" = "15 20 " ] && [ "$neither" = "05 10 15 20 " ] && [ "$left" = "01 " ]
