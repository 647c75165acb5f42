"""A Config written down as dovecot.conf: what 2.3 and 2.4 have in common, and the frame of both."""

import re

from harness.dovecot.config import NONE, OURS, SHIPPED, SHIPPED_SETTINGS
from harness.dovecot.render23 import Dialect23
from harness.dovecot.render24 import Dialect24

UID = GID = 61357
PORTS = ("imap", "pop3", "lmtp", "http", "doveadm")
PASSWORD = "pass"
API_KEY = "key"
MAIL_DIRECTORY = {"maildir": "Maildir", "sdbox": "sdbox", "mdbox": "mdbox", "mbox": "mbox"}


def render(config, version, root, ports, mail_root, preload=None):
    """The text of dovecot.conf.

    version: a tuple. root: the server's directory. ports: by protocol. mail_root: where the users' homes lie.
    preload: environment variables that each process is to have (for a sanitizer).
    """
    dialect = (Dialect24 if version >= (2, 4) else Dialect23)(config, version, root, mail_root, preload or {})
    lines = dialect.head()
    lines += COMMON.format(root=root, fsync=config.fsync, uid=UID).splitlines()
    if preload:
        # a sanitizer reserves terabytes of addresses
        lines.append(f"default_vsz_limit = {dialect.unlimited}")
    if config.debug:
        lines.append(dialect.debug())
    lines += dialect.users(UID, GID, PASSWORD)
    lines += dialect.location(config)
    lines += dialect.plugins(plugins(config))
    lines += _services(dialect, ports)
    lines += _namespaces(dialect, config)
    lines += dialect.plugin_settings(lazy_settings(config))
    extra = "\n".join([config.raw, config.raw24 if version >= (2, 4) else config.raw23])
    text = "\n".join(lines + [extra]) + "\n"
    text = text.replace("@ROOT@", str(root)).replace("@MAIL@", str(mail_root))
    return re.sub(r"@PORT:(\w+)@", lambda match: str(ports[match.group(1)]), text)


COMMON = """\
base_dir = {root}/run
state_dir = {root}/run
log_path = {root}/log
info_log_path = {root}/info.log
debug_log_path = {root}/debug.log
auth_mechanisms = plain
ssl = no
protocols = imap lmtp pop3
listen = 127.0.0.1
first_valid_uid = 1
mail_fsync = {fsync}
default_internal_user = dovecot
doveadm_api_key = key
doveadm_password = pass
verbose_proctitle = yes
"""


def plugins(config):
    """The mail plugins to load: {protocol: [names]}, with "" for all protocols."""
    everywhere = list(config.mail_plugins)
    imap = []
    if config.quota:
        everywhere.append("quota")
        imap.append("imap_quota")
    if config.acl_enabled or config.acl or config.shared:
        everywhere.append("acl")
        imap.append("imap_acl")
    if config.virtual:
        everywhere.append("virtual")
    if config.compress:
        everywhere.append("mail_compress")
    if config.crypt:
        everywhere.append("mail_crypt")
    if config.listescape:
        everywhere.append("listescape")
    by_protocol = {"": everywhere, "imap": imap}
    if config.plugin != NONE and config.load_plugin:
        for protocol in config.lazy_in_protocols or ("",):
            by_protocol.setdefault(protocol, []).append("lazy_expunge")
    return by_protocol


def lazy_settings(config):
    """The settings of lazy_expunge that the plugin under test knows."""
    if config.plugin == NONE:
        return {}
    return {key: value for key, value in config.lazy if config.plugin == OURS or key in SHIPPED_SETTINGS}


def _services(dialect, ports):
    count = dialect.request_count
    listener = lambda name, port: [f"  inet_listener {name} {{", f"    port = {port}", "  }"]
    lines = []
    for name in ("imap", "pop3"):
        lines += [f"service {name}-login {{", f"  {count} = {dialect.unlimited}", "  process_min_avail = 1"]
        lines += listener(name, ports[name]) + listener(name + "s", 0) + ["}"]
        lines += [f"service {name} {{", f"  {count} = 1", "}"]
    lines += ["service lmtp {", f"  {count} = 1"] + listener("lmtp", ports["lmtp"]) + ["}"]
    lines += ["service doveadm {", f"  {count} = 1"] + listener("http", ports["http"])
    lines += listener("doveadm", ports["doveadm"]) + ["}"]
    lines += ["service stats {", "  unix_listener stats-writer {", "    mode = 0666", "  }", "}"]
    return lines


def _namespaces(dialect, config):
    lines = ["namespace inbox {", "  inbox = yes", f"  separator = {config.separator}"]
    if config.prefix:
        lines.append(f"  prefix = {config.prefix}")
    lines += _mailboxes(dialect, config, config.mailboxes)
    lines += _indented(config.namespace_raw, 2) + ["}"]
    for namespace in config.namespaces:
        lines += _namespace(dialect, config, namespace)
    if config.virtual:
        lines += ["namespace virtual {", f"  separator = {config.separator}", f"  prefix = Virtual{config.separator}"]
        lines += ["  " + line for line in dialect.place("virtual", "~/virtual", layout="fs")] + ["}"]
    if config.shared:
        lines += ["namespace shared {", "  type = shared", f"  separator = {config.separator}", "  list = children",
                  "  subscriptions = no", f"  prefix = shared{config.separator}{dialect.shared_user}{config.separator}"]
        path = f"{dialect.shared_home}/{MAIL_DIRECTORY[config.format]}"
        lines += ["  " + line for line in dialect.place(config.format, path, layout=config.layout,
                                                         mailboxdir=config.mailboxdir)] + ["}"]
    return lines


def _namespace(dialect, config, namespace):
    separator = namespace.separator or config.separator
    lines = [f"namespace {namespace.name} {{", f"  separator = {separator}", f"  prefix = {namespace.prefix}",
             f"  type = {namespace.type}", f"  list = {namespace.list}",
             f"  hidden = {'yes' if namespace.hidden else 'no'}",
             f"  subscriptions = {'yes' if namespace.subscriptions else 'no'}"]
    if namespace.format or namespace.path or namespace.mailboxdir:
        form = namespace.format or config.format
        path = namespace.path or f"{dialect.home}/{MAIL_DIRECTORY[form]}"
        lines += ["  " + line for line in dialect.place(
            form, path, index=namespace.index, layout=namespace.layout, mailboxdir=namespace.mailboxdir,
            listindex=namespace.listindex)]
    lines += _mailboxes(dialect, config, namespace.mailboxes)
    lines += _indented(namespace.raw, 2) + _indented(dialect.own(namespace), 2)
    return lines + ["}"]


def _mailboxes(dialect, config, mailboxes):
    lines = []
    for mailbox in dialect.mailboxes(config, mailboxes):
        lines.append(f"  mailbox {dialect.quote(mailbox.name)} {{")
        for key in ("auto", "special_use", "autoexpunge", "autoexpunge_max_mails"):
            if getattr(mailbox, key):
                lines.append(f"    {key} = {getattr(mailbox, key)}")
        lines += ["    " + line for line in dialect.in_mailbox(config, mailbox)]
        lines += _indented(mailbox.raw, 4) + _indented(dialect.own(mailbox), 4) + ["  }"]
    return lines


def _indented(text, spaces):
    return [" " * spaces + line for line in text.splitlines()]


def yes_no(value):
    """A setting's value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
