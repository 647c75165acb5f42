"""The Debian package in clean systems: what comes and goes with it, and that Dovecot works at every stage.

These run on packages that were built before: --packages says where they are (tools/package and tools/check --packages do).
"""

import re

import pytest

from harness import places
from harness.machines import debs, roots
from harness.machines.installed import DIVERTED, LOCAL_SETTINGS, PACKAGE, PLUGIN, SETTINGS, SWITCH, USER, Installed, serve_root

OURS = b"lazy_expunge_on_failure"
UNIT = f"{PACKAGE}.timer"


@pytest.fixture
def system(package):
    """A clean system of the package's release, with Dovecot from Debian."""
    with roots.scratch(serve_root(package.release)) as sandbox:
        yield Installed(sandbox)


def install(system, deb):
    system.apt("install", system.put(deb))


def assert_diverted(system, shipped):
    assert OURS in system.bytes(PLUGIN) and OURS not in shipped
    assert system.bytes(DIVERTED) == shipped
    assert system.modules_of_the_name() == ["lib02_lazy_expunge_plugin.so"]
    [diversion] = system.diversions()
    assert f"diversion of {PLUGIN} to {DIVERTED} by {PACKAGE}" in diversion


def assert_shipped(system, shipped):
    assert system.bytes(PLUGIN) == shipped
    assert not system.path(DIVERTED).exists() and system.diversions() == []
    assert system.modules_of_the_name() == ["lib02_lazy_expunge_plugin.so"]


def upgraded_dovecot(system, mark):
    """Replace Dovecot by one of a higher version, whose module of lazy_expunge ends in mark; returns that module."""
    version = system.run("dpkg-query", "-W", "-f", "${Version}", "dovecot-core")
    names = system.run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", "dovecot-*").splitlines()
    names = [line.split()[0] for line in names if line.endswith(f" {version}")]
    system.run("sh", "-c", 'mkdir -p /debs && cd /debs && apt-get -q download "$@"', "sh", *names)
    new = []
    for deb in sorted(system.path("/debs").glob("*.deb")):
        new.append(f"/debs/new/{deb.name}")
        debs.repack(system.sandbox, f"/debs/{deb.name}", new[-1], {version: version + "+new"}, lambda tree: append_to_module(tree, mark))
    system.run("dpkg", "--force-confold", "-i", *new)
    assert system.run("dpkg-query", "-W", "-f", "${Version}", "dovecot-core") == version + "+new"
    module = system.bytes(DIVERTED if system.path(DIVERTED).exists() else PLUGIN)
    assert module.endswith(mark)
    return module


def append_to_module(tree, mark):
    module = tree / PLUGIN[1:]
    if module.exists():
        module.write_bytes(module.read_bytes() + mark)


def test_the_life_of_the_package(package, system):
    shipped, before = system.bytes(PLUGIN), system.doveconf()
    assert system.deletes("EXPUNGED") == []

    install(system, package.deb)
    assert_diverted(system, shipped)
    assert system.restarts_asked_for()
    assert system.doveconf() == before, "installed, it is off"
    assert system.deletes(".EXPUNGED") == []
    assert system.run("find", "/etc/systemd/system", "/var/lib/systemd", "-name", UNIT) == "", "the timer is not enabled"

    # reinstalled, and upgraded to another version
    system.apt("reinstall", system.put(package.deb))
    assert_diverted(system, shipped)
    old = system.run("dpkg-query", "-W", "-f", "${Version}", PACKAGE)
    debs.repack(system.sandbox, system.put(package.deb), "/root/newer.deb", {old: old + "+new"})
    system.run("dpkg", "-i", "/root/newer.deb")
    assert system.run("dpkg-query", "-W", "-f", "${Version}", PACKAGE) == old + "+new"
    assert_diverted(system, shipped)
    assert system.doveconf() == before

    # Dovecot reinstalled and upgraded under it
    system.apt("reinstall", "dovecot-core")
    assert_diverted(system, shipped)
    assert system.deletes("EXPUNGED") == []
    shipped = upgraded_dovecot(system, b"upgraded")
    assert_diverted(system, shipped)

    # turned on, it keeps; also after the next upgrade
    system.turn_on()
    assert len(system.deletes(".EXPUNGED")) == 1
    debs.repack(system.sandbox, system.put(package.deb), "/root/newest.deb", {old: old + "+newest"})
    system.run("dpkg", "-i", "/root/newest.deb")
    assert len(system.deletes(".EXPUNGED")) == 1
    assert system.kept() == ["INBOX", "INBOX"]
    assert "autoexpunge" in system.doveconf()

    # removed while it is on: Dovecot works as Debian ships it
    system.restarts_asked_for()
    told = system.run("apt-get", "-y", "remove", PACKAGE)
    assert_shipped(system, shipped)
    assert system.restarts_asked_for()
    with system.running():
        assert len(system.uids("=2eEXPUNGED")) == 2, "the kept mail is there"
        assert "install the package dovecot-lazy-expunge that was built for its new version" in told
        [rename] = re.findall(r"doveadm mailbox rename .*", told)
        system.run(*rename.replace("USER", USER).split())
        assert len(system.uids("EXPUNGED")) == 2
        system.run("doveadm", "mailbox", "rename", "-u", USER, "EXPUNGED", "=2eEXPUNGED")
    assert system.doveconf() == before
    assert system.path(SWITCH).exists() and system.path(SETTINGS).exists()
    assert system.deletes(".EXPUNGED") == []

    # installed again, it is on as the administrator left it
    install(system, package.deb)
    assert_diverted(system, shipped)
    assert len(system.deletes(".EXPUNGED")) == 1

    system.apt("purge", PACKAGE)
    assert_shipped(system, shipped)
    assert system.leftovers() == [] and not system.path(SWITCH).exists() and not system.path(SETTINGS).exists()
    assert system.doveconf() == before
    assert system.deletes("EXPUNGED") == []


