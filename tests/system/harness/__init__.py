"""Private Dovecots for tests, for the demonstration and for measuring. See tests/system/README.md."""

from .config import Config, Mailbox, Namespace, Quota, settings
from .imap import Imap, Refused, name
from .mail import Mail, message
from .server import Server, ServerProblem
from .user import User, deliver
from .waiting import wait_for

__all__ = ["Config", "Imap", "Mail", "Mailbox", "Namespace", "Quota", "Refused", "Server", "ServerProblem", "User", "deliver",
           "message", "name", "settings", "wait_for"]
