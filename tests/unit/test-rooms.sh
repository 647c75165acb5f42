#!/bin/sh
# The walls of src: each file includes what the line of its room in src/rooms
# names, no files include each other in a circle, and no header has the name of
# one of Dovecot's, which would be found in its place.
# test-rooms.sh [SRC], DOVECOT_INCLUDE="-I/usr/include/dovecot ..."

cd "${1:-${srcdir:-.}/src}" || exit 1
failed=0

# file:line:#include "room/file.h"
includes() {
	find . -name '*.[ch]' | sort | xargs grep -n '^#include "' | sed 's/^\.\///'
}

includes | awk -F'[/:"]' '
	NR == FNR {
		if (/^[a-z]/) {
			sub(/#.*/, "")
			n = split($0, word, "[: ]+")
			for (i = 1; i <= n; i++) may[word[1], word[i]] = 1
		}
		next
	}
	$4 !~ /^#include/ { next }
	NF < 7 {
		if (system("test -e " $1 "/" $5) == 0) {
			print "src/" $1 "/" $2 ":" $3 ": write \"" $1 "/" $5 "\": an include names the room"
			bad = 1
		}
		next
	}
	{ seen++ }
	!(($1, $5) in may) {
		print "src/" $1 "/" $2 ":" $3 ": " $1 " must not include " $5 ": move what is shared into a room below both," \
			" or let the caller hand it in (src/rooms says who may include whom)"
		bad = 1
	}
	END {
		if (!seen) { print "no include of a room was read"; bad = 1 }
		exit bad
	}' rooms - || failed=1

# a .c and the .h of its name are one
includes | awk -F'[/:"]' 'NF >= 7 {
		from = $1 "/" $2; to = $5 "/" $6
		sub(/\.[ch]$/, "", from); sub(/\.[ch]$/, "", to)
		if (from != to) print from, to
	}' | tsort >/dev/null 2>"${TMPDIR:-/tmp}/rooms.$$" || :
if test -s "${TMPDIR:-/tmp}/rooms.$$"; then
	echo "these files of src include each other in a circle: move what both need into a file below them"
	sed 's/^tsort: //' "${TMPDIR:-/tmp}/rooms.$$"
	failed=1
fi
rm -f "${TMPDIR:-/tmp}/rooms.$$"

for dir in $DOVECOT_INCLUDE; do
	find . -name '*.h' | sort | while read -r header; do
		test ! -e "${dir#-I}/$(basename "$header")" ||
			echo "src/${header#./} has the name of Dovecot's ${dir#-I}/$(basename "$header"), which a file beside it would no longer get: rename ours"
	done
done | grep . && failed=1

exit $failed
