#!/bin/sh
# make install and make uninstall leave one module of the plugin's name, and
# the shipped one comes back, whatever happened between.
set -e

dest=$PWD/test-install.dir
modules=$dest$MODULEDIR
plugin=lib02_lazy_expunge_plugin.so
trap 'rm -rf "$dest"' EXIT

run() { "${MAKE:-make}" "$@" DESTDIR="$dest" >test-install.out 2>&1 || { cat test-install.out; exit 1; }; rm -f test-install.out; }
fail() { echo "$1:"; ls -l "$modules"; exit 1; }
# is FILE TEXT: the file of that name has this text, or is the plugin under test ("ours")
is() {
	case $2 in
	ours) grep -q lazy_expunge_on_failure "$modules/$1" ;;
	*) test "$(cat "$modules/$1" 2>/dev/null)" = "$2" ;;
	esac
}
modules_of_that_name() { find "$modules" -maxdepth 1 -name 'lib*lazy_expunge_plugin.so' | wc -l; }
expect() {
	is "$2" "$3" || fail "$1: $2 is not $3"
	test "$(modules_of_that_name)" -eq 1 || fail "$1: not one module of this name"
	test -z "$(find "$dest" -name '*.la')" || fail "$1: .la files are left"
}

rm -rf "$dest"
mkdir -p "$modules"
echo one >"$modules/$plugin"

run install
expect "first install" $plugin ours
is $plugin.shipped one || fail "the shipped module was not kept"
run install
expect "second install" $plugin ours
is $plugin.shipped one || fail "the second install lost the shipped module"
run uninstall
expect uninstall $plugin one
test ! -e "$modules/$plugin.shipped" || fail "uninstall left the kept module"

# a package upgrade puts a newer shipped module over the plugin
run install
echo two >"$modules/$plugin"
run install
expect "install after an upgrade" $plugin ours
is $plugin.shipped two || fail "the newer shipped module was not kept"
echo three >"$modules/$plugin"
run uninstall
expect "uninstall after an upgrade" $plugin three
test ! -e "$modules/$plugin.shipped" || fail "uninstall left an outdated module"

# nothing was shipped
rm "$modules/$plugin"
run install
run install
expect "install where none was" $plugin ours
test ! -e "$modules/$plugin.shipped" || fail "the plugin was taken for the shipped module"
run uninstall
test -z "$(find "$dest" -type f)" || fail "uninstall left $(find "$dest" -type f)"

# without an installation there is nothing to undo
echo four >"$modules/$plugin"
run uninstall
expect "uninstall without install" $plugin four

# what belongs to a package is left alone: diverted, or linked to
refused() {
	if "${MAKE:-make}" "$1" DESTDIR="$dest" >test-install.out 2>&1; then fail "$1 over a package"; fi
	grep -q "remove the package first" test-install.out || { cat test-install.out; exit 1; }
	rm -f test-install.out
	test "$(cat "$modules/$plugin")" = five || fail "$1 changed the package's module"
	test -z "$(find "$modules" -name '*doveadm*.so')" || fail "$1 over a package installed modules"
}
echo five >"$modules/$plugin"
echo four >"$modules/$plugin.distrib"
refused install
refused uninstall
rm "$modules/$plugin.distrib"
mkdir -p "$dest/own"
mv "$modules/$plugin" "$dest/own"
ln -s "$dest/own/$plugin" "$modules/$plugin"
refused install
refused uninstall
