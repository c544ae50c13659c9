"""A server that speaks the agents' messages and remembers all; it can be away, or refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from holdfast.base.clock import SystemClock

_PREFIX = "/api/v1/agent"
_FINE = 200


class ServerDouble:
    def __init__(self) -> None:
        self._clock = SystemClock()
        self.status = _FINE
        self.beats: list[dict[str, Any]] = []
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.numbers: dict[str, int] = {}
        self.cancel: set[str] = set()
        self.commands: list[dict[str, Any]] = []
        self.taken: list[int] = []
        self.assignments: dict[str, Any] = {"etag": "none", "assignments": []}
        self.points: list[dict[str, Any]] = []
        self.leases: list[str] = []
        self.released: list[str] = []
        # What is deleted under the one lease that is out.
        self.held: str | None = None
        self.lease_status = 200
        # Of replication: what the machine is told, and what it has told.
        self.roles: dict[str, Any] = {"etag": ""}
        self.replications: list[dict[str, Any]] = []
        self.ended: list[dict[str, Any]] = []
        self.sites: list[dict[str, Any]] = []
        # Of recovery.
        self.recoveries: list[dict[str, Any]] = []
        self.drill_runs: list[dict[str, Any]] = []
        # Answers to questions by their ids, and passphrases by the tickets that fetch them once.
        self.answers: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.url = ""

    def lines_of(self, job_id: str) -> list[str]:
        told = [report for name, report in self.reports if name == job_id]
        return [line["text"] for report in told for line in report["lines"]]

    def newest(self, job_id: str) -> dict[str, Any]:
        return [report for name, report in self.reports if name == job_id][-1]

    def offer(self, kind: str, job_id: str, **arguments: Any) -> None:
        self.commands.append(
            {
                "number": len(self.commands) + 1,
                "job_id": job_id,
                "kind": kind,
                "arguments": arguments,
                "offered_at": self._clock.now().isoformat(),
                "expires_at": None,
            }
        )

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: PLR0911  one for each message
        if self.status != _FINE:
            return self.status, {"code": "double", "detail": "as told", "remedy": ""}
        match method, path.removeprefix(_PREFIX).partition("?")[0].split("/")[1:]:
            case "POST", ["heartbeat"]:
                return 200, self._beat(body)
            case "GET", ["assignments"]:
                return 200, self.assignments
            case "GET", ["commands"]:
                return 200, {
                    "commands": [c for c in self.commands if c["number"] not in self.taken]
                }
            case "POST", ["commands", number, "taken"]:
                self.taken.append(int(number))
                return 204, None
            case "PUT", ["jobs", job_id]:
                return 200, self._report(job_id, body)
            case "POST", ["leases"]:
                return self._lease(body)
            case "DELETE", ["leases", lease]:
                self.released.append(lease)
                self.held = None
                return 204, None
            case _, parts:
                return self._told(method, parts, body)

    def _told(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        match method, parts:
            case "GET", ["replication"]:
                return 200, self.roles
            case "PUT", ["points"]:
                self.points.append(body)
            case "PUT", ["replications"]:
                self.replications.append(body)
            case "POST", ["replications", "ended"]:
                self.ended.append(body)
            case "PUT", ["site"]:
                self.sites.append(body)
            case "PUT", ["recovery"]:
                self.recoveries.append(body)
            case "GET", ["drill-runs"]:
                digests = {one["run"]["trial"]["id"]: one["digest"] for one in self.drill_runs}
                return 200, {"known": digests}
            case "PUT", ["drill-runs"]:
                self.drill_runs.append(body)
            case _:
                return self._asked(method, parts, body)
        return 204, None

    def _asked(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        match method, parts:
            case "POST", ["questions", question, "answer"]:
                self.answers[question] = body
            case "POST", ["keys", ticket] if ticket in self.keys:
                return 200, {"passphrase": self.keys.pop(ticket)}
            case _:
                return 404, {"code": "not-there", "detail": "/".join(parts), "remedy": ""}
        return 204, None

    def _beat(self, body: Any) -> dict[str, Any]:
        self.beats.append(body)
        return {
            "at": self._clock.now().isoformat(),
            "assignments_etag": self.assignments["etag"],
            "renew_certificate": False,
            "next_seconds": 30.0,
            "replication_etag": self.roles["etag"],
        }

    def _report(self, job_id: str, body: Any) -> dict[str, Any]:
        self.reports.append((job_id, body))
        self.numbers[job_id] = max(self.numbers.get(job_id, 0), body["number"])
        return {"number": self.numbers[job_id], "cancel": job_id in self.cancel}

    def _lease(self, body: Any) -> tuple[int, Any]:
        is_free = self.held in (None, body["kind"]) or body["has_no_other"]
        if self.lease_status != _FINE or not is_free:
            return 409, {"code": "lease-held", "detail": "prune has it"}
        self.held = body["kind"]
        self.leases.append(body["kind"])
        end = self._clock.now() + timedelta(seconds=body["seconds"])
        return 200, {"id": f"lease-{body['kind']}", "expires_at": end.isoformat()}


@contextmanager
def served() -> Iterator[ServerDouble]:
    double = ServerDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            body = json.loads(content) if content else None
            status, reply = double.answer(self.command, self.path, body)
            said = b"" if reply is None else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815  the base class's names

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