NEXT_RELEASE = {"bookworm": "trixie", "trixie": "forky"}


@pytest.mark.releases(*NEXT_RELEASE)
def test_dovecot_of_another_abi_waits_for_its_package(package, system):
    release = NEXT_RELEASE[package.release]
    newer = debs.Package(release, package.directory.parent / release)
    if not newer.directory.exists():
        pytest.skip(f"package for {release}: it was not built, and no upgrade to it was tried")
    install(system, package.deb)
    system.turn_on()
    # as PACKAGING has it: what is in this file is of both versions
    system.path(LOCAL_SETTINGS).write_text("namespace inbox {\n  mailbox .EXPUNGED {\n    autoexpunge = 30 days\n  }\n}\n")
    assert len(system.deletes(".EXPUNGED")) == 1
    system.add_release(newer.release)
    said = system.run("apt-get", "--simulate", "--yes", "upgrade")
    assert re.search(r"^Inst ", said, re.MULTILINE) and not re.search(r"^(Inst dovecot|Remv)", said, re.MULTILINE)
    system.apt("install", "-o", "Dpkg::Options::=--force-confold", "dovecot-core/" + release, "dovecot-imapd/" + release, system.put(newer.deb))
    if package.release == "bookworm":
        # Dovecot does not start with what was written for 2.3, so nobody deletes anything
        code, text = system.attempt("doveadm", "lazy-expunge", "maintain", "-A")
        assert code != 0 and "Unknown setting" in text
        assert system.attempt("dovecot")[0] != 0 and not system.sandbox.processes("dovecot")
        system.new_settings = True
        system.configure()
    assert_diverted(system, system.bytes(DIVERTED))
    assert len(system.deletes(".EXPUNGED")) == 1 and system.kept() == ["INBOX", "INBOX"]
    assert "autoexpunge = 30 days" in system.doveconf()


def test_local_settings_outlive_what_the_package_changes(package, system):
    before = system.doveconf()
    # 2.3 calls seven days a week
    retentions = lambda: {found.replace("1 weeks", "7 days") for found in re.findall(r"autoexpunge = (.*)", system.doveconf())}
    install(system, package.deb)
    system.turn_on()
    assert "7 days" in retentions()
    # as the switch shows it
    example = re.search(r"^#     namespace.*?^#     }$", system.path(SWITCH).read_text(), re.MULTILINE | re.DOTALL).group(0)
    system.path(LOCAL_SETTINGS).write_text(re.sub("^#     ", "", example, flags=re.MULTILINE) + "\n")
    assert retentions() == {"30 days"}
    old = system.run("dpkg-query", "-W", "-f", "${Version}", PACKAGE)

    def change(tree):
        settings = tree / SETTINGS[1:]
        settings.write_text(settings.read_text().replace("autoexpunge = 7 days", "autoexpunge = 8 days") + "# newer\n")
        sums = tree / "DEBIAN/md5sums"
        sums.unlink(missing_ok=True)

    debs.repack(system.sandbox, system.put(package.deb), "/root/newer.deb", {old: old + "+new"}, change)
    # a question would find nobody, and be an error
    system.run("dpkg", "-i", "/root/newer.deb")
    assert system.path(SETTINGS).read_text().endswith("# newer\n")
    assert retentions() == {"30 days"}
    assert len(system.deletes(".EXPUNGED")) == 1
    system.apt("purge", PACKAGE)
    assert system.path(LOCAL_SETTINGS).exists() and system.doveconf() == before
    assert system.deletes("EXPUNGED") == []


