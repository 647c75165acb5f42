#!/bin/sh
# Dovecot: the SQL dict cannot list the keys of a user on one level; on all levels it can.
#
# Guess: "doveadm dict iter" without -R, which is dict_iterate_init() without DICT_ITERATE_FLAG_RECURSE, gives the keys right below a path
#   as the file driver does, and -R those further down as well.
# Behaviour: with a map of private keys (priv/..., a username_field) that ends in a variable the statement that the driver makes has no AND
#   before the user's name: the database refuses it ("near "username": syntax error"), and the list is empty. With -R all keys come.
# Version: Dovecot 2.4.1 (Debian trixie) with SQLite; 2.3.19 and 2.4.5 do the same.
# Why it matters: whoever writes against the dict API and tests with the file driver has code that fails with each SQL database. A lookup
#   and a change of the same key work, so the configuration seems to be right, and the file of the map is where one looks for the fault.
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
debootstrap --variant=minbase --include=dovecot-core,dovecot-sqlite,sqlite3 trixie "$place/root" "$mirror" >"$place/log" 2>&1 || { tail -n 3 "$place/log"; exit 1; }
found=$(chroot "$place/root" dpkg-query -W -f '${Version}' dovecot-core)
case $found in
"$VERSION"*) ;;
*)
	echo "dovecot-core is $found here, not $VERSION"
	exit 77
	;;
esac
mount -t proc proc "$place/root/proc"
mkdir -p "$place/root/srv/run" "$place/root/srv/db"
chroot "$place/root" sqlite3 /srv/db/keys.sqlite 'CREATE TABLE keys (username VARCHAR(100), name VARCHAR(100), value VARCHAR(100), PRIMARY KEY (username, name))'
chroot "$place/root" chown -R dovecot:dovecot /srv/db
cat >"$place/root/srv/dovecot.conf" <<'END'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /srv/run
state_dir = /srv/run
log_path = /srv/run/log
ssl = no
protocols =
mail_attribute {
  dict proxy {
    name = keys
  }
}
dict_server {
  dict keys {
    driver = sql
    sql_driver = sqlite
    sqlite_path = /srv/db/keys.sqlite
    dict_map priv/test/$name {
      sql_table = keys
      username_field = username
      value_field value {
      }
      key_field name {
        value = $name
      }
    }
  }
}
END

dict() {
	command=$1
	shift
	chroot "$place/root" doveadm -f tab -c /srv/dovecot.conf dict "$command" -u anna "$@" 2>>"$place/err"
}
# The keys below priv/test, on a line.
keys() {
	dict iter "$@" mail_attribute priv/test/ | sed 1d | cut -f 1 | tr '\n' ' '
}
chroot "$place/root" dovecot -c /srv/dovecot.conf
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ ! -S "$place/root/srv/run/dict" ] || break
	sleep 1
done
dict set mail_attribute priv/test/one 1 >/dev/null
dict set mail_attribute priv/test/two 2 >/dev/null
value=$(dict get mail_attribute priv/test/two | sed 1d)
: >"$place/err"
one_level=$(keys)
said=$(grep -o 'near "username": syntax error' "$place/err" | head -n 1)
all_levels=$(keys -R)
echo "a lookup of priv/test/two: $value"
echo "iter on one level: '$one_level', said: $said"
echo "iter on all levels: '$all_levels'"
[ "$value" = 2 ] && [ -z "$one_level" ] && [ -n "$said" ] && [ "$all_levels" = "priv/test/one priv/test/two " ]
