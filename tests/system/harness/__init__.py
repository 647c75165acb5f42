"""Private Dovecots for tests, for the demonstration and for measuring. See tests/system/README.md."""

from . import build, places, targets
from .config import Config, Mailbox, Namespace, Quota, settings
from .imap import Imap, Refused, name
from .mail import Mail, message
from .server import Server, ServerProblem
from .user import User, deliver
from .waiting import wait_for

__all__ = ["Config", "Imap", "Mail", "Mailbox", "Namespace", "Quota", "Refused", "Server", "ServerProblem", "User", "build",
           "deliver", "message", "name", "places", "settings", "targets", "wait_for"]
