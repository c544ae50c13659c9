"""Checks that need no guest: over a network, and commands on this host."""

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.domains import Domain
from holdfast.recovery.checks.commands import run_here
from holdfast.recovery.checks.connecting import connect, fetch
from holdfast.recovery.checks.seen import NotSo, NotYet
from holdfast.recovery.checks.subject import Subject
from holdfast.recovery.checks.wishes import parse_check
from holdfast.testing.ports import free_port

_NO_HOST: Any = None


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health?deep=1" else 503)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    """The port of one that answers a single page."""
    with HTTPServer(("127.0.0.1", 0), _Pages) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield served.server_port
        served.shutdown()
        thread.join()


def subject(*, seconds: float = 60, environment: Mapping[str, str] | None = None) -> Subject:
    """Of no machine: nothing here asks it."""
    clock = SystemClock()
    return Subject(
        domain=Domain(_NO_HOST, uuid="-", name="web-test-1"),
        clock=clock,
        deadline=clock.monotonic() + seconds,
        environment={"PATH": "/usr/bin:/bin", **(environment or {})},
    )


def test_open_port_takes_connections(server: int) -> None:
    said = connect(subject(), parse_check(f"tcp:127.0.0.1:{server}"))

    assert str(server) in said


def test_closed_port_may_open_yet() -> None:
    with pytest.raises(NotYet, match=r"127\.0\.0\.1"):
        connect(subject(), parse_check(f"tcp:127.0.0.1:{free_port()}"))


def test_page_with_a_good_status_is_good(server: int) -> None:
    said = fetch(subject(), parse_check(f"http://127.0.0.1:{server}/health?deep=1"))

    assert "200" in said


def test_page_with_a_bad_status_may_become_good(server: int) -> None:
    with pytest.raises(NotYet, match="503"):
        fetch(subject(), parse_check(f"http://127.0.0.1:{server}/"))


def test_command_here_knows_what_it_is_about() -> None:
    about = subject(environment={"HOLDFAST_TEST_VM": "web-test-1"})

    said = run_here(about, parse_check('host:echo "$HOLDFAST_TEST_VM" >&2'))

    assert said == "web-test-1"


def test_command_that_ends_badly_says_how() -> None:
    with pytest.raises(NotSo, match="status 7: no such row"):
        run_here(subject(), parse_check("host:echo no such row; exit 7"))


def test_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(NotSo, match="too long"):
        run_here(subject(seconds=0), parse_check("host:sleep 600"))
