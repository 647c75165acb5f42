"""The webmail's plugin as text: syntax, style, translations, and what must not be in it."""

import json
import re

import pytest
from harness import places
from harness.webmail.server import HOME, PLUGIN

PATH = places.SOURCE / PLUGIN
LANGUAGES = sorted((PATH / "localization").glob("*.inc"))


def labels(path):
    return dict(re.findall(r"^\$labels\['(\w+)'\] = '((?:[^'\\]|\\.)*)';$", path.read_text(), re.MULTILINE))


@pytest.mark.each_webmail
@pytest.mark.formats("maildir")
def test_php_is_well_formed(dovecot, webmail):
    for path in sorted([*PATH.rglob("*.php"), *PATH.rglob("*.inc"), *PATH.rglob("*.dist")]):
        code, output = webmail.php("php", "-l", f"{HOME}/{path.relative_to(PATH)}")
        # nothing that the release's PHP says will go
        assert code == 0 and output.strip().startswith("No syntax errors") and "Deprecated" not in output, output
    if webmail.release == "bookworm":
        code, output = webmail.php("phpcs", "--standard=Generic", "--sniffs=Generic.PHP.Syntax,Generic.PHP.DeprecatedFunctions,"
                                   "Generic.PHP.ForbiddenFunctions,Generic.CodeAnalysis.UnconditionalIfStatement,Generic.CodeAnalysis.JumbledIncrementer,"
                                   "Generic.CodeAnalysis.UnnecessaryFinalModifier,Generic.CodeAnalysis.ForLoopShouldBeWhileLoop,"
                                   "Generic.CodeAnalysis.EmptyPHPStatement,Generic.Files.LineEndings,Generic.WhiteSpace.DisallowTabIndent,"
                                   "Generic.PHP.LowerCaseConstant,Generic.Formatting.DisallowMultipleStatements", "--extensions=php", HOME)
        assert code == 0, output


# what came with PHP 8.2, 8.3 and 8.4
NEWER = (r"readonly\s+(?:final\s+)?class", r"const\s+\??[\w|]+\s+\w+\s*=", r"#\[", r"\bjson_validate\(", r"\barray_(?:find|any|all)",
         r"\bmb_(?:trim|ltrim|rtrim|ucfirst|lcfirst|str_pad)\(", r"\bstr_(?:increment|decrement)\(", r"(?<!\()new \w+\([^()]*\)->",
         r"\b(?:public|protected|private)\(set\)", r"\([A-Z\w]+&[A-Z\w]+\)\|", r"::\{\$", r"\bini_parse_quantity\(")


def test_php_8_1_knows_all_of_it():
    """Debian's releases have later ones."""
    for path in sorted([*PATH.rglob("*.php"), *PATH.rglob("*.inc"), *PATH.rglob("*.dist")]):
        text = path.read_text()
        assert not [pattern for pattern in NEWER if re.search(pattern, text)], path.name
    assert json.loads((PATH / "composer.json").read_text())["require"]["php"] == ">=8.1"


def test_each_language_has_each_text_with_the_same_variables():
    wanted = labels(PATH / "localization/en_US.inc")
    assert len(LANGUAGES) >= 5 and len(wanted) > 60
    for path in LANGUAGES:
        found = labels(path)
        assert set(found) == set(wanted), path.name
        for key, text in wanted.items():
            assert sorted(re.findall(r"\$\w+", found[key])) == sorted(re.findall(r"\$\w+", text)), (path.name, key)


def test_each_text_that_is_used_is_there_and_the_other_way_round():
    text = "".join(path.read_text() for path in PATH.rglob("*") if path.suffix in (".php", ".js", ".html"))
    known = labels(PATH / "localization/en_US.inc")
    used = set(re.findall(r"(?:gettext\(|text\(|lazy_expunge\.|'name' => |\? |: )'?\"?(\w+)", text)) | set(re.findall(r"'(\w+)'", text))
    errors = {f"error_{name}" for name in re.findall(r"lazy_expunge_error\('(\w+)'", text)}
    results = {f"result_{name}" for name in re.findall(r"^        '(\w+)'\s+=> 0,", text, re.MULTILINE)} - {"result_restored"}
    assert errors <= set(known) and results <= set(known)
    assert set(known) <= used | errors | results | {"undone_gone", "undone_failed"}


def test_nothing_needs_script_within_markup():
    """As a Content-Security-Policy without 'unsafe-inline' demands, for what is this plugin's own."""
    for path in (PATH / "skins/elastic/templates").glob("*.html"):
        assert not re.search(r"<script|\son\w+\s*=|javascript:|style=", path.read_text(), re.IGNORECASE), path
    script = (PATH / "lazy_expunge.js").read_text()
    assert not re.search(r"innerHTML|\.html\(|eval\(|document\.write|insertAdjacentHTML", script)


def test_settings_are_those_that_the_code_reads():
    documented = set(re.findall(r"^\$config\['(lazy_expunge_\w+)'\]", (PATH / "config.inc.php.dist").read_text(), re.MULTILINE))
    code = (PATH / "lib/lazy_expunge_limits.php").read_text()
    read = {f"lazy_expunge_{name}" for name in re.findall(r"^        '(\w+)'\s+=> \[", code, re.MULTILINE)}
    assert documented == read | {"lazy_expunge_storage", "lazy_expunge_users", "lazy_expunge_quota_ignore"}
    guide = (places.SOURCE / "doc/WEBMAIL.md").read_text()
    assert all(f"`{name}`" in guide for name in documented)


def test_composer_knows_it_as_a_plugin():
    about = json.loads((PATH / "composer.json").read_text())
    assert about["type"] == "roundcube-plugin" and about["name"].endswith("/lazy_expunge")
    assert "roundcube/plugin-installer" in about["require"] and about["license"] == "MIT"
    # the installer asks Roundcube for its version, and leaves the settings alone when it updates
    assert about["extra"]["roundcube"] == {"min-version": "1.6.0", "persistent-files": ["config.inc.php"]}
    assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9_]+", about["name"]) and about["description"] and about["authors"]
