#!/bin/sh
# Dovecot: force-resync of all mailboxes of an mdbox account rebuilds all of the account once a mailbox.
#
# Guess: all mailboxes of an mdbox are in one storage, and a resync reads all its files and makes all mailboxes' indexes anew. So that of
#   '*' does it once, and costs about what that of one mailbox does.
# Behaviour: the storage is rebuilt for each mailbox that the mask names, in one command, one after the other: with 12 mailboxes all
#   files of mails are read, and the indexes of all mailboxes made anew, 12 times. That of INBOX alone mends as much.
# Version: Dovecot 2.4.1 (Debian trixie); 2.3.19 and 2.4.5 do the same.
# Why it matters: "doveadm force-resync -u anna '*'" is what is told to run after a crash or a restored backup. The time grows with the size of
#   the account times the number of its mailboxes: hours instead of minutes for one with hundreds, in which nobody can read mail.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. No server is started: doveadm acts on a mail storage of
# its own. Exits with 0 if it is as described, 1 if not, 77 where that version is not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
VERSION=1:2.4.1
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
debootstrap --variant=minbase --include=dovecot-core,strace trixie "$place/root" "$mirror" >"$place/log" 2>&1 || { tail -n 3 "$place/log"; exit 1; }
found=$(chroot "$place/root" dpkg-query -W -f '${Version}' dovecot-core)
case $found in
"$VERSION"*) ;;
*)
	echo "dovecot-core is $found here, not $VERSION"
	exit 77
	;;
esac
mkdir -p "$place/root/srv/run" "$place/root/srv/anna"
chroot "$place/root" chown nobody:nogroup /srv/run /srv/anna
cat >"$place/root/srv/dovecot.conf" <<'END'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /srv/run
state_dir = /srv/run
protocols =
ssl = no
log_path = /dev/stderr
first_valid_uid = 1
mail_driver = mdbox
mail_home = /srv/anna
mail_path = ~/mdbox
namespace inbox {
  inbox = yes
  separator = /
}
END

as_anna() {
	chroot "$place/root" setpriv --reuid=nobody --regid=nogroup --clear-groups env USER=anna "$@"
}
doveadm() {
	command=$1
	shift
	as_anna doveadm -c /srv/dovecot.conf "$command" --no-userdb-lookup "$@"
}
mails() {
	doveadm search mailbox '*' all 2>/dev/null | wc -l
}
# How often force-resync of these mailboxes rebuilds the storage, and puts a file into the place of another.
resync() {
	as_anna strace -f -e trace=rename -o /srv/run/calls doveadm -c /srv/dovecot.conf force-resync --no-userdb-lookup "$1" 2>&1 | cat >"$place/said"
	rebuilt=$(grep -c 'rebuilding indexes' "$place/said")
	renamed=$(grep -c 'rename(' "$place/root/srv/run/calls")
}
for number in 1 2 3 4 5 6 7 8 9 10 11; do
	doveadm 'mailbox create' "Work$number" 2>>"$place/err"
	printf 'Subject: %s\n\nbody\n' "$number" | doveadm save -m "Work$number" 2>>"$place/err"
done
printf 'Subject: 12\n\nbody\n' | doveadm save 2>>"$place/err"
before=$(mails)
resync INBOX
one_rebuilt=$rebuilt one_renamed=$renamed
resync '*'
echo "an account of 12 mailboxes and $before mails in one file"
echo "force-resync INBOX: rebuilt $one_rebuilt times, $one_renamed files replaced"
echo "force-resync '*':   rebuilt $rebuilt times, $renamed files replaced"
[ "$before" = 12 ] && [ "$(mails)" = 12 ] && [ "$one_rebuilt" = 1 ] && [ "$rebuilt" = 12 ] && [ "$one_renamed" -ge 12 ] && [ "$renamed" -ge $((10 * one_renamed)) ]
