"""The RPM package's scripts: RPM has no diversions, so they put the shipped module away and back.

The Dovecot of these tests is Debian's; the RPM package that stands for it has nothing but the shipped module.
"""

import re

import pytest

from harness import places
from harness.machines import roots, rpms
from harness.machines.installed import MODULES, PACKAGE, PLUGIN, Installed, serve_rpm_root

SHIPPED = f"{PLUGIN}.shipped"
DOVECOT_SPEC = f"""
Name: dovecot
Version: @VERSION@
Release: 1
Summary: The shipped module
License: MIT
%description
%{{summary}}
%install
install -D -m 755 /root/shipped.so %{{buildroot}}{PLUGIN}
%files
{PLUGIN}
"""


@pytest.fixture
def system(package):
    """A clean system with Debian's Dovecot and RPM, which knows of no package yet."""
    with roots.scratch(serve_rpm_root(package.release)) as sandbox:
        system = Installed(sandbox)
        system.configure_shipped()
        [built] = [path for path in (package.directory / "rpm").glob(f"{PACKAGE}-[0-9]*.rpm") if ".src." not in path.name]
        system.rpm = system.put(built)
        systemctl = system.path("/usr/bin/systemctl")
        systemctl.write_text('#!/bin/sh\necho "$@" >>/var/log/systemctl\n')
        systemctl.chmod(0o755)
        yield system


def rpm(system, *arguments):
    """Run rpm; on bookworm it has to be told that it may install packages."""
    permission = ["--force-debian"] if system.attempt("rpm", "--force-debian", "--version")[0] == 0 else []
    # one of its plugins wants / to be a mount point, which it is not here
    system.run("rpm", *permission, "--noplugins", "--nodeps", *arguments)


def rpmbuild(system, spec):
    """Build a spec file's text; returns the path of the package."""
    system.path("/root/new.spec").write_text(spec)
    output = system.run("rpmbuild", "-bb", "--nodeps", "--define", "_topdir /root/rpmbuild", "--define", "debug_package %{nil}",
                        "--define", "__os_install_post %{nil}", "/root/new.spec")
    return re.search(r"^Wrote: (\S+\.rpm)", output, re.MULTILINE).group(1)


def dovecot(system, version, shipped):
    """A package that stands for a version of Dovecot with this shipped module."""
    system.path("/root/shipped.so").write_bytes(shipped)
    return rpmbuild(system, DOVECOT_SPEC.replace("@VERSION@", version))


def another_version(system):
    """The package under test with its scripts, as another version, without building it again."""
    spec = (places.SOURCE / rpms.SPEC).read_text()
    system.run("sh", "-c", 'mkdir /root/tree && cd /root/tree && rpm2cpio "$0" | cpio -idm', system.rpm)
    begin, end = spec.index("%prep"), spec.index("\n# Runs when this package")
    install = "%install\ncp -a /root/tree/. %{buildroot}\nrm -rf %{buildroot}/usr/share/doc %{buildroot}/usr/share/licenses\n" \
        f"(cd %{{buildroot}} && find .{MODULES} -name '*.so' | sed 's|^.||') >%{{_builddir}}/modules.list\n"
    spec = spec[:begin] + install + spec[end:]
    # where there are no development files, the spec file cannot look
    spec = re.sub(r"^%global dovecot_moduledir .*", f"%global dovecot_moduledir {MODULES}", spec, flags=re.MULTILINE)
    spec = re.sub(r"^Version:.*", f"Version: {rpms.version()}.1", spec, flags=re.MULTILINE)
    spec = re.sub(r"^%(doc|license|global dovecot_version) .*\n", "", spec, flags=re.MULTILINE)
    spec = spec.replace("%files -f modules.list", "%files -f %{_builddir}/modules.list").replace("%{dovecot_version}", "")
    return rpmbuild(system, spec)


def assert_in_place(system, shipped):
    assert system.path(PLUGIN).is_symlink()
    system.run("grep", "-q", "lazy_expunge_on_failure", PLUGIN)
    assert system.bytes(SHIPPED) == shipped
    assert system.modules_of_the_name() == ["lib02_lazy_expunge_plugin.so"]


