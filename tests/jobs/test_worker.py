"""The worker, its reports and alerts, with a real mail server and a real web server beside it, on both databases.

It is killed (-9) while it sends: nobody is left out, and whoever gets a message again can tell by its Message-ID.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from aiosmtpd.controller import Controller
from tests.doors.conftest import ROOT, Door, _free_port


class Post:
    """A mail server that keeps what it takes. `before` is called with each message before it says that it has taken it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.before: Callable[[EmailMessage], None] = lambda mail: None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.before(mail)
        return "250 OK"


class Hook:
    """A web server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.posts.append(({**self.headers}, body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/in?key=secret-of-the-hook"


class House:
    """A workspace with the example CRM, its mail server and web server, and workers that are started and killed."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.post, self.hook = Post(), Hook()
        self.mail = Controller(self.post, hostname="127.0.0.1", port=_free_port())
        self.mail.start()
        self.environment = {"DATABASE_URL": url} if url else {}
        self.door = Door(folder / "ws", **self.environment)
        assert self.door("init", self.door.folder, "--name", "Acme", "--time-zone", "Europe/Warsaw").code == 0
        assert self.door("import", ROOT / "examples" / "crm").code == 6
        port = self.mail.port
        self.settings = (self.door.folder / "salesops.toml").read_text()
        self.mailed = f'\n[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nfrom = "sales@acme.test"\n'
        self.set_up(self.mailed)
        self.workers: list[subprocess.Popen[str]] = []

    def set_up(self, mail: str) -> None:
        more = '\n[reports]\nwebhook_hosts = ["127.0.0.1"]\naddress = "https://sales.acme.test"\n'
        more += '[worker]\nrefresh = "never"\nforecast = "never"\nsweep = "never"\n'
        (self.door.folder / "salesops.toml").write_text(self.settings + mail + more)

    def worker(self) -> subprocess.Popen[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
        command = [
            sys.executable,
            "-m",
            "salesops.cli",
            "worker",
            "-w",
            str(self.door.folder),
            "--lease",
            "1.5",
            "--tick",
            "0.2",
        ]
        made = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**kept, **self.environment})
        threading.Thread(target=lambda: [None for _ in made.stderr or ()], daemon=True).start()
        self.workers.append(made)
        return made

    def ready(self) -> None:
        """A worker, if none is there."""
        if not self.workers:
            self.worker()

    def until(self, wanted: Callable[[], Any], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while not (found := wanted()):
            assert time.monotonic() < end, f"nothing came of it: {self.runs()}"
            time.sleep(0.2)
        return found

    def runs(self) -> list[Any]:
        """Every job of the worker: key, status, result."""
        text = "from salesops.records.models import JobRun; "
        text += "result = [[r.key, r.status, r.tries, r.result] for r in JobRun.objects.filter(key__isnull=False).order_by('id')]"
        found: list[Any] = self.door.python(text)
        return found

    def idle(self) -> bool:
        return not [one for one in self.runs() if one[1] in ("waiting", "running")]

    def stop(self) -> None:
        for one in self.workers:
            if one.poll() is None:
                one.kill()
            one.wait(timeout=30)
        self.workers.clear()

    def close(self) -> None:
        self.stop()
        self.door.close()
        self.mail.stop()
        self.hook.server.shutdown()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("reports"))
    yield made
    made.close()


def sent_to(house: House, name: str) -> list[EmailMessage]:
    return [mail for mail in house.post.mails if mail["To"] == name]


@pytest.mark.slow
def test_a_worker_killed_while_it_sends_leaves_nobody_out(tmp_path: Path, database_url: str | None) -> None:
    """The mail server kills the worker when it holds the message for Bob and has not said so yet; another worker goes on."""
    house = House(tmp_path, database_url or "")
    try:
        killed: list[str] = []

        def before(mail: EmailMessage) -> None:
            if mail["To"] == "bob@acme.test" and not killed:
                killed.append(str(mail["Message-ID"]))
                house.workers[0].send_signal(signal.SIGKILL)
                house.workers[0].wait(timeout=30)

        house.post.before = before
        # Due since a minute ago; two workers look at once, again and again.
        number = house.door.python(
            "result = ws().reports.create('Weekly', {'kind': 'metrics', 'metrics': 'bookings,won_deals', 'period': '2025-Q2', 'compare': 'previous'},"
            " form='xlsx', recipients='ann@acme.test, bob@acme.test, cleo@acme.test, "
            + house.hook.url
            + "', schedule='daily 00:00')"
        )
        house.door.python("from salesops.records.models import Report; Report.objects.update(since=0); result = 1")
        house.worker()
        house.until(lambda: killed)
        house.worker()
        house.worker()
        house.until(lambda: house.hook.posts and house.runs() and house.idle())
        time.sleep(1)  # for ticks that would note it once more
        house.stop()

        runs = house.runs()
        assert [(status, tries) for _, status, tries, _ in runs] == [("done", 2)], runs
        assert Counter(mail["To"] for mail in house.post.mails) == {
            "ann@acme.test": 1, "bob@acme.test": 2, "cleo@acme.test": 1,
        }  # fmt: skip
        assert {str(mail["Message-ID"]) for mail in sent_to(house, "bob@acme.test")} == set(killed)
        assert len(house.hook.posts) == 1
        files = {part.get_content() for mail in house.post.mails for part in mail.iter_attachments()}
        assert len(files) == 1  # everybody got the same figures
        rows = house.door("report", "history", number, "--format", "json").rows
        assert [row["recipient"][:5] for row in rows if row["sent"]] == ["ann@a", "bob@a", "cleo@", "http:"]
        assert house.door("audit", "verify").code == 0
        log = house.door.python("result = [e['detail'] for e in ws().audit.list(action='report.send')[0]]")
        assert len(log) == 4
    finally:
        house.close()