def test_an_existing_configuration_goes_on_working(package, system):
    shipped = system.bytes(PLUGIN)
    system.configure_shipped()
    before = system.doveconf()
    assert len(system.deletes("EXPUNGED")) == 1

    install(system, package.deb)
    assert_diverted(system, shipped)
    assert system.doveconf() == before
    assert len(system.deletes("EXPUNGED")) == 1
    assert system.kept() == ["INBOX", ""], "what this plugin kept says where it came from, what the shipped one kept does not"

    system.apt("remove", PACKAGE)
    assert_shipped(system, shipped)
    assert system.doveconf() == before
    assert len(system.deletes("EXPUNGED")) == 1
    system.apt("purge", PACKAGE)
    assert system.doveconf() == before and len(system.deletes("EXPUNGED")) == 1
    with system.running():
        assert len(system.uids("EXPUNGED")) == 4, "nothing that was kept is lost on the way"


def test_no_mail_is_lost_before_dovecot_is_restarted(package, system):
    """A running Dovecot loads the modules anew for each session, with the configuration that it read when it was started."""
    system.configure_shipped()
    with system.running(errors=True):
        assert system.delete_one() and len(system.uids("EXPUNGED")) == 1
        install(system, package.deb)
        system.delete_one()
        assert len(system.uids("INBOX") + system.uids("EXPUNGED")) == 2
    assert len(system.deletes("EXPUNGED")) >= 1
    with system.running(errors=True):
        before = len(system.uids("INBOX") + system.uids("EXPUNGED"))
        system.apt("remove", PACKAGE)
        system.delete_one()
        assert len(system.uids("INBOX") + system.uids("EXPUNGED")) == before + 1
    assert len(system.deletes("EXPUNGED")) >= 1


def test_it_takes_the_place_of_an_installation_from_source(package, system):
    shipped = system.bytes(PLUGIN)
    system.run("dpkg-deb", "-x", system.put(package.deb), "/root/tree")
    ours = system.bytes(f"/root/tree{PLUGIN}")
    system.path(f"{PLUGIN}.shipped").write_bytes(shipped)
    system.path(PLUGIN).write_bytes(ours)
    install(system, package.deb)
    assert_diverted(system, shipped)
    assert not system.path(f"{PLUGIN}.shipped").exists()
    system.apt("remove", PACKAGE)
    assert_shipped(system, shipped)

    # an upgrade of Dovecot has brought the shipped module back since
    system.path(f"{PLUGIN}.shipped").write_bytes(b"older")
    install(system, package.deb)
    assert_diverted(system, shipped)
    system.apt("purge", PACKAGE)
    assert_shipped(system, shipped)

    # with the shipped module gone there is nothing to divert
    system.path(PLUGIN).write_bytes(ours)
    code, output = system.attempt("apt-get", "-y", "install", f"/root/{package.deb.name}")
    assert code != 0 and "apt-get install --reinstall dovecot-core" in output
    assert system.diversions() == [] and system.bytes(PLUGIN) == ours
    system.apt("reinstall", "dovecot-core")
    install(system, package.deb)
    assert_diverted(system, shipped)


def test_a_failed_installation_leaves_the_shipped_module(package, system):
    shipped = system.bytes(PLUGIN)
    # another package has a file of its name: it cannot be unpacked, after the diversion was made
    tree = system.path("/root/other")
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text("Package: other\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: other\n")
    (tree / "usr/share/dovecot-lazy-expunge").mkdir(parents=True)
    (tree / "usr/share/dovecot-lazy-expunge/include.conf").write_text("")
    system.run("dpkg-deb", "-b", "/root/other", "/root/other.deb")
    system.run("dpkg", "-i", "/root/other.deb")
    system.apt("install", "libbsd0", "libarchive13" if package.release == "bookworm" else "libarchive13t64")
    code, output = system.attempt("dpkg", "-i", system.put(package.deb))
    assert code != 0 and "trying to overwrite" in output and "Adding 'diversion of" in output
    assert_shipped(system, shipped)
    assert system.deletes("EXPUNGED") == []


