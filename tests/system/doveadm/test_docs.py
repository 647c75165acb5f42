"""The commands' documentation: the man page, the recipes, the completion and the schedule are as they say."""

import os
import re
import subprocess
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from harness import places, wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.mail import message
from harness.faults.full import free, small, take_all

pytestmark = pytest.mark.any_format

SOURCE = places.SOURCE
PAGE = SOURCE / "doc/doveadm-lazy-expunge.1"
RECIPES = (SOURCE / "doc/RECIPES.md").read_text()
OPERATIONS = (SOURCE / "doc/OPERATIONS.md").read_text()
COMPLETION = SOURCE / "contrib/doveadm-lazy-expunge.bash"
COMMANDS = ["check", "deletions", "erase", "export", "hold", "holds", "import", "list", "maintain", "release", "restore", "status", "verify"]
ACCOUNT_COMMANDS = ["delete", "list", "purge", "rename", "undelete"]
RECIPE_COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", RECIPES, re.DOTALL) for line in block.splitlines()]


def test_the_man_page_has_no_warnings():
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", PAGE], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()


@pytest.mark.formats("sdbox")
def test_the_man_page_and_the_completion_have_every_option(dovecot):
    server = dovecot()
    page, completion = PAGE.read_text().replace("\\-", "-"), COMPLETION.read_text()
    for command in COMMANDS:
        usage = server.doveadm("lazy-expunge", command, "--nonsense", check=False)
        assert usage.code == 64
        help_text = server.doveadm("lazy-expunge", check=False)
        options = re.search(rf"lazy-expunge {command} (.*)", (help_text.stdout + help_text.stderr).decode())
        for option in re.findall(r"\[(-\w)", options.group(1) if options else ""):
            assert option in page
        assert f".SS {command}" in page and command in completion


@pytest.mark.formats("sdbox")
@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_line_for_each_option(dovecot, command):
    done = dovecot().doveadm("lazy-expunge", command, "-h")
    usage, *lines = done.stdout.decode().splitlines()
    assert done.stderr == b"" and usage.startswith(f"usage: doveadm [-Dv] [-f <formatter>] lazy-expunge {command} ")
    options = {match.group(1): match.group(2) for match in (re.match(r"  (-\w), --[a-z-]+(?: <[^>]+>)? +(\S.*)", line) for line in lines) if match}
    long = {match.group(1) for match in (re.match(r"  -\w, (--[a-z-]+)", line) for line in lines) if match}
    positional = usage.count("search query") + (command in ("import", "verify"))
    assert len(options) + positional == len(lines) == len(set(lines))
    named = set(re.findall(r"(?<![\w-])(-\w)\b", usage.split(f"lazy-expunge {command}")[1]))
    assert named | {"-h"} | ({"-F"} if command != "verify" else set()) <= set(options) and set(re.findall(r"--[a-z-]+", usage)) <= long
    page = PAGE.read_text().replace("\\-", "-")
    assert all(option in page for option in options)


@pytest.mark.formats("sdbox")
@pytest.mark.parametrize("command", ACCOUNT_COMMANDS)
def test_help_of_account_commands_has_a_line_for_each_option(dovecot, command):
    usage, *lines = dovecot().doveadm("lazy-expunge", "account", command, "-h").stdout.decode().splitlines()
    assert usage.startswith(f"usage: doveadm [-Dv] [-f <formatter>] lazy-expunge account {command} ")
    shown = set(re.findall(r"^  (-\w), --[a-z-]+", "\n".join(lines), re.MULTILINE))
    assert shown == set(re.findall(r"(?<![\w-])(-\w)\b", usage.split(f"account {command}")[1])) | {"-h"}
    completion, page = COMPLETION.read_text(), PAGE.read_text().replace("\\-", "-")
    offered = set(complete("doveadm", "lazy-expunge", "account", command, "-"))
    assert shown <= offered and all(option in page for option in offered - {"-h"}) and "delete list purge" in completion
    assert f".SS account {command}" in page


def test_the_man_page_has_every_file():
    source = "".join(path.read_text() for path in sorted((SOURCE / "src").glob("*/*.[ch]")))
    names = set(re.findall(r'"(dovecot\.lazy-expunge[.-][a-z.-]*)"', source))
    files = re.search(r"^\.SH FILES\n(.*?)^\.SH", PAGE.read_text().replace("\\-", "-"), re.MULTILINE | re.DOTALL).group(1)
    assert len(names) > 10
    assert set(re.findall(r"dovecot\.lazy-expunge[a-z.-]*", files)) == names


