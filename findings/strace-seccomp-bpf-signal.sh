#!/bin/sh
# strace --seccomp-bpf injects errors into system calls, but forgets to inject signals.
#
# Guess: with -f --seccomp-bpf, which only makes strace quicker, "-e inject=write:signal=KILL:when=2" kills the program at its second
#   write(), as it does without the option; or strace says that the two do not go together.
# Behaviour: the program is never killed. It writes all it has and exits with 0, and strace says nothing. An injected error
#   (error=ENOSPC) arrives with and without the option.
# Version: strace 6.1 (Debian bookworm).
# Why it matters: crash tests of mail servers kill a process at its n-th system call in this way, and are run with --seccomp-bpf because
#   Dovecot's commands are slow under strace. Such a test passes whatever the program does: nothing was killed.
#
# Needs root, debootstrap (installed when missing) and the mirror that apt uses. Exits with 0 if it is as described, 1 if not, 77 where that version is not
# to be had.
set -eu
PATH=$PATH:/usr/sbin:/sbin
VERSION=6.1-0.1
command -v debootstrap >/dev/null || apt-get -qq install -y --no-install-recommends debootstrap >/dev/null
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
debootstrap --variant=minbase --include=strace bookworm "$place/root" "$mirror" >"$place/log" 2>&1 || { tail -n 3 "$place/log"; exit 1; }
found=$(chroot "$place/root" dpkg-query -W -f '${Version}' strace)
if [ "$found" != "$VERSION" ]; then
	echo "strace is $found here, not $VERSION"
	exit 77
fi

# three writes of a shell; prints how many came through, and the exit status
writes() {
	status=0
	chroot "$place/root" strace -f -o /trace -e trace=write "$@" -- sh -c 'echo a; echo b; echo c' >"$place/out" 2>/dev/null || status=$?
	echo "$(wc -l <"$place/out") lines, exit status $status, injected: $(grep -c 'INJECTED\|killed by' "$place/root/trace" || true)"
}
plain=$(writes -e inject=write:signal=KILL:when=2)
filtered=$(writes --seccomp-bpf -e inject=write:signal=KILL:when=2)
failed=$(writes --seccomp-bpf -e inject=write:error=ENOSPC:when=2)
echo "signal=KILL:when=2                  $plain"
echo "signal=KILL:when=2 --seccomp-bpf    $filtered"
echo "error=ENOSPC:when=2 --seccomp-bpf   $failed"
[ "$plain" = "1 lines, exit status 137, injected: 1" ] && [ "$filtered" = "3 lines, exit status 0, injected: 0" ] &&
	[ "${failed##* }" != 0 ]
