"""The rooms of src: what doc/DESIGN.md shows is what make check holds, and each kind of fault is found."""

import os
import shutil
import subprocess

import pytest
from harness import places

SCRIPT = places.SOURCE / "tests/unit/test-rooms.sh"


def rooms():
    """(room, what, may include) by src/rooms."""
    lines = (places.SOURCE / "src/rooms").read_text().splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            head, what = line.split("#", 1)
            room, may = head.split(":", 1)
            yield room.strip(), what.strip(), ", ".join(may.split()) or "-"


def check(source, dovecot=None):
    """Returns the exit status of the check and what it says."""
    environment = dict(os.environ, DOVECOT_INCLUDE=f"-I{dovecot}" if dovecot else "")
    done = subprocess.run([SCRIPT, source], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="source")
def copy_of_source(tmp_path):
    shutil.copytree(places.SOURCE / "src", tmp_path / "src")
    return tmp_path / "src"


def test_the_table_of_design_is_the_list_of_rooms():
    text = (places.SOURCE / "doc/DESIGN.md").read_text()
    table = text.split("| room | what | may include |\n|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert table == [f"| `{room}` | {what} | {may} |" for room, what, may in rooms()]


def test_each_room_is_a_folder_and_each_folder_a_room():
    folders = sorted(path.name for path in (places.SOURCE / "src").iterdir() if path.is_dir())
    assert folders == sorted(room for room, _, _ in rooms())


def test_the_source_passes():
    assert check(places.SOURCE / "src") == (0, "")


def test_an_include_that_the_room_may_not_have_is_found(source):
    with (source / "core/policy.c").open("a") as file:
        file.write('#include "keep/destination.h"\n')
    status, text = check(source)
    assert status == 1 and "core must not include keep" in text and "src/rooms" in text


def test_an_include_without_its_room_is_found(source):
    with (source / "keep/origin.c").open("a") as file:
        file.write('#include "destination.h"\n')
    status, text = check(source)
    assert status == 1 and 'write "keep/destination.h"' in text


def test_a_circle_is_found(source):
    with (source / "keep/origin.c").open("a") as file:
        file.write('#include "keep/destination.h"\n')
    status, text = check(source)
    assert status == 1 and "circle" in text and "keep/origin\n" in text and "keep/destination\n" in text


def test_a_header_with_the_name_of_one_of_dovecots_is_found(source, tmp_path):
    dovecot = tmp_path / "dovecot"
    dovecot.mkdir()
    (dovecot / "origin.h").touch()
    status, text = check(source, dovecot)
    assert status == 1 and "src/keep/origin.h has the name of Dovecot's" in text and "rename ours" in text
