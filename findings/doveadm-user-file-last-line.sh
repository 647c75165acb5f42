#!/bin/sh
# doveadm: -F FILE leaves the last user out, without a word, where the file does not end with a newline.
#
# Guess: a list of users from printf, an editor or a spreadsheet is read whole, or what is not read is an error.
# Behaviour: the command is done for all users but the last, and ends with 0. Of a file with one name it does nothing at all, with 0.
# Version: Dovecot 2.4.1 (Debian trixie); 2.3.19 and 2.4.5 do the same.
# Why it matters: quota recalc, expunge, purge, backup over a list of users look as if they had been done. Of one user each time nobody
#   sees it, and with another order of the list it is another one.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. A Dovecot without any protocol is started in a directory of
# its own. Exits with 0 if it is as described, 1 if not, 77 where that version is not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
VERSION=1:2.4.1
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
clean() {
	[ ! -s "$place/root/srv/run/master.pid" ] || kill "$(cat "$place/root/srv/run/master.pid")" 2>/dev/null || true
	sleep 1
	umount "$place/root/proc" 2>/dev/null || true
	rm -rf --one-file-system "$place"
}
trap clean EXIT
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
mount -t proc proc "$place/root/proc"
mkdir -p "$place/root/srv/run" "$place/root/srv/mail"
chroot "$place/root" chown nobody:nogroup /srv/mail
cat >"$place/root/srv/dovecot.conf" <<'END'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /srv/run
state_dir = /srv/run
log_path = /srv/run/log
ssl = no
protocols =
first_valid_uid = 1
mail_driver = maildir
mail_path = ~/Maildir
passdb static {
  password = secret
}
userdb static {
  fields {
    uid = nobody
    gid = nogroup
    home = /srv/mail/%{user}
  }
}
END
chroot "$place/root" dovecot -c /srv/dovecot.conf
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ ! -S "$place/root/srv/run/auth-userdb" ] || break
	sleep 1
done

# The users for whom a mailbox is made by a command over the file.
done_for() {
	status=0
	chroot "$place/root" doveadm -c /srv/dovecot.conf mailbox create -F /srv/users "$1" || status=$?
	(cd "$place/root/srv/mail" && find . -name ".$1" | cut -d / -f 2 | sort | tr '\n' ' ')
	echo "(exit status $status)"
}
printf 'anna\nbob\ncarol\n' >"$place/root/srv/users"
whole=$(done_for Whole)
printf 'anna\nbob\ncarol' >"$place/root/srv/users"
cut=$(done_for Cut)
printf 'anna' >"$place/root/srv/users"
one=$(done_for One)
echo "three lines:                            $whole"
echo "three lines, the last without its end:  $cut"
echo "one line without its end:               $one"
[ "$whole" = "anna bob carol (exit status 0)" ] && [ "$cut" = "anna bob (exit status 0)" ] && [ "$one" = "(exit status 0)" ]