def test_what_is_sent_is_what_the_owner_sees(house: House) -> None:
    """Figures with their change in the text, definitions in the XLSX, secrets of addresses shown to nobody."""
    door = house.door
    asked = (
        "--metrics",
        "bookings,win_rate",
        "--by",
        "owner",
        "--period",
        "2025-Q2",
        "--compare",
        "previous",
        "--as-file",
        "xlsx",
    )
    said = door("report", "create", "By rep", *asked, "--to", "ann@acme.test", "--to", house.hook.url)
    assert said.code == 0, said.err
    number = said.out.split()[-1]
    assert door("report", "run", number).code == 0
    house.worker()
    mail = house.until(lambda: sent_to(house, "ann@acme.test"))[0]
    heads, body = house.until(lambda: house.hook.posts)[0]
    house.until(house.idle)
    assert mail["Subject"] == "By rep: Q2 2025"
    text = mail.get_body().get_content()
    rows = {
        row["owner"]: row
        for row in door("metrics", "query", "bookings", "--by", "owner", "--period", "2025-Q2", "--format", "json").rows
    }
    assert rows
    assert all(name in text for name in rows)
    assert "https://sales.acme.test/reports/" in text
    book = openpyxl.load_workbook(BytesIO(next(iter(mail.iter_attachments())).get_content()))
    heading, *lines = book["Answer"].iter_rows(values_only=True)
    column = heading.index("bookings")
    written = {line[heading.index("owner")]: line[column] for line in lines if line[column] is not None}
    assert written == {name: float(row["bookings"]) for name, row in rows.items() if row["bookings"] is not None}
    assert "bookings__previous" in heading
    assert body["title"] == "By rep: Q2 2025"
    assert heads["Idempotency-Key"]
    everything = json.dumps(
        [door("report", "list", "--format", "json").json, door("report", "history", number, "--format", "json").json]
    )
    everything += door("audit", "list", "--format", "json").out
    assert "secret-of-the-hook" not in everything
    stored = door.python(
        "from salesops.records.models import Report; result = [r.recipients for r in Report.objects.all()]"
    )
    assert "secret-of-the-hook" not in str(stored)


def test_only_what_changed_is_sent(house: House) -> None:
    """The second time is quiet; by hand it is always sent."""
    door = house.door
    number = door.python(
        "result = ws().reports.create('Quiet', {'kind': 'metrics', 'metrics': 'won_deals', 'period': '2025-Q1'}, "
        "form='text', recipients=['dora@acme.test'], only='changed')"
    )
    note = "from salesops.jobs.queue import enqueue; result = enqueue('report', 'report:{0}:{1}', 'owner', subject='report:{0}', report={0}, by='schedule')"
    for turn in (1, 2):
        assert door.python(note.format(number, turn))
        assert not door.python(note.format(number, turn))  # once for a key
        house.ready()
        house.until(house.idle)
    assert len(sent_to(house, "dora@acme.test")) == 1
    assert [
        run["skipped"] for run in door.python(f"result = ws().reports.history({number})") if run.get("skipped")
    ] == ["unchanged"]


