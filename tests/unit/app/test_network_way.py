"""The way to a vault: each stage is tried for real, and the first that fails is named."""

import socket
from collections.abc import Iterator

import pytest

from holdfast.app.network_way import knock, walk
from holdfast.base.clock import SystemClock
from holdfast.testing.proxy import running_proxy
from tests.unit.app.answering import answering


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv("no_proxy", "")
    with answering() as served:
        yield served.port


def _stages(url: str) -> list[tuple[str, bool]]:
    return [(stage.name, stage.reached) for stage in walk(url, SystemClock())]


def test_a_free_way_has_all_its_stages_and_tells_the_time(server: int) -> None:
    stages = list(walk(f"http://127.0.0.1:{server}", SystemClock()))

    assert [(one.name, one.reached) for one in stages] == [
        ("dns", True),
        ("tcp", True),
        ("http", True),
    ]
    assert stages[-1].seen == "HTTP 400"
    assert stages[-1].ahead_seconds is not None
    assert abs(stages[-1].ahead_seconds) < 60


def test_a_name_nobody_knows_ends_at_dns() -> None:
    assert _stages("https://no-such-host.invalid") == [("dns", False)]


def test_a_closed_port_ends_at_tcp() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        assert _stages(f"http://127.0.0.1:{port}") == [("dns", True), ("tcp", False)]


def test_a_server_without_tls_ends_at_tls(server: int) -> None:
    assert _stages(f"https://127.0.0.1:{server}")[-1] == ("tls", False)


def test_a_proxy_that_wants_a_login_is_named(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server}")

    stages = list(walk("https://vault.example.org", SystemClock()))

    assert [(one.name, one.reached) for one in stages] == [
        ("dns", True),
        ("proxy", True),
        ("proxy", False),
    ]
    assert "407" in stages[-1].seen


@pytest.mark.parametrize(("given", "login"), [("ada:s%3Acret", "ada:s:cret"), ("ada", "ada:")])
def test_a_proxy_lets_through_who_shows_the_login_of_its_url(
    server: int, monkeypatch: pytest.MonkeyPatch, given: str, login: str
) -> None:
    with running_proxy(login=login) as proxy:
        monkeypatch.setenv("http_proxy", proxy.bare_url.replace("://", f"://{given}@"))

        stages = list(walk(f"http://127.0.0.1:{server}", SystemClock()))

    assert [(one.name, one.reached) for one in stages] == [
        ("dns", True),
        ("proxy", True),
        ("http", True),
    ]
    assert (proxy.tunnels, proxy.refused) == ([f"127.0.0.1:{server}"], 0)


def test_a_wrong_login_is_told_without_it(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_proxy(login="ada:secret") as proxy:
        monkeypatch.setenv("http_proxy", proxy.bare_url.replace("://", "://ada:canary@"))

        stages = list(walk(f"http://127.0.0.1:{server}", SystemClock()))

    assert [(one.name, one.reached) for one in stages[1:]] == [("proxy", True), ("proxy", False)]
    assert "407" in stages[-1].seen
    assert not any("canary" in one.seen for one in stages)


def test_several_places_are_tried_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_one:
        port = open_one.getsockname()[1]

        seen = dict(knock([("127.0.0.1", port), ("127.0.0.1", 1)]))

    assert seen[f"127.0.0.1:{port}"].reached
    assert "refused" in seen["127.0.0.1:1"].seen
