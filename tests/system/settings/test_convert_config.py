"""tools/convert-config: what it makes of configurations of Dovecot 2.3, and that Dovecot 2.4 takes it."""

import json
import subprocess
from dataclasses import replace

import pytest

from harness import Quota, places
from harness.machines import targets
from harness.dovecot.config import Config, Mailbox, namespace_mode, settings
from harness.dovecot.mail import message
from harness.dovecot.render import render
from harness.dovecot.sandbox import Sandbox

TOOL = places.SOURCE / "tools/convert-config"
SMALL = "mail_plugins = lazy_expunge\nplugin {\n  lazy_expunge = .EXPUNGED\n}\n"


def convert(path, *options, input=None, code=0):
    """Its output and what it says."""
    done = subprocess.run([TOOL, *options, path], input=input, capture_output=True, text=True)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout, done.stderr


def plugin(*lines):
    """SMALL with more lines in its plugin block."""
    return SMALL.replace("}\n", "".join(f"  {line}\n" for line in lines) + "}\n")


def from_text(text, code=0):
    output, said = convert("-", input=text, code=code)
    return [line.strip() for line in output.splitlines() if line.strip()], said


def test_the_smallest():
    lines, said = from_text(SMALL)
    assert lines[1:] == ["mail_plugins {", "lazy_expunge = yes", "}", "lazy_expunge_mailbox = .EXPUNGED",
                         "lazy_expunge_only_last_instance = no", "namespace inbox {", "inbox = yes", "}"]
    assert said == ""


@pytest.mark.parametrize("value,expected", [("yes", "yes"), ("no", "no"), ("1", "yes"), ("N", "no")])
def test_a_boolean(value, expected):
    lines, _ = from_text(plugin(f"lazy_expunge_only_last_instance = {value}"))
    assert f"lazy_expunge_only_last_instance = {expected}" in lines


@pytest.mark.parametrize("line,why", [
    ("lazy_expunge_hidden = maybe", "neither yes nor no"),
    ("lazy_expunge_nonsense = 1", "not known"),
    ("lazy_expunge_exclude3 = Junk", "ends where one is missing"),
    ("quota = dict:User quota::file:%h/quota", "no quota driver dict"),
    ("quota_rule = *:storage=lots", None),
    ("acl = vfile:/nonexistent/acl", "cannot be read"),
    ("acl = imap", "vfile alone"),
    ("acl_shared_dict = mysql:/etc/x", "only a file"),
])
def test_what_cannot_be_turned_is_told(line, why):
    more = ["quota = count:User quota"] if line.startswith("quota_rule") else []
    lines, said = from_text(plugin(*more, line), code=1)
    key = line.split(" = ")[0]
    assert "not turned: -:" in said and key in said and (why or "lots") in said
    assert "lazy_expunge_mailbox = .EXPUNGED" in lines, "the rest is written"


def test_an_unknown_variable_is_told():
    text = "mail_location = mdbox:/mail/%2.256Hu\n" + SMALL
    lines, said = from_text(text, code=1)
    assert "-:1: mail_location" in said and "no such variable: %2.256Hu" in said
    assert not [line for line in lines if line.startswith("mail_") and "plugins" not in line]


@pytest.mark.parametrize("text,code,why", [
    ("", 65, "lazy_expunge is not set"),
    ("ssl = no\n", 65, "lazy_expunge is not set"),
    ("plugin {\n", 65, "-:1: the { has no }"),
    ("}\n", 65, "-:1: a } without a {"),
    ("plugin\n", 65, "-:1: not understood: plugin"),
    ("!include /nonexistent/file\n", 66, "/nonexistent/file"),
    ("dovecot_config_version = 2.4.1\n" + SMALL, 65, "of 2.4 already"),
])
def test_wrong_input(text, code, why):
    output, said = convert("-", input=text, code=code)
    assert output == "" and why in said and "Traceback" not in said


def test_wrong_use(tmp_path):
    done = subprocess.run([TOOL, "--nonsense"], capture_output=True, text=True)
    assert done.returncode == 64 and "usage" in done.stderr
    convert(tmp_path / "missing", code=66)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    assert "not UTF-8" in convert(tmp_path / "binary", code=65)[1]
    (tmp_path / "good").write_text(SMALL)
    convert(tmp_path / "good", "-o", tmp_path / "no/such/directory", code=73)
    convert(tmp_path / "good", "-o", tmp_path / "out")
    assert "lazy_expunge_mailbox = .EXPUNGED" in (tmp_path / "out").read_text()
    assert "Exit codes" in convert("-", "--help", input="")[0]


