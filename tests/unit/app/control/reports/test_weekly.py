"""The last seven days, and how things stand at their end."""

from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.alerting import tell_of_act, tell_of_job
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports.week import Weekly
from holdfast.app.control.reports.weekly import weekly
from holdfast.app.control.reports.weekly_page import weekly_page
from holdfast.app.control.reports.weekly_text import weekly_text
from holdfast.base.texts import speaking
from holdfast.catalog.tables import (
    Assignment,
    Job,
    Machine,
    Point,
    Policy,
    Replication,
    ReplicationSample,
    Site,
)
from holdfast.fleet.roles import Role
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_person, add_vault, make_plane

DAY = timedelta(days=1)
_VM = "0b1de1f0-5b5c-4e5e-9a39-2f3f7d3c0001"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


def ended(plane: Plane, vault: str, machine: str, state: str, **more: Any) -> None:
    now = plane.clock.now()
    usual: dict[str, Any] = {"kind": "backup", "source": "/etc", "arguments": {}}
    told = {**usual, **more}
    error = {"code": "storage-full", "message": "no room", "remedy": "Make room."}
    with plane.database.write() as db:
        job = Job(
            id=f"{told['kind']}-{state}-{told['source'][1:]}-{machine[:6]}-{now:%m%d%H%M}",
            vault_id=vault,
            machine_id=machine,
            origin="schedule",
            state=state,
            created_at=now,
            ended_at=now,
            progress={},
            error=error if state == "failed" else None,
            **told,
        )
        db.add(job)
        tell_of_job(db, plane, job, db.get(Machine, machine))


def protect(plane: Plane, vault: str, machine: str) -> None:
    """By a policy, with a point of just now; and the machine is heard of."""
    now = plane.clock.now()
    with plane.database.write() as db:
        row = db.get_one(Machine, machine)
        row.last_seen_at = now
        policy = f"policy-{machine}"
        db.add(Policy(id=policy, vault_id=vault, name=policy, body={}, changed_at=now))
        db.flush()
        db.add(
            Assignment(
                id=f"a-{machine}",
                machine_id=machine,
                policy_id=policy,
                paths=["/etc"],
                options={},
                created_at=now - DAY,
            )
        )
        db.add(point(machine, now, added=1000))


def point(machine: str, at: Any, *, added: int) -> Point:
    return Point(
        machine_id=machine,
        id=f"{at:%Y%m%d%H%M}".rjust(64, "0"),
        taken_at=at,
        host="h",
        paths=["/etc"],
        tags=[],
        bytes_total=2 * added,
        bytes_added=added,
    )


def asked(plane: Plane, **more: Any) -> Weekly:
    return weekly(plane, add_admin(plane).actor, **more)


def test_a_good_week_says_so(plane: Plane) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    protect(plane, vault, machine)
    ended(plane, vault, machine, "done")
    ended(plane, vault, machine, "done", kind="check", arguments={"read_data": "all"})

    found = asked(plane)

    assert found.verdict == "good"
    assert (found.safety.protected, found.safety.at_risk, found.safety.unprotected) == (1, 0, 0)
    assert (found.proofs.proven, found.proofs.unproven) == (1, 0)