def complete(*words):
    """What bash offers for the last word."""
    script = f'. {COMPLETION}; COMP_WORDS=("$@"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _doveadm_lazy_expunge; ' \
        'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, check=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_completion():
    assert complete("doveadm", "la") == ["lazy-expunge"]
    assert complete("doveadm", "lazy-expunge", "") == ["account", *COMMANDS]
    assert complete("doveadm", "lazy-expunge", "account", "") == ACCOUNT_COMMANDS
    assert complete("doveadm", "lazy-expunge", "account", "delete", "--k") == ["--keep"]
    assert complete("doveadm", "lazy-expunge", "account", "delete", "-u", "") == []
    assert complete("doveadm", "-f", "json", "lazy-expunge", "res") == ["restore"]
    assert complete("doveadm", "lazy-expunge", "restore", "--t") == ["--target"]
    assert set(complete("doveadm", "lazy-expunge", "list", "-u", "anna", "saved")) == {"savedbefore", "savedon", "savedsince"}
    for option in ("-u", "-o", "--origin", "-l", "--limit"):
        assert complete("doveadm", "lazy-expunge", "list", option, "") == []
    for option in ("-F", "-S"):
        assert complete("doveadm", "lazy-expunge", "status", option, "/et") == ["/etc"]
    assert complete("doveadm", "-c", "/etc/dovecot/dovecot.conf", "-D", "la") == ["lazy-expunge"]
    assert complete("doveadm", "-f", "t") == ["tab", "table"] and complete("doveadm", "-f", "l") == []
    assert complete("doveadm", "mailbox", "l") == []
    assert "--live" in complete("doveadm", "lazy-expunge", "check", "-")


def written_schedule(directory):
    """The files of the schedule as make writes them."""
    for name in ("service", "timer", "cron"):
        path = SOURCE / f"contrib/dovecot-lazy-expunge.{name}"
        text = (path if path.exists() else path.with_name(path.name + ".in")).read_text()
        (directory / path.name).write_text(text.replace("@MAINTAIN@", "/usr/bin/true"))
    return [directory / f"dovecot-lazy-expunge.{name}" for name in ("service", "timer", "cron")]


