"""Jobs that people ask for, stop, and ask for again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.commands import open_commands, take_command
from holdfast.app.control.errors import IdempotencyKeyReused, NotAllowed, NotThere
from holdfast.app.control.job_errors import (
    ArgumentsWrong,
    JobNotOver,
    JobOver,
    MachineGone,
    NotForMachines,
)
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.catalog.jobs import JobFilter
from holdfast.catalog.tables import Assignment, Machine, Policy
from holdfast.fleet.messages import JobReport
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.planes import (
    Registered,
    Someone,
    add_machine,
    add_person,
    add_vault,
)

BACKUP: dict[str, Any] = {"kind": "backup", "arguments": {"paths": ["/etc"]}}


def _say(plane: Plane, machine: Registered, job_id: str, number: int, state: str) -> None:
    report = JobReport(
        number=number,
        kind="backup",
        origin="person",
        source="/etc",
        state=state,
        created_at=plane.clock.now(),
    )
    report_job(plane, machine.actor, job_id, report)


def test_order_is_a_waiting_job_and_a_command_for_its_machine(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    (command,) = open_commands(plane, machine.actor, after=0).commands
    assert (job.state, job.source) == ("waiting", "/etc")
    assert (command.job_id, command.kind) == (job.id, "backup")
    assert command.arguments["paths"] == ["/etc"]


def test_command_goes_to_its_machine_alone(
    plane: Plane, vault: str, machine: Registered, admin: Someone
) -> None:
    other = add_machine(plane, vault, "beta")

    job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    assert open_commands(plane, other.actor, after=0).commands == []


def test_taken_command_is_not_offered_again(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    (command,) = open_commands(plane, machine.actor, after=0).commands

    for _ in range(2):
        take_command(plane, machine.actor, command.number)

    assert open_commands(plane, machine.actor, after=0).commands == []


def test_machine_cannot_take_the_command_of_another(
    plane: Plane, vault: str, machine: Registered, admin: Someone
) -> None:
    other = add_machine(plane, vault, "beta")
    job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    (command,) = open_commands(plane, machine.actor, after=0).commands

    with pytest.raises(NotThere):
        take_command(plane, other.actor, command.number)

    assert len(open_commands(plane, machine.actor, after=0).commands) == 1


def test_second_job_on_a_busy_source_is_recorded_as_left_out(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    first = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    second = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    error = jobs.show_job(plane, admin.actor, second.id).error
    assert second.state == "skipped"
    assert error
    assert (error["code"], error["fields"]["job"]) == ("another-job-in-progress", first.id)
    assert len(open_commands(plane, machine.actor, after=0).commands) == 1


def test_other_source_is_free(plane: Plane, machine: Registered, admin: Someone) -> None:
    job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    other = job_orders.order_job(
        plane, admin.actor, machine.id, kind="backup", arguments={"paths": ["/srv"]}
    )

    assert other.state == "waiting"


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("backup", {}, "name an assignment, paths or vms"),
        ("backup", {"path": ["/etc"]}, "'path' is not known"),
        ("backup", {"paths": "/etc"}, "array"),
        ("restore", {"point": "latest"}, "to"),
        ("retain", {"assignment": "daily", "keep_last": 1}, "'keep_last' is not known"),
        ("scrub", {"anything": 1}, "'anything' is not known"),
    ],
)
def test_arguments_are_read_strictly(
    plane: Plane, machine: Registered, admin: Someone, kind: str, arguments: Any, said: str
) -> None:
    with pytest.raises(ArgumentsWrong, match=said):
        job_orders.order_job(plane, admin.actor, machine.id, kind=kind, arguments=arguments)


@pytest.mark.parametrize("kind", ["purge", "delete-vault", "mischief"])
def test_what_no_machine_does_cannot_be_ordered(
    plane: Plane, machine: Registered, admin: Someone, kind: str
) -> None:
    with pytest.raises(NotForMachines):
        job_orders.order_job(plane, admin.actor, machine.id, kind=kind, arguments={})


ASSIGNMENT = "assignment-1"
ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("backup", {"paths": ["/etc"]}),
    ("check", {}),
    ("doctor", {}),
    ("scrub", {}),
    ("restore", {"point": "latest", "to": "/tmp/back"}),
    ("retain", {"assignment": ASSIGNMENT}),
    ("prune", {}),
    ("protect", {"vm": "web"}),
    ("unprotect", {"vm": "web"}),
]
_NOBODY = frozenset[str]()
# An end of protection deletes nothing yet, and is as the end of a policy.
_DELETING = frozenset({"retain", "prune", "unprotect"})
_ALL = frozenset(kind for kind, _ in ORDERS)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, _NOBODY),
        (Role.READER, _NOBODY),
        (Role.OPERATOR, _ALL - _DELETING),
        (Role.CONTRIBUTOR, _ALL),
    ],
    ids=["nobody", "reader", "operator", "contributor"],
)
def test_who_may_order_what(
    plane: Plane, vault: str, machine: Registered, role: Role | None, allowed: frozenset[str]
) -> None:
    person = add_person(plane, role=role, vault_id=vault)
    _assign(plane, vault, machine)

    taken = set()
    for kind, arguments in ORDERS:
        try:
            job_orders.order_job(plane, person.actor, machine.id, kind=kind, arguments=arguments)
        except NotAllowed:
            continue
        taken.add(kind)

    assert taken == allowed


def test_backup_of_an_assignment_names_it_to_the_agent(
    plane: Plane, vault: str, machine: Registered, admin: Someone
) -> None:
    _assign(plane, vault, machine)

    job = job_orders.order_job(
        plane, admin.actor, machine.id, kind="backup", arguments={"assignment": ASSIGNMENT}
    )

    (command,) = open_commands(plane, machine.actor, after=0).commands
    assert (job.source, command.arguments["assignment"]) == (ASSIGNMENT, ASSIGNMENT)


def test_backups_of_two_machines_are_no_hindrance_to_each_other(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    def ordered(kind: str, **arguments: Any) -> tuple[str, str]:
        job = job_orders.order_job(plane, admin.actor, machine.id, kind=kind, arguments=arguments)
        return job.source, job.state

    found = [
        ordered("backup", vms=["web"]),
        ordered("backup", vms=["db"]),
        ordered("backup", vms=["web"]),
        ordered("protect", vm="db"),
    ]

    assert found == [
        ("vm:web", "waiting"),
        ("vm:db", "waiting"),
        ("vm:web", "skipped"),
        ("vm:db", "skipped"),
    ]


def test_assignment_of_another_machine_is_not_there(
    plane: Plane, vault: str, machine: Registered, admin: Someone
) -> None:
    other = add_machine(plane, vault, "beta")
    _assign(plane, vault, machine)

    with pytest.raises(NotThere):
        job_orders.order_job(
            plane, admin.actor, other.id, kind="backup", arguments={"assignment": ASSIGNMENT}
        )


def _assign(plane: Plane, vault_id: str, machine: Registered) -> None:
    now = plane.clock.now()
    body = {"name": "daily", "schedule": "daily 02:00", "retention": ["daily 7"]}
    with plane.database.write() as db:
        db.add(Policy(id="policy-1", vault_id=vault_id, name="daily", body=body, changed_at=now))
        db.flush()
        db.add(
            Assignment(
                id=ASSIGNMENT,
                machine_id=machine.id,
                policy_id="policy-1",
                paths=["/etc", "/srv"],
                options={"excludes": ["*.tmp"], "tags": ["auto"]},
                created_at=now,
            )
        )


def test_machine_that_is_gone_takes_no_jobs(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    with plane.database.write() as db:
        row = db.get(Machine, machine.id)
        assert row is not None
        row.state = "unregistered"

    with pytest.raises(MachineGone):
        job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)


def test_waiting_job_is_cancelled_at_once(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    stopped = job_orders.cancel_job(plane, admin.actor, job.id)

    assert stopped.state == "cancelled"
    assert open_commands(plane, machine.actor, after=0).commands == []


def test_running_job_is_told_to_stop_and_told_once(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    (command,) = open_commands(plane, machine.actor, after=0).commands
    take_command(plane, machine.actor, command.number)
    _say(plane, machine, job.id, 1, "running")

    job_orders.cancel_job(plane, admin.actor, job.id)
    stopped = job_orders.cancel_job(plane, admin.actor, job.id)

    (cancel,) = open_commands(plane, machine.actor, after=0).commands
    assert (stopped.state, stopped.is_cancel_asked) == ("running", True)
    assert (cancel.kind, cancel.job_id) == ("cancel", job.id)


def test_taken_job_that_has_not_begun_is_told_to_stop(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    (command,) = open_commands(plane, machine.actor, after=0).commands
    take_command(plane, machine.actor, command.number)

    stopped = job_orders.cancel_job(plane, admin.actor, job.id)

    (cancel,) = open_commands(plane, machine.actor, after=0).commands
    assert (stopped.state, cancel.kind) == ("waiting", "cancel")


def test_job_that_is_over_cannot_be_cancelled(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    _say(plane, machine, job.id, 1, "done")

    with pytest.raises(JobOver):
        job_orders.cancel_job(plane, admin.actor, job.id)


def test_retry_is_a_job_of_its_own(plane: Plane, machine: Registered, admin: Someone) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    _say(plane, machine, job.id, 1, "failed")

    again = job_orders.retry_job(plane, admin.actor, job.id)

    assert (again.state, again.source) == ("waiting", "/etc")
    assert again.id != job.id


def test_job_that_is_not_over_is_not_retried(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    job = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)

    with pytest.raises(JobNotOver):
        job_orders.retry_job(plane, admin.actor, job.id)


def test_list_holds_only_jobs_of_vaults_one_may_read(
    plane: Plane, vault: str, machine: Registered, admin: Someone
) -> None:
    foreign = add_machine(plane, add_vault(plane, "other"), "beta")
    mine = job_orders.order_job(plane, admin.actor, machine.id, **BACKUP)
    job_orders.order_job(plane, admin.actor, foreign.id, **BACKUP)
    reader = add_person(plane, role=Role.READER, vault_id=vault)

    listed = jobs.list_jobs(plane, reader.actor, JobFilter(), Window())

    assert [job.id for job in listed.items] == [mine.id]


def test_pages_hold_every_job_once_newest_first(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    made = []
    for number in range(7):
        # Of two in each moment, so that the id has to tell them apart.
        if number % 2:
            plane.clock.sleep(1)
        arguments = {"paths": [f"/{number}"]}
        made.append(
            job_orders.order_job(plane, admin.actor, machine.id, kind="backup", arguments=arguments)
        )

    seen, after = [], None
    while True:
        page = jobs.list_jobs(plane, admin.actor, JobFilter(), Window(limit=2, after=after))
        seen += page.items
        after = page.next
        if after is None:
            break

    assert sorted(job.id for job in seen) == sorted(job.id for job in made)
    moments = [job.created_at for job in seen]
    assert moments == sorted(moments, reverse=True)


def test_key_of_an_old_order_orders_nothing_and_says_so(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    actor = replace(admin.actor, key="every-night")
    first = job_orders.order_job(plane, actor, machine.id, **BACKUP)
    again = job_orders.order_job(plane, actor, machine.id, **BACKUP)
    plane.clock.sleep(timedelta(days=1, seconds=1).total_seconds())

    with pytest.raises(IdempotencyKeyReused):
        job_orders.order_job(plane, actor, machine.id, **BACKUP)

    assert again.id == first.id
