"""Figures: the metrics of conf.d read over HTTP, the audit log, and that dashboard and alert rules ask for what there is."""

import json
import os
import re
import subprocess

import pytest

from harness import places, wait_for
from harness.dovecot import events
from harness.machines import packages
from harness.dovecot.mail import message
from harness.dovecot.measured import RETENTION, Measured

RULES = places.SOURCE / "contrib/prometheus/lazy-expunge.rules.yml"
RULES_TEST = places.SOURCE / "contrib/prometheus/lazy-expunge.rules.test.yml"
DASHBOARD = places.SOURCE / "contrib/grafana/lazy-expunge.json"


def test_figures(dovecot):
    measured = Measured(dovecot)
    user = measured.user
    # what alerts look at is there before anything happens
    measured.wait(kept_total=0, refused_total=0, lost_total=0, restored_total=0, expired_total=0, maintain_total=0,
                  maintain_failed_total=0, kept_size_total=0, expired_size_total=0, restored_size_total=0)
    user.fill("INBOX", [message(body="x" * 70 + "\n"), message(), message()])
    mails = user.messages()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    measured.wait(kept_total=3, kept_size_total=sum(mail.size for mail in mails))
    user.doveadm("lazy-expunge restore", "uid", "2")
    measured.wait(restored_total=1, restored_size_total=mails[1].size, **{'restored_by_cause_total{cause="restore"}': 1})
    user.doveadm("lazy-expunge maintain")
    virtual = len(mails[0].text.replace("\r\n", "\n").replace("\n", "\r\n"))
    series = measured.wait(expired_total=1, expired_size_total=mails[0].size, maintain_total=1, maintain_mails_total=1,
                           maintain_bytes_total=virtual, maintain_failed_total=0,
                           **{'expired_by_cause_total{cause="maintain"}': 1})
    assert 0 < series["kept_duration_seconds_total"] < 60 and 0 < series["maintain_duration_seconds_total"] < 60
    assert series["refused_total"] == series["lost_total"] == 0
    with user.imap(".EXPUNGED") as session:
        session.ok("COPY 1 Trash")
    measured.wait(restored_total=1, **{'restored_by_cause_total{cause="copy"}': 1})


def break_storage(user):
    """A file in the place of the storage."""
    place = next(path for path in user.home.rglob("*EXPUNGED*") if path.is_dir())
    place.rename(place.parent / "aside")
    place.write_text("")


@pytest.mark.parametrize("on_failure", ["refuse", "expunge"])
def test_figures_of_failures(dovecot, on_failure):
    measured = Measured(dovecot, lazy={"on_failure": on_failure})
    user = measured.user
    user.fill("INBOX", 2)
    user.doveadm("expunge", "mailbox", "INBOX", "uid", "1")
    break_storage(user)
    measured.server.expect_log("", required=False)
    user.doveadm("expunge", "mailbox", "INBOX", "all", check=False)
    user.doveadm("lazy-expunge maintain", check=False)
    refused = on_failure == "refuse"
    measured.wait(refused_total=1 if refused else 0, lost_total=0 if refused else 1, maintain_failed_total=1, maintain_total=1)


def test_a_protected_storage_is_no_refused_delete(dovecot):
    measured = Measured(dovecot, lazy={"protect": True})
    user = measured.user
    user.append()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    with user.imap(".EXPUNGED") as session:
        session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        session("EXPUNGE")
    measured.server.settle()
    series = measured.wait(kept_total=1)
    assert series["refused_total"] == 0


