"""The package of the webmail's plugin in clean systems with Debian's Roundcube: installed, enabled, disabled, removed, purged."""

import pytest
from harness.machines import debs, roots
from harness.webmail import server as webmail
from harness.webmail.load import LOAD

PACKAGE = "roundcube-plugin-lazy-expunge"
SETTINGS = "/etc/roundcube/plugins/lazy_expunge/config.inc.php"
CONFIG = "/etc/roundcube/config.inc.php"
# Roundcube as a request has it: its configuration, its plugins, and one setting as the plugin reads it


@pytest.fixture
def system(package):
    if package.release not in webmail.RELEASES:
        pytest.skip(f"webmail of {package.release}: not tried")
    with roots.scratch(webmail.root(package.release)) as sandbox:
        sandbox.run(["ln", "-s", "-f", "/usr/share/zoneinfo/UTC", "/etc/localtime"])
        yield sandbox


def run(sandbox, *command):
    return debs.checked(sandbox, list(command))


def path(sandbox, name):
    return sandbox.root.joinpath(name.lstrip("/"))


def loads(sandbox):
    output = run(sandbox, "sh", "-c", 'cd /var/lib/roundcube && exec php -d display_errors=stderr -r "$0"', LOAD)
    return output[output.rindex("["):]


def set_plugins(sandbox, plugins):
    config = path(sandbox, CONFIG)
    config.write_text(config.read_text() + f"\n$config['plugins'] = {plugins};\n$config['db_dsnw'] = 'sqlite:////tmp/test.db';\n")


def test_the_life_of_the_package(package, system):
    [deb] = package.directory.glob(f"{PACKAGE}_*.deb")
    path(system, f"/root/{deb.name}").write_bytes(deb.read_bytes())
    before = path(system, CONFIG).read_text()
    assert loads(system) == "[false,false,null]"
    run(system, "apt-get", "install", "-y", "--no-install-recommends", f"/root/{deb.name}")
    assert path(system, CONFIG).read_text() == before and loads(system) == "[false,false,null]", "installed, it is off"
    set_plugins(system, "['lazy_expunge']")
    assert loads(system) == "[true,true,0]"
    settings = path(system, SETTINGS)
    settings.write_text(settings.read_text().replace("keep_days'] = 0", "keep_days'] = 7"))
    assert loads(system) == "[true,true,7]"
    set_plugins(system, "[]")
    assert loads(system).startswith("[false,false")
    run(system, "apt-get", "remove", "-y", PACKAGE)
    assert settings.exists() and not path(system, webmail.HOME + "/lazy_expunge.php").exists()
    run(system, "apt-get", "install", "-y", "--no-install-recommends", f"/root/{deb.name}")
    set_plugins(system, "['lazy_expunge']")
    assert loads(system) == "[true,true,7]", "installed again, it is as the administrator left it"
    run(system, "apt-get", "purge", "-y", PACKAGE)
    left = run(system, "find", "/etc/roundcube", "/usr/share/roundcube", "/var/lib/roundcube", "-name", "*lazy_expunge*")
    assert left == ""