def test_settings_elsewhere_are_spoken_of_when_it_is_removed(package, system):
    """2.4 does not start with a setting that it does not know; 2.3 takes any name."""
    ours = "lazy_expunge_protect = yes"
    install(system, package.deb)
    system.configure_shipped(f"{ours}\n" if system.new_settings else f"plugin {{\n  {ours}\n}}\n")
    assert len(system.deletes("EXPUNGED")) == 1
    output = system.run("apt-get", "-y", "remove", PACKAGE)
    assert ("will not start" in output and "lazy_expunge_protect" in output) == system.new_settings
    if system.new_settings:
        assert system.attempt("doveconf", "-n")[0] != 0
        system.configure_shipped()
    assert len(system.deletes("EXPUNGED")) == 1


def test_what_is_in_it(package, system):
    install(system, package.deb)
    files = system.run("dpkg", "-L", PACKAGE).splitlines()
    modules = [name for name in files if name.endswith(".so")]
    assert len(modules) >= 2 and not [name for name in modules if b".symtab\0" in system.bytes(name)]
    for name in ("/usr/share/man/man1/doveadm-lazy-expunge.1.gz", "/usr/share/bash-completion/completions/doveadm", SWITCH, SETTINGS,
                 f"/usr/share/doc/{PACKAGE}/README.md.gz", f"/usr/share/doc/{PACKAGE}/copyright"):
        assert name in files
    assert [name for name in files if name.endswith(f"/systemd/system/{UNIT}")]
    [abi] = re.findall(r"dovecot-abi-[^, ]+", system.run("dpkg-query", "-W", "-f", "${Provides}", "dovecot-core"))
    depends = system.run("dpkg-query", "-W", "-f", "${Depends}", PACKAGE)
    assert abi in depends.split(", ")
    # the settings are those that all other tests load
    conf = (places.SOURCE / "conf.d" / ("2.4" if system.new_settings else "2.3") / "90-lazy-expunge.conf").read_text()
    differs = [line for line in system.path(SETTINGS).read_text().splitlines() if line not in conf.splitlines()]
    assert len(differs) == 1 and differs[0].startswith("# ")
    completion = 'source /usr/share/bash-completion/completions/doveadm; COMP_WORDS=(doveadm lazy-expunge rest); COMP_CWORD=2; ' \
        '_doveadm_lazy_expunge; echo "${COMPREPLY[@]}"'
    assert system.run("bash", "-c", completion).split() == ["restore"]


def test_every_script_can_run_again(package, system):
    """As dpkg runs them again after a failure."""
    shipped = system.bytes(PLUGIN)
    install(system, package.deb)
    version = system.run("dpkg-query", "-W", "-f", "${Version}", PACKAGE)
    scripts = f"/var/lib/dpkg/info/{PACKAGE}"
    system.run("dpkg", "-i", f"/root/{package.deb.name}")
    for arguments in (["preinst", "install"], ["preinst", "upgrade", version], ["preinst", "install", version]):
        system.run("dpkg-deb", "-e", f"/root/{package.deb.name}", "/root/control")
        system.run("env", f"DPKG_MAINTSCRIPT_PACKAGE={PACKAGE}", f"/root/control/{arguments[0]}", *arguments[1:])
        assert_diverted(system, shipped)
    system.run("env", f"DPKG_MAINTSCRIPT_PACKAGE={PACKAGE}", f"{scripts}.postinst", "configure", version)
    system.apt("remove", PACKAGE)
    for _ in range(2):
        system.run("env", f"DPKG_MAINTSCRIPT_PACKAGE={PACKAGE}", "/root/control/postrm", "remove")
        assert_shipped(system, shipped)


def test_the_test_that_is_in_the_package(package, system):
    """debian/tests, as autopkgtest would run it."""
    install(system, package.deb)
    # Debian's own configuration, but that it is to listen nowhere
    system.path("/etc/dovecot/local.conf").unlink()
    auth = system.path("/etc/dovecot/conf.d/10-auth.conf")
    auth.write_text(auth.read_text().replace("#!include auth-system", "!include auth-system"))
    system.path("/usr/sbin/policy-rc.d").unlink()
    for file in system.path("/usr/share/dovecot/protocols.d").glob("*.protocol"):
        file.unlink()
    script = system.put(places.SOURCE / "debian/tests/keeps")
    system.run("sh", "-c", f"{script} >/var/log/keeps.log 2>&1 || {{ cat /var/log/keeps.log; exit 1; }}")