def test_the_systemd_units(tmp_path):
    service, timer, _ = written_schedule(tmp_path)
    assert "ExecStart=/usr/bin/true\n" in service.read_text()

    def problems():
        """What systemd says of the units, of which it ignores what it does not know."""
        done = subprocess.run(["systemd-analyze", "--man=no", "verify", service, timer], capture_output=True, text=True)
        return done.returncode, done.stderr

    assert problems() == (0, "")
    text = timer.read_text()
    assert "RandomizedDelaySec=" in text and "Persistent=true" in text
    [when] = re.findall(r"^OnCalendar=(.*)", text, re.MULTILINE)
    runs = subprocess.run(["systemd-analyze", "calendar", "--iterations=2", when], capture_output=True, text=True,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
    assert runs.returncode == 0, runs.stderr
    first, second = [datetime.strptime(found, "%Y-%m-%d %H:%M:%S") for found in
                     re.findall(r"(?:Next elapse|Iter\. #2|Iteration #2): \w+ ([-0-9]+ [:0-9]+) UTC", runs.stdout)]
    assert second - first == timedelta(days=1)
    # with the check after it, as it is documented
    [drop_in] = re.findall(r"^```ini\n(.*?)^```", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert drop_in.startswith("[Service]\nExecStartPost=/usr/bin/doveadm lazy-expunge check -A -q\n")
    directory = service.with_name(service.name + ".d")
    directory.mkdir()
    (directory / "override.conf").write_text(drop_in)
    assert problems() == (0, "")
    # the check can fail
    timer.write_text(text.replace("Persistent", "Persistant"))
    assert "Persistant" in problems()[1]


def test_the_cron_file(tmp_path):
    """It has a user in the sixth field, as those in /etc/cron.d do."""
    cron = written_schedule(tmp_path)[2]
    jobs = [line for line in cron.read_text().splitlines() if line[:1].isdigit()]
    assert len(jobs) == 1 and jobs[0].split()[5] == "root" and jobs[0].endswith(" || /usr/bin/true")

    def check(text):
        table = tmp_path / "table"
        table.write_text(text)
        return subprocess.run(["crontab", "-n", table], capture_output=True).returncode

    own = re.sub(r"^(\S+ \S+ \S+ \S+ \S+) root ", r"\1 ", cron.read_text(), flags=re.MULTILINE)
    assert own != cron.read_text() and check(own) == 0 and check(own.replace("23 3 ", "23 25 ")) != 0


class Anna:
    """The user of the recipes; others: how many more there are, in a server of their own, whose mail is in mail_root."""

    def __init__(self, dovecot, others=0, mail_root=None, **fields):
        mailboxes = DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="30d"),)
        self.server = dovecot.own(passwd_file=True, mailboxes=mailboxes, mail_root=mail_root) if others else \
            dovecot(mailboxes=mailboxes, **fields)
        self.user = self.server.user()
        self.users = [self.user] + [self.server.user() for _ in range(others)]
        if others:
            self.server.write_users(self.users)

    def fill(self):
        for mailbox, subject in (("INBOX", "Lunch"), ("Projects/Spring", "Offer"), ("Projects/Autumn", "Application of Carol")):
            self.user.append(mailbox, message(subject=subject, sender="bob@example.com"), create=mailbox != "INBOX")

    def delete(self, *mailboxes):
        for mailbox in mailboxes or ("INBOX", "Projects/Spring", "Projects/Autumn"):
            self.user.doveadm("expunge", "mailbox", mailbox, "all")

    def run(self, line):
        """A recipe's command as it is written, for this user, on her server."""
        today = self.server.run(["date", "+%Y-%m-%d"]).stdout.decode().strip()
        line = line.replace("-u anna", f"-u {self.user.name}").replace("2026-11-20", today)
        line = line.replace("/root/users-of-server-0", f"{self.server.root}/part")
        line = re.sub(r"\bdoveadm ", f"doveadm -c {self.server.conf} ", line)
        return self.server.run(["sh", "-ec", line]).stdout.decode()

    def subjects(self, mailbox):
        return [mail.subject for mail in self.user.messages(mailbox)]


def test_every_recipe_is_tried_below():
    tried = "".join(test.__doc__ or "" for name, test in globals().items() if name.startswith("test_recipe"))
    assert [line for line in RECIPE_COMMANDS if line not in tried] == []


def recipe(test):
    """The commands of the recipe, from the docstring of its test; each is in the document."""
    lines = [line.strip() for line in test.__doc__.splitlines() if line.strip()]
    assert set(lines) <= set(RECIPE_COMMANDS)
    return lines


def test_recipe_a_mailbox_whose_mail_lives_elsewhere(dovecot):
    """doveadm lazy-expunge list -u anna -o Work
    doveadm lazy-expunge restore -u anna -o Work -o Sent ALL"""
    anna = Anna(dovecot, lazy={"only_last_instance": True})
    shown, put_back = recipe(test_recipe_a_mailbox_whose_mail_lives_elsewhere)
    for subject in ("Plan", "Report"):
        anna.user.append("Work", message(subject=subject), create=True)
    with anna.user.imap("Work") as session:
        session.ok("UID COPY 1 INBOX")
    anna.delete("Work")
    assert len(anna.user.kept()) == 1
    assert "Work, now in INBOX" in anna.run(shown) and anna.subjects("Work") == []
    anna.run(put_back)
    assert sorted(anna.subjects("Work")) == ["Plan", "Report"] and anna.subjects("INBOX") == ["Plan"]


def test_recipe_a_mailbox(dovecot):
    """doveadm lazy-expunge restore -u anna -o Projects/Spring ALL
    doveadm lazy-expunge restore -u anna -o Projects -R ALL
    doveadm lazy-expunge restore -u anna -o Work -o Sent ALL"""
    anna = Anna(dovecot)
    one, below, several = recipe(test_recipe_a_mailbox)
    anna.fill()
    anna.user.append("Work", message(subject="Plan"), create=True)
    anna.delete("INBOX", "Projects/Spring", "Projects/Autumn", "Work")
    anna.user.doveadm("mailbox delete", "Projects/Spring")
    anna.run(one)
    assert anna.subjects("Projects/Spring") == ["Offer"] and anna.subjects("Projects/Autumn") == []
    anna.run(below)
    assert anna.subjects("Projects/Autumn") == ["Application of Carol"] and anna.subjects("Work") == []
    anna.run(several)
    assert anna.subjects("Work") == ["Plan"] and anna.subjects("INBOX") == []


