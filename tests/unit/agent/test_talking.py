"""What the agent says to its server arrives, in order and once, whatever lies between."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.leases import Leases
from holdfast.agent.link import Identity, Link
from holdfast.agent.listening import Listener
from holdfast.agent.place import Place
from holdfast.agent.talking import Connection, Talker, Telling
from holdfast.fleet.jobs import State
from holdfast.fleet.messages import Command, Line, PointsTold
from holdfast.testing.clock import FakeClock
from holdfast.testing.server_double import ServerDouble, served

from .conftest import NOON

Make = Callable[..., Job]


@pytest.fixture
def server() -> Iterator[ServerDouble]:
    with served() as double:
        yield double


@pytest.fixture
def link(server: ServerDouble) -> Iterator[Link]:
    link = Link(Identity(server=server.url, ca="", certificate="", key=""))
    yield link
    link.reload()


class Scene:
    def __init__(self, place: Place, journal: Journal, link: Link, warnings: list[str]) -> None:
        self.clock = FakeClock()
        self.assigned = AssignedPolicies(place.policies)
        self.leases = Leases()
        self.cancelled: list[str] = []
        telling = Telling(
            name="web1",
            version="0.1.0",
            facts=lambda: {"kernel": "6.1"},
            running=lambda: ["job-1"],
            points=lambda: PointsTold(points=[]),
            cancel=self.cancelled.append,
            renew=lambda: None,
            warn=warnings.append,
        )
        self.talker = Talker(link, journal, self.assigned, self.leases, telling, clock=self.clock)


@pytest.fixture
def scene(place: Place, journal: Journal, link: Link, warnings: list[str]) -> Scene:
    return Scene(place, journal, link, warnings)


def test_heartbeat_says_how_the_machine_is(scene: Scene, server: ServerDouble) -> None:
    scene.talker.step()

    (beat,) = server.beats
    assert (beat["name"], beat["facts"], beat["running"]) == ("web1", {"kernel": "6.1"}, ["job-1"])
    assert scene.talker.connection is Connection.ONLINE


def test_next_heartbeat_comes_when_the_server_said(scene: Scene, server: ServerDouble) -> None:
    scene.talker.step()
    scene.talker.step()
    assert len(server.beats) == 1

    scene.clock.sleep(37)
    scene.talker.step()

    assert len(server.beats) == 2


def test_assignments_are_fetched_when_others_hold(
    scene: Scene, server: ServerDouble, place: Place
) -> None:
    server.assignments = {"etag": "e2", "assignments": []}

    scene.talker.step()

    assert AssignedPolicies(place.policies).etag == "e2"


def test_reports_wait_until_the_server_is_back(
    scene: Scene, server: ServerDouble, journal: Journal, make_job: Make, warnings: list[str]
) -> None:
    server.status = 503
    scene.talker.step()
    scene.talker.step()
    for job_id in ("job-1", "job-2"):
        journal.add(make_job(job_id))
        journal.save(make_job(job_id, state=State.DONE), [Line(at=NOON, level="info", text=job_id)])
    assert scene.talker.connection is Connection.AWAY
    assert len(warnings) == 1

    server.status = 200
    scene.talker.step()

    assert [(job_id, told["state"]) for job_id, told in server.reports] == [
        ("job-1", "done"),
        ("job-2", "done"),
    ]
    assert server.lines_of("job-1") == ["job-1"]
    assert journal.undelivered() == []


def test_nothing_new_is_told_twice(
    scene: Scene, server: ServerDouble, journal: Journal, make_job: Make
) -> None:
    journal.add(make_job())
    scene.talker.step()

    scene.talker.step()

    assert len(server.reports) == 1


def test_many_lines_come_in_several_reports(
    scene: Scene, server: ServerDouble, journal: Journal, make_job: Make
) -> None:
    journal.add(make_job())
    lines = [Line(at=NOON, level="info", text=str(number)) for number in range(1200)]
    journal.save(make_job(state=State.DONE), lines)

    scene.talker.step()

    assert server.lines_of("job-1") == [str(number) for number in range(1200)]
    assert len(server.reports) == 3


def test_cancel_in_a_reply_is_obeyed(
    scene: Scene, server: ServerDouble, journal: Journal, make_job: Make
) -> None:
    journal.add(make_job())
    server.cancel = {"job-1"}

    scene.talker.step()

    assert scene.cancelled == ["job-1"]


def test_server_that_knows_a_higher_number_hears_a_higher_one(
    scene: Scene, server: ServerDouble, journal: Journal, make_job: Make
) -> None:
    server.numbers["job-1"] = 77
    journal.add(make_job())

    scene.talker.step()

    assert server.newest("job-1")["number"] == 78
    assert journal.undelivered() == []


def test_report_the_server_refuses_does_not_hold_up_others(
    scene: Scene, server: ServerDouble, journal: Journal, make_job: Make, warnings: list[str]
) -> None:
    journal.add(make_job("bad"))
    journal.add(make_job("good"))
    accept = server.answer

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/jobs/bad"):
            return 422, {"code": "report-wrong", "detail": "no", "remedy": ""}
        return accept(method, path, body)

    server.answer = answer  # type: ignore[method-assign]
    scene.talker.step()

    assert [job_id for job_id, _told in server.reports] == ["good"]
    assert journal.undelivered() == []
    assert len(warnings) == 1


def test_revoked_certificate_is_a_state_of_its_own(
    scene: Scene, server: ServerDouble, warnings: list[str]
) -> None:
    server.status = 401

    waits = [scene.talker.step() for _try in range(3)]

    assert scene.talker.connection is Connection.REFUSED
    assert len(warnings) == 1
    assert "holdfast register" in warnings[0]
    assert min(waits) >= 60


def test_way_is_made_anew_when_its_files_are_others(server: ServerDouble, tmp_path: Path) -> None:
    shown = tmp_path / "machine.pem"
    link = Link(Identity(server=server.url, ca="", certificate=str(shown), key=""))

    assert not link.refresh()
    shown.write_text("another certificate", encoding="utf-8")
    assert link.refresh()
    assert not link.refresh()


def test_waiting_grows_while_the_server_is_away(scene: Scene, server: ServerDouble) -> None:
    server.status = 502

    waits = [scene.talker.step() for _try in range(12)]

    assert waits[0] <= 2
    assert 30 <= waits[-1] <= 60


def test_server_that_is_not_there_is_away(scene: Scene, server: ServerDouble, link: Link) -> None:
    link._identity = Identity(server="http://127.0.0.1:1", ca="", certificate="", key="")

    scene.talker.step()

    assert scene.talker.connection is Connection.AWAY


def test_points_are_told_again_when_they_changed(scene: Scene, server: ServerDouble) -> None:
    scene.talker.step()
    scene.talker.step()
    assert len(server.points) == 1

    scene.talker.points_changed()
    scene.talker.step()

    assert len(server.points) == 2


def test_lease_is_asked_for_kept_and_given_back(scene: Scene, server: ServerDouble) -> None:
    scene.leases.want("job-1", "prune")
    scene.talker.step()
    now = NOON.replace(year=2020)
    assert scene.leases.is_held("job-1", now)

    scene.leases.keep_only(())
    scene.talker.step()

    assert server.released == ["lease-prune"]
    assert not scene.leases.is_held("job-1", now)


def test_refused_lease_says_why(scene: Scene, server: ServerDouble) -> None:
    server.lease_status = 409
    scene.leases.want("job-1", "retain")

    scene.talker.step()

    assert scene.leases.refusal("job-1") == "prune has it"
    assert scene.talker.connection is Connection.ONLINE


def test_lease_of_a_killed_agent_does_not_block_the_next(
    scene: Scene, server: ServerDouble
) -> None:
    server.held = "prune"
    scene.leases.want("job-1", "retain")

    scene.talker.step()

    assert scene.leases.is_held("job-1", NOON.replace(year=2020))


def test_lease_stays_with_the_job_a_killed_agent_left_running(
    scene: Scene, server: ServerDouble
) -> None:
    server.held = "prune"
    scene.leases.want("job-2", "retain")
    scene.leases.keep_for_running("job-1", "prune")

    scene.talker.step()

    now = NOON.replace(year=2020)
    assert scene.leases.is_held("job-1", now)
    assert not scene.leases.is_held("job-2", now)


def test_command_is_taken_before_the_server_is_told_so(server: ServerDouble, link: Link) -> None:
    server.offer("check", "job-9")
    taken: list[tuple[str, list[int]]] = []

    def take(command: Command) -> bool:
        taken.append((command.job_id, list(server.taken)))
        return True

    Listener(link, take).step(wait=0)

    assert taken == [("job-9", [])]
    assert server.taken == [1]


def test_command_that_is_not_taken_is_offered_again(server: ServerDouble, link: Link) -> None:
    server.offer("check", "job-9")
    answers = iter([False, True])
    listener = Listener(link, lambda _command: next(answers))

    listener.step(wait=0)
    assert server.taken == []
    listener.step(wait=0)

    assert server.taken == [1]


def test_clocks_are_compared(scene: Scene) -> None:
    scene.talker.step()

    assert abs(scene.talker.clock_offset) > timedelta(minutes=5)
