"""Alerts at the command line of a real server: where they go, what is silenced, what is open."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from holdfast.replication.planner.profile_folder import ProfileFolder
from holdfast.testing.fleet import FleetServer
from tests.e2e.test_server_people import Person
from tests.unit.replication.planner.seen_machines import facts, profile

pytestmark = pytest.mark.slow


class Hook:
    """A web service that takes what is posted to it."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self._came = threading.Condition()
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self._server.server_port}"

    def wait_for(self, words: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next((one for one in self.taken if words in json.dumps(one)), None)

        with self._came:
            assert self._came.wait_for(found, timeout=90), self.taken
        message = found()
        assert message is not None
        return message

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                with hook._came:
                    hook.taken.append(json.loads(content))
                    hook._came.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        return Handler


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    made = FleetServer(tmp_path_factory.mktemp("server"))
    # The hook is on this machine too.
    (made.state / "config.toml").write_text('webhook-networks = ["127.0.0.0/8"]\n')
    with made as running:
        yield running


@pytest.fixture
def admin(server: FleetServer, tmp_path: Path) -> Person:
    person = Person(tmp_path / "admin", server)
    person.log_in("admin", server.admin_password)
    return person


def _records(person: Person, *words: str) -> list[dict[str, Any]]:
    lines = person.run(*words, "--json").out.splitlines()
    return [json.loads(line)["record"] for line in lines]


def test_dangerous_act_is_told_within_seconds_and_listed(
    admin: Person, hook: Hook, tmp_path: Path
) -> None:
    # The library's own limit is 4 s, and this machine may be busy.
    url = f"{hook.url}/?cto=90&rto=90"
    admin.run("server", "alert-target", "add", "hook", url, "--min-severity", "critical")
    admin.run("server", "alert-target", "test", "hook")
    admin.run("vault", "create", "--name", "main", tmp_path / "vault")

    admin.run("vault", "set", "main", "--soft-delete", "off", "--pin", admin.pin())

    message = hook.wait_for("soft delete off")
    listed = _records(admin, "server", "alerts")
    assert "admin switched soft delete off for main" in message["title"]
    assert [one["kind"] for one in listed] == ["soft-delete-off"]
    assert _records(admin, "server", "alerts", "--severity", "critical") == listed
    assert _records(admin, "server", "alerts", "--open") == []
    assert _records(admin, "server", "alerts", "--severity", "info") == []


def test_places_are_listed_without_their_urls_and_go_again(admin: Person, hook: Hook) -> None:
    url_file = admin.home / "url"
    url_file.write_text(f"{hook.url}/canary")
    url_file.chmod(0o600)
    admin.run(
        "server", "alert-target", "add", "ops", "--url-file", url_file,
        "--daily", "--at", "07:30", "--zone", "Asia/Seoul",
    )  # fmt: skip

    listed = admin.run("server", "alert-target", "list").out
    twice = admin.run("server", "alert-target", "add", "ops", hook.url, status=1)
    admin.run("server", "alert-target", "remove", "ops")
    gone = admin.run("server", "alert-target", "remove", "ops", status=1)

    assert "07:30 Asia/Seoul" in listed
    assert "canary" not in listed
    assert "already-there" in twice.err
    assert "alert-target-unknown" in gone.err


def test_what_leads_nowhere_is_refused(admin: Person) -> None:
    said = admin.run("server", "alert-target", "add", "odd", "nowhere://x", status=1)

    assert "alert-target-not-understood" in said.err


def test_what_leads_to_a_clouds_secrets_is_refused(admin: Person) -> None:
    url = "json://169.254.169.254/latest?method=GET"
    said = admin.run("server", "alert-target", "add", "odd", url, status=1)

    assert "alert-target-forbidden" in said.err


def test_silence_begins_and_ends(admin: Person) -> None:
    admin.run("server", "silence", "add", "we know", "--kind", "backup-warnings", "--hours", "8")
    security = admin.run("server", "silence", "add", "no", "--kind", "data-deleted", status=1)
    begun = _records(admin, "server", "silence", "list")

    admin.run("server", "silence", "end", begun[0]["id"])

    assert [(one["kind"], one["reason"]) for one in begun] == [("backup-warnings", "we know")]
    assert "security-alert-not-silenced" in security.err
    assert _records(admin, "server", "silence", "list") == []


def test_reports_are_told_and_written_as_pages(admin: Person, tmp_path: Path) -> None:
    admin.run("vault", "create", "--name", "archive", tmp_path / "archive")
    week, room = tmp_path / "week.html", tmp_path / "room.html"

    said = admin.run("server", "report", "weekly", "--on", "archive", "--html", week)
    told = _records(admin, "server", "report", "capacity")
    admin.run("server", "report", "capacity", "--html", room)

    assert "Weekly summary of archive" in said.out
    assert f"Wrote {week}" in said.out
    assert "archive" in [one["vault"] for one in told[0]["vaults"]]
    assert "<h1>Weekly summary of archive</h1>" in week.read_text()
    assert "<h1>Capacity forecast</h1>" in room.read_text()


def test_weekly_summary_is_asked_for_by_its_day(admin: Person, hook: Hook) -> None:
    admin.run("server", "alert-target", "add", "weekly", hook.url, "--weekly", "monday")

    listed = _records(admin, "server", "alert-target", "list")

    assert [one["weekly_on"] for one in listed if one["name"] == "weekly"] == ["monday"]


def test_a_plan_is_kept_by_the_server(admin: Person, tmp_path: Path) -> None:
    admin.run("vault", "create", "--name", "plans", tmp_path / "plans")
    folder, seen = ProfileFolder(str(admin.home), "u-web"), profile(*[60.0] * 120)
    with folder.held("web"):
        folder.keep_machine(facts("web"))
        folder.append("web", [*seen.minutes.values(), *seen.windows])

    admin.run("planner", "report", "--send", "plans")
    nowhere = admin.run("planner", "report", "--send", "nowhere", status=1)

    (kept,) = _records(admin, "server", "report", "kept", "--on", "plans")
    assert (kept["kind"], kept["facts"]["machines"]) == ("planner", 1)
    assert "Replication plan of" in admin.run("server", "report", "kept").out
    assert "not-there" in nowhere.err