def test_what_went_well_is_told_beside_the_week_before(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    for state in ("done", "done", "failed"):
        ended(plane, vault, machine, state)
        clock.sleep(3600)
    clock.sleep(7 * DAY.total_seconds())
    for state in ("done", "warnings", "done", "done"):
        ended(plane, vault, machine, state)
        clock.sleep(3600)

    (backups,) = asked(plane).work

    assert (backups.kind, backups.done, backups.warnings, backups.failed) == ("backup", 3, 1, 0)
    assert (backups.good_before, backups.bad_before) == (2, 1)


def test_failures_are_told_by_cause_and_whether_they_are_over(
    plane: Plane, clock: FakeClock
) -> None:
    vault = add_vault(plane)
    machines = [add_machine(plane, vault, f"host-{number}").id for number in range(3)]
    for machine in machines:
        ended(plane, vault, machine, "failed")
    clock.sleep(3600)
    for machine in machines[:2]:
        ended(plane, vault, machine, "done")
    clock.sleep(3600)

    (cause,) = asked(plane).causes

    assert (cause.code, cause.count, cause.machine_count) == ("storage-full", 3, 3)
    assert not cause.is_over


def test_a_backup_nobody_read_back_is_unproven(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    ended(plane, vault, machine, "done", kind="check", source="structure")
    clock.sleep(60)
    protect(plane, vault, machine)

    found = asked(plane)

    assert (found.proofs.proven, found.proofs.unproven) == (0, 1)
    assert [(one.name, one.proven_at) for one in found.proofs.things] == [("alpha", None)]
    assert found.verdict == "attention"


def test_what_is_at_risk_is_named_with_its_reasons(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    protect(plane, vault, add_machine(plane, vault, "stale").id)
    add_machine(plane, vault, "bare")
    clock.sleep(5 * DAY.total_seconds())

    found = asked(plane)

    assert {one.name: one.safety for one in found.safety.things} == {
        "bare": "unprotected",
        "stale": "at-risk",
    }
    stale = next(one for one in found.safety.things if one.name == "stale")
    assert "overdue" in stale.reasons


def test_replicas_are_told_by_how_well_they_fared(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    host, keeper = add_machine(plane, vault, "host").id, add_machine(plane, vault, "away").id
    replicated(plane, host, keeper)
    with plane.database.write() as db:
        for hour in range(10):
            db.add(
                ReplicationSample(
                    replication_id="r",
                    at=clock.now() - timedelta(hours=hour + 1),
                    seconds=3600,
                    rpo_seconds=60.0 * hour,
                    queue_bytes=0,
                    health="normal" if hour < 8 else "critical",
                    is_heard=True,
                )
            )

    (found,) = asked(plane).replications

    assert (found.name, found.site, found.worst_rpo_seconds) == ("web", "hall", 540.0)
    assert found.well_share == pytest.approx(0.8)


def replicated(plane: Plane, host: str, keeper: str) -> None:
    now = plane.clock.now()
    with plane.database.write() as db:
        db.add(
            Site(
                id="s",
                name="hall",
                machine_id=keeper,
                folder="/srv",
                host="",
                port=8444,
                created_at=now,
                created_by="ada",
            )
        )
        db.flush()
        db.add(
            Replication(
                id="r",
                site_id="s",
                vm=_VM,
                name="web",
                machine_id=host,
                settings={},
                state="protected",
                state_since=now,
                health="normal",
                health_since=now,
                created_at=now,
            )
        )


def test_who_added_most_comes_first(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    now = clock.now()
    machines = {name: add_machine(plane, vault, name).id for name in ("small", "large")}
    with plane.database.write() as db:
        db.add(point(machines["small"], now - DAY, added=10))
        db.add(point(machines["large"], now - DAY, added=1000))
        db.add(point(machines["small"], now - 9 * DAY, added=10**6))

    found = asked(plane)

    assert [(one.machine, one.bytes_added) for one in found.growers] == [
        ("large", 1000),
        ("small", 10),
    ]
    assert (found.points, found.points_before) == (2, 1)


def test_what_could_have_cost_data_is_told(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    with plane.database.write() as db:
        tell_of_act(db, plane, "soft-delete-off", actor="ada", about="main", vault_id=vault)
    clock.sleep(60)

    (act,) = asked(plane).acts

    assert act.sentence == "ada switched soft delete off for main."


def test_of_one_vault_nothing_of_others_is_told(plane: Plane, clock: FakeClock) -> None:
    mine, other = add_vault(plane, "mine"), add_vault(plane, "foreign")
    ended(plane, other, add_machine(plane, other, "secret").id, "failed")
    reader = add_person(plane, role=Role.READER, vault_id=mine).actor
    clock.sleep(60)

    of_reader, of_one = weekly(plane, reader), asked(plane, vault="mine")

    for found in (of_reader, of_one):
        said = weekly_text(found, zone=UTC) + weekly_page(found, zone=UTC)
        assert "secret" not in said
        assert "foreign" not in said
    with pytest.raises(NotAllowed):
        weekly(plane, reader, vault=other)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_page_and_text_hold_whatever_there_is(plane: Plane, clock: FakeClock, lang: str) -> None:
    vault = add_vault(plane, "<b>vault", quota_bytes=1000)
    host, keeper = add_machine(plane, vault, "<i>host").id, add_machine(plane, vault, "away").id
    protect(plane, vault, host)
    replicated(plane, host, keeper)
    for state in ("done", "failed", "warnings"):
        ended(plane, vault, host, state)
        clock.sleep(60)
    clock.sleep(4 * DAY.total_seconds())

    with speaking(lang):
        found = asked(plane)
        page, text = weekly_page(found, zone=UTC), weekly_text(found, zone=UTC)

    assert "<i>" not in page
    assert "<b>vault" not in page
    assert "&lt;i&gt;host" in page
    assert "<script" not in page
    assert "<i>host" in text
    assert page.count("<section>") == 9
    assert "None" not in text
    assert "{" not in text


def test_an_empty_server_has_a_report_too(plane: Plane) -> None:
    found = asked(plane)

    page, text = weekly_page(found, zone=UTC), weekly_text(found, zone=UTC)

    assert found.verdict == "empty"
    assert "There is no vault yet." in page
    assert "Nothing is wrong now." in text
