"""README's installation from source, command by command, in a clean system; then what comes after it: upgrades and the package."""

import re
import shlex

import pytest

from harness import places
from harness.dovecot.imap import Refused
from harness.machines import debs, roots
from harness.machines.installed import DIVERTED, PACKAGE, PLUGIN, Installed, serve_root

README = (places.SOURCE / "README.md").read_text()
SECTION = re.search(r"^## Install\n(.*?)^## ", README, re.MULTILINE | re.DOTALL).group(1)
COMMANDS = re.sub(r" *\\\n *", " ", "\n".join(re.findall(r"^    (.*)", SECTION, re.MULTILINE))).splitlines()
SETTINGS = "/etc/dovecot/conf.d/95-lazy-expunge.conf"
SOURCE = "/root/dovecot-lazy-expunge"
COMMANDS_MODULE = "/usr/lib/dovecot/modules/doveadm/lib20_doveadm_lazy_expunge_plugin.so"
# another format than Debian's on each
FORMATS = {"bookworm": "mail_location = mdbox:~/mdbox\n", "trixie": ""}
# so that doveadm -A knows the user
USERDB = {False: "userdb {\n  driver = passwd-file\n  args = /etc/dovecot/users\n}\n",
          True: "userdb passwd-file {\n  passwd_file_path = /etc/dovecot/users\n}\n"}
# a release whose Dovecot has another ABI, with the same configuration
NEXT = {"trixie": "forky"}
SHIPPED_NAMES = "mail_plugins {\n  lazy_expunge = yes\n}\nlazy_expunge_mailbox = EXPUNGED\n"


def command(beginning):
    [found] = [line for line in COMMANDS if line.startswith(beginning)]
    return found


@pytest.fixture
def system(package):
    """A clean system with Dovecot and what README says to install, the source unpacked."""
    words = shlex.split(command("apt-get install"))
    names = [word for word in words[2:] if not word.startswith("-")]
    root = roots.kept(package.release, "from-source", names, base=serve_root(package.release))
    with roots.scratch(root) as sandbox:
        system = Installed(sandbox)
        system.configure(FORMATS[package.release], userdb=USERDB[system.new_settings])
        system.path("/etc/dovecot/users").write_text("anna::8:8::/var/vmail/anna::\n")
        debs.copy_source(system.path(SOURCE))
        yield system


def in_source(system, line):
    return system.run("sh", "-ec", f"cd {SOURCE}\n{line}")


def assert_ours(system):
    assert b"lazy_expunge_on_failure" in system.bytes(PLUGIN)
    assert system.modules_of_the_name() == ["lib02_lazy_expunge_plugin.so"]


