"""The power goes while sessions delete: what the server had accepted is there afterwards. tools/power-cut does more of it."""

import subprocess

import pytest

from harness import places

NOT_RUN = 77


def cut(dovecot, fs, *arguments):
    done = subprocess.run([places.SOURCE / "tools/power-cut", "--rounds", "2", "--fs", fs, "--plugins", "ours", "--formats", dovecot.format,
                           "--targets", dovecot.target.name, *arguments], capture_output=True, text=True, timeout=300)
    print(done.stdout)
    if done.returncode == NOT_RUN:
        pytest.skip(f"power cuts: {done.stdout.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ours: 2 cuts" in done.stdout, done.stdout


@pytest.mark.parametrize("fs", ["ext4", "xfs"])
def test_mail_survives_a_power_cut(dovecot, fs):
    cut(dovecot, fs)


@pytest.mark.any_format
@pytest.mark.parametrize("fs", ["ext4", "xfs"])
def test_accounts_survive_a_power_cut(dovecot, fs):
    cut(dovecot, fs, "--accounts")
