"""tools/demo: the plugin at work on a private Dovecot.

Installs the Debian packages it needs, builds the plugin, starts a private Dovecot on loopback whose modules are laid over the
system's for its own processes alone, delivers mail, deletes it as users do, shows what was kept and puts one mail back.
Leaves nothing behind but packages. Without root it says what is missing, builds and runs the unit tests, and stops there.
--webmail starts Debian's Roundcube before it, in a system of its own, and waits for Enter.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import places
from harness.machines import build, packages, targets
from harness.webmail import server as webmail
from harness.dovecot.config import Config, Mailbox, settings
from harness.dovecot.imap import name
from harness.dovecot.mail import message
from harness.dovecot.render import PASSWORD
from harness.dovecot.server import Server

MAILBOX = "Projects/Spring"


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", default="maildir", choices=("maildir", "sdbox", "mdbox"))
    parser.add_argument("--webmail", action="store_true", help="the page on which users recover their mail; runs until Enter is pressed")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = tempfile.mkdtemp(prefix="lazy-expunge-demo-")
    os.chmod(work, 0o755)
    places.move_work(work)
    started = time.monotonic()
    try:
        done = _demonstrate(arguments) if os.geteuid() == 0 else _without_root(work)
        print(f"\nDone in {time.monotonic() - started:.0f} seconds; {work} is removed again.")
    except RuntimeError as error:
        done = f"tools/demo: {error}"
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(done)


def _demonstrate(arguments):
    packages.install(packages.HOST + packages.DOVECOT + packages.BUILD, _say)
    target = targets.get(targets.NATIVE)
    _say(f"Building the plugin for Dovecot {'.'.join(map(str, target.version))} and running its unit tests")
    build.build(target)
    trash = Mailbox("Trash", auto="create", special_use="\\Trash")
    storage = Mailbox(".EXPUNGED", autoexpunge="7d", autoexpunge_max_mails=100000)
    config = Config(format=arguments.format, mailboxes=(trash, storage), lazy=settings(
        mailbox=".EXPUNGED", only_last_instance=True, hidden=True, protect=True))
    _say("Starting a private Dovecot on 127.0.0.1; the one of this machine is not touched")
    server = Server(target, config).start()
    try:
        if arguments.webmail:
            _webmail(server)
        else:
            _story(server)
        server.stop()
    finally:
        server.discard()
    return 0


def _webmail(server):
    release = webmail.release_of(server.target)
    if release not in webmail.RELEASES:
        raise RuntimeError(f"there is a webmail for {', '.join(webmail.RELEASES)}, and this machine is {release}")
    _say("Making a system with Debian's Roundcube (once; some minutes)")
    user = server.user("anna")
    user.fill(MAILBOX, [message(subject="Offer for the garden"), message(subject="Which trees go where")], create=True)
    user.fill("INBOX", [message(subject=f"Newsletter {number}") for number in range(1, 13)])
    for mailbox in (MAILBOX, "INBOX"):
        with user.imap(mailbox) as session:
            session.delete("1:*")
    with user.imap() as session:
        session.ok(f"DELETE {name(MAILBOX)}")
    roundcube = webmail.Webmail(release)
    try:
        roundcube.configure(server, {"keep_days": 7, "max_restore": 2000})
        roundcube.wait_until_it_answers()
        print(f"   {roundcube.url}\n   log in as {user.name} with the password {PASSWORD}\n"
              f"   Recover deleted messages: {roundcube.url}?_task=mail&_action=plugin.lazy_expunge\n"
              "   (also in Settings, and in the menu of the folder list)", flush=True)
        input("Enter stops it. ")
    except EOFError:
        pass
    finally:
        roundcube.close()


def _story(server):
    user = server.user("anna")
    _say("LMTP delivers three messages to anna")
    for subject in ("Minutes of the meeting", "Offer for the garden", "Lunch on Friday?"):
        user.deliver(message(subject=subject))
    _show("INBOX", user.messages())
    _say(f"She files the offer in {MAILBOX}")
    with user.imap("INBOX") as session:
        session.ok(f"CREATE {name(MAILBOX)}")
        session.ok(f'UID MOVE 2 {name(MAILBOX)}')
    _say("She deletes the minutes (IMAP: \\Deleted and EXPUNGE), and the offer where she filed it")
    with user.imap("INBOX") as session:
        session.delete("1")
        session.select(MAILBOX)
        session.delete()
    _say("Her phone fetches the lunch by POP3 and deletes it from the server (DELE and QUIT)")
    pop3 = user.pop3()
    pop3.dele(1)
    pop3.quit()
    _show("INBOX", user.messages())
    with user.imap() as session:
        print("   her mail program lists no storage: " + ", ".join(sorted(session.list())))
    _say("An admin looks into the storage: everything is there, with the mailbox it came from")
    _show(".EXPUNGED", user.kept(), origin=True)
    _restore(server, user)
    _show(MAILBOX, user.messages(MAILBOX))
    _show(".EXPUNGED", user.kept(), origin=True)


def _restore(server, user):
    """By the plugin's own command where this build has it, else by what Dovecot has."""
    query = ["subject", "Offer for the garden"]
    if (server.root / "modules/doveadm/lib20_doveadm_lazy_expunge_plugin.so").exists():
        command = ["lazy-expunge", "restore", "-u", user.name, *query]
    else:
        command = ["move", "-u", user.name, MAILBOX, "mailbox", ".EXPUNGED", *query]
    _say(f"The admin puts the offer back: doveadm {shlex.join(command)}")
    output = server.doveadm(*command).stdout.decode()
    print("".join(f"   {line}\n" for line in output.splitlines()), end="")


def _show(mailbox, mails, origin=False):
    print(f"   {mailbox}: {len(mails)} message{'' if len(mails) == 1 else 's'}")
    for mail in mails:
        came = f"  deleted {time.strftime('%H:%M:%S', time.localtime(mail.saved))} from {mail.origin}" if origin else ""
        print(f"     {mail.subject:<24}{came}")


def _without_root(work):
    missing = packages.missing(packages.HOST + packages.DOVECOT + packages.BUILD)
    if missing:
        print("These packages are missing; install them as root:\n   apt-get install --no-install-recommends " + " ".join(missing))
    if any(package in missing for package in packages.BUILD):
        return "Nothing can be built without them."
    _say("Building the plugin and running its unit tests")
    source = Path(work) / "source"
    for file in build.source_files():
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(places.SOURCE / file, source / file)
    for step in (["autoreconf", "-fi"], ["./configure"], ["make"], ["make", "check"]):
        done = subprocess.run(step, cwd=source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            return f"{' '.join(step)} failed:\n{done.stdout.decode(errors='replace')[-3000:]}"
    print("   The build and the unit tests are fine. The private Dovecot needs root (a mount namespace and users of its own):\n"
          "   sudo tools/demo")
    return 0


def _say(text):
    print(f"\n* {text}", flush=True)


if __name__ == "__main__":
    main()