@pytest.mark.releases(*FORMATS)
def test_from_nothing_to_protected_mail_and_on(package, system):
    shipped, before = system.bytes(PLUGIN), system.doveconf()
    in_source(system, "export MAKEFLAGS=-j2\n" + command("autoreconf"))
    said = in_source(system, command("make install"))
    assert "Libraries have been installed in" not in said
    assert_ours(system)
    assert system.bytes(DIVERTED) == shipped
    assert system.diversions() == [f"diversion of {PLUGIN} to {DIVERTED} by {PACKAGE}"]
    assert system.doveconf() == before and not system.path(SETTINGS).exists()

    # turned on: what the example says is in force, and check says so
    series = "2.4" if system.new_settings else "2.3"
    system.run("sh", "-ec", command("cp ").replace("/2.4/", f"/{series}/"))
    assert len(system.deletes(".EXPUNGED")) == 1
    [unit] = re.findall(r"enable --now (\S+)", command("systemctl enable"))
    assert system.path(f"/usr/local/lib/systemd/system/{unit}").exists()
    unit = system.path("/usr/local/lib/systemd/system/dovecot-lazy-expunge.service").read_text()
    assert "ExecStart=/usr/local/libexec/dovecot-lazy-expunge/lazy-expunge-maintain\n" in unit
    assert system.path("/usr/local/libexec/dovecot-lazy-expunge/lazy-expunge-maintain").stat().st_mode & 0o777 == 0o755
    with system.running():
        system.run(*command("doveadm lazy-expunge maintain").split())
        rows = system.run(*command("doveadm lazy-expunge check").split())
    assert "FAIL" not in rows and "WARN" not in rows, rows
    assert re.search(r"^TOTAL +protected +OK .*1 of 1$", rows.strip().splitlines()[-1]), rows
    completion = 'source /usr/share/bash-completion/bash_completion; _comp_load doveadm 2>/dev/null || __load_completion doveadm; ' \
        'COMP_WORDS=(doveadm lazy-expunge re); COMP_CWORD=2; _doveadm_lazy_expunge; echo "${COMPREPLY[@]}"'
    assert "restore" in system.run("bash", "-c", completion).split()

    # Dovecot comes again, as by an unattended upgrade: its own plugin stays aside
    system.apt("reinstall", "dovecot-core")
    assert_ours(system)
    assert len(system.deletes(".EXPUNGED")) == 1 and system.kept() == ["INBOX", "INBOX"]

    # the package takes over without a question, and goes again
    settings = system.bytes(SETTINGS)
    system.apt("install", system.put(package.deb))
    assert_ours(system)
    assert system.bytes(DIVERTED) == shipped
    assert system.attempt("sh", "-c", f"cd {SOURCE} && make install")[0] != 0, "the module is the package's now"
    assert len(system.deletes(".EXPUNGED")) == 1 and system.bytes(SETTINGS) == settings
    system.path(SETTINGS).unlink()
    system.apt("remove", PACKAGE)
    assert system.bytes(PLUGIN) == shipped and system.diversions() == []
    assert system.doveconf() == before and system.deletes(".EXPUNGED") == []

    # and back to the installation from source (without symbols), which can be undone, too
    symbols = b".symtab\0"
    in_source(system, command("make install"))
    assert symbols in system.bytes(PLUGIN)
    in_source(system, command("make install").replace("install", "install-strip"))
    assert_ours(system)
    assert symbols not in system.bytes(PLUGIN) + system.bytes(COMMANDS_MODULE)
    if package.release in NEXT:
        shipped = dovecot_of_another_abi(system, NEXT[package.release])
        system.path(SETTINGS).unlink()
    in_source(system, "make uninstall")
    assert system.bytes(PLUGIN) == shipped and system.diversions() == []
    assert system.deletes("EXPUNGED") == []


def says_why(system, *lines):
    """These commands fail, and say that the module is for another Dovecot."""
    for line in lines:
        code, said = system.attempt(*line.split())
        assert code != 0 and "Module is for different ABI version" in said, (line, code, said)


def no_mail_can_be_deleted(system):
    """Dovecot runs, and lets nobody in."""
    with pytest.raises((Refused, OSError)):
        system.delete_one()


def dovecot_of_another_abi(system, release):
    """Dovecot is upgraded to one that this build is not for: nothing is deleted unkept, and a new build mends it. Returns the module that the
    new Dovecot ships."""
    system.run("sh", "-ec", command("cp "))
    maintain, check = command("doveadm lazy-expunge maintain"), command("doveadm lazy-expunge check")
    assert len(system.deletes(".EXPUNGED")) == 1
    kept = system.kept()
    system.add_release(release)
    system.start()
    assert system.delete_one()
    system.apt("install", *(f"{name}/{release}" for name in ("dovecot-core", "dovecot-imapd", "dovecot-dev")))
    # what runs is the old Dovecot, and what that starts is the new one
    no_mail_can_be_deleted(system)
    system.sandbox.kill("dovecot")
    assert_ours(system)
    shipped = system.bytes(DIVERTED)
    says_why(system, "dovecot", maintain, check)
    # with settings that both plugins have it starts
    settings = system.path(SETTINGS).read_text()
    system.path(SETTINGS).write_text(SHIPPED_NAMES)
    system.start()
    no_mail_can_be_deleted(system)
    says_why(system, maintain, check)
    system.run("doveadm", "stop")
    system.path(SETTINGS).write_text(settings)

    in_source(system, "make distclean\nexport MAKEFLAGS=-j2\n" + command("autoreconf"))
    in_source(system, command("make install"))
    assert_ours(system)
    assert system.bytes(DIVERTED) == shipped
    assert len(system.deletes(".EXPUNGED")) == 1 and system.kept() == kept + ["INBOX"] * 2
    with system.running():
        system.run(*maintain.split())
        rows = system.run(*check.split())
    assert re.search(r"^TOTAL +protected +OK .*1 of 1$", rows.strip().splitlines()[-1]), rows
    return shipped
