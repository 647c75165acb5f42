"""How Dovecot 2.4 writes what differs from 2.3."""

from dataclasses import replace

from harness.dovecot.config import Mailbox

MAILBOXDIR = "mailbox_root_directory_name"


class Dialect24:
    request_count = "restart_request_count"
    unlimited = "unlimited"
    shared_user = "$user"
    shared_home = "%{owner_home}"

    def __init__(self, config, version, root, mail_root, preload):
        self.config, self.version, self.root, self.mail_root, self.preload = config, version, root, mail_root, preload
        self.home = "~" if config.home else f"{mail_root}/%{{user}}"

    def head(self):
        version = ".".join(map(str, self.version))
        lines = [f"dovecot_config_version = {self.config.config_version or version}", f"dovecot_storage_version = {version}", "auth_allow_cleartext = yes"]
        if self.preload:
            lines += ["import_environment {"] + [f'  {key} = "{value}"' for key, value in self.preload.items()] + ["}"]
        if self.config.hibernate:
            lines += ["imap_hibernate_timeout = 1s", "service imap {", "  unix_listener imap-master {",
                      "    user = dovecot", "  }", "}", "service imap-hibernate {",
                      "  unix_listener imap-hibernate {", "    mode = 0666", "  }", "}"]
        else:
            lines.append("imap_hibernate_timeout = 0")
        return lines

    def debug(self):
        return "log_debug = category=storage"

    def users(self, uid, gid, password):
        home = [f"    home = {self.mail_root}/%{{user}}"] if self.config.home else []
        lines = [f"mail_uid = {uid}", f"mail_gid = {gid}"]
        if self.config.passdb_file:
            lines += ["passdb passwd-file {", f"  passwd_file_path = {self.root}/passdb.%{{protocol}}", "}"]
        else:
            lines += ["passdb static {", f"  password = {password}", "}"]
        if self.config.passwd_file:
            lines += ["userdb passwd-file {", f"  passwd_file_path = {self.root}/users", "  fields {", f"    uid:default = {uid}",
                      f"    gid:default = {gid}"] + [line.replace("home =", "home:default =") for line in home] + ["  }", "}"]
        else:
            lines += ["userdb static {", "  allow_all_users = yes", "  fields {", f"    uid = {uid}", f"    gid = {gid}"] + \
                home + ["  }", "}"]
        return lines + ["protocol lmtp {", "  auth_username_format = %{user | username}", "}"]

    def location(self, config):
        from harness.dovecot.render import MAIL_DIRECTORY
        path = f"{self.home}/{MAIL_DIRECTORY[config.format]}"
        return self.place(config.format, path, index=config.index, layout=config.layout, mailboxdir=config.mailboxdir)

    @staticmethod
    def place(form, path, index="", layout="", mailboxdir="", listindex=""):
        pairs = [("mail_driver", form), ("mail_path", path), ("mail_index_path", index), ("mailbox_list_layout", layout),
                 (MAILBOXDIR, mailboxdir), ("mailbox_list_index_prefix", listindex)]
        return [f"{key} = {value}" for key, value in pairs if value]

    @staticmethod
    def plugins(by_protocol):
        lines = []
        for protocol, names in by_protocol.items():
            block = ["mail_plugins {"] + [f"  {name} = yes" for name in names if name != "listescape"] + ["}"]
            if len(block) > 2:
                lines += [f"protocol {protocol} {{"] + ["  " + line for line in block] + ["}"] if protocol else block
        return lines

    @staticmethod
    def quote(name):
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' if not name.isalnum() else name

    @staticmethod
    def mailboxes(config, mailboxes):
        """The mailbox blocks, and those which are needed for ACL rows alone."""
        if mailboxes is not config.mailboxes:
            return mailboxes
        acl = {}
        for name, entries in config.acl:
            acl[name.removeprefix(config.prefix)] = entries
        rows = [replace(mailbox, acl=mailbox.acl + acl.pop(mailbox.name, ())) for mailbox in mailboxes]
        return rows + [Mailbox(name, acl=entries) for name, entries in acl.items()]

    def in_mailbox(self, config, mailbox):
        from harness.dovecot.render import lazy_settings
        lines = ["quota_ignore = yes"] if mailbox.quota_ignore and config.quota else []
        for who, rights in mailbox.acl:
            lines += [f"acl {who} {{", f"  rights = {rights}" if rights else '  rights = ""', "}"]
        return lines + self._lazy(lazy_settings(replace(config, lazy=mailbox.lazy)))

    @staticmethod
    def own(thing):
        return thing.raw24

    @staticmethod
    def _lazy(lazy):
        from harness.dovecot.render import yes_no
        lines = []
        for key, value in lazy.items():
            if isinstance(value, tuple):
                names = [f'"{name}"' if " " in name else name for name in value]
                lines += [f"lazy_expunge_{key} {{"] + [f"  {name} = yes" for name in names] + ["}"]
            else:
                lines.append(f"lazy_expunge_{key} = {_value(yes_no(value))}")
        return lines

    def plugin_settings(self, lazy):
        config = self.config
        lines = self._lazy(lazy)
        if config.quota:
            lines += ['quota "User quota" {', "  driver = count", f"  storage_grace = {config.quota.grace}"]
            lines += [f"  storage_size = {config.quota.storage}"] if config.quota.storage else []
            lines += [f"  message_count = {config.quota.messages}"] if config.quota.messages else []
            lines += ["}"] + config.quota.raw24.splitlines()
        if config.acl or config.acl_enabled or config.shared:
            lines.append("acl_driver = vfile")
        if config.shared:
            lines += ["acl_sharing_map {", "  dict file {", f"    path = {self.root}/shared/shared-mailboxes.db", "  }", "}"]
        if config.compress:
            lines.append(f"mail_compress_write_method = {config.compress}")
        if config.crypt:
            lines += [f"crypt_global_public_key_file = {self.root}/crypt-public.pem", "crypt_global_private_key main {",
                      f"  crypt_private_key_file = {self.root}/crypt.pem", "}"]
        if config.listescape:
            lines.append(f'mailbox_list_storage_escape_char = {_value(config.listescape)}')
        return lines


def _value(value):
    """A value as 2.4 takes it: %{ begins a variable, and some first characters have a meaning."""
    value = value.replace("%{", "%%{")
    if value != value.strip() or not value or "#" in value or value[0] in "<\"'$\\":
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value