def test_includes_comments_quotes_and_continued_lines(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/10-a.conf").write_text("mail_plugins = $mail_plugins \\\n  # words\n  quota\n")
    (tmp_path / "conf.d/20-b.conf").write_text("protocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}\n")
    (tmp_path / "dovecot.conf").write_text(
        "mail_plugins = lazy_expunge # words\n!include conf.d/*.conf\n!include_try missing.conf\n"
        "plugin {\n  lazy_expunge = \".EXPUNGED\"\n  lazy_expunge_exclude = 'Old # mail'\n}\n")
    output, said = convert(tmp_path / "dovecot.conf")
    assert "mail_plugins {\n  lazy_expunge = yes\n  quota = yes\n}\nprotocol imap {\n  mail_plugins {\n    imap_quota = yes\n" in output
    assert '"Old # mail" = yes' in output and said == ""


def test_an_include_of_itself(tmp_path):
    (tmp_path / "a").write_text("!include a\n")
    assert "includes itself" in convert(tmp_path / "a", code=65)[1]


def test_a_protocol_without_the_plugin_is_noted():
    _, said = from_text(SMALL + "protocol lmtp {\n  mail_plugins = sieve\n}\n")
    assert "note: protocol lmtp did not load lazy_expunge" in said
    _, said = from_text(SMALL.partition("\n")[2], code=1)
    assert "lazy_expunge is not loaded" in said
    _, said = from_text(SMALL.partition("\n")[2] + "protocol imap {\n  mail_plugins = lazy_expunge\n}\n")
    assert "deleted for good: protocol pop3, protocol lmtp, protocol lda, protocol doveadm\n" in said


def test_a_storage_that_cannot_be_turned():
    lines, said = from_text(SMALL.replace(".EXPUNGED", "%2.256Hu"), code=1)
    assert "lazy_expunge = %2.256Hu: 2.4 has no such variable" in said
    assert not [line for line in lines if line.startswith("lazy_expunge_mailbox")], "which would mean off"


def test_settings_of_a_protocol():
    lines, _ = from_text(SMALL + "protocol pop3 {\n  plugin {\n    lazy_expunge =\n  }\n}\n")
    at = lines.index("protocol pop3 {")
    assert lines[at + 1] == "lazy_expunge_mailbox =" and lines[at + 2] == "}"
    _, said = from_text(SMALL + "remote 10.0.0.0/8 {\n  plugin {\n    lazy_expunge =\n  }\n}\n", code=1)
    assert "remote 10.0.0.0/8" in said


def excluded(text, protocol, code=0):
    """The lines of the list in the block of this protocol, and what is said."""
    lines, said = from_text(text, code=code)
    lines = lines[lines.index(f"protocol {protocol} {{"):]
    begin = lines.index("lazy_expunge_exclude {")
    return lines[begin + 1:lines.index("}", begin)], said


@pytest.mark.parametrize("inner,expected", [
    (["lazy_expunge_exclude = Junk"], ["Junk = yes", "Trash = no"]),
    (["lazy_expunge_exclude ="], ["Trash = no"]),
    (["lazy_expunge_exclude =", "lazy_expunge_exclude2 ="], ["Trash = no", "Lists/* = no"]),
    (["lazy_expunge_exclude2 = Junk"], ["Junk = yes", "Lists/* = no"]),
    (["lazy_expunge_exclude3 = \\Junk"], ["\\Junk = yes"]),
    (["lazy_expunge_exclude = Lists/*", "lazy_expunge_exclude2 = Trash", "lazy_expunge_exclude3 = Junk"], ["Junk = yes"]),
])
def test_excludes_of_a_protocol_are_laid_over_the_global_ones(inner, expected):
    text = plugin("lazy_expunge_exclude = Trash", "lazy_expunge_exclude2 = Lists/*") + \
        "protocol imap {\n  plugin {\n" + "".join(f"    {line}\n" for line in inner) + "  }\n}\n"
    lines, said = excluded(text, "imap")
    assert sorted(lines) == sorted(expected) and said == ""


def test_a_gap_in_the_excludes_of_a_protocol():
    """A number that a protocol adds may close a gap of the global list, and then more is read."""
    text = plugin("lazy_expunge_exclude = Trash", "lazy_expunge_exclude3 = Old") + \
        "protocol imap {\n  plugin {\n    lazy_expunge_exclude2 = Junk\n  }\n}\n"
    lines, said = excluded(text, "imap", code=1)
    assert lines == ["Junk = yes", "Old = yes"] and said.count("not turned") == 1 and "exclude3 = Old: 2.3 reads" in said


def test_what_a_protocol_empties():
    lines, said = from_text(plugin("lazy_expunge_only_last_instance = yes", "lazy_expunge_shared = no") +
                            "protocol imap {\n  plugin {\n    lazy_expunge_only_last_instance =\n    lazy_expunge_shared =\n  }\n}\n")
    at = lines.index("protocol imap {")
    assert lines[at + 1:at + 4] == ["lazy_expunge_only_last_instance = no", "lazy_expunge_shared = yes", "}"] and said == ""
    _, said = from_text(plugin("lazy_expunge_max_storage = 1G") + "protocol imap {\n  plugin {\n    lazy_expunge_max_storage =\n  }\n}\n", code=1)
    assert "lazy_expunge_max_storage = : empty here, 1G elsewhere" in said


def test_a_protocol_s_storage_by_its_other_name():
    """2.3 looks at lazy_expunge first, wherever it stands."""
    lines, _ = from_text(SMALL + "protocol imap {\n  plugin {\n    lazy_expunge_mailbox = Other\n  }\n}\n")
    assert "lazy_expunge_mailbox = Other" not in lines
    lines, _ = from_text(SMALL.replace("lazy_expunge =", "lazy_expunge_mailbox =") + "protocol imap {\n  plugin {\n    lazy_expunge =\n  }\n}\n")
    assert "lazy_expunge_mailbox =" not in lines, "it is on there, too"


def test_settings_of_all_protocols_but_one_beside_those_of_one():
    inner = "  plugin {\n    lazy_expunge_exclude = Junk\n  }\n}\n"
    assert "not turned" not in from_text(SMALL + "protocol !lmtp {\n" + inner)[1]
    _, said = from_text(SMALL + "protocol !lmtp {\n" + inner + "protocol imap {\n" + inner, code=1)
    assert "not turned: lazy_expunge in protocol !lmtp, protocol imap: " in said


@pytest.mark.parametrize("block,expected", [
    ("userdb {\n  driver = passwd-file\n  args = /etc/x\n  default_fields = uid=5 lazy_expunge=.E2 lazy_expunge_exclude2=INBOX\n}\n",
     ["-:8: userdb: default_fields: lazy_expunge=.E2: ", "write lazy_expunge_mailbox:default = .E2;",
      "default_fields: lazy_expunge_exclude2=INBOX: ", "write lazy_expunge_exclude/INBOX:default = yes;"]),
    ("userdb {\n  driver = passwd\n  override_fields = mail_plugins=quota,acl\n}\n",
     ["-:7: userdb: override_fields: mail_plugins=quota,acl: ", "write mail_plugins/quota = yes, mail_plugins/acl = yes;"]),
    ("userdb {\n  driver = static\n  args = uid=5 home=/home/%u plugin/lazy_expunge=\n}\n",
     ["-:7: userdb: args: lazy_expunge=: ", "write lazy_expunge_mailbox =;"]),
    ("passdb {\n  driver = static\n  args = nopassword=y userdb_lazy_expunge_exclude=\n}\n",
     ["-:7: passdb: args: userdb_lazy_expunge_exclude=: ", "name what is in the list elsewhere, with = no"]),
    ("protocol imap {\n  userdb {\n    driver = static\n    args = lazy_expunge_protect=no\n  }\n}\n",
     ["-:8: userdb: args: lazy_expunge_protect=no: ", "write lazy_expunge_protect = no;"]),
])
def test_fields_of_a_userdb_are_told(block, expected):
    _, said = from_text(SMALL + block, code=1)
    assert [text for text in expected if text not in said] == [], said
    _, said = from_text(SMALL + "userdb {\n  driver = static\n  args = uid=5 home=/var/lazy_expunge=/%u\n}\n")
    assert "not turned" not in said


def test_settings_in_blocks_within_blocks_are_told():
    _, said = from_text(SMALL + "local 10.0.0.1 {\n  protocol imap {\n    plugin {\n      lazy_expunge_exclude = Junk\n    }\n  }\n}\n", code=1)
    assert "not turned: -:8: lazy_expunge_exclude = Junk: in local 10.0.0.1, protocol imap" in said
    _, said = from_text(SMALL + "local_name mail.example.com {\n  mail_plugins = lazy_expunge\n}\n", code=1)
    assert "not turned: -:6: mail_plugins = lazy_expunge: in local_name mail.example.com" in said
    _, said = from_text(SMALL + "protocol imap {\n  plugin {\n    quota_rule = *:storage=5G\n    acl = vfile\n  }\n}\n", code=1)
    assert "quota_rule = *:storage=5G: in protocol imap" in said and "acl = vfile: in protocol imap" in said
    _, said = from_text(SMALL + "protocol imap {\n  namespace inbox {\n    mailbox Trash {\n      autoexpunge = 1d\n    }\n  }\n}\n", code=1)
    assert "autoexpunge = 1d: in protocol imap, namespace inbox, mailbox Trash" in said


def test_a_value_that_is_in_a_file_is_told():
    lines, said = from_text(plugin("lazy_expunge_max_storage = </etc/dovecot/size") + "ssl_cert = </etc/ssl/cert.pem\n", code=1)
    assert "lazy_expunge_max_storage = </etc/dovecot/size: " in said and "ssl_cert =" not in said
    assert not [line for line in lines if "max_storage" in line]


@pytest.mark.parametrize("line", ["lazy_expunge_on_failure = never", "lazy_expunge_max_storage = lots"])
def test_a_value_with_which_2_4_would_not_start_is_told(line):
    lines, said = from_text(plugin(line), code=1)
    assert f"not turned: -:4: {line}: " in said and line not in lines


def test_a_namespace_that_is_missing():
    _, said = from_text(SMALL.replace(".EXPUNGED", ".EXPUNGED/"), code=1)
    assert "no namespace has this prefix" in said


@pytest.mark.parametrize("rule,expected", [
    ("*:storage=1G", ["storage_size = 1G", "storage_grace = 107374182B"]),
    ("*:storage=1000", ["storage_size = 1000k", "storage_grace = 102400B"]),
    ("*:bytes=1000", ["storage_size = 1000B", "storage_grace = 100B"]),
    ("*:messages=7", ["message_count = 7"]),
    (".EXPUNGED:ignore", ["mailbox .EXPUNGED {", "quota_ignore = yes"]),
    ("Trash:storage=+10M", ["mailbox Trash {", "quota_storage_extra = 10M"]),
    ("Trash:storage=-20%%", ["mailbox Trash {", "quota_storage_percentage = 80"]),
    ("Old mail:messages=+10%", ['mailbox "Old mail" {', "quota_message_percentage = 110"]),
])
def test_quota_rules(rule, expected):
    lines, said = from_text(plugin("quota = count:User quota", f"quota_rule = {rule}"))
    assert said == "" and 'quota "User quota" {' in lines
    at = lines.index(expected[0])
    assert lines[at:at + len(expected)] == expected


def test_acl_rows(tmp_path):
    (tmp_path / "acl").write_text('# words\n.EXPUNGED owner rwstipekxa\n\n"Old mail" user=bob lr :insert\n* anyone\nbroken\n')
    lines, said = from_text(plugin(f"acl = vfile:{tmp_path}/acl:cache_secs=60"), code=1)
    assert "acl_driver = vfile" in lines and "acl_cache_ttl = 60 secs" in lines
    text = "\n".join(lines)
    assert "mailbox .EXPUNGED {\nacl owner {\nrights = rwstipekxa\n}" in text
    assert 'mailbox "Old mail" {\nacl "user=bob" {\nrights = lri\n}' in text
    assert 'mailbox * {\nacl anyone {\nrights = ""\n}' in text
    assert "acl:6: not understood: broken" in said


LARGE = dict(
    lazy=settings(mailbox=".EXPUNGED", only_last_instance=True, exclude=["\\Drafts", "Old mail", "Lists/*"], max_storage="2G",
                  on_failure="refuse", hidden=True),
    mailboxes=(Mailbox("Trash", special_use="\\Trash", autoexpunge="30 days"),
               Mailbox("Drafts", special_use="\\Drafts"), Mailbox("Sent Messages", special_use="\\Sent"),
               Mailbox(".EXPUNGED", autoexpunge="7 days", autoexpunge_max_mails=100000, quota_ignore=True,
                       acl=(("owner", "rwstipekxa"), ("user=bob", "lr")))),
    quota=Quota(storage="10M", messages=1000, raw23="quota_rule7 = Trash:storage=+100M\nquota_rule8 = Junk:storage=+10%%"))


def in_namespace_mode(form):
    mode = namespace_mode(form)
    [namespace] = mode["namespaces"]
    retention = Mailbox("*", autoexpunge="7 days", autoexpunge_max_mails=100000, quota_ignore=True)
    return dict(LARGE, namespaces=(replace(namespace, mailboxes=(retention,)),), mailboxes=LARGE["mailboxes"][:-1],
                lazy=settings(**dict(LARGE["lazy"], mailbox=".EXPUNGED/")))


def old_configuration(server, fields, how):
    """A configuration of 2.3 as a file: as an admin writes it, or by doveconf -n of a 2.3 that is there."""
    config = Config(format=server.config.format, **fields)
    text = render(config, (2, 3, 19), server.root, server.ports, server.mail_root)
    path = server.root / "dovecot-2.3.conf"
    path.write_text(text)
    (server.root / "acl").write_text("".join(f"{box.name} {who} {rights}\n" for box in config.mailboxes for who, rights in box.acl))
    if how == "doveconf":
        native = targets.get("native")
        if native.version >= (2, 4):
            pytest.skip("this machine has no Dovecot 2.3")
        with Sandbox() as sandbox:
            done = sandbox.run(["doveconf", "-n", "-c", path])
        assert done.returncode == 0, done.stderr
        path.write_bytes(done.stdout)
    return path


def value(server, key):
    """What doveconf says that a setting is."""
    return server.run(["doveconf", "-h", "-c", server.conf, key]).stdout.decode().strip()


@pytest.mark.since("2.4")
@pytest.mark.formats("maildir", "mdbox")
@pytest.mark.parametrize("how", ["file", "doveconf"])
@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_dovecot_2_4_takes_it(dovecot, mode, how):
    """The converted file, included in a configuration that has nothing of lazy_expunge, means what the old one meant."""
    bare = dict(lazy=settings(), load_plugin=False, mailboxes=(), files=(("converted.conf", ""),))
    server = dovecot(raw="!include @ROOT@/converted.conf\n" + f"# {mode} {how}", **bare)
    fields = LARGE if mode == "mailbox" else in_namespace_mode(dovecot.format)
    output, said = convert(old_configuration(server, fields, how))
    assert "not turned" not in said
    (server.root / "converted.conf").write_text(output)
    shown = server.run(["doveconf", "-n", "-c", server.conf])
    assert b"Error" not in shown.stderr and b"Warning" not in shown.stderr, shown.stderr
    text = shown.stdout.decode()
    days = "1 weeks" if how == "doveconf" else "7 days"
    for line in ("lazy_expunge_hidden = yes", "lazy_expunge_max_storage = 2G", f"autoexpunge = {days}",
                 "autoexpunge_max_mails = 100000", "quota_ignore = yes", "quota_storage_extra = 100M",
                 "quota_storage_percentage = 110", "storage_size = 10M", "message_count = 1000", "Lists/* = yes", "Old mail = yes"):
        assert line in text or line.replace("Old mail", '"Old mail"') in text or f"quota_{line}" in text, (line, text)
    assert value(server, "lazy_expunge_only_last_instance") == "yes"
    assert value(server, "lazy_expunge_mailbox") == (".EXPUNGED" if mode == "mailbox" else ".EXPUNGED/")
    rows = server.doveadm("-f", "tab", "lazy-expunge", "check", "-u", server.user().name, check=False).stdout.decode()
    # the running Dovecot has not read the converted file, of which alone this is
    mended = "reload Dovecot: in its files this is mended"
    failed = [row for row in rows.splitlines() if "\tFAIL\t" in row]
    assert failed and [row for row in failed if mended not in row and not row.startswith("verdict\t")] == [], rows


ODD = {
    "quoted": ("mail_plugins = lazy_expunge\nmail_location=mdbox:~/mdbox # where\nplugin {\n  lazy_expunge=\"Deleted Mail\"\n"
               "  lazy_expunge_exclude = \"Lists/*\"\n  lazy_expunge_exclude2 = Arch?ve/%%\n  lazy_expunge_exclude3 = \\Trash\n"
               "  lazy_expunge_exclude4 = 'it is'\n}\nnamespace inbox {\n  inbox = yes\n  mailbox \"All flagged\" {\n"
               "    comment = \"with # and \\\"\"\n    special_use = \\Flagged\n  }\n}\n", 0,
               ["lazy_expunge_mailbox = Deleted Mail", "Lists/* = yes", "Arch?ve/% = yes", "\\Trash = yes", "it is = yes",
                "special_use = \\Flagged"]),
    "namespace with a space": ("mail_plugins = lazy_expunge\nplugin {\n  lazy_expunge = \"old mail/\"\n}\n"
                               "namespace inbox {\n  inbox = yes\n  separator = /\n}\nnamespace \"old mail\" {\n"
                               "  prefix = \"old mail/\"\n  separator = /\n  hidden = yes\n  list = no\n  subscriptions = no\n"
                               "  location = maildir:%h/expunged:INDEX=/var/idx/%u:LAYOUT=fs\n  mailbox * {\n    autoexpunge = 7d\n  }\n}\n",
                               0, ["lazy_expunge_mailbox = old mail/", "prefix = old mail/", "mail_path = %{home}/expunged",
                                   "mail_index_path = /var/idx/%{user}", "autoexpunge = 7d"]),
    "written twice": ("mail_plugins = quota\nmail_plugins = $mail_plugins\tlazy_expunge\nplugin {\n  quota = count:User quota\n}\n"
                      "plugin {\n  lazy_expunge = EXPUNGED\n  lazy_expunge = .EXPUNGED\n  quota_rule = *:storage=1G\n}\n"
                      "protocol imap {\n  mail_max_userip_connections = 20\n}\nprotocol imap {\n"
                      "  mail_plugins = $mail_plugins imap_quota\n}\nprotocol !lmtp {\n  ssl = no\n}\n"
                      "!include_try nothing-here.conf\n!include_try nothing/*.conf\n"
                      "namespace inbox {\n  inbox = yes\n  mailbox Trash {\n    autoexpunge = 30d\n  }\n}\n"
                      "namespace inbox {\n  prefix = INBOX/\n  separator = /\n  mailbox Trash {\n    special_use = \\Trash\n  }\n}\n",
                      0, ["lazy_expunge_mailbox = .EXPUNGED", "lazy_expunge = yes", "quota = yes", "imap_quota = yes",
                          "prefix = INBOX/", "autoexpunge = 30d", "special_use = \\Trash"]),
    "variables": ("mail_plugins = lazy_expunge quota acl\nmail_location = maildir:%{home}/M-%Lu:UTF-8\nplugin {\n"
                  "  lazy_expunge = Deleted of %n\n  quota = count:Mail of %u\n  quota_rule = *:storage=1G\n  acl = vfile\n"
                  "  acl_shared_dict = file:/var/lib/%d/shared\n}\n", 0,
                  ["lazy_expunge_mailbox = Deleted of %{user | username}", "mail_path = %{home}/M-%{user | lower}",
                   "path = /var/lib/%{user | domain}/shared"]),
    "not turned": ("mail_plugins = lazy_expunge\nplugin {\n  lazy_expunge = .EXPUNGED\n  lazy_expunge_max_storage = 2 GB\n"
                   "  lazy_expunge_on_failure = never\n  lazy_expunge_hidden = 7\n  quota = dict:Domain quota:%d:proxy::quota\n"
                   "  quota2 = maildir:Old:ns=\n}\nlocal 10.0.0.1 {\n  plugin {\n    lazy_expunge =\n  }\n}\n", 1,
                   ["lazy_expunge_mailbox = .EXPUNGED"]),
}


@pytest.mark.since("2.4")
@pytest.mark.formats("maildir")
@pytest.mark.parametrize("name", ODD)
def test_dovecot_2_4_reads_what_is_made_of_an_odd_one(dovecot, name):
    text, code, expected = ODD[name]
    server = dovecot(lazy=settings(), load_plugin=False, mailboxes=(), files=(("odd.conf", ""),), raw="!include @ROOT@/odd.conf\n")
    native = targets.get("native")
    old = server.root / "odd-2.3.conf"
    old.write_text(text)
    if native.version < (2, 4):
        with Sandbox() as sandbox:
            done = sandbox.run(["doveconf", "-n", "-c", old])
        assert done.returncode == 0, f"Dovecot 2.3 itself takes it: {done.stderr}"
    output, said = convert(old, code=code)
    assert ("not turned" in said) == (code == 1)
    (server.root / "odd.conf").write_text(output)
    shown = server.run(["doveconf", "-n", "-c", server.conf])
    assert shown.code == 0 and b"Error" not in shown.stderr and b"Warning" not in shown.stderr, shown.stderr
    lines = [line.strip().replace('"', "").replace("\\\\", "\\") for line in shown.stdout.decode().splitlines()]
    assert [line for line in expected if line not in lines] == [], shown.stdout.decode()


@pytest.mark.parametrize("old,new", [
    ("%Lh", "%{home | lower}"), ("%Uu", "%{user | upper}"), ("%Mu", "%{user | md5 | hexlify}"), ("%LMu", "%{user | lower | md5 | hexlify}"),
    ("%1n", "%{user | username | substr(0, 1)}"), ("%2.1n", "%{user | username | substr(2, 1)}"),
    ("%-3.2n", "%{user | username | substr(-3, 2)}"), ("%1.2Lu", "%{user | lower | substr(1, 2)}"),
    ("%5Mu", "%{user | md5 | hexlify | substr(0, 5)}"), ("%2.256Nu", "%{user | md5 | substr(0, 8) % 256 | hex(2)}"),
    ("%3.300Nu", "%{user | md5 | substr(0, 8) % 300 | hex(3)}"), ("%L{home}", "%{home | lower}"), ("%%", "%"),
])
def test_modifiers_of_variables(old, new):
    lines, _ = from_text(f"mail_location = maildir:/srv/{old}/x\n{SMALL}")
    assert f"mail_path = /srv/{new}/x" in lines


@pytest.mark.parametrize("text", ["%Hu", "%2.256Hu", "%Nu", "%Ru", "%2.LNu"])
def test_modifiers_for_which_2_4_has_nothing(text):
    _, said = from_text(f"mail_location = maildir:/srv/{text}\n{SMALL}", code=1)
    assert "2.4 has no such variable" in said


def test_a_cut_that_2_4_refuses_for_short_names_is_noted():
    _, said = from_text(f"mail_location = maildir:/srv/%1n/%2n\n{SMALL}")
    assert said.count("is shorter than it says") == 1 and "%2n" in said


@pytest.mark.since("2.4")
@pytest.mark.formats("maildir")
def test_modifiers_mean_the_same_on_both(dovecot):
    """Each is asked of Dovecot itself, for a name with capitals."""
    texts = ("%Lu", "%Uu", "%Mu", "%LMu", "%1n", "%2.1n", "%-3.2n", "%1.2Lu", "%5Mu", "%2.256Nu", "%3.300Nu")
    native = targets.get("native")
    if native.version >= (2, 4):
        pytest.skip("no Dovecot 2.3 on this machine")
    server = dovecot.own()
    paths = {}
    location = "/".join(["maildir:/srv", *texts])
    old = server.root / "variables-2.3.conf"
    old.write_text(f"base_dir = {server.root}\nlog_path = /dev/stderr\nmail_location = {location}\n")
    output, _ = convert("-", input=f"mail_location = {location}\n{SMALL}")
    new, version = server.root / "variables-2.4.conf", ".".join(map(str, server.target.version))
    new.write_text(f"dovecot_config_version = {version}\ndovecot_storage_version = {version}\n"
                   f"base_dir = {server.root}\nlog_path = /dev/stderr\nmail_driver = maildir\n" +
                   "".join(line + "\n" for line in output.splitlines() if line.startswith("mail_path")))
    command = ["env", "USER=Anna.Doe@Example.com", "HOME=/tmp", "doveadm", "-o", "mail_uid=nobody", "-o", "mail_gid=nogroup", "-c"]
    with Sandbox() as sandbox:
        paths["2.3"] = sandbox.run([*command, old, "mailbox", "path", "INBOX"]).stdout.decode().strip()
    paths["2.4"] = server.run([*command, new, "mailbox", "path", "--no-userdb-lookup", "INBOX"]).stdout.decode().strip()
    assert paths["2.3"] == paths["2.4"] and paths["2.3"].startswith("/srv/anna.doe@example.com/ANNA")


def test_an_escape_character_as_doveconf_shows_it():
    """A backslash at the end of a line joins the next one to it, but doveconf -n ends no line so."""
    block = "mail_plugins = lazy_expunge listescape\nplugin {\n  listescape_char = \\\n  lazy_expunge = .EXPUNGED\n}\n"
    for text in (block, "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\n" + block):
        lines, _ = from_text(text)
        assert 'mailbox_list_storage_escape_char = "\\\\"' in lines and "lazy_expunge_mailbox = .EXPUNGED" in lines
    lines, _ = from_text("mail_plugins = \\\n  lazy_expunge \\\n  quota\nplugin {\n  lazy_expunge = .EXPUNGED\n}\n")
    assert lines[1:4] == ["mail_plugins {", "lazy_expunge = yes", "quota = yes"]


def test_plugins_that_are_named_in_a_file(tmp_path):
    (tmp_path / "plugins").write_text("quota lazy_expunge listescape\n")
    (tmp_path / "dovecot.conf").write_text("mail_plugins = <plugins\nplugin {\n  lazy_expunge = .EXPUNGED\n  listescape_char = ^\n}\n")
    output, _ = convert(tmp_path / "dovecot.conf")
    assert "lazy_expunge = yes" in output and "quota = yes" in output and "mailbox_list_storage_escape_char = ^" in output
    (tmp_path / "plugins").unlink()
    _, said = convert(tmp_path / "dovecot.conf", code=1)
    assert "mail_plugins = <plugins: the value is in that file" in said


def test_a_namespace_that_is_named_without_its_separator():
    lines, said = from_text(SMALL.replace(".EXPUNGED", "EXPUNGED") + "namespace {\n  prefix = EXPUNGED/\n  location = maildir:~/exp\n}\n")
    assert "prefix = EXPUNGED/" in lines and "mail_path = ~/exp" in lines and "left to you" not in said


def test_what_a_namespace_took_from_nowhere_is_reset():
    """On 2.3 a location has its own options alone; on 2.4 each is a setting that holds in all namespaces."""
    lines, _ = from_text("mail_location = maildir:~/Maildir:INDEX=~/idx:CONTROL=~/ctl:INBOX=~/in:LAYOUT=fs:VOLATILEDIR=/run/x\n" +
                         SMALL.replace(".EXPUNGED", ".EXPUNGED/") +
                         "namespace {\n  prefix = .EXPUNGED/\n  location = mdbox:~/exp:INDEX=~/expidx\n}\n")
    inside = lines[lines.index("prefix = .EXPUNGED/"):]
    for line in ("mail_index_path = ~/expidx", "mail_control_path =", "mail_inbox_path =", "mailbox_list_layout = fs", "mail_volatile_path ="):
        assert line in inside, line
    assert "mail_index_path =" not in inside


# How large mail packages put Dovecot 2.3 together, in the parts that matter here, with lazy_expunge turned on.
PACKAGES = {
    "a list of plugins in a file, a virtual user's home below the domain": (
        "mail_home = %h\nmail_location = maildir:~/Maildir:VOLATILEDIR=~/volatile\nmail_plugins = <plugins\n"
        "namespace inbox {\n  inbox = yes\n  separator = /\n  mailbox Trash {\n    auto = subscribe\n    special_use = \\Trash\n  }\n"
        "  mailbox \"Deleted Items\" {\n    special_use = \\Trash\n  }\n  mailbox .EXPUNGED {\n    autoexpunge = 7d\n  }\n}\n"
        "namespace {\n  type = shared\n  separator = /\n  prefix = Shared/%%u/\n  location = maildir:%%h/Maildir:INDEX=~/shared/%%u\n"
        "  subscriptions = no\n  list = children\n}\n"
        "plugin {\n  lazy_expunge = .EXPUNGED\n  listescape_char = \\\n  quota = count:User quota\n  quota_rule2 = .EXPUNGED:ignore\n"
        "  acl = vfile\n}\n", "quota lazy_expunge listescape acl"),
    "a location in lower case with its indexes beside": (
        "mail_location = maildir:%Lh/Maildir/:INDEX=%Lh/Maildir/\nmail_plugins = quota lazy_expunge\n"
        "namespace {\n  type = private\n  separator = /\n  prefix =\n  inbox = yes\n  mailbox Junk {\n    auto = subscribe\n"
        "    special_use = \\Junk\n    autoexpunge = 30d\n  }\n  mailbox .EXPUNGED {\n    autoexpunge = 30d\n  }\n}\n"
        "protocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}\nprotocol lda {\n  mail_plugins = $mail_plugins\n}\n"
        "plugin {\n  lazy_expunge = .EXPUNGED\n  quota = count:user\n  quota_grace = 10%%\n}\n", ""),
    "plugins added protocol by protocol": (
        "mail_location = maildir:~/Maildir\nmail_plugins =\nnamespace inbox {\n  inbox = yes\n  separator = /\n  mailbox Trash {\n    auto = no\n"
        "    special_use = \\Trash\n    autoexpunge = 30d\n  }\n}\n" +
        "".join(f"protocol {name} {{\n  mail_plugins = $mail_plugins lazy_expunge\n}}\n" for name in ("imap", "pop3", "lmtp", "lda", "doveadm")) +
        "plugin {\n  lazy_expunge = .EXPUNGED\n  lazy_expunge_only_last_instance = yes\n}\n", ""),
    "hashed directories": (
        "mail_location = maildir:~/%2.256Nu/%1n:LAYOUT=fs\nmail_plugins = $mail_plugins lazy_expunge\nnamespace inbox {\n  inbox = yes\n"
        "  separator = /\n}\nplugin {\n  lazy_expunge = .EXPUNGED\n}\n", ""),
    "all in one file, the mail in the home itself, several blocks of plugin": (
        "mail_location = maildir:@ROOT@/mail/%u\nmail_home = @ROOT@/mail/%u\nmaildir_stat_dirs = yes\nmailbox_list_index = yes\n"
        "mail_vsize_bg_after_count = 100\nmail_plugins = $mail_plugins quota quota_clone zlib \\\n  fts fts_flatcurve lazy_expunge\n"
        "namespace inbox {\n  inbox = yes\n" +
        "".join(f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}\n" for name in ("Trash", "Drafts", "Sent", "Junk")) +
        "}\nplugin {\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_clone_dict = proxy:/tmp/podop.socket:quota\n  fts = flatcurve\n"
        "  fts_autoindex_exclude = \\Trash\n  fts_autoindex_exclude1 = \\Junk\n  zlib_save = lz4\n}\n"
        "protocol imap {\n  mail_plugins = $mail_plugins imap_quota imap_sieve\n  imap_idle_notify_interval = 29mins\n}\n"
        "protocol pop3 {\n\n}\nprotocol lmtp {\n  mail_plugins = $mail_plugins sieve\n}\n"
        "plugin {\n  sieve = file:~/sieve;active=~/.dovecot.sieve\n  imapsieve_mailbox1_name = Junk\n  imapsieve_mailbox1_causes = COPY APPEND\n"
        "  lazy_expunge = .EXPUNGED\n  lazy_expunge_only_last_instance = yes\n  lazy_expunge_exclude = \\Junk\n}\n"
        "!include_try nothing-here.conf\n", ""),
    "Dovecot's example files, changed, with quota in a dictionary": (
        "mail_location = maildir:~/Maildir\nmail_plugins = quota \nmail_plugins = $mail_plugins lazy_expunge\n"
        "namespace inbox {\n  #type = private\n  #separator = \n  #prefix = \n  inbox = yes\n}\n"
        "namespace inbox {\n  mailbox Drafts {\n    auto = subscribe\n    special_use = \\Drafts\n  }\n"
        "  mailbox Junk {\n    auto = subscribe\n    special_use = \\Junk\n  }\n  mailbox Trash {\n    auto = subscribe\n    special_use = \\Trash\n  }\n"
        "  mailbox \"Sent Messages\" {\n    special_use = \\Sent\n  }\n}\n"
        "dict {\n  quota = mysql:/etc/dovecot/dovecot-dict-sql.conf.ext\n}\n"
        "protocol imap {\n  mail_plugins = $mail_plugins imap_quota\n}\nprotocol lmtp {\n  mail_plugins = $mail_plugins quota sieve\n}\n"
        "plugin {\n  #quota_rule = *:storage=1G\n}\nplugin {\n  #quota = dirsize:User quota\n  quota = dict:User quota::proxy::quota\n}\n"
        "plugin {\n  lazy_expunge = .EXPUNGED\n}\n", ""),
}
# What an administrator is told to see to, by package.
NOT_TURNED = {"Dovecot's example files, changed, with quota in a dictionary": "quota = dict:User quota::proxy::quota: 2.4 has no quota driver dict"}


@pytest.mark.since("2.4")
@pytest.mark.formats("maildir")
@pytest.mark.parametrize("name", PACKAGES)
def test_the_main_job_with_what_packages_have(dovecot, name, tmp_path):
    text, plugins = PACKAGES[name]
    (tmp_path / "plugins").write_text(plugins + "\n")
    (tmp_path / "dovecot.conf").write_text(text)
    left = NOT_TURNED.get(name)
    output, said = convert(tmp_path / "dovecot.conf", code=1 if left else 0)
    assert said.count("not turned") == (1 if left else 0) and (left or "") in said
    server = dovecot.own(lazy=settings(), load_plugin=False, mailboxes=(), files=(("converted.conf", output),),
                         raw="!include @ROOT@/converted.conf\n")
    user = server.user()
    with user.imap() as session:
        session.append("INBOX", message(subject="mine"))
        session.select()
        session.delete()
    [row] = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    assert (row["origin"], row["subject"]) == ("INBOX", "mine") and user.messages() == []
    user.doveadm("lazy-expunge restore", "ALL")
    assert [mail.subject for mail in user.messages()] == ["mine"]


# Options of mail_location, each of which 2.4 would hand on to the storage's namespace.
OPTIONS = {"all": ":INDEX=~/idx:CONTROL=~/ctl:INBOX=~/in:VOLATILEDIR=~/volatile", "index": ":INDEX=~/idx", "inbox": ":INBOX=~/in",
           "layout": ":LAYOUT=fs", "control": ":CONTROL=~/ctl"}


@pytest.mark.since("2.4")
@pytest.mark.formats("maildir")
@pytest.mark.parametrize("options", OPTIONS)
def test_the_main_job_with_a_namespace_as_the_storage(dovecot, options, tmp_path):
    """What mail_location says of the INBOX is not the storage's: what lives is not kept, and what is deleted is."""
    (tmp_path / "dovecot.conf").write_text(
        f"mail_location = maildir:~/Maildir{OPTIONS[options]}\nmail_plugins = lazy_expunge\nnamespace inbox {{\n  inbox = yes\n  separator = /\n}}\n"
        "namespace {\n  prefix = .EXPUNGED/\n  separator = /\n  hidden = yes\n  list = no\n  subscriptions = no\n  location = maildir:~/exp\n}\n"
        "plugin {\n  lazy_expunge = .EXPUNGED/\n}\n")
    output, said = convert(tmp_path / "dovecot.conf")
    assert "not turned" not in said
    server = dovecot.own(lazy=settings(), load_plugin=False, mailboxes=(), files=(("converted.conf", output),),
                         raw="!include @ROOT@/converted.conf\n")
    user = server.user()
    rows = lambda: json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    for subject in ("stays", "goes"):
        user.deliver(message(subject=subject))
    user.append("Work", message(subject="of work"), create=True)
    assert rows() == []
    for mailbox, uid in (("INBOX", "2"), ("Work", "1")):
        with user.imap(mailbox) as session:
            session.delete(uid)
    assert sorted((row["origin"], row["subject"]) for row in rows()) == [("INBOX", "goes"), ("Work", "of work")]
    assert (user.home / "exp").is_dir()
    user.doveadm("lazy-expunge maintain")
    user.doveadm("lazy-expunge restore", "ALL")
    assert sorted(mail.subject for mail in user.messages()) == ["goes", "stays"] and rows() == []


# What imap has for itself, and of which mailboxes it keeps what is deleted.
OWN_EXCLUDES = {"another": ("lazy_expunge_exclude = Junk", {"INBOX", "Trash"}), "none": ("lazy_expunge_exclude =", {"INBOX", "Trash", "Junk"}),
                "one more": ("lazy_expunge_exclude2 = Junk", {"INBOX"})}


@pytest.mark.formats("maildir", "mdbox")
@pytest.mark.parametrize("own", OWN_EXCLUDES)
def test_what_a_protocol_protected_is_protected(dovecot, own):
    """The same deletes by imap and by doveadm on 2.3 and, with what is made of its configuration, on 2.4."""
    line, by_imap = OWN_EXCLUDES[own]
    own_block = f"protocol imap {{\n  plugin {{\n    {line}\n  }}\n}}\n"
    common = dict(lazy=settings(mailbox="EXPUNGED"), mailboxes=())
    if dovecot.version < (2, 4):
        server = dovecot.own(**common, raw="plugin {\n  lazy_expunge_exclude = Trash\n}\n" + own_block)
    else:
        output, said = convert("-", input="mail_plugins = lazy_expunge\nplugin {\n  lazy_expunge = EXPUNGED\n  lazy_expunge_exclude = Trash\n}\n" + own_block)
        assert said == ""
        server = dovecot.own(lazy=settings(), load_plugin=False, mailboxes=(), files=(("converted.conf", output),),
                             raw="!include @ROOT@/converted.conf\n")
    user = server.user()
    for mailbox in ("INBOX", "Trash", "Junk"):
        for by in ("imap", "doveadm"):
            user.append(mailbox, message(subject=by), create=mailbox != "INBOX")
        with user.imap(mailbox) as session:
            session.delete("1")
        user.doveadm("expunge", "mailbox", mailbox, "ALL")
        assert user.messages(mailbox) == []
    rows = json.loads(server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    kept = {by: {row["origin"] for row in rows if row["subject"] == by} for by in ("imap", "doveadm")}
    assert kept == {"imap": by_imap, "doveadm": {"INBOX", "Junk"}}
