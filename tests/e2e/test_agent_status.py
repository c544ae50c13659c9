"""What `agent status` says while an agent works, waits for its server, and has ended."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.fleet import FleetServer
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.office import Office, new_office

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FleetServer]:
    with FleetServer(tmp_path / "server", workflows=False) as running:
        yield running


@pytest.fixture
def office(server: FleetServer, tmp_path: Path) -> Office:
    return new_office(server, tmp_path)


def _seen(mail: Bench, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The state, as soon as it is the one wanted."""
    state = dict[str, Any]()

    def reached() -> bool:
        state.update(mail.run("agent", "status", "--json", status=None).event("agent-state"))
        return wanted(state)

    wait_until(reached)
    return state


def test_state_of_the_agent_is_told_from_its_files(server: FleetServer, office: Office) -> None:
    mail = office.machine("mail")
    office.register(mail)
    policy = mail.root / "policy.json"
    policy.write_text(office.admin.run("vault", "policy", "propose", "--name", "often").out)
    on = ("--on", office.name)
    office.admin.run("vault", "policy", "set", policy, *on)
    office.admin.run("vault", "policy", "attach", "often", mail.source, *on, "--machine", "mail")

    before = _seen(mail, lambda _: True)
    agent = mail.start("agent", "run")
    try:
        online = _seen(mail, lambda one: bool(one["connection"] == "online" and one["next_runs"]))
        text = mail.run("agent", "status").out
        server.stop()
        away = _seen(mail, lambda one: bool(one["connection"] == "away"))
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.communicate(timeout=90)
    after = mail.run("agent", "status", "--json", status=3).event("agent-state")

    assert before["agent"] == "never"
    assert online["agent"] == "running"
    assert online["agent_version"] == online["package_version"]
    assert online["policies_of"] is not None
    assert "connected since" in text
    assert "often: " in text
    assert away["connection_trouble"]
    assert away["heard_at"]
    assert (after["agent"], after["journal_trouble"]) == ("stopped", None)
