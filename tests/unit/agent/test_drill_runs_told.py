"""Runs of drills are brought to the server: each once, as it is, and again only when it changed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.agent.link import Identity, Link
from holdfast.agent.recovering import Recovering
from holdfast.app.drill_runs_told import runs_to_tell
from holdfast.recovery.drills.drill import DrillRun
from holdfast.recovery.drills.drill_folder import DrillFolder
from holdfast.recovery.trial import TrialState
from holdfast.testing.clock import FakeClock
from holdfast.testing.server_double import ServerDouble, served
from tests.unit.recovery.trials import VM, trial

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[ServerDouble]:
    with served() as double:
        yield double


@pytest.fixture
def recovering(tmp_path: Path, server: ServerDouble) -> Recovering:
    link = Link(Identity(server=server.url, ca="", certificate="", key=""))
    return Recovering(str(tmp_path), link, clock=FakeClock(NOON))


def keep(home: Path, number: int = 1, **changes: object) -> None:
    DrillFolder(str(home), VM).save_run(DrillRun(trial=trial(number, **changes), host="far"))


def brought(server: ServerDouble) -> list[tuple[str, str]]:
    return [(one["run"]["trial"]["id"], one["run"]["trial"]["state"]) for one in server.drill_runs]


def test_each_run_is_brought_once(
    tmp_path: Path, server: ServerDouble, recovering: Recovering
) -> None:
    keep(tmp_path, 1)
    keep(tmp_path, 2)

    recovering.tell()
    recovering.tell()

    assert brought(server) == [("trial-001", "success"), ("trial-002", "success")]


def test_a_run_that_went_on_is_brought_again(
    tmp_path: Path, server: ServerDouble, recovering: Recovering
) -> None:
    keep(tmp_path, 1, state=TrialState.RUNNING)
    recovering.tell()

    keep(tmp_path, 1)
    recovering.tell()

    assert brought(server) == [("trial-001", "running"), ("trial-001", "success")]


def test_an_agent_that_is_new_brings_only_what_the_server_lacks(
    tmp_path: Path, server: ServerDouble, recovering: Recovering
) -> None:
    keep(tmp_path, 1)
    recovering.tell()
    keep(tmp_path, 2)

    known = {one["run"]["trial"]["id"]: one["digest"] for one in server.drill_runs}

    assert [one.run["trial"]["id"] for one in runs_to_tell(str(tmp_path), known)] == ["trial-002"]


def test_its_picture_comes_with_it(
    tmp_path: Path, server: ServerDouble, recovering: Recovering
) -> None:
    keep(tmp_path, 1)
    DrillFolder(str(tmp_path), VM).save_picture("trial-001", b"png")

    recovering.tell()

    assert [one["picture"] for one in server.drill_runs] == ["cG5n"]