def test_what_cannot_be_sent_is_told_and_not_tried_for_ever(house: House) -> None:
    """A mailbox that there is not, and no mail server at all, are a person's to mend; a webhook that is down is tried again later."""
    door = house.door
    house.ready()
    house.post.refused = {"gone@acme.test"}
    make = "result = ws().reports.create({0!r}, {{'kind': 'metrics', 'metrics': 'won_deals', 'period': '2025-Q1'}}, form='text', recipients={1!r})"
    first = door.python(make.format("Refused", ["gone@acme.test", "eve@acme.test"]))
    door("report", "run", first)
    house.until(house.idle)
    assert len(sent_to(house, "eve@acme.test")) == 1  # the others get theirs
    house.set_up("")
    second = door.python(make.format("Not set up", ["eve@acme.test"]))
    door("report", "run", second)
    house.until(house.idle)
    house.set_up(house.mailed)
    house.hook.status = 503
    third = door.python(make.format("Down", [house.hook.url]))
    door("report", "run", third)
    house.until(lambda: [one for one in house.runs() if "answered 503" in one[3]])
    house.hook.status = 200
    told = {
        row[0]: row[1]
        for row in door.python(
            "from salesops.records.models import Notice; result = [[n.title, n.text] for n in Notice.objects.all()]"
        )
    }
    runs = {key.split(":")[1]: (status, result) for key, status, _, result in house.runs()}
    assert runs[str(first)][0] == "failed"
    assert "550 no such mailbox" in runs[str(first)][1]
    assert runs[str(second)][0] == "failed"
    assert "e-mail is not set up" in runs[str(second)][1]
    assert runs[str(third)][0] == "waiting"
    assert "Report was given up" in told
    door.python(
        f"ws().reports.delete({third}); from salesops.records.models import JobRun; JobRun.objects.filter(status='waiting').update(due=0); result = 1"
    )
    house.until(house.idle)


def test_an_alert_tells_once(house: House) -> None:
    """In the inbox and to its recipients, however often the figures are looked at; again only after it has ceased to hold."""
    door = house.door
    house.ready()
    for rule in ("below 1000 in 2025-Q2", "above 1000 in 2025-Q2", "drops by 0.1% in 2025-Q1"):
        said = door("report", "alert", "won_deals", rule, "--to", "fay@acme.test")
        assert said.code == 0, said.err
    assert door("report", "alert", "won_deals", "goes wild").code == 2
    house.until(lambda: [one for one in house.runs() if one[0].startswith("alerts:")] and house.idle())
    check = "from salesops.jobs.queue import enqueue; result = enqueue('alerts', 'alerts:again', 'owner')"
    assert door.python(check)
    house.until(house.idle)
    notices = door.python(
        "from salesops.records.models import Notice; result = [n.title for n in Notice.objects.filter(key__startswith='alert:')]"
    )
    below = [one for one in notices if "below 1,000" in one]
    assert len(below) == 1, notices
    assert len([mail for mail in sent_to(house, "fay@acme.test") if "below 1,000" in mail["Subject"]]) == 1
    assert not [one for one in notices if "above" in one]


def test_an_import_whose_process_died_is_taken_up(house: House) -> None:
    """The row says running, and nobody holds its lock: the worker goes on with it."""
    text = """
import json, shutil, hashlib
from pathlib import Path
from salesops.records.access import actor_for
from salesops.records.models import JobRun
from salesops.web.rest import jobs
actor = actor_for()
file = jobs.uploads() / "tmp-accounts.csv"
file.write_text("account_id,account_name,industry,country,employees\\nZ9,Zebra Works,Food,Poland,5\\n")
upload = jobs.keep_upload(actor, [("accounts.csv", file, 10, "x")])["upload"]
row = JobRun.objects.create(kind=jobs.IMPORT, user="owner", parameters=json.dumps({"upload": upload}), started=1)
result = row.pk
"""
    number = house.door.python(text)
    house.ready()
    house.until(
        lambda: (
            house.door.python(
                f"from salesops.records.models import JobRun; result = JobRun.objects.get(pk={number}).status"
            )
            != "running"
        )
    )
    assert house.door("record", "list", "account", "--where", "name = 'Zebra Works'", "--format", "json").rows


def test_inside_addresses_and_programs_are_no_recipients(house: House) -> None:
    """What a report may reach: mail, chats, and hosts outside, unless the settings name them."""
    for address in (
        "http://169.254.169.254/latest",
        "http://[::1]:80/",
        "file:///etc/passwd",
        "exec://sh",
        "syslog://",
        "http://localhost/x",
        "nobody",
    ):
        said = house.door("report", "create", "x", "--to", address)
        assert said.code in (2, 6), (address, said)
    assert house.door("user", "create", "rita", "--roles", "rep").code == 0
    said = house.door("--as", "rita", "report", "create", "x", "--to", "https://example.com/hook")
    assert said.code == 3
    assert house.door("--as", "rita", "report", "list", "--format", "json").rows == []
    assert house.door("--as", "rita", "report", "run", "1").code == 4