def test_recipe_a_day(dovecot):
    """doveadm lazy-expunge list -u anna --since 2026-11-20 --until 2026-11-20
    doveadm lazy-expunge restore -u anna --since 2026-11-20 --until 2026-11-20 ALL"""
    anna = Anna(dovecot)
    look, put_back = recipe(test_recipe_a_day)
    anna.fill()
    anna.delete()
    assert "Offer" in anna.run(look)
    anna.run(put_back)
    assert anna.user.kept() == [] and anna.subjects("Projects/Spring") == ["Offer"]
    assert "Offer" not in anna.run(look.replace("2026-11-20", "2020-01-01"))


def test_recipe_a_time_of_day(dovecot):
    """doveadm lazy-expunge restore -u anna --since 08:00 ALL
    doveadm lazy-expunge restore -u anna --since 3h from bob"""
    anna = Anna(dovecot)
    of_the_clock, hours = recipe(test_recipe_a_time_of_day)
    for command in (of_the_clock, hours):
        anna.fill()
        anna.delete()
        anna.run(command)
        assert anna.user.kept() == []


def test_recipe_one_deletion(dovecot):
    """doveadm lazy-expunge deletions -u anna --since today
    doveadm lazy-expunge restore -u anna -d 0a1b2c3d
    doveadm lazy-expunge restore -n -u anna -U 5e6f7081
    doveadm lazy-expunge restore -u anna -U 5e6f7081"""
    anna = Anna(dovecot)
    look, put_back, plan, take_back = recipe(test_recipe_one_deletion)
    anna.fill()
    anna.delete("INBOX")
    anna.delete("Projects/Spring")
    ident = next(line.split()[0] for line in anna.run(look).splitlines() if " INBOX 1 " in line)
    anna.run(put_back.replace("0a1b2c3d", ident))
    assert anna.subjects("INBOX") == ["Lunch"] and anna.subjects("Projects/Spring") == []
    restore = next(line.split()[0] for line in anna.run(look).splitlines() if " restore " in line)
    anna.run(plan.replace("5e6f7081", restore))
    assert anna.subjects("INBOX") == ["Lunch"]
    anna.run(take_back.replace("5e6f7081", restore))
    assert anna.subjects("INBOX") == [] and len(anna.user.kept()) == 2


def test_recipe_one_mail(dovecot):
    """doveadm lazy-expunge list -u anna from bob subject Offer
    doveadm lazy-expunge restore -u anna from bob subject Offer"""
    anna = Anna(dovecot)
    look, put_back = recipe(test_recipe_one_mail)
    anna.fill()
    anna.delete()
    listed = anna.run(look)
    assert "Offer" in listed and "Lunch" not in listed
    anna.run(put_back)
    assert anna.subjects("Projects/Spring") == ["Offer"] and len(anna.user.kept()) == 2


def test_recipe_the_trash(dovecot):
    """doveadm lazy-expunge list -u anna -o Trash --since today
    doveadm lazy-expunge restore -u anna -o Trash --since today ALL"""
    anna = Anna(dovecot)
    look, put_back = recipe(test_recipe_the_trash)
    anna.fill()
    with anna.user.imap("Projects/Spring") as session:
        session.ok("MOVE 1 Trash")
        session.select("Trash")
        session.delete()
    assert "Projects/Spring" in anna.run(look)
    anna.run(put_back)
    assert anna.subjects("Projects/Spring") == ["Offer"] and anna.subjects("Trash") == anna.user.kept() == []


def test_recipe_everybody_is_protected(dovecot):
    """doveadm lazy-expunge check -A
    doveadm lazy-expunge check -A -q"""
    anna = Anna(dovecot, others=2)
    look, quiet = recipe(test_recipe_everybody_is_protected)
    assert re.search(r"^TOTAL +protected +OK +3 3 of 3$", anna.run(look), re.MULTILINE) and anna.run(quiet) == ""


