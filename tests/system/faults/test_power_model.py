"""Every state that POSIX allows between two syncs: no mail is lost in any that is tried. tools/power-model tries more of them."""

import random
import subprocess
import sys

import pytest

from harness import places
from harness.faults import orders


@pytest.fixture
def states(tmp_path):
    """states(body): what a tree that has the file "old" may be after this Python, each as a sorted list of (name, content)."""
    def of(body):
        tree = tmp_path / "tree"
        tree.mkdir()
        (tree / "old").write_text("old")
        record = orders.Record(tree, tmp_path / "copy")
        output = tmp_path / "strace"
        program = f"import os\nhome = {str(tree)!r}\ntree = os.open(home, os.O_RDONLY)\n{body}"
        subprocess.run(["strace", "-f", "-o", output, *orders.TRACED, sys.executable, "-c", program], check=True)
        record.add(output.read_text())
        found = []
        for number, state in enumerate(record.states(random.Random(1), 64)):
            made = tmp_path / f"state {number}"
            record.make(state, made)
            found.append(sorted((path.name, path.read_text()) for path in made.iterdir()))
        return found
    return of


REPLACE = """
file = os.open(home + '/temporary', os.O_WRONLY | os.O_CREAT, 0o600)
os.write(file, b'new')
{}
os.rename(home + '/temporary', home + '/old')
{}
"""
OLD, NEW, EMPTY = [("old", "old")], [("old", "new")], [("old", "")]


def test_without_a_sync_a_new_name_may_have_no_content(states):
    found = states(REPLACE.format("", ""))
    assert OLD in found and NEW in found and EMPTY in found


def test_what_is_synced_is_there_when_the_name_comes(states):
    found = states(REPLACE.format("os.fsync(file)", ""))
    assert [("old", "old"), ("temporary", "")] in found, "before the sync is done"
    assert OLD in found and NEW in found and EMPTY not in found


def test_a_sync_of_the_directory_ends_it(states):
    assert states(REPLACE.format("os.fsync(file)", "os.fsync(tree)"))[-1] == NEW


def tried(dovecot, cases, *arguments):
    done = subprocess.run([places.SOURCE / "tools/power-model", "--states", "4", "--cases", cases, "--formats", dovecot.format,
                           "--targets", dovecot.target.name, *arguments], capture_output=True, text=True, timeout=300)
    print(done.stdout)
    rows = [line.split() for line in done.stdout.splitlines()[2:] if not line.startswith(" ")]
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row[2] for row in rows] == cases.split(",")
    assert all(int(row[6]) >= 2 and row[7] == "0" for row in rows), done.stdout


def test_no_mail_is_lost_in_any_order(dovecot):
    # what Maildir needs of the two, see tools/power-model --help
    tried(dovecot, "delete-first,delete-fresh", *["--journal"] * (dovecot.format == "maildir"))


@pytest.mark.formats("maildir")
def test_a_maildir_that_syncs_always_needs_no_journal(dovecot):
    tried(dovecot, "delete-fresh", "--fsync", "always")


@pytest.mark.any_format
def test_no_account_is_lost_in_any_order(dovecot):
    tried(dovecot, "account-delete")
