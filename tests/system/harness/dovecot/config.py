"""What a test's Dovecot is like, described once for all versions; render.py writes it down for each."""

from dataclasses import dataclass, replace

OURS, SHIPPED, NONE = "ours", "shipped", "none"
FORMATS = ("maildir", "sdbox", "mdbox")
# What the plugin that Dovecot ships knows.
SHIPPED_SETTINGS = ("mailbox", "only_last_instance")


def settings(**values):
    """Settings of lazy_expunge, without that prefix, in the form that a Config takes."""
    return tuple(sorted((key, tuple(value) if isinstance(value, (list, tuple)) else value)
                        for key, value in values.items()))


@dataclass(frozen=True)
class Mailbox:
    """A mailbox block. lazy: settings() in its filter, on 2.4 alone. raw, raw23, raw24: more lines in the block."""
    name: str
    auto: str = ""
    special_use: str = ""
    autoexpunge: str = ""
    autoexpunge_max_mails: int = 0
    quota_ignore: bool = False
    acl: tuple = ()
    lazy: tuple = ()
    raw: str = ""
    raw23: str = ""
    raw24: str = ""


@dataclass(frozen=True)
class Namespace:
    """One more namespace beside that of the INBOX.

    format, path: where its mail lies (path may begin with ~/); format None shares the INBOX namespace's place.
    mailboxdir: MAILBOXDIR, the directory of mdbox and sdbox that holds the mailboxes, so that two namespaces share a storage.
    """
    name: str
    prefix: str
    separator: str = ""
    format: str = None
    path: str = ""
    index: str = ""
    layout: str = ""
    mailboxdir: str = ""
    listindex: str = ""
    type: str = "private"
    hidden: bool = False
    list: str = "yes"
    subscriptions: bool = True
    mailboxes: tuple = ()
    raw: str = ""
    raw23: str = ""
    raw24: str = ""


@dataclass(frozen=True)
class Quota:
    """Quota driver count with one root, User quota. rules: (mailbox, "ignore") as an admin writes them."""
    storage: str = ""
    messages: int = 0
    rules: tuple = ()
    grace: str = "0"
    raw23: str = ""
    raw24: str = ""


DEFAULT_MAILBOXES = (Mailbox("Trash", auto="create", special_use="\\Trash"),)


@dataclass(frozen=True)
class Config:
    """A whole configuration. It is hashable: tests with equal ones share a server.

    plugin: ours, shipped or none. lazy: settings() of lazy_expunge. lazy_in_protocols: the protocols which load the
    plugin, all when empty. load_plugin: False when raw text has it in mail_plugins. without_modules: globs of files below the module directory that are to be missing.
    acl: (mailbox, ((identifier, rights), ...)) rows of the global vfile; acl_enabled alone loads the plugin without rows.
    files: (name, text) of files to write into @ROOT@.
    passdb_file: passwords, and where a proxy sends whom, are in files that Server.write_passdb() writes.
    passwd_file: users are those of the file that Server.write_users() writes, so that doveadm -A knows them.
    config_version: of which Dovecot 2.4 this is the configuration, that of the target when empty.
    raw, raw23, raw24: text at the end; @ROOT@ and @PORT:name@ are replaced in it.
    """
    format: str = "maildir"
    plugin: str = OURS
    lazy: tuple = settings(mailbox=".EXPUNGED", only_last_instance=False)
    lazy_in_protocols: tuple = ()
    load_plugin: bool = True
    without_modules: tuple = ()
    layout: str = ""
    separator: str = "/"
    prefix: str = ""
    index: str = ""
    mailboxdir: str = ""
    listescape: str = ""
    mailboxes: tuple = DEFAULT_MAILBOXES
    namespaces: tuple = ()
    namespace_raw: str = ""
    mail_plugins: tuple = ()
    quota: Quota = None
    acl_enabled: bool = False
    acl: tuple = ()
    virtual: bool = False
    shared: bool = False
    compress: str = ""
    crypt: bool = False
    home: bool = True
    passwd_file: bool = False
    passdb_file: bool = False
    hibernate: bool = False
    debug: bool = False
    fsync: str = "never"
    config_version: str = ""
    files: tuple = ()
    raw: str = ""
    raw23: str = ""
    raw24: str = ""

    def with_lazy(self, **values):
        """A copy with these settings of lazy_expunge changed; None removes one."""
        merged = dict(self.lazy, **dict(settings(**values)))
        return replace(self, lazy=settings(**{k: v for k, v in merged.items() if v is not None}))

    @property
    def storage(self):
        """The name of the storage as the admin set it, "" when there is none."""
        return dict(self.lazy).get("mailbox") or ""


def namespace_mode(form, separator="/", storage_separator="/", name=".EXPUNGED", **lazy):
    """Fields of Config for namespace mode as Dovecot's documentation sets it up for each format."""
    prefix = name + storage_separator
    places = {"maildir": dict(format="maildir", path="~/Maildir/expunged"),
              "sdbox": dict(format="sdbox", path="~/sdbox-expunged"),
              "mdbox": dict(mailboxdir="expunged", listindex="expunged.list.index")}
    namespace = Namespace("expunged", prefix, separator=storage_separator, hidden=True, list="no", subscriptions=False,
                          **places[form])
    return dict(separator=separator, namespaces=(namespace,), lazy=dict(lazy, mailbox=prefix))
