#!/bin/sh
# Dovecot: doveadm -A leaves out users when there are some thousands.
#
# Guess: "doveadm expunge -A ..." does all users of a passwd-file, however many there are and however long each takes.
# Behaviour: with some thousands it ends in the middle with "User listing returned failure" and 75, and does none of those that are left. A
#   worker of auth lists the users; what doveadm does not take in time stays in auth, which reads on, finds that its worker has ended, and takes
#   that for the end of a list that has failed. How many are done depends on the buffers and the load: the first 3,400 fit into the socket.
#   "doveadm user '*'", which only prints the names, is quick enough and lists all.
# Version: Dovecot 2.4.1 (Debian trixie); 2.3.19 and 2.4.5 do all.
# Why it matters: nightly retention by "expunge -A" never reaches the users at the end of the list, whose mail is kept for longer than it may
#   be, and so it is with purge, quota recalc, index, fts and every other command with -A.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. A Dovecot is started that listens on Unix sockets of its own
# alone. Exits with 0 if it is as described, 1 if not, 77 where that version is not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
VERSION=1:2.4.1
USERS=8000
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
running=
finish() {
	if [ -n "$running" ]; then
		kill "$running" || true
		wait "$running" || true
	fi
	rm -rf "$place"
}
trap finish EXIT
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
srv=$place/root/srv
mkdir -p "$srv/run" "$srv/mail"
chroot "$place/root" chown nobody:nogroup /srv/mail
seq "$USERS" | sed 's/.*/user&:{plain}secret:65534:65534::\/srv\/mail\/user&::/' >"$srv/users"
cat >"$srv/dovecot.conf" <<'END'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /srv/run
state_dir = /srv/run
protocols =
listen = 127.0.0.1
ssl = no
log_path = /srv/log
first_valid_uid = 1
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {
  passwd_file_path = /srv/users
}
userdb passwd-file {
  passwd_file_path = /srv/users
}
END
chroot "$place/root" dovecot -F -c /srv/dovecot.conf &
running=$!
tries=0
until chroot "$place/root" doveadm -c /srv/dovecot.conf user user1 >/dev/null 2>&1; do
	kill -0 "$running" || { cat "$srv/log"; exit 1; }
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || { echo "auth does not answer"; exit 1; }
	sleep 0.1
done
names=$(chroot "$place/root" doveadm -c /srv/dovecot.conf user '*' | wc -l)
echo "doveadm user '*' lists:   $names of $USERS"
broken=0
for run in 1 2 3 4 5; do
	code=0
	chroot "$place/root" doveadm -c /srv/dovecot.conf -f tab mailbox status -A messages INBOX >"$place/out" 2>"$place/err" || code=$?
	echo "mailbox status -A, run $run: $(grep -c '^user' "$place/out" || true) rows, exit status $code: $(tail -n 1 "$place/err")"
	[ "$code" -ne 75 ] || ! grep -q 'User listing returned failure' "$place/err" || broken=$((broken + 1))
done
[ "$names" = "$USERS" ] && [ "$broken" -ge 1 ]
