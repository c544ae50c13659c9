"""Alerts as they leave: a real webhook takes them, a wrong address says so."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from holdfast.app.control.alert_errors import TargetForbidden, TargetNotUnderstood
from holdfast.app.control.alert_sending import Message, Send
from holdfast.app.control.webhook_calls import WebhookCalls
from holdfast.fleet.alerts import Severity
from holdfast.server.notifying import check_target, sender

# What this machine has itself is for whom its administrator lets; and nothing is.
OWN = WebhookCalls("", [ip_network("127.0.0.0/8")]).refuses
STRICT = WebhookCalls().refuses
send: Send = sender(OWN)
# A loaded machine answers when it can; the usual limit of the library is 4 s.
PATIENT = "?cto=90&rto=90"


class Hook(ThreadingHTTPServer):
    """A web hook that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, str]] = []
        self.answer = 200
        self.leads_to = ""


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(json.loads(body))
        self.send_response(self.server.answer)
        if self.server.leads_to:
            self.send_header("Location", self.server.leads_to)
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
        check_target("carrier-pigeon://user:canary@loft", STRICT)

    assert "carrier-pigeon" in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "json://169.254.169.254/latest/meta-data?method=GET",
        "jsons://127.0.0.1:8443/api/v1/x?method=DELETE",
        "xml://[::1]/",
        "form://localhost/",
        "json://2130706433/",
        # The library takes several at once.
        "json://192.0.2.7/, json://127.0.0.1/",
    ],
)
def test_plain_webhook_does_not_lead_to_the_server_itself(url: str) -> None:
    with pytest.raises(TargetForbidden):
        check_target(url, STRICT)

    assert not sender(STRICT)(message(url))


@pytest.mark.parametrize("url", ["json://192.0.2.7/x", "ntfy://localhost/topic"])
def test_other_places_are_let_in(url: str) -> None:
    check_target(url, STRICT)


def test_administrator_lets_services_of_the_server_itself_in() -> None:
    check_target("json://127.0.0.1:9/", OWN)


def test_webhook_does_not_send_on_to_another_place(hook: Hook) -> None:
    hook.answer, hook.leads_to = 307, f"http://127.0.0.1:{hook.server_port}/secrets"

    took = send(message(f"json://127.0.0.1:{hook.server_port}/{PATIENT}&redirect=yes"))

    assert not took
    assert len(hook.taken) == 1
