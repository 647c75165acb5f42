"""Private Dovecots for tests, for the demonstration and for measuring. See tests/system/README.md."""

from . import places
from .machines import build, targets
from .dovecot.config import Config, Mailbox, Namespace, Quota, settings
from .dovecot.imap import Imap, Refused, name
from .dovecot.mail import Mail, message
from .dovecot.server import Server, ServerProblem
from .dovecot.user import User, deliver
from .waiting import wait_for

__all__ = ["Config", "Imap", "Mail", "Mailbox", "Namespace", "Quota", "Refused", "Server", "ServerProblem", "User", "build",
           "deliver", "message", "name", "places", "settings", "targets", "wait_for"]