def values_of_their_own(dovecot, command):
    """The userdb gives two users other values, and the command a third for one run."""
    text = RECIPES[RECIPES.index("## Another retention for one user"):]
    fields = dict(re.findall(r"^(anna|bob):.* userdb_(\S+)$", text, re.MULTILINE))
    # the same settings, with values for which a test need not wait
    fields = {name: dict([field.replace("=90d", "=1s").replace("=1000", "=1").split("=")]) for name, field in fields.items()}
    assert {value for field in fields.values() for value in field.values()} == {"1s", "1"}
    anna = Anna(dovecot, others=2)
    user, bob, carol = anna.users
    anna.server.write_users([(user, fields["anna"]), (bob, fields["bob"]), (carol, {"lazy_expunge_max_storage": "1"})])
    for each in anna.users:
        each.fill("INBOX", 3)
        each.doveadm("expunge", "mailbox", "INBOX", "all")
        assert len(each.kept()) == 3

    def are_left(*numbers):
        anna.server.doveadm("lazy-expunge", "maintain", "-A")
        return tuple(len(each.kept()) for each in anna.users) == numbers

    wait_for(lambda: are_left(0, 1, 0), "what is due to go")
    user.fill("INBOX", 3)
    anna.server.write_users(anna.users)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    anna.run(command)
    assert len(user.kept()) == 1


@pytest.mark.until("2.4")
def test_recipe_another_retention_for_one_user_on_2_3(dovecot):
    """doveadm -o plugin/lazy_expunge_max_storage=300 lazy-expunge maintain -u anna"""
    values_of_their_own(dovecot, recipe(test_recipe_another_retention_for_one_user_on_2_3)[0])


@pytest.mark.since("2.4")
def test_recipe_another_retention_for_one_user_on_2_4(dovecot):
    """doveadm -o lazy_expunge_max_storage=300 lazy-expunge maintain -u anna"""
    values_of_their_own(dovecot, recipe(test_recipe_another_retention_for_one_user_on_2_4)[0])


def test_recipe_a_pop3_client(dovecot):
    """doveadm lazy-expunge status -u anna -v
    doveadm lazy-expunge restore -u anna -o INBOX --since 1d ALL
    doveadm lazy-expunge restore -u anna -o INBOX -t Recovered --since 1d ALL"""
    anna = Anna(dovecot)
    look, put_back, elsewhere = recipe(test_recipe_a_pop3_client)
    anna.fill()
    for command, mailbox in ((put_back, "INBOX"), (elsewhere, "Recovered")):
        session = anna.user.pop3()
        session.dele(1)
        session.quit()
        assert anna.subjects("INBOX") == [] and "INBOX" in anna.run(look)
        anna.run(command)
        assert anna.subjects(mailbox) == ["Lunch"]
    assert anna.user.kept() == []


def test_recipe_who_has_the_most(dovecot):
    """doveadm lazy-expunge status -A -s bytes -l 10"""
    anna = Anna(dovecot, others=1)
    [command] = recipe(test_recipe_who_has_the_most)
    anna.fill()
    anna.delete()
    rows = [line.split() for line in anna.run(command).splitlines()]
    assert rows[0][1:3] == ["messages", "bytes"] and rows[0][-2:] == ["disk", "purgeable"]
    assert [row[:2] for row in (rows[1], rows[-1])] == [[anna.user.name, "3"], ["TOTAL", "3"]]


def test_recipe_erase_a_mail(dovecot):
    """doveadm lazy-expunge erase -n -u anna subject 'Application of Carol'
    doveadm lazy-expunge erase -u anna -w /root/erased.json subject 'Application of Carol'
    doveadm lazy-expunge erase -n -A subject 'Application of Carol'"""
    anna = Anna(dovecot, others=1)
    plan, erase, others = recipe(test_recipe_erase_a_mail)
    report = anna.server.root / "erased.json"
    anna.fill()
    anna.delete("INBOX")
    assert "planned" in anna.run(plan) and anna.subjects("Projects/Autumn") == ["Application of Carol"]
    assert "erased" in anna.run(erase.replace("/root/erased.json", str(report))) and report.exists()
    assert anna.subjects("Projects/Autumn") == [] and [mail.subject for mail in anna.user.kept()] == ["Lunch"]
    done = subprocess.run(["grep", "-rl", "Application of Carol", anna.user.home], capture_output=True)
    assert done.stdout == b"" and "planned" not in anna.run(others)