def queries():
    """All expressions of the dashboard and the rules."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    found += [variable["definition"] for variable in dashboard["templating"]["list"] if "definition" in variable]
    assert len(found) >= 15
    rules = re.findall(r"dovecot_\w+", "\n".join(line for line in RULES.read_text().splitlines() if not line.lstrip().startswith("#")))
    assert len(rules) >= 8
    return found + rules


def test_dashboard_and_rules_ask_for_series_that_there_are(dovecot):
    measured = Measured(dovecot, lazy={"exclude": ["Spam"], "only_last_instance": True})
    user = measured.user
    user.fill("Spam", 1, create=True)
    user.fill("INBOX", 3)
    for mailbox in ("INBOX", "Spam"):
        user.doveadm("expunge", "mailbox", mailbox, "all")
    user.doveadm("lazy-expunge restore", "uid", "1")
    user.doveadm("lazy-expunge maintain")
    series = measured.wait(kept_total=3, expired_total=1, maintain_total=1)
    there = {"dovecot_lazy_expunge_" + re.sub(r"\{.*", "", name) for name in series}
    asked = set(re.findall(r"dovecot_\w+", "\n".join(queries())))
    # 2.3 has no histograms, and the dashboard says so
    missing = {"dovecot_lazy_expunge_kept_duration_bucket"} if measured.by_script else set()
    assert asked - there == missing
    labelled = {re.sub(r"\{.*", "", name) for name in series if "{cause=" in name and "duration" not in name}
    assert labelled == {"passed_total", "restored_by_cause_total", "expired_by_cause_total"}
    assert set(re.findall(r'dovecot_lazy_expunge_(\w+)\{[^}]*cause!=""', "\n".join(queries()))) == labelled


def test_the_document_has_every_series(dovecot):
    measured = Measured(dovecot, lazy={"only_last_instance": True})
    measured.user.append()
    measured.user.doveadm("expunge", "mailbox", "INBOX", "all")
    series = measured.wait(kept_total=1, look_total=1)
    text = (places.SOURCE / "doc/EVENTS.md").read_text()
    listed = set(re.findall(r"`dovecot_lazy_expunge_(\w+?)(?:\{\w+=…(?:,\w+=…)*\})?`", text))
    # a total of each field and of each duration, which the metrics bring along, is not worth a row each
    unlisted = {name for name in listed if name not in {re.sub(r"\{.*", "", one) for one in series} and "cause" not in name}
    assert unlisted <= {"kept_duration_bucket", "passed_total"}
    assert len(listed) >= 14


def test_the_dashboard_can_be_imported():
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["title"] and dashboard["uid"] and dashboard["schemaVersion"] >= 36
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids) >= 10
    cells = [(panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y) for panel in dashboard["panels"]
             for x in range(panel["gridPos"]["w"]) for y in range(panel["gridPos"]["h"])]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24, "panels lie over each other"
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard))) - {"__rate_interval"}
    assert used == names == {"datasource", "instance", "node"}


GAUGES = places.SOURCE / "contrib/prometheus/lazy-expunge-gauges"


def gauges(server):
    """What the script prints: {name without lazy_expunge_: number}."""
    script = server.root / "shared" / GAUGES.name
    script.write_bytes(GAUGES.read_bytes())
    script.chmod(0o755)
    done = server.run(["env", f"DOVEADM=doveadm -c {server.conf}", script], check=False)
    lines = done.stdout.decode().splitlines()
    found = dict(line.removeprefix("lazy_expunge_").split() for line in lines if not line.startswith("#"))
    assert [line.split()[2] for line in lines if line.startswith("# TYPE")] == [f"lazy_expunge_{name}" for name in found]
    return {name: int(value) for name, value in found.items()}, done.code


def test_gauges_of_what_is_kept_and_held_and_of_users_who_are_not_protected(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    for user, mails in zip(users, (2, 1, 1)):
        user.fill("INBOX", mails)
    for user in users[:2]:
        user.doveadm("expunge", "mailbox", "INBOX", "all")
    users[0].doveadm("lazy-expunge hold", "-N", "case")
    found, code = gauges(server)
    size = sum(mail.size for user in users for mail in user.kept())
    assert code == 0 and found.pop("storage_bytes") >= size > 0
    assert found == {"users": 3, "users_unprotected": 0, "gauges_complete": 1, "storage_users": 2, "storage_messages": 3,
                     "held_users": 1, "held_messages": 2}
    asked = set(re.findall(r"(?<!dovecot_)\blazy_expunge_(users_\w+|gauges_\w+)", RULES.read_text()))
    assert asked == {"users_unprotected", "gauges_complete"}, "the rules ask for what there is"
    shown = set(re.findall(r"(?<!dovecot_)\blazy_expunge_(?!catalog_)(\w+)", "\n".join(queries())))
    assert shown == set(found) | {"storage_bytes"}, "the dashboard shows all of it, and nothing else"
    listed = re.findall(r"`lazy_expunge_(\w+)`", (places.SOURCE / "doc/EVENTS.md").read_text())
    assert set(found) | {"storage_bytes"} <= set(listed)


def test_gauges_count_who_is_not_protected(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(2)]
    server.write_users([users[0], (users[1], {"lazy_expunge_exclude": "*"})])
    server.allow_log("lazy_expunge_exclude names every mailbox")
    found, code = gauges(server)
    assert code == 0 and (found["users"], found["users_unprotected"]) == (2, 1)


# Prometheus' own checks.

@pytest.fixture(scope="module")
def promtool():
    return packages.promtool(places.tools())


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)


def test_the_rules_are_rules(promtool):
    done = run(promtool, "check", "rules", RULES)
    assert done.returncode == 0, done.stdout


def test_the_rules_fire_when_they_must(promtool):
    done = run(promtool, "test", "rules", RULES_TEST)
    assert done.returncode == 0, done.stdout


CHANGES = [("increase(dovecot_lazy_expunge_refused_total[15m]) > 0", "increase(dovecot_lazy_expunge_refused_total[15m]) > 5"),
           ("increase(dovecot_lazy_expunge_lost_total[1h]) > 0", "increase(dovecot_lazy_expunge_lost_total[1h]) < 0"),
           ("maintain_total[2d]) == 0", "maintain_total[1d]) == 0"), ("maintain_total[2d]) == 0", "maintain_total[3d]) == 0"),
           ("and dovecot_lazy_expunge_maintain_total offset 2d >= 0", ""),
           ("unless increase(dovecot_lazy_expunge_maintain_runs_total[2d]) > 0", ""),
           ("unless increase(dovecot_lazy_expunge_maintain_runs_total[2d]) > 0", "unless dovecot_lazy_expunge_maintain_runs_total > 0"),
           ("increase(dovecot_lazy_expunge_maintain_failed_total[1d]) > 0", "dovecot_lazy_expunge_maintain_failed_total > 5"),
           ("[15m])\n        labels:\n          severity: warning\n        annotations:\n          summary: Dovecot has no",
            "[1d])\n        labels:\n          severity: warning\n        annotations:\n          summary: Dovecot has no"),
           ("lazy_expunge_users_unprotected > 0", "lazy_expunge_users_unprotected > 1"), ("> 86400", "> 186400"),
           (" or lazy_expunge_gauges_complete == 0", ""),
           ("- increase(dovecot_lazy_expunge_restored_size_total[1d])", ""), ("> 20e9", "> 5e9")]


@pytest.mark.parametrize("old, new", CHANGES)
def test_the_test_of_the_rules_notices_a_change(promtool, tmp_path, old, new):
    text = RULES.read_text()
    assert text.count(old) == 1
    (tmp_path / RULES.name).write_text(text.replace(old, new))
    (tmp_path / RULES_TEST.name).write_text(RULES_TEST.read_text())
    done = run(promtool, "test", "rules", tmp_path / RULES_TEST.name)
    assert done.returncode == 1 and "FAILED" in done.stdout, done.stdout


def test_the_dashboards_queries_are_queries(promtool, tmp_path):
    dashboard = json.loads(DASHBOARD.read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": re.sub(r"\$(instance|node)", ".*", expr.replace("$__rate_interval", "5m"))}
             for number, expr in enumerate(found)]
    # JSON is YAML
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = run(promtool, "check", "rules", tmp_path / "queries.yml")
    assert done.returncode == 0 and f"{len(found)} rules found" in done.stdout, done.stdout


# The audit log.

AUDIT_PATH = "/var/log/dovecot-lazy-expunge.json"


class Audited:
    """A server with the audit file as it is, but for the log's place, and one user."""

    def __init__(self, dovecot):
        text = events.conf_d(dovecot.target, events.AUDIT_FILE)
        self.new = dovecot.target.new_settings
        assert (f"file_path = {AUDIT_PATH}\n" in text) == self.new
        self.server = dovecot.own(raw=text.replace(f"file_path = {AUDIT_PATH}", "file_path = @ROOT@/audit.json"),
                                  prepare=self._prepare, mailboxes=RETENTION)
        self.user = self.server.user()

    def _prepare(self, server):
        """What the file's head says."""
        if self.new:
            server.run(["install", "-o", "dovecot", "-m", "0600", "/dev/null", server.root / "audit.json"])

    @property
    def path(self):
        return self.server.root / "audit.json"

    def lines(self):
        """All lines, each parsed."""
        if self.new:
            return [json.loads(line) for line in self.path.read_text().splitlines()]
        return [json.loads(line.partition("stats: Info: ")[2]) for line in self.server.info_log() if "stats: Info: " in line]

    def wait(self, number):
        wait_for(lambda: len(self.lines()) >= number, f"{number} lines")
        assert len(self.lines()) == number
        return self.lines()


