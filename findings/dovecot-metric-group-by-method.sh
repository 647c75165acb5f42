#!/bin/sh
# Dovecot: a metric that is grouped by the event field "method" (that of HTTP requests has this name) cannot be configured.
#
# Guess: group_by takes the name of any field, so "group_by method { method discrete { } }" is like that of any other field.
# Behaviour: 2.4.5 refuses the whole configuration, "Setting metric_group_by_method_method cannot be used as a section", and does not
#   start; the name in quotes changes nothing. 2.4.1 takes it and drops the inner block without a word, so that what was to be grouped in
#   ranges is not. Any other name of a field works on both: the field's name becomes a part of the setting's, and meets the setting
#   "method" of the same block there.
# Version: Dovecot 2.4.5 (Debian forky) and 2.4.1 (Debian trixie).
# Why it matters: http_request_finished and http_server_request_finished have such a field, and who writes events of his own is likely
#   to choose the word. A configuration that 2.4.1 runs with ends the mail service at the upgrade.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. Nothing is started: doveconf reads a file. Exits with 0 if
# it is as described, 1 if not, 77 where those versions are not to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)

# conf RELEASE FIELD: how Dovecot of that release reads a metric that is grouped by this field
conf() {
	cat >"$place/$1/dovecot.conf" <<END
dovecot_config_version = $version
dovecot_storage_version = $version
metric requests {
  filter = event=http_request_finished
  group_by $2 {
    method discrete {
    }
  }
}
END
	chroot "$place/$1" doveconf -n -c /dovecot.conf 2>&1 || echo "exit status $?"
}

for pair in trixie:2.4.1 forky:2.4.5; do
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
	for field in status_code method; do
		conf "$release" "$field" >"$place/$release.$field"
		echo "Dovecot $version, group_by $field:"
		grep -v '^#\|^dovecot_' "$place/$release.$field" | sed 's/^/    /'
	done
done
for release in trixie forky; do
	grep -q 'metric_group_by_method discrete' "$place/$release.status_code" || exit 1
	! grep -q 'metric_group_by_method discrete' "$place/$release.method" || exit 1
done
grep -q 'group_by method {' "$place/trixie.method"
grep -q 'metric_group_by_method_method cannot be used as a section' "$place/forky.method"
