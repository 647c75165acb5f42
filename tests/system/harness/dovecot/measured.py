"""A server whose figures are read as Prometheus does."""

from harness import places, wait_for
from harness.dovecot import events
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.ports import free_port

SIZES = places.SOURCE / "contrib/prometheus/lazy-expunge-sizes"
RETENTION = DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),)


class Measured:
    """A server with the metrics file as it is, but for the port, and one user."""

    def __init__(self, dovecot, **fields):
        self.port = free_port()
        text = events.conf_d(dovecot.target, events.METRICS_FILE)
        assert text.count("port = 9900") == 1
        self.server = dovecot.own(raw=text.replace("port = 9900", f"port = {self.port}"), mailboxes=RETENTION, **fields)
        self.user = self.server.user()
        self.by_script = not dovecot.target.new_settings

    def series(self):
        """What Prometheus reads: the listener, and on 2.3 the script for the textfile collector."""
        found = events.scrape(self.port)
        if self.by_script:
            command = " ".join(map(str, self.server.doveadm_command()))
            done = self.server.run(["env", f"DOVEADM={command}", "sh", "-c", SIZES.read_text()])
            assert done.stderr == b""
            found.update(events.parse(done.stdout.decode()))
        return {name.removeprefix("dovecot_lazy_expunge_"): value for name, value in found.items()}

    def wait(self, **expected):
        """Wait until these series have these values; returns all."""
        def there():
            now = self.series()
            return now if {name: now.get(name) for name in expected} == expected else None
        try:
            return wait_for(there, f"{expected}", interval=0.2)
        except AssertionError:
            now = self.series()
            raise AssertionError({name: (now.get(name), value) for name, value in expected.items() if now.get(name) != value})
