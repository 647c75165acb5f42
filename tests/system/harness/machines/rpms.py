"""The RPM package: built with rpmbuild of Debian's rpm, against the Dovecot there, and looked at by rpmlint."""

import re
import shutil
import subprocess
from pathlib import Path

from harness import places
from harness.machines import debs, roots

SPEC = "rpm/dovecot-lazy-expunge.spec"
TREE = "/rpmbuild"
# Debian has no Dovecot that RPM knows of
OPTIONS = ["--nodeps", "--define", "debug_package %{nil}", "--define", f"_topdir {TREE}",
           # what other distributions do after an installation, and Debian's rpm does not
           "--define", "__os_install_post find %{buildroot}%{_mandir} -type f -exec gzip -9n {} + ; "
           "find %{buildroot} -name *.so -exec strip --strip-unneeded {} +"]


def version():
    return re.search(r"^Version: *(\S+)", (places.SOURCE / SPEC).read_text(), re.MULTILINE).group(1)


def make(release, out, say=print):
    """Build source and binary packages on this release; they go to out. Returns the path of the binary package."""
    say(f"{release}: rpmbuild")
    with roots.scratch(debs.tools_root(release, say)) as sandbox:
        for name in ("SOURCES", "SPECS"):
            Path(f"{sandbox.root}{TREE}/{name}").mkdir(parents=True)
        tree = Path(f"{sandbox.root}{TREE}/{debs.NAME}-{version()}")
        debs.copy_source(tree)
        shutil.copy(tree / SPEC, f"{sandbox.root}{TREE}/SPECS")
        debs.checked(sandbox, ["tar", "-C", TREE, "-cJf", f"{TREE}/SOURCES/{tree.name}.tar.xz", tree.name])
        shutil.rmtree(tree)
        spec = f"{TREE}/SPECS/{Path(SPEC).name}"
        log = debs.checked(sandbox, ["rpmbuild", "-ba"] + OPTIONS + [spec], timeout=900)
        built = [path for kind in ("RPMS", "SRPMS") for path in Path(f"{sandbox.root}{TREE}/{kind}").rglob("*.rpm")]
        lint = _lint(sandbox, [spec] + [str(path)[len(str(sandbox.root)):] for path in built])
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        for path in built:
            shutil.copy(path, out)
    (out / "build.log").write_text(log)
    (out / "rpmlint.log").write_text(lint)


def _lint(sandbox, paths):
    """rpmlint has no error and no warning; returns what it says."""
    shutil.copy(places.SOURCE / "rpm/rpmlint.toml", f"{sandbox.root}{TREE}")
    text = debs.checked(sandbox, ["rpmlint", "-c", f"{TREE}/rpmlint.toml"] + paths)
    if not re.search(r"\b0 errors, 0 warnings", text):
        raise debs.PackageFailed(text)
    return text
