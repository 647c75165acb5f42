"""tools/ways: which source files a delete goes through, its commit, a restore of one mail and a maintain run.

Builds the plugin so that each of its functions says when it is entered, and has a private Dovecot do all four. For each it prints

  files   how many .c files of src are entered
  stays   how often a function is called that is in another file than the one called before it
  climbs  how many of these are in a file that had been entered before that one: the way goes back up
  steps   the same two, if returns to a caller in another file count, too

and the files in the order in which they are first entered, with the stays of each. The delete is the third in an open session, so
what is done once for a session is not in it. With LAZY_EXPUNGE_SOURCE in the environment another tree is measured. Needs root, as
the system tests do.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections import Counter, namedtuple

from harness import options, places
from harness.dovecot import mail
from harness.dovecot.config import FORMATS, OURS, Config, Mailbox
from harness.dovecot.server import Server
from harness.machines import build, packages, targets

HOOK = places.Path(__file__).with_suffix(".c")
# a build for each version of the hook
VARIANT = "ways-" + hashlib.sha256(HOOK.read_bytes()).hexdigest()[:8]
# the function that begins each, which the first version of the plugin had by the same names
EXPUNGE, COMMIT = "lazy_mail_expunge", "lazy_expunge_transaction_commit"
RESTORE, MAINTAIN = "lazy_expunge_restore", "lazy_expunge_maintain"
# enters: is it a call, or else a return? depth: the number of calls that it is within
Step = namedtuple("Step", "enters depth function file")
Counts = namedtuple("Counts", "files stays climbs order")


def directory():
    """Where traces are written, once it is there."""
    return places.build_root() / "ways"


def prepare(target):
    """Build, with the hook in each module; the directory of the modules."""
    places.build_root().mkdir(parents=True, exist_ok=True)
    hook = places.build_root() / "ways.o"
    subprocess.run(["gcc", "-O1", "-fPIC", "-Wall", "-Werror", f'-DWAYS_DIR="{directory()}"', "-c", HOOK, "-o", hook], check=True)
    flags = "-O0 -g -finstrument-functions -finstrument-functions-exclude-file-list=/usr/include"
    build.VARIANTS[VARIANT] = ([f"CFLAGS={flags}", f"LDFLAGS=-Wl,{hook}"], {"CC": "gcc"})
    shutil.rmtree(directory(), ignore_errors=True)
    modules = build.build(target, VARIANT, print)
    directory().mkdir()
    directory().chmod(0o777)
    return modules


def taken_traces():
    """The lines of each process so far, which are forgotten."""
    traces = []
    for path in sorted(directory().iterdir()):
        traces.append(path.read_text().splitlines())
        path.unlink()
    return traces


def _names(modules, lines):
    """{(module, address): (function, file)} for all that is in the lines."""
    found = {}
    paths = {path.name: path for path in modules.rglob("*.so")}
    for name, path in paths.items():
        addresses = sorted({line.split()[2] for line in lines if line.split()[1] == name})
        if addresses:
            output = subprocess.run(["addr2line", "-f", "-e", path], input="\n".join(addresses), capture_output=True, text=True,
                                    check=True).stdout.splitlines()
            for address, function, place in zip(addresses, output[::2], output[1::2], strict=True):
                found[name, address] = function, place.split("/src/")[-1].split(":")[0]
    return found


def read(modules, lines):
    """The Steps of a process's lines, those of inline functions of headers left out."""
    names, steps, depth = _names(modules, lines), [], 0
    for line in lines:
        what, *key = line.split()
        function, file = names[tuple(key)]
        depth -= what == "<"
        if file.endswith(".c"):
            steps.append(Step(what == ">", depth, function, file))
        depth += what == ">"
    return steps


def within(steps, function):
    """Ranges of the Steps from a call of the function to its return, but for calls within it."""
    found, begin = [], None
    for number, step in enumerate(steps):
        if begin is None and step.enters and step.function == function:
            begin = number
        elif begin is not None and not step.enters and step.depth == steps[begin].depth:
            found.append(slice(begin, number + 1))
            begin = None
    return found


