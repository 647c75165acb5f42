#!/bin/sh
# Dovecot: a mail that two sessions MOVE at the same time is in the target twice, and both are told that they moved it.
#
# Guess: MOVE is one operation (RFC 6851: a message is moved, or nothing is done to it). Of two sessions of one user that move the same mails
#   from the same mailbox into the same other one at once, such as two tabs of a webmail or two devices, one moves each mail; the other is
#   told that it is gone. The target has each once.
# Behaviour: both sessions answer OK, each with a COPYUID of its own for the same mails, and the target has mails twice. MOVE copies all, and
#   then expunges what is in its view, whether or not another session has copied it meanwhile.
# Version: Dovecot 2.3.19 (Debian bookworm).
# Why it matters: a rule that files mail, a sorting program or a button pressed in two places makes duplicates, which take quota and come again
#   on every device. Who counts what was moved by the answers counts too many.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. No server listens: two imap processes talk on pipes, as after a
# log-in. Exits with 0 if it is as described, 1 if not, 77 where that version is not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
VERSION=1:2.3.19
MAILS=400
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
debootstrap --variant=minbase --include=dovecot-imapd bookworm "$place/root" "$mirror" >"$place/log" 2>&1 || { tail -n 3 "$place/log"; exit 1; }
found=$(chroot "$place/root" dpkg-query -W -f '${Version}' dovecot-imapd)
case $found in
"$VERSION"*) ;;
*)
	echo "dovecot-imapd is $found here, not $VERSION"
	exit 77
	;;
esac
mkdir -p "$place/root/srv/run" "$place/root/srv/anna/Maildir/.From/cur" "$place/root/srv/anna/Maildir/.From/new" "$place/root/srv/anna/Maildir/.From/tmp"
cat >"$place/root/srv/dovecot.conf" <<'END'
base_dir = /srv/run
state_dir = /srv/run
protocols =
ssl = no
log_path = /srv/log
first_valid_uid = 1
mail_location = maildir:~/Maildir
namespace inbox {
  inbox = yes
}
END
number=0
while [ "$number" -lt "$MAILS" ]; do
	number=$((number + 1))
	printf 'Subject: mail %s\n\nbody\n' "$number" >"$place/root/srv/anna/Maildir/.From/cur/$number.mail:2,"
done
chroot "$place/root" chown -R nobody:nogroup /srv

inside() {
	chroot "$place/root" setpriv --reuid=nobody --regid=nogroup --clear-groups env USER=anna HOME=/srv/anna "$@"
}
# a session that has the mailbox open for two seconds, and then moves all of it
session() {
	{
		printf 'a SELECT From\r\n'
		sleep 2
		printf 'b UID MOVE 1:* INBOX\r\n'
		sleep 8
		printf 'c LOGOUT\r\n'
	} | inside /usr/lib/dovecot/imap -c /srv/dovecot.conf
}
session >"$place/first" 2>&1 &
session >"$place/second" 2>&1
wait
for name in first second; do
	echo "$name session: $(grep -a '^b ' "$place/$name" | tr -d '\r'), moved $(grep -ac 'EXPUNGE$\|EXPUNGE.$' "$place/$name" || true)"
done
there=$(find "$place/root/srv/anna/Maildir/cur" "$place/root/srv/anna/Maildir/new" -type f | wc -l)
subjects=$(grep -ah '^Subject:' "$place/root/srv/anna/Maildir/cur"/* "$place/root/srv/anna/Maildir/new"/* 2>/dev/null | sort -u | wc -l)
echo "the target has $there mails, of $subjects that there were"
grep -aq '^b OK' "$place/first" && grep -aq '^b OK' "$place/second" && [ "$subjects" = "$MAILS" ] && [ "$there" -gt "$MAILS" ]
