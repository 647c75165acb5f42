"""The plugin's events as a server's stats process sees them, and its figures as Prometheus does."""

import json
import re
import urllib.request
from dataclasses import dataclass, field

from harness import places
from harness.waiting import wait_for

METRICS_FILE = "91-lazy-expunge-metrics.conf"
AUDIT_FILE = "92-lazy-expunge-audit.conf"

EXPORT = {
    False: """
event_exporter test {
  format = json
  format_args = time-rfc3339
  transport = log
}
metric test {
  exporter = test
  exporter_include = name timestamps fields
  filter = category=lazy_expunge
}
""",
    True: """
event_exporter test {
  driver = log
  format = json
  time_format = rfc3339
}
metric test {
  exporter = test
  exporter_include {
    name = yes
    timestamps = yes
    fields = yes
  }
  filter = category=lazy_expunge
}
"""}


@dataclass
class Event:
    """One event: its name without lazy_expunge_, and its fields."""
    name: str
    fields: dict = field(default_factory=dict)

    def __getitem__(self, key):
        return self.fields[key]

    def get(self, key):
        return self.fields.get(key)


def exporting(target):
    """Fields of Config for a server whose events can be read."""
    return {"raw": EXPORT[target.new_settings]}


def read(server, user=None, looks=False):
    """All events of the plugin so far but for looks (or those alone), those of one user if there is one, in their order."""
    found = []
    for line in server.info_log():
        match = re.search(r"stats: Info: (\{.*\})$", line)
        if match:
            row = json.loads(match.group(1))
            found.append(Event(row["event"].removeprefix("lazy_expunge_"), row["fields"]))
    return [event for event in found if (event.name == "look_finished") == looks and (user is None or event.get("user") == user.name)]


def wait(user, *names):
    """Wait until so many events of this user have come, and return them; fails if they are not those named, in any order."""
    wait_for(lambda: len(read(user.server, user)) >= len(names), f"{len(names)} events")
    events = read(user.server, user)
    assert sorted(event.name for event in events) == sorted(names), events
    return events


def conf_d(target, name):
    """The text of a file of conf.d for this Dovecot."""
    return (places.SOURCE / "conf.d" / ("2.4" if target.new_settings else "2.3") / name).read_text()


def scrape(port):
    """What the listener says: {series with its labels: number}. Each line must be one that Prometheus can read."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return parse(answer.read().decode())


def parse(text):
    """Series of the text format of Prometheus."""
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][\w:]*(?:\{(?:\w+="[^"]*",?)+\})?) ([-+.\deE]+)', line)
        assert match, f"not a line of the text format: {line}"
        assert match.group(1) not in series, f"twice: {line}"
        series[match.group(1)] = float(match.group(2))
    return series