def first(traces, function):
    """The Steps of the first call of the function."""
    return next(steps[found] for steps in traces for found in within(steps, function))


def entered(steps):
    """The file of each call."""
    return [step.file for step in steps if step.enters]


def walked(steps):
    """The file of each call, and after a return that of the caller."""
    stack, files = [], []
    for step in steps:
        if step.enters:
            stack.append(step.file)
        else:
            stack.pop()
        files += stack[-1:]
    return files


def count(files):
    """The Counts of files in turn."""
    stays = [file for number, file in enumerate(files) if number == 0 or files[number - 1] != file]
    first = {file: number for number, file in enumerate(dict.fromkeys(stays))}
    climbs = sum(first[file] < first[before] for before, file in zip(stays, stays[1:]))
    return Counts(len(first), len(stays), climbs, Counter(stays))


def record(form, modules, arguments):
    """{name: Steps} of the four."""
    config = Config(format=form, plugin=OURS, mailboxes=(Mailbox("Trash", special_use="\\Trash"),))
    config = config.with_lazy(only_last_instance=arguments.only_last_instance)
    server = Server(targets.get(targets.NATIVE), config, VARIANT).start()
    steps = lambda: [read(modules, lines) for lines in taken_traces()]
    try:
        user = server.user()
        user.fill("INBOX", [mail.message(str(number)) for number in range(6)])
        if arguments.hold:
            user.doveadm("lazy-expunge hold", "-N", "case", "-b", "the court", "ALL")
        taken_traces()
        with user.imap("INBOX") as session:
            for number in range(3):
                session.delete(str(number + 1))
        server.settle()
        session_steps = next(found for found in steps() if within(found, EXPUNGE))
        newest = str(max(one.uid for one in user.kept()))
        taken_traces()
        user.doveadm("lazy-expunge restore", "uid", newest)
        restore = first(steps(), RESTORE)
        user.doveadm("lazy-expunge maintain")
        maintain = first(steps(), MAINTAIN)
    finally:
        server.discard()
    last = within(session_steps, EXPUNGE)[-1]
    return {"EXPUNGE": session_steps[last], "commit": first([session_steps[last.stop:]], COMMIT),
            "restore": restore, "maintain": maintain}


def print_way(form, name, steps, arguments):
    counts, steps_too = count(entered(steps)), count(walked(steps))
    print(f"{form:8} {name:9} {counts.files:5} {counts.stays:6} {counts.climbs:7}   {steps_too.stays} {steps_too.climbs}", flush=True)
    if arguments.order:
        print("   ", "  ".join(f"{file} {number}" for file, number in counts.order.items()))
    if arguments.calls:
        for step in (step for step in steps if step.enters):
            print("    " + "  " * (step.depth - steps[0].depth) + step.function, step.file)


def main():
    parser = argparse.ArgumentParser(prog="tools/ways", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", type=lambda text: options.words(text, FORMATS), default=["sdbox"],
                        help="comma-separated: maildir, sdbox, mdbox (default: sdbox)")
    parser.add_argument("--only-last-instance", action="store_true", help="with lazy_expunge_only_last_instance")
    parser.add_argument("--hold", action="store_true", help="with a hold on all mail")
    parser.add_argument("--order", action="store_true", help="print the files")
    parser.add_argument("--calls", action="store_true", help="print each call")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("tools/ways: needs root: it makes mount namespaces and runs private Dovecots")
    packages.install(packages.HOST + packages.DOVECOT + packages.BUILD + packages.DICTS, print)
    modules = prepare(targets.get(targets.NATIVE))
    print(f"{'format':8} {'way':9} {'files':>5} {'stays':>6} {'climbs':>7}   steps")
    for form in arguments.formats:
        for name, steps in record(form, modules, arguments).items():
            print_way(form, name, steps, arguments)


if __name__ == "__main__":
    main()
