#!/bin/sh
# doveadm -A: a user whose uid the configuration does not permit is an error in the log, and success in the exit status.
#
# Guess: a command over all users that could not be run for one of them, and says so as an error, does not exit with 0: a job of the night
#   that looks at the exit status hears of it, as it does when the command fails for a user in another way.
# Behaviour: "Error: ... Mail access for users with UID ... not permitted (see first_valid_uid in config file ...)", the others are done, and
#   the exit status is 0. For the same user alone (-u) the same command exits with an error.
# Version: Dovecot 2.3.19 (Debian bookworm) and 2.4.1 (Debian trixie).
# Why it matters: a userdb that also lists a system's users (passwd), or a new range of uids that was forgotten in last_valid_uid: the
#   retention of these users is never run, and what watches the job sees success.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. Runs Dovecot without any listener in a temporary
# directory. Exits with 0 if it is as described, 1 if not, 77 where those versions are not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
running=
finish() {
	for release in $running; do
		chroot "$place/$release" doveadm -c /dovecot.conf stop >/dev/null 2>&1 || :
		umount "$place/$release/proc" 2>/dev/null || :
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
last_valid_uid = 3000
mail_location = maildir:~/Maildir
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
last_valid_uid = 3000
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {
  passwd_file_path = /users
}
userdb passwd-file {
  passwd_file_path = /users
}
END
}

# try RELEASE WORDS...: run doveadm there; prints what it says, and its exit status, which is $code then
try() {
	release=$1
	shift
	code=0
	chroot "$place/$release" doveadm -c /dovecot.conf "$@" >"$place/said" 2>&1 || code=$?
	echo "    doveadm $*: exit status $code"
	sed 's/^/        /' "$place/said"
}

for pair in bookworm:2.3.19 trixie:2.4.1; do
	release=${pair%:*}
	version=${pair#*:}
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
	"conf_$release" >"$place/$release/dovecot.conf"
	for user in anna:2001 bob:2002 carol:3001; do
		echo "${user%:*}::${user#*:}:${user#*:}::/homes/${user%:*}::" >>"$place/$release/users"
		mkdir -p "$place/$release/homes/${user%:*}"
		chown "${user#*:}" "$place/$release/homes/${user%:*}"
	done
	mount -t proc proc "$place/$release/proc"
	running="$running $release"
	chroot "$place/$release" dovecot -c /dovecot.conf
	echo "Dovecot $version, last_valid_uid = 3000, carol has uid 3001:"
	try "$release" mailbox create -A Work
	all=$code
	grep -q 'not permitted' "$place/said" || exit 1
	try "$release" mailbox list -u bob Work
	grep -q Work "$place/said" || exit 1
	try "$release" mailbox create -u carol Work
	[ "$all" -eq 0 ] && [ "$code" -ne 0 ] || exit 1
done
