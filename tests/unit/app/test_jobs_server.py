"""The server's jobs, through its real API."""

from typing import Any

import pytest

from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.app.control.registration_errors import MachineUnknown
from holdfast.app.jobs_errors import JobAmbiguous, JobUnknown, MachineAmbiguous
from holdfast.app.jobs_server import ServerJobs
from holdfast.app.jobs_view import Wanted
from holdfast.fleet.messages import JobReport, Line
from holdfast.testing.planes import (
    Registered,
    add_admin,
    add_machine,
    client_of,
)


class Client:
    """What `holdfast login` gives, without a network."""

    def __init__(self, plane: Plane) -> None:
        self._http = client_of(plane, token=add_admin(plane).token)

    def get(self, path: str) -> Any:
        return self._http.get(f"/api/v1{path}").json()

    def post(self, path: str, body: Any = None) -> Any:
        return self._http.post(f"/api/v1{path}", json=body).json()


@pytest.fixture
def server(plane: Plane) -> ServerJobs:
    return ServerJobs(Client(plane))


def _report(plane: Plane, machine: Registered, job_id: str, lines: int = 0) -> None:
    now = plane.clock.now()
    report = JobReport(
        number=1,
        kind="check",
        origin="schedule",
        source="repository",
        state="done",
        created_at=now,
        lines=[Line(at=now, level="info", text=f"line {number}") for number in range(lines)],
    )
    report_job(plane, machine.actor, job_id, report)


def test_job_is_ordered_by_the_machines_name(server: ServerJobs, machine: Registered) -> None:
    job = server.order("alpha", "backup", {"paths": ["/etc"]}, hours=1)

    assert (job.state, job.machine, job.kind) == ("waiting", "alpha", "backup")
    assert server.order(machine.id, "check", {}, hours=1).machine == "alpha"


def test_machine_has_to_be_one(plane: Plane, vault: str, server: ServerJobs) -> None:
    add_machine(plane, vault, "twin")
    add_machine(plane, vault, "twin")

    with pytest.raises(MachineUnknown):
        server.order("nobody", "check", {}, hours=1)
    with pytest.raises(MachineAmbiguous):
        server.order("twin", "check", {}, hours=1)


def test_list_is_narrowed_and_short(
    plane: Plane, vault: str, server: ServerJobs, machine: Registered
) -> None:
    add_machine(plane, vault, "beta")
    for kind in ("check", "doctor", "scrub"):
        server.order("alpha", kind, {}, hours=1)
    server.order("beta", "check", {}, hours=1)

    chosen = server.listed(Wanted(machine="alpha", kinds=("check", "doctor")))
    short = server.listed(Wanted(latest=2))

    assert {(job.machine, job.kind) for job in chosen} == {("alpha", "check"), ("alpha", "doctor")}
    assert len(short) == 2


def test_beginning_of_an_id_is_enough(
    plane: Plane, server: ServerJobs, machine: Registered
) -> None:
    for job_id in ("aaaa0000", "aabb0000", "cccc0000"):
        _report(plane, machine, job_id)

    assert server.show("c").job.id == "cccc0000"
    with pytest.raises(JobAmbiguous):
        server.show("aa")
    with pytest.raises(JobUnknown):
        server.show("dd")


def test_log_is_whole_and_can_be_gone_on_with(
    plane: Plane, server: ServerJobs, machine: Registered
) -> None:
    _report(plane, machine, "aaaa0000", lines=450)

    lines = server.lines("aaaa0000", after=0)
    rest = server.lines("aaaa0000", after=lines[-3].id)

    assert [line.text for line in lines] == [f"line {number}" for number in range(450)]
    assert [line.text for line in rest] == ["line 448", "line 449"]


def test_cancel_and_retry(server: ServerJobs, machine: Registered) -> None:
    job = server.order("alpha", "check", {}, hours=1)

    cancelled = server.cancel(job.id)
    again = server.retry(job.id)

    assert (cancelled.state, again.state) == ("cancelled", "waiting")
    assert again.id != job.id
