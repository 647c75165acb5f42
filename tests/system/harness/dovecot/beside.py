"""Configurations with every plugin that Debian has for Dovecot, beside this one.

Not in them: replication, which needs a second server (hooks/test_beside_others.py has it), and plugins that touch no mail which is deleted
(apparmor, mail_lua, pop3_migration, welcome; mail_crypt_acl wants a key for each user). One backend of full-text search is used at a
time. fts_squat is left out: Debian's build of it for 2.3.19 crashes imap and lmtp where it is the only plugin there is.
"""

from harness.dovecot.config import Config, Mailbox, Namespace, Quota, namespace_mode, settings

SIEVE = """\
require ["fileinto", "mailbox"];
if header :contains "subject" "work" { fileinto :create "Work"; }
"""
IMAP_SIEVE = """\
require ["imap4flags"];
addflag "copied";
"""
FILES = (("shared/deliver.sieve", SIEVE), ("shared/copy.sieve", IMAP_SIEVE), ("trash.conf", "1 Trash\n"))

EVERYWHERE = {
    "2.3": ("quota_clone", "trash", "notify", "mail_log", "notify_status", "push_notification", "charset_alias", "mailbox_alias",
            "last_login", "old_stats", "fts"),
    "2.4": ("quota_clone", "trash", "notify", "mail_log", "notify_status", "push_notification", "charset_alias", "last_login", "fts"),
}

RAW = {"2.3": """\
postmaster_address = postmaster@example.com
protocol imap {
  mail_plugins = $mail_plugins imap_zlib imap_sieve imap_filter_sieve imap_old_stats
}
protocol lmtp {
  mail_plugins = $mail_plugins sieve
}
plugin {
  quota_clone_dict = file:%h/quota-clone
  trash = @ROOT@/trash.conf
  mail_log_events = delete undelete expunge copy save mailbox_create mailbox_delete mailbox_rename
  mail_log_fields = uid box msgid
  last_login_dict = file:%h/last-login
  last_login_key = last-login/%s
  old_stats_refresh = 1 secs
  old_stats_track_cmds = yes
  mailbox_alias_old = Sent
  mailbox_alias_new = Sent Items
  sieve_before = @ROOT@/shared/deliver.sieve
  sieve_plugins = sieve_imapsieve
  imapsieve_mailbox1_name = Work
  imapsieve_mailbox1_causes = COPY
  imapsieve_mailbox1_before = file:@ROOT@/shared/copy.sieve
}
service old-stats {
  fifo_listener old-stats-mail {
    mode = 0666
  }
  fifo_listener old-stats-user {
    mode = 0666
  }
}
""", "2.4": """\
postmaster_address = postmaster@example.com
protocol imap {
  mail_plugins {
    imap_sieve = yes
    imap_filter_sieve = yes
  }
}
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
quota_clone {
  dict file {
    path = %{home}/quota-clone
  }
}
last_login {
  dict file {
    path = %{home}/last-login
  }
}
mail_log_events = delete undelete expunge copy save mailbox_create mailbox_delete mailbox_rename
mail_log_fields = uid box msgid
sieve_plugins {
  sieve_imapsieve = yes
}
sieve_script deliver {
  type = before
  path = @ROOT@/shared/deliver.sieve
}
"""}
WORK_24 = """\
sieve_script copy {
  type = before
  cause = copy
  path = @ROOT@/shared/copy.sieve
}
"""

FTS_RAW = {"2.3": """\
plugin {{
  fts = {backend}
  fts_autoindex = yes
  fts_lucene = whitespace_chars=@.
  fts_xapian = partial=3 full=20
}}
""", "2.4": """\
fts_autoindex = yes
fts_search_add_missing = yes
language_filters = normalizer-icu snowball stopwords
language_tokenizers = generic email-address
language_tokenizer_generic_algorithm = simple
language en {{
  default = yes
  filters = lowercase snowball english-possessive stopwords
}}
fts {backend} {{
}}
"""}
# What a backend says of itself, with or without this plugin. None has a word of lazy_expunge, nor of a mail that is not kept.
CHATTER = {
    # it makes its files with a warning, and does not expect an indexed mailbox to be deleted at once
    "xapian": "FTS Xapian: .*(does not exist. Creating it|Can not open (RO index|db RO)|database is locked|disk I/O error)",
    "solr": r"fts.solr: Lookup failed: connect\(127.0.0.1:9\)",
    "lucene": r"fts-lucene: Settings have changed|indexer: Error: conn unix:indexer .*didn't reply with a valid VERSION line",
}
INDEXER = """\
service indexer-worker {
  process_limit = 4
}
"""


def config(version, form, fts, storage="mailbox", raw="", more_plugins=(), **fields):
    """A Config with all of them and this backend of full-text search; storage: mailbox or namespace."""
    series = "2.4" if version >= (2, 4) else "2.3"
    lazy = dict(mailbox=".EXPUNGED", only_last_instance=True, hidden=True, protect=True)
    retention = Mailbox(".EXPUNGED", autoexpunge="30d")
    namespaces = ()
    if storage == "namespace":
        mode = namespace_mode(form)
        lazy["mailbox"] = mode["lazy"]["mailbox"]
        namespaces = tuple(_with_retention(one) for one in mode["namespaces"])
    fts_raw = FTS_RAW[series].format(backend=fts) if fts != "solr" else SOLR[series]
    return Config(
        format=form, lazy=settings(**lazy), mail_plugins=EVERYWHERE[series] + (f"fts_{fts}",) + more_plugins,
        mailboxes=(Mailbox("Trash", auto="create", special_use="\\Trash", raw24="trash_priority = 1"),
                   Mailbox("Work", auto="create", raw24=WORK_24)) + ((retention,) if storage == "mailbox" else ()),
        namespaces=namespaces, quota=Quota(storage="10M", messages=50), acl_enabled=True, virtual=True, compress="gz", crypt=True,
        listescape="+", files=FILES, raw=RAW[series] + fts_raw + INDEXER + raw, **fields)


# Debian has no Solr: that plugin is loaded, and indexes nothing.
SOLR = {"2.3": "plugin {\n  fts = solr\n  fts_solr = url=http://127.0.0.1:9/solr/\n}\n",
        "2.4": "language en {\n  default = yes\n}\nfts_autoindex = no\nfts solr {\n  url = http://127.0.0.1:9/solr/\n}\n"}


def _with_retention(namespace):
    return Namespace(**{**vars(namespace), "mailboxes": (Mailbox("*", autoexpunge="30d"),)})