def test_recipe_an_archive(dovecot):
    """doveadm lazy-expunge export -u anna -w /root/anna.zip from bob
    doveadm lazy-expunge verify /root/anna.zip
    doveadm lazy-expunge export -u anna -w - -a | gpg --encrypt -r auditor@example.com >anna.tar.gpg"""
    anna = Anna(dovecot)
    export, verify, pipe = recipe(test_recipe_an_archive)
    anna.fill()
    anna.delete("INBOX")
    path = anna.server.root / "anna.zip"
    in_place = lambda line: line.replace("/root/anna.zip", str(path)).replace("gpg --encrypt -r auditor@example.com", "cat") \
        .replace(">anna.tar.gpg", f">{path}.tar")
    anna.run(in_place(export))
    anna.run(in_place(verify))
    anna.run(in_place(pipe))
    assert path.read_bytes()[:2] == b"PK"
    anna.run(in_place(verify).replace("anna.zip", "anna.zip.tar"))


def test_recipe_an_archive_comes_back(dovecot):
    """doveadm lazy-expunge import -u anna /root/anna.zip
    doveadm lazy-expunge import -u anna -t Evidence /root/anna.zip"""
    anna = Anna(dovecot)
    back, elsewhere = recipe(test_recipe_an_archive_comes_back)
    path = anna.server.root / "back.zip"
    anna.fill()
    anna.delete()
    before = sorted(mail.content for mail in anna.user.kept())
    anna.user.doveadm("lazy-expunge export", "-w", path)
    anna.user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    anna.run(back.replace("/root/anna.zip", str(path)))
    assert sorted(mail.content for mail in anna.user.kept()) == before
    anna.run(elsewhere.replace("/root/anna.zip", str(path)))
    assert sorted(anna.subjects("Evidence")) == ["Application of Carol", "Lunch", "Offer"]


def test_recipe_nothing_may_go(dovecot):
    """doveadm lazy-expunge hold -u anna -N case-17 -r 'Order of 28 November' -b 'legal@example.com'
    doveadm lazy-expunge holds -u anna
    doveadm lazy-expunge release -u anna -N case-17"""
    anna = Anna(dovecot)
    hold, look, release = recipe(test_recipe_nothing_may_go)
    anna.fill()
    anna.delete("INBOX")
    anna.run(hold)
    listed = anna.run(look)
    assert "case-17" in listed and "Order of 28 November" in listed and "legal@example.com" in listed and "held" in listed
    anna.run(release)
    assert "grace" in anna.run(look)
    assert anna.user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False).code == 77 and len(anna.user.kept()) == 1


def test_recipe_a_full_disk(dovecot):
    """doveadm lazy-expunge maintain -A --make-room 300k -n
    doveadm lazy-expunge maintain -A --make-room 300k"""
    look, make_room = recipe(test_recipe_a_full_disk)
    with small() as disk:
        anna = Anna(dovecot, others=1, mail_root=disk)
        for user in anna.users:
            user.fill("INBOX", [message(body=("x" * 69 + "\n") * 400) for _ in range(20)])
            user.doveadm("expunge", "mailbox", "INBOX", "all")
        take_all(disk)
        rows = anna.run(look).splitlines()
        assert rows[1].split()[0] == anna.user.name and free(disk) == (0, 0)
        anna.run(make_room)
        assert free(disk)[0] > 280000 and len(anna.users[1].kept()) == 20 > len(anna.user.kept())


def test_recipe_a_part_of_the_users(dovecot):
    """doveadm user '*' | awk 'NR % 4 == 0' > /root/users-of-server-0
    doveadm lazy-expunge maintain -F /root/users-of-server-0"""
    anna = Anna(dovecot, others=7)
    choose, maintain = recipe(test_recipe_a_part_of_the_users)
    anna.run(choose)
    part = (anna.server.root / "part").read_text().split()
    assert part == [anna.users[3].name, anna.users[7].name]
    rows = anna.run(maintain).splitlines()
    assert [row.split()[0] for row in rows[1:]] == part


