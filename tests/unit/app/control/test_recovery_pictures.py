"""What people are shown before they act: points, the ways between hosts, plans and their runs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.plan_checks import check_plan, show_plan_picture
from holdfast.app.control.plan_run_views import (
    list_plan_runs,
    show_plan_report,
    show_plan_run,
)
from holdfast.app.control.recovery_orders import order_act
from holdfast.app.control.recovery_plans import put_plan
from holdfast.app.control.recovery_points import list_recovery_points
from holdfast.app.control.replication_topology import show_topology
from holdfast.app.control.replications import take_site
from holdfast.fleet.replication_messages import ReplicaPointTold, ReplicaTold, SiteTold
from holdfast.fleet.roles import Role
from holdfast.replication.status import Health
from holdfast.testing.planes import add_person, add_vault
from tests.unit.app.control.replication_ground import Ground, reason, uuid_of
from tests.unit.app.control.test_plan_runs import PLAN, begun, driven, end, jobs


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db", "web")
    made.replicated("db", "web")
    return made


def site_has(ground: Ground, **consistencies: str) -> None:
    """Points of db at the site, a minute apart, by their generations."""
    begin = ground.clock.now()
    latest = [
        ReplicaPointTold(
            generation=name,
            taken_at=begin + timedelta(minutes=number),
            consistency=consistency,
            tested_at=begin if name == "aaaa" else None,
        )
        for number, (name, consistency) in enumerate(consistencies.items())
    ]
    replica = ReplicaTold(
        vm=uuid_of("db"), name="db", source=ground.one.id, points=2, bytes=1, latest=latest
    )
    take_site(ground.plane, ground.far.actor, SiteTold(site="berlin", replicas=[replica]))


def test_points_are_those_that_the_site_told_of_the_newest_first(ground: Ground) -> None:
    site_has(ground, aaaa="application", bbbb="crash")

    found = list_recovery_points(ground.plane, ground.admin, "db")

    assert [(one.generation, one.consistency, one.is_newest) for one in found] == [
        ("bbbb", "crash", True),
        ("aaaa", "application", False),
    ]
    assert [one.tested_at is not None for one in found] == [False, True]
    assert {(one.site, one.machine) for one in found} == {("berlin", "far")}


def test_an_agent_of_the_version_before_tells_no_points(ground: Ground) -> None:
    ground.tell_site("db")

    assert list_recovery_points(ground.plane, ground.admin, "db") == []


def test_points_of_other_vaults_are_not_shown(ground: Ground) -> None:
    site_has(ground, aaaa="application")
    eve = add_person(ground.plane, "eve", role=Role.READER, vault_id=add_vault(ground.plane, "o"))

    with pytest.raises(NotThere):
        list_recovery_points(ground.plane, eve.actor, "db")


def test_a_look_before_an_act_goes_to_the_host_that_would_do_it(ground: Ground) -> None:
    told = {"act": "unplanned", "point": "aaaa"}

    made = order_act(ground.plane, ground.admin, "db", act="check", arguments=told)

    assert (made.machine_id, made.kind, made.source) == (
        ground.far.id,
        "failover-check",
        f"check:{uuid_of('db')}" if made.source.endswith(uuid_of("db")) else "check:db",
    )


def test_a_look_goes_on_beside_what_it_looks_at(ground: Ground) -> None:
    order_act(ground.plane, ground.admin, "db", act="planned", arguments={})

    made = order_act(ground.plane, ground.admin, "db", act="check", arguments={"act": "planned"})

    assert made.state == "waiting"


def test_all_that_a_host_replicates_to_a_site_is_one_way(ground: Ground) -> None:
    behind = ground.clock.now() - timedelta(minutes=40)
    ill = reason(ground, "rpo-high", Health.CRITICAL, rpo_seconds="2400")
    ground.tell(
        ground.report("db"),
        ground.report("web", health=Health.CRITICAL, reasons=(ill,), latest_at=behind),
    )

    seen = show_topology(ground.plane, ground.admin)

    (way,) = seen.ways
    assert (way.source, way.target, way.site) == (ground.one.id, ground.far.id, "berlin")
    assert (way.normal, way.critical, way.count) == (1, 1, 2)
    assert way.worst_rpo_seconds == 2400
    assert {one.machine: one.site for one in seen.hosts} == {"far": "berlin", "kvm1": ""}


def test_who_sees_no_vault_sees_no_ways(ground: Ground) -> None:
    eve = add_person(ground.plane, "eve", role=Role.READER, vault_id=add_vault(ground.plane, "o"))

    seen = show_topology(ground.plane, eve.actor)

    assert (seen.hosts, seen.ways) == ([], [])


def test_a_reason_is_told_in_words_with_what_to_do(ground: Ground) -> None:
    ill = reason(ground, "rpo-high", Health.WARNING, rpo_seconds="2400")
    ground.tell(ground.report("db", health=Health.WARNING, reasons=(ill,)), ground.report("web"))

    (found,) = next(one.reasons for one in ground.listed() if one.name == "db")

    assert found.said.startswith("A failover now would lose")
    assert "holdfast replication status db" in found.remedy


def test_a_plan_that_is_wrong_is_told_all_of_it_by_line(ground: Ground) -> None:
    text = PLAN.replace("- vm: db", "- vm: db\n        colour: red").replace("vm: web", "mv: web")

    checked = check_plan(ground.plane, ground.admin, ground.vault, text)

    assert checked.picture is None
    assert [one.line for one in checked.problems] == sorted(one.line for one in checked.problems)
    assert len(checked.problems) >= 2


def test_a_plan_is_pictured_with_how_each_machine_is_now(ground: Ground) -> None:
    text = PLAN.replace("vm: web", "vm: nowhere")

    checked = check_plan(ground.plane, ground.admin, ground.vault, text)

    assert checked.problems == []
    assert checked.picture is not None
    db, nowhere = (one for group in checked.picture.groups for one in group.machines)
    assert (db.stage, db.runs_on, db.replicated_to) == ("protected", "kvm1", ["berlin"])
    assert (nowhere.stage, nowhere.replicated_to) == ("", [])


def test_what_no_server_can_do_is_named_before_it_is_kept(ground: Ground) -> None:
    text = PLAN.replace("confirm: Does the database answer?", "script: /bin/true")

    checked = check_plan(ground.plane, ground.admin, ground.vault, text)

    assert [one.line for one in checked.problems] == [0]
    assert checked.picture is not None


def test_checking_a_plan_needs_the_right_to_look_into_its_vault(ground: Ground) -> None:
    eve = add_person(ground.plane, "eve", role=Role.READER, vault_id=add_vault(ground.plane, "o"))

    with pytest.raises(NotAllowed):
        check_plan(ground.plane, eve.actor, ground.vault, PLAN)


def test_a_kept_plan_is_pictured_as_well(ground: Ground) -> None:
    kept = put_plan(ground.plane, ground.admin, ground.vault, PLAN)

    picture = show_plan_picture(ground.plane, ground.admin, kept.id).picture

    assert picture is not None
    assert [one.name for one in picture.groups] == ["first", "second"]


def asking(ground: Ground) -> str:
    """A run that has come to the question of its second group."""
    run = begun(ground)
    driven(ground, run)
    driven(ground, run)
    end(ground, jobs(ground)["failover-unplanned db"])
    driven(ground, run)
    return run


def states(ground: Ground, run: str) -> dict[str, str]:
    found = show_plan_run(ground.plane, ground.admin, run)
    return {one.id: one.state for one in found.steps}


def test_a_run_is_shown_with_what_it_asks(ground: Ground) -> None:
    run = asking(ground)

    seen = show_plan_run(ground.plane, ground.admin, run)

    (question,) = seen.questions
    assert (question.step, question.answers) == ("second/pre-1", ["yes", "no"])
    assert question.question == "Does the database answer?"
    assert states(ground, run) == {
        "first/db/start": "done",
        "second/pre-1": "running",
        "second/web/start": "",
    }
    assert (seen.run.done, seen.run.total, seen.run.outcome) == (1, 3, "")


def test_a_step_that_was_done_leads_to_the_job_that_did_it(ground: Ground) -> None:
    run = asking(ground)

    seen = show_plan_run(ground.plane, ground.admin, run)

    step: Any = next(one for one in seen.steps if one.id == "first/db/start")
    assert step.job == jobs(ground)["failover-unplanned db"].id


def test_runs_of_a_plan_are_listed_and_those_of_others_are_not(ground: Ground) -> None:
    run = begun(ground)
    other = put_plan(ground.plane, ground.admin, ground.vault, PLAN.replace("shop", "other"))

    every = list_plan_runs(ground.plane, ground.admin)

    assert [one.id for one in every] == [run]
    assert list_plan_runs(ground.plane, ground.admin, plan_id=other.id) == []


def test_the_report_of_a_run_is_a_page(ground: Ground) -> None:
    page = show_plan_report(ground.plane, ground.admin, asking(ground))

    assert "<html" in page
    assert "shop" in page
