#!/bin/sh
# mdbox: after an expunge that a full disk cut in the middle, no mail of the mailbox can be read until there is room.
#
# Guess: a full disk refuses changes. What is there can be read all the same: by users, and by whoever copies mail away to make room.
# Behaviour: mails are expunged one by one on a disk without a free byte, which works while the last block of the mailbox's index log (or of
#   mdbox's map log) has space. Where one is written half - that it is to go, but not that it is gone - it fails with "No space left on
#   device", and so does every FETCH, SEARCH, SELECT and expunge in that mailbox from then on: to open it is to write the other half. With a
#   few free blocks all is well again.
# Version: Dovecot 2.3.19 (Debian bookworm) and 2.4.1 (Debian trixie), mdbox. A Maildir can be read then.
# Why it matters: users and administrators meet a full disk by deleting, and that is what takes the mailbox out of reach. A backup or a
#   migration that is to read it then fails, too, and the room must come from elsewhere.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. Runs Dovecot without any listener in a temporary
# directory, on a file system in memory. Exits with 0 if it is as described, 1 if not, 77 where those versions are not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
mounted=
finish() {
	for release in $mounted; do
		chroot "$place/$release" doveadm -c /dovecot.conf stop >/dev/null 2>&1 || :
		umount "$place/$release/full" "$place/$release/proc" 2>/dev/null || :
	done
	rm -rf --one-file-system "$place"
}
trap finish EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)

conf_bookworm() {
	cat <<END
protocols =
base_dir = /run/finding
log_path = /log
mail_location = mdbox:/full/%u
passdb {
  driver = passwd-file
  args = /users
}
userdb {
  driver = passwd-file
  args = /users
}
END
}

conf_trixie() {
	cat <<END
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols =
base_dir = /run/finding
log_path = /log
mail_driver = mdbox
mail_path = /full/%{user}
passdb passwd-file {
  passwd_file_path = /users
}
userdb passwd-file {
  passwd_file_path = /users
}
END
}

# as_user COMMAND ARGUMENTS
as_user() {
	command=$1
	shift
	chroot "$place/$release" doveadm -c /dovecot.conf "$command" -u anna "$@"
}

# mails NUMBER: as many in INBOX
mails() {
	number=1
	while [ "$number" -le "$1" ]; do
		printf 'From: bob@example.com\nSubject: %s\n\nHello\n' "$number" | as_user save -m INBOX
		number=$((number + 1))
	done
}

# try NUMBER: 0 if no mail can be read after an expunge failed, 1 if some can, 2 if none failed half way
try() {
	rm -rf "$place/$release/full/"*
	mails "$1"
	dd if=/dev/zero of="$place/$release/full/filler" bs=4k 2>/dev/null || :
	uid=1
	while as_user expunge mailbox INBOX uid "$uid" 2>"$place/said"; do
		uid=$((uid + 1))
		[ "$uid" -lt "$1" ] || return 2
	done
	before=$(as_user fetch uid mailbox INBOX all 2>"$place/read" | grep -c uid || :)
	# not even the request to expunge it was written
	grep -q 'No space left on device' "$place/read" || return 2
	echo "  the expunge of mail $uid of $1:"
	sed -n '1s/^/    /p' "$place/said"
	echo "  mails that can be read: $before"
	sed -n '1s/^/    /p' "$place/read"
	rm "$place/$release/full/filler"
	after=$(as_user fetch uid mailbox INBOX all | grep -c uid)
	echo "  with room again: $after"
	[ "$before" -eq 0 ] && [ "$after" -ge $(($1 - uid)) ]
}

for which in bookworm:2.3.19 trixie:2.4.1; do
	release=${which%:*}
	version=${which#*:}
	# the script of sid: debootstrap may be older than the release
	debootstrap --variant=minbase --include=dovecot-core "$release" "$place/$release" "$mirror" \
		/usr/share/debootstrap/scripts/sid >"$place/log" 2>&1 ||
		{ tail -n 3 "$place/log"; exit 1; }
	found=$(chroot "$place/$release" dpkg-query -W -f '${Version}' dovecot-core)
	case $found in
	"1:$version"*) ;;
	*)
		echo "dovecot-core of $release is $found here, not $version"
		exit 77
		;;
	esac
	echo "anna::2001:2001::/home/anna::" >"$place/$release/users"
	mkdir -p "$place/$release/full" "$place/$release/home/anna"
	mount -t proc proc "$place/$release/proc"
	mounted="$mounted $release"
	mount -t tmpfs -o size=4m,uid=2001,gid=2001 tmpfs "$place/$release/full"
	"conf_$release" >"$place/$release/dovecot.conf"
	chroot "$place/$release" dovecot -c /dovecot.conf
	echo "Dovecot $version, a disk without a free byte:"
	# where the block ends depends on what was written before
	done=2
	count=40
	while [ "$done" -eq 2 ] && [ "$count" -lt 130 ]; do
		done=0
		try "$count" || done=$?
		count=$((count + 3))
	done
	[ "$done" -eq 0 ] || exit 1
done
