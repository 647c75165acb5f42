"""How Dovecot 2.3 writes what differs from 2.4."""

PLUGIN_NAMES = {"mail_compress": "zlib"}


class Dialect23:
    request_count = "service_count"
    unlimited = "0"
    shared_user = "%%u"
    shared_home = "%%h"

    def __init__(self, config, version, root, mail_root, preload):
        self.config, self.root, self.mail_root, self.preload = config, root, mail_root, preload
        self.home = "~" if config.home else f"{mail_root}/%u"

    def head(self):
        lines = ["disable_plaintext_auth = no"]
        if self.preload:
            pairs = " ".join(f"{key}={value}" for key, value in self.preload.items())
            lines.append(f"import_environment = TZ PATH CORE_OUTOFMEM CORE_ERROR {pairs}")
        if self.config.hibernate:
            lines += ["imap_hibernate_timeout = 1s", "service imap {", "  unix_listener imap-master {",
                      "    user = dovecot", "  }", "}", "service imap-hibernate {",
                      "  unix_listener imap-hibernate {", "    mode = 0666", "  }", "}"]
        return lines

    def debug(self):
        return "mail_debug = yes"

    def users(self, uid, gid, password):
        home = f" home={self.mail_root}/%u" if self.config.home else ""
        lines = ["passdb {", "  driver = static", f"  args = password={password}", "}"]
        if self.config.passdb_file:
            lines = ["passdb {", "  driver = passwd-file", f"  args = {self.root}/passdb.%Ls", "}"]
        if self.config.passwd_file:
            lines += ["userdb {", "  driver = passwd-file", f"  args = {self.root}/users",
                      f"  default_fields = uid={uid} gid={gid}{home}", "}"]
        else:
            lines += ["userdb {", "  driver = static", f"  args = uid={uid} gid={gid}{home} allow_all_users=yes", "}"]
        return lines + ["protocol lmtp {", "  auth_username_format = %n", "}"]

    def location(self, config):
        from harness.dovecot.render import MAIL_DIRECTORY
        path = f"{self.home}/{MAIL_DIRECTORY[config.format]}"
        return self._mail_location("mail_location", config.format, path, config.index, config.layout, config.mailboxdir, "")

    def place(self, form, path, index="", layout="", mailboxdir="", listindex=""):
        return self._mail_location("location", form, path, index, layout, mailboxdir, listindex)

    @staticmethod
    def _mail_location(key, form, path, index, layout, mailboxdir, listindex):
        options = [("INDEX", index), ("LAYOUT", layout), ("MAILBOXDIR", mailboxdir), ("LISTINDEX", listindex)]
        return [f"{key} = {form}:{path}" + "".join(f":{name}={value}" for name, value in options if value)]

    @staticmethod
    def plugins(by_protocol):
        lines = []
        for protocol, names in by_protocol.items():
            names = " ".join(PLUGIN_NAMES.get(name, name) for name in names)
            if names and protocol:
                lines += [f"protocol {protocol} {{", f"  mail_plugins = $mail_plugins {names}", "}"]
            elif names:
                lines.append(f"mail_plugins = $mail_plugins {names}")
        return lines

    @staticmethod
    def quote(name):
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' if not name.isalnum() else name

    @staticmethod
    def mailboxes(config, mailboxes):
        return mailboxes

    @staticmethod
    def in_mailbox(config, mailbox):
        return []

    @staticmethod
    def own(thing):
        return thing.raw23

    def plugin_settings(self, lazy):
        from harness.dovecot.render import yes_no
        lines = []
        for key, value in lazy.items():
            if key == "mailbox":
                lines.append(f"lazy_expunge = {_escape(value)}")
            elif key == "exclude":
                lines += [f"lazy_expunge_exclude{number or ''} = {_escape(name)}"
                          for number, name in zip([""] + list(range(2, 1000)), value)]
            else:
                lines.append(f"lazy_expunge_{key} = {_escape(yes_no(value))}")
        config = self.config
        if config.quota:
            lines += self._quota(config)
        if config.acl or config.acl_enabled or config.shared:
            rows = acl_rows(config)
            lines.append(f"acl = vfile:{self.root}/acl" if rows else "acl = vfile")
        if config.shared:
            lines.append(f"acl_shared_dict = file:{self.root}/shared/shared-mailboxes.db")
        if config.compress:
            lines.append(f"zlib_save = {config.compress}")
        if config.crypt:
            lines += [f"mail_crypt_global_private_key = <{self.root}/crypt.pem",
                      f"mail_crypt_global_public_key = <{self.root}/crypt-public.pem", "mail_crypt_save_version = 2"]
        if config.listescape:
            lines.append(f'listescape_char = "{config.listescape}"')
        return ["plugin {"] + ["  " + line for line in lines] + ["}"]

    @staticmethod
    def _quota(config):
        limits = []
        if config.quota.storage:
            limits.append(f"storage={config.quota.storage}")
        if config.quota.messages:
            limits.append(f"messages={config.quota.messages}")
        lines = ["quota = count:User quota", "quota_vsizes = yes", f"quota_grace = {config.quota.grace}"]
        if limits:
            lines.append("quota_rule = *:" + ":".join(limits))
        ignored = [mailbox.name for mailbox in config.mailboxes if mailbox.quota_ignore]
        ignored += [namespace.prefix + mailbox.name for namespace in config.namespaces
                    for mailbox in namespace.mailboxes if mailbox.quota_ignore]
        lines += [f"quota_rule{number} = {name}:ignore" for number, name in enumerate(ignored, 2)]
        return lines + config.quota.raw23.splitlines()


def acl_rows(config):
    """Rows of the global ACL file: (mailbox, identifier, rights)."""
    rows = [(mailbox, who, rights) for mailbox, entries in config.acl for who, rights in entries]
    rows += [(config.prefix + mailbox.name, who, rights) for mailbox in config.mailboxes for who, rights in mailbox.acl]
    return rows


def _escape(value):
    """A value of plugin { }, in which % begins a variable."""
    value = str(value).replace("%", "%%")
    if value != value.strip() or "#" in value or value[:1] in ("<", '"', "'"):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value
