#!/bin/sh
# Dovecot: what is moved out of a mailbox with quota_ignore goes past the quota without a word.
#
# Guess: a user who has as much as the quota allows cannot move more into the mailboxes that count from one that does not, as he cannot
#   save it there: "Quota exceeded".
# Behaviour: the move is done, with success and no message, and the user has more than he may. The next mail that is saved is refused. The
#   quota plugin lets a move within an account pass: it takes for granted that what goes away makes room for what comes.
# Version: Dovecot 2.4.1 (Debian trixie).
# Why it matters: quota_ignore is how mailboxes for deleted, archived or quarantined mail are kept out of the quota. Mail is deleted to get
#   below the limit, new mail comes, and the old is moved back: nobody is told until the next delivery bounces.
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
mail_driver = maildir
mail_home = /srv/anna
mail_path = ~/Maildir
mail_plugins {
  quota = yes
}
quota "User quota" {
  driver = count
  message_count = 3
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Deleted {
    auto = create
    quota_ignore = yes
  }
}
END

doveadm() {
	command=$1
	shift
	chroot "$place/root" setpriv --reuid=nobody --regid=nogroup --clear-groups env USER=anna \
		doveadm -c /srv/dovecot.conf "$command" --no-userdb-lookup "$@"
}
mails() {
	doveadm search mailbox "$1" all 2>/dev/null | wc -l
}
for mailbox in Deleted Deleted INBOX INBOX INBOX; do
	printf 'Subject: mail\n\nbody\n' | doveadm save -m "$mailbox" 2>>"$place/err"
done
echo "limit 3: INBOX has $(mails INBOX), Deleted, which does not count, has $(mails Deleted)"
saved=0
printf 'Subject: mail\n\nbody\n' | doveadm save 2>"$place/said" || saved=$?
echo "save of one more: exit status $saved, $(grep -o 'Quota exceeded.*' "$place/said" | head -n 1)"
moved=0
doveadm move INBOX mailbox Deleted all 2>"$place/said" || moved=$?
echo "move of two more: exit status $moved, said: '$(cat "$place/said")', INBOX has $(mails INBOX)"
[ "$saved" != 0 ] && [ "$moved" = 0 ] && [ "$(mails INBOX)" = 5 ]
