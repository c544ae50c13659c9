"""Alerts as they leave: a real webhook takes them, a wrong address says so."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from holdfast.app.control.alert_errors import TargetNotUnderstood
from holdfast.app.control.alert_sending import Message
from holdfast.fleet.alerts import Severity
from holdfast.server.notifying import check_target, send

# A loaded machine answers when it can; the usual limit of the library is 4 s.
PATIENT = "?cto=90&rto=90"


class Hook(ThreadingHTTPServer):
    """A web hook that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, str]] = []
        self.answer = 200


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(json.loads(body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def message(url: str) -> Message:
    return Message(url=url, title="제목", body="백업이 실패했습니다", severity=Severity.ERROR)


def test_webhook_gets_title_and_text(hook: Hook) -> None:
    took = send(message(f"json://127.0.0.1:{hook.server_port}/alerts{PATIENT}"))

    assert took
    (taken,) = hook.taken
    assert (taken["title"], taken["message"]) == ("제목", "백업이 실패했습니다")


def test_refusing_webhook_did_not_take_it(hook: Hook) -> None:
    hook.answer = 500

    assert not send(message(f"json://127.0.0.1:{hook.server_port}/alerts{PATIENT}"))


def test_nobody_there_did_not_take_it() -> None:
    assert not send(message("json://127.0.0.1:9/alerts"))


def test_address_of_no_service_is_refused_without_its_secret() -> None:
    with pytest.raises(TargetNotUnderstood) as refused:
        check_target("carrier-pigeon://user:canary@loft")

    assert "carrier-pigeon" in str(refused.value)
    assert "canary" not in str(refused.value)
