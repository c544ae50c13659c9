"""The server's own work: noted slice by slice, tried again, ended once."""

from datetime import timedelta

import pytest

from holdfast.app.control import job_orders, jobs, server_work
from holdfast.app.control.job_errors import LeaseHeld, LeaseOver
from holdfast.app.control.job_views import JobView
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import Vault
from holdfast.fleet.jobs import State
from holdfast.testing.planes import Someone, add_machine, add_vault

LATER, NEVER = LeaseHeld(kind="prune", holder="agent", until="soon"), LeaseOver(lease="x")


@pytest.fixture
def job(plane: Plane, admin: Someone) -> str:
    machine = add_machine(plane, add_vault(plane))
    return job_orders.order_job(plane, admin.actor, machine.id, kind="scrub", arguments={}).id


def _seen(plane: Plane, admin: Someone, job: str) -> JobView:
    return jobs.show_job(plane, admin.actor, job).job


def test_beginning_twice_keeps_the_first_beginning(plane: Plane, admin: Someone, job: str) -> None:
    server_work.begin(plane, job)
    first = _seen(plane, admin, job).started_at
    plane.clock.sleep(60)

    assert server_work.begin(plane, job)
    assert _seen(plane, admin, job).started_at == first


def test_cancelled_job_is_not_begun(plane: Plane, admin: Someone, job: str) -> None:
    job_orders.cancel_job(plane, admin.actor, job)

    assert not server_work.begin(plane, job)


def test_cancel_is_seen_by_the_work_under_way(plane: Plane, admin: Someone, job: str) -> None:
    server_work.begin(plane, job)
    before = server_work.is_cancelled(plane, job)

    job_orders.cancel_job(plane, admin.actor, job)

    assert (before, server_work.is_cancelled(plane, job)) == (False, True)
    assert _seen(plane, admin, job).state == "running"


def test_tries_come_at_growing_distances(plane: Plane, job: str) -> None:
    server_work.begin(plane, job)

    waits = [server_work.note_attempt(plane, job, LATER) for _ in range(7)]

    assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 10, 30, 30)]


def test_tries_come_to_an_end(plane: Plane, job: str) -> None:
    server_work.begin(plane, job)

    waits = [server_work.note_attempt(plane, job, LATER) for _ in range(server_work.MOST_ATTEMPTS)]

    assert waits[-1] is None
    assert None not in waits[:-1]


def test_what_cannot_get_better_is_not_tried_again(plane: Plane, admin: Someone, job: str) -> None:
    server_work.begin(plane, job)

    wait = server_work.note_attempt(plane, job, NEVER)
    server_work.finish(plane, job, State.FAILED)

    seen = _seen(plane, admin, job)
    assert wait is None
    assert (seen.state, seen.error_code, seen.attempts) == ("failed", "lease-over", 1)


def test_success_after_a_failed_try_carries_no_error(
    plane: Plane, admin: Someone, job: str
) -> None:
    server_work.begin(plane, job)
    server_work.note_attempt(plane, job, LATER)

    server_work.finish(plane, job, State.DONE, result={"files": 3})

    told = jobs.show_job(plane, admin.actor, job)
    assert (told.job.state, told.error, told.result) == ("done", None, {"files": 3})


def test_first_end_counts(plane: Plane, admin: Someone, job: str) -> None:
    server_work.begin(plane, job)
    server_work.finish(plane, job, State.DONE)

    server_work.finish(plane, job, State.FAILED, error=NEVER)

    assert _seen(plane, admin, job).state == "done"


def test_vault_is_destroyed_by_one_job(plane: Plane, admin: Someone) -> None:
    vault_id = add_vault(plane)

    orders = []
    for _ in range(2):
        with plane.database.write() as db:
            vault = db.get(Vault, vault_id)
            assert vault is not None
            orders.append(server_work.order_vault_deletion(plane, db, vault))

    assert orders[0]
    assert orders[1] is None