def test_the_audit_log_says_who_when_from_where_and_what(dovecot):
    audited = Audited(dovecot)
    user = audited.user
    name = 'Quo"te\\d'
    user.doveadm("mailbox create", name)
    user.append("Work", create=True)
    user.doveadm("save", "-m", name, input=message())
    [work], [quoted] = user.messages("Work"), user.messages(name)
    with user.imap("Work") as session:
        session.delete()
    user.doveadm("expunge", "mailbox", name, "all")
    user.doveadm("lazy-expunge restore", "-o", "Work", "all")
    deleted, by_admin, restored = audited.wait(3)
    fields = deleted["fields"]
    assert deleted["event"] == "lazy_expunge_mail_kept" and deleted["hostname"] == "mail"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", deleted["end_time"])
    assert (fields["user"], fields["mailbox"], fields["origin"], fields["guid"], fields["uid"], fields["size"]) == \
        (user.name, "Work", "Work", work.guid, work.uid, work.size)
    assert fields["remote_ip"] == "127.0.0.1" and fields["cmd_name"] in ("EXPUNGE", "UID EXPUNGE") and len(fields["session"]) > 5
    assert (by_admin["fields"]["mailbox"], by_admin["fields"]["guid"]) == (name, quoted.guid)
    assert "remote_ip" not in by_admin["fields"]
    assert restored["event"] == "lazy_expunge_mail_restored"
    assert (restored["fields"]["user"], restored["fields"]["mailbox"], restored["fields"]["guid"]) == (user.name, "Work", work.guid)
    assert "lazy_expunge:restore" in restored["fields"]["reason_code"]


def test_the_audit_log_has_what_expires(dovecot):
    audited = Audited(dovecot)
    user = audited.user
    user.fill("INBOX", 2)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    user.doveadm("lazy-expunge maintain")
    assert [line["event"].removeprefix("lazy_expunge_mail_") for line in audited.wait(3)] == ["kept", "kept", "expired"]


@pytest.mark.since("2.4")
@pytest.mark.formats("sdbox")
def test_the_audit_log_can_be_rotated(dovecot):
    audited = Audited(dovecot)
    user = audited.user
    user.fill("INBOX", 2)
    user.doveadm("expunge", "mailbox", "INBOX", "uid", "1")
    audited.wait(1)
    os.rename(audited.path, audited.path.with_suffix(".1"))
    audited.server.run(["install", "-o", "dovecot", "-m", "0600", "/dev/null", audited.path])
    audited.server.doveadm("stats", "reopen")
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    audited.wait(1)


def test_the_document_shows_lines_that_are_json():
    lines = re.search(r"```json\n(.*?)```", (places.SOURCE / "doc/EVENTS.md").read_text(), re.DOTALL).group(1).splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["lazy_expunge_mail_kept", "lazy_expunge_mail_restored"]