def test_recipe_an_account_was_deleted_by_mistake(dovecot):
    """doveadm lazy-expunge account list -u anna
    doveadm lazy-expunge account undelete anna.20261120T083012.0a1b2c3d
    doveadm lazy-expunge account undelete anna.20261120T083012.0a1b2c3d -t anna.old
    doveadm lazy-expunge account undelete anna.20261120T083012.0a1b2c3d -m Old"""
    anna = Anna(dovecot)
    look, back, elsewhere, below = recipe(test_recipe_an_account_was_deleted_by_mistake)
    anna.fill()
    for command, user in ((back, anna.user), (elsewhere, anna.server.user()), (below, anna.user)):
        if command == below:
            anna.fill()
        # an empty account that was in the way of the last is among them
        before = anna.run(look)
        anna.user.doveadm("lazy-expunge account delete")
        assert anna.subjects("INBOX") == []
        [ident] = [word for word in anna.run(look).split() if word.startswith(f"{anna.user.name}.") and "T" in word and word not in before]
        if command == below:
            anna.user.append("INBOX", message(subject="New"))
            anna.server.settle()
        anna.run(command.replace("anna.20261120T083012.0a1b2c3d", ident).replace("anna.old", user.name))
        assert [mail.subject for mail in user.messages("Old/INBOX" if command == below else "INBOX")] == ["Lunch"]
    assert anna.subjects("INBOX") == ["New"]


def test_recipe_a_user_gets_another_name(dovecot):
    """doveadm lazy-expunge account rename -n -u anna.alder anna.birch
    doveadm lazy-expunge account rename -u anna.alder anna.birch"""
    anna = Anna(dovecot)
    new = anna.server.user()
    anna.fill()
    for command in recipe(test_recipe_a_user_gets_another_name):
        assert anna.subjects("INBOX") == ["Lunch"]
        rows = anna.run(command.replace("anna.alder", anna.user.name).replace("anna.birch", new.name))
        assert "by hand" in rows and new.name in rows
    assert anna.subjects("INBOX") == [] and [mail.subject for mail in new.messages("Projects/Spring")] == ["Offer"]


def test_recipe_a_user_leaves(dovecot):
    """doveadm lazy-expunge hold -u anna -N leaving -e '90 days'
    doveadm lazy-expunge export -u anna -w /root/anna-left.zip -a
    doveadm lazy-expunge account delete -u anna -k '1 day'
    doveadm lazy-expunge account list -c
    doveadm lazy-expunge account purge
    doveadm lazy-expunge account undelete anna.20261120T083012.0a1b2c3d -t anna.left
    doveadm lazy-expunge export -u anna.left -w /root/anna-asked.zip -a
    doveadm lazy-expunge account delete -u anna.left -k '2 days'"""
    hold, export, delete, look, purge, back, export_again, delete_again = recipe(test_recipe_a_user_leaves)
    for until in ("90 days", "1s"):
        anna = Anna(dovecot)
        archives = [anna.server.root / f"{anna.user.name}-{name}.zip" for name in ("left", "asked")]

        def run(command, ident=""):
            command = command.replace("anna.20261120T083012.0a1b2c3d", ident).replace("anna.left", f"{anna.user.name}.left")
            return anna.run(command.replace("/root/anna-", f"{anna.server.root}/{anna.user.name}-"))

        def purged():
            return anna.server.run(["sh", "-c", purge.replace("doveadm", f"doveadm -c {anna.server.conf}", 1) + " 2>&1"], check=False).stdout.decode()

        anna.fill()
        anna.delete("Projects/Autumn")
        run(hold.replace("90 days", until))
        run(export)
        run(delete.replace("1 day", "1s"))
        [row] = [line for line in run(look).splitlines() if anna.user.name in line]
        ident = row.split()[0]
        if until == "90 days":
            assert "leaving" in row
            wait_for(lambda: f"{ident} is held by leaving" in purged(), "its time to be over")
            run(back, ident)
            run(export_again)
            run(delete_again)
            assert "leaving" in run(look) and archives[1].exists()
        else:
            wait_for(lambda: any(line.startswith(ident) and line.endswith("gone") for line in purged().splitlines()), "both times to be over")
            assert ident not in run(look)
        for archive in filter(Path.exists, archives):
            with zipfile.ZipFile(archive) as file:
                assert sum(name.endswith(".eml") for name in file.namelist()) == 3