def assert_shipped(system, shipped):
    assert not system.path(PLUGIN).is_symlink() and system.bytes(PLUGIN) == shipped
    assert not system.path(SHIPPED).exists()
    assert system.modules_of_the_name() == ["lib02_lazy_expunge_plugin.so"]


def test_the_life_of_the_rpm_package(system):
    real = system.bytes(PLUGIN)
    one, two = real + b"one", real + b"two"
    first, second = dovecot(system, "1", one), dovecot(system, "2", two)
    rpm(system, "-i", "--force", first)
    assert_shipped(system, one)
    assert len(system.deletes("EXPUNGED")) == 1

    rpm(system, "-U", system.rpm)
    assert_in_place(system, one)
    files = system.run("rpm", "-ql", PACKAGE).splitlines()
    for name in ("README.md", "NEWS", "doc/PERFORMANCE.md", "doc/MIGRATING.md", "examples/convert-config", "examples/dovecot23.py",
                 "contrib/grafana/lazy-expunge.json", "contrib/prometheus/lazy-expunge.rules.yml", "examples/dovecot-lazy-expunge.cron"):
        assert f"/usr/share/doc/{PACKAGE}/{name}" in files
    assert "/usr/share/man/man1/doveadm-lazy-expunge.1.gz" in files and "/usr/share/bash-completion/completions/doveadm" in files
    assert [name for name in files if name.endswith("/systemd/system/dovecot-lazy-expunge.timer")]
    assert ".so" not in system.run("rpm", "-q", "--provides", PACKAGE), "modules are nobody's dependency"
    assert "try-restart dovecot" in system.path("/var/log/systemctl").read_text()
    assert len(system.deletes("EXPUNGED")) == 1 and system.kept() == ["INBOX", ""]

    # reinstalled and upgraded
    rpm(system, "-U", "--replacepkgs", system.rpm)
    assert_in_place(system, one)
    newer = another_version(system)
    rpm(system, "-U", newer)
    assert system.run("rpm", "-q", "--qf", "%{VERSION} ", PACKAGE).split() == [f"{rpms.version()}.1"]
    assert_in_place(system, one)

    # Dovecot reinstalled and upgraded under it
    rpm(system, "-U", "--replacepkgs", first)
    assert_in_place(system, one)
    rpm(system, "-U", second)
    assert_in_place(system, two)
    assert len(system.deletes("EXPUNGED")) == 1 and system.kept() == ["INBOX", "INBOX", ""]

    system.path("/var/log/systemctl").unlink()
    rpm(system, "-e", PACKAGE)
    assert_shipped(system, two)
    assert "try-restart dovecot" in system.path("/var/log/systemctl").read_text()
    assert len(system.deletes("EXPUNGED")) == 1
    assert system.run("find", "/usr/lib", "/usr/lib64", "/etc", "-name", "*lazy[-_]expunge*").split() == [PLUGIN]


def test_dovecot_comes_and_goes(system):
    one = system.bytes(PLUGIN) + b"one"
    package = dovecot(system, "1", one)
    rpm(system, "-i", "--force", package)
    # in one transaction, both ways
    rpm(system, "-e", "dovecot")
    rpm(system, "-i", package, system.rpm)
    assert_in_place(system, one)
    rpm(system, "-e", "dovecot", PACKAGE)
    assert system.modules_of_the_name() == [] and not system.path(SHIPPED).exists()

    # Dovecot alone
    rpm(system, "-i", package, system.rpm)
    rpm(system, "-e", "dovecot")
    assert system.modules_of_the_name() == [] and not system.path(SHIPPED).exists()
    rpm(system, "-i", package)
    assert_in_place(system, one)


def test_an_installation_from_source_is_not_taken_for_the_shipped_module(system):
    one = system.bytes(PLUGIN) + b"one"
    rpm(system, "-i", "--force", dovecot(system, "1", one))
    # what make install does
    system.path(SHIPPED).write_bytes(one)
    system.path(PLUGIN).write_bytes(b"lazy_expunge_on_failure")
    rpm(system, "-i", system.rpm)
    assert_in_place(system, one)
    rpm(system, "-e", PACKAGE)
    assert_shipped(system, one)
