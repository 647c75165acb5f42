"""The set-ups of doc/WEBMAIL.md, as they are written there."""

import re

import pytest
from harness import places
from harness.webmail.server import PLUGIN
from harness.webmail.load import LOAD

pytestmark = [pytest.mark.formats("maildir"), pytest.mark.each_webmail]

GUIDE = (places.SOURCE / "doc/WEBMAIL.md").read_text()
TREE = "/path/to/roundcube"
# a tree of files as Roundcube's archive has it: Debian's, without the links into other directories
COPY = (f"mkdir -p /path/to; cp -rL /var/lib/roundcube {TREE} 2>/dev/null; rm -rf {TREE}/plugins/lazy_expunge && mkdir -p {TREE}/temp {TREE}/logs && "
        f"test -s {TREE}/index.php")


def section(title):
    return re.search(rf"^### {re.escape(title)}\n(.*?)^##", GUIDE, re.MULTILINE | re.DOTALL).group(1)


def commands(text):
    return re.findall(r"^    (?!\$)(.*)$", text, re.MULTILINE)


@pytest.fixture
def tree(dovecot, webmail):
    """Run a shell command in the system of a Roundcube whose tree is TREE; raises if it fails."""
    def run(command):
        code, output = webmail.php("sh", "-c", command)
        assert code == 0, output
        return output
    run(COPY)
    yield run
    run(f"umount {TREE}/plugins/lazy_expunge 2>/dev/null; rm -rf {TREE}")


def loaded(run):
    """[whether it is named among the plugins, whether it was loaded, lazy_expunge_keep_days]"""
    output = run(f"cd {TREE} && ROUNDCUBE_CONFIG_DIR={TREE}/config php -d display_errors=stderr -r '" +
                 LOAD.replace("'/var/lib/roundcube/'", f"'{TREE}/'").replace("'", "'\\''") + "'")
    return output[output.rindex("["):]


def configure(run, text):
    run(f"cat >{TREE}/config/config.inc.php <<'END'\n<?php\n$config = ['db_dsnw' => 'sqlite:////tmp/setup.db'];\n{text}\nEND")


def test_a_plain_roundcube(tree):
    configure(tree, "")
    steps = commands(section("A plain Roundcube"))
    assert len(steps) == 2
    for step in steps:
        tree(f"cd {places.SOURCE} && {step}")
    assert loaded(tree).startswith("[false,false")
    configure(tree, "$config['plugins'] = ['lazy_expunge'];")
    assert loaded(tree) == "[true,true,0]"
    tree(f"sed -i \"s/keep_days'] = 0/keep_days'] = 7/\" {TREE}/plugins/lazy_expunge/config.inc.php")
    assert loaded(tree) == "[true,true,7]"
    tree(f"sed -i \"s/keep_days'] = 7/keep_days'] = 8/\" {TREE}/plugins/lazy_expunge/config.inc.php && "
         f"mv {TREE}/plugins/lazy_expunge/config.inc.php {TREE}/config/lazy_expunge.inc.php")
    assert loaded(tree) == "[true,true,8]"


def test_a_container(tree):
    """Mounted read-only, with the settings among Roundcube's own."""
    text = section("Roundcube in a container, such as mailcow's or the official image")
    [volume] = re.findall(r"^      - (\./lazy_expunge):(\S+):ro$", text, re.MULTILINE)
    assert volume[1].endswith("/plugins/lazy_expunge") and "ROUNDCUBEMAIL_PLUGINS" in text
    [settings] = re.findall(r"^    (\$config\['lazy_expunge_\w+'\] = .*;)$", text, re.MULTILINE)
    tree(f"mkdir {TREE}/plugins/lazy_expunge && mount --bind {places.SOURCE / PLUGIN} {TREE}/plugins/lazy_expunge && "
         f"mount -o remount,bind,ro {TREE}/plugins/lazy_expunge")
    configure(tree, f"$config['plugins'] = ['lazy_expunge'];\n{settings}")
    assert loaded(tree) == "[true,true,7]"
