"""Am I safe? What the overview says of a fleet, and the lists and problems behind its figures."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control import replication_watch, server_work
from holdfast.app.control.alert_watch import Limits, watch
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.overview import show_overview
from holdfast.app.control.overview_views import OverviewView
from holdfast.app.control.plan_driving import drive_slice
from holdfast.app.control.plan_runs import begin_run
from holdfast.app.control.problems import ProblemView, list_problems, show_problem
from holdfast.app.control.recovery_plans import put_plan
from holdfast.app.control.reports.weekly import weekly
from holdfast.app.control.safety_views import SafetyView, Wanted, list_safety, safety_of
from holdfast.base.texts import speaking
from holdfast.catalog.tables import (
    Approval,
    Assignment,
    Job,
    Machine,
    Point,
    Policy,
    Recovery,
    Scrub,
)
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.replication.status import Health
from holdfast.testing.planes import Registered, add_machine, add_person, add_vault, client_of
from holdfast.testing.postgres import Postgres
from tests.unit.app.control.replication_ground import Ground, reason, uuid_of

ASKING = """\
version: 1
name: shop
groups:
  - name: first
    pre:
      - name: look
        confirm: Is the site down?
    machines:
      - vm: db
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RESTORED: dict[str, Any] = {"point": "abc", "to": "/tmp", "include": [], "verify": True}
# Longer than what was seen a moment ago is good for.
LATER = 3


class Fleet(Ground):
    """The ground of replications, with policies, points, jobs and alerts."""

    def protect(
        self, machine: Registered, *, vms: tuple[str, ...] = (), paused: bool = False
    ) -> None:
        now = self.clock.now()
        with self.plane.database.write() as db:
            db.merge(Policy(id="p", vault_id=self.vault, name="daily", body={}, changed_at=now))
            db.flush()
            db.add(
                Assignment(
                    id=f"a-{machine.id}",
                    machine_id=machine.id,
                    policy_id="p",
                    paths=["/etc"],
                    vms=list(vms),
                    options={},
                    is_paused=paused,
                    created_at=now,
                )
            )

    def point(self, machine: Registered, age: timedelta = HOUR) -> None:
        with self.plane.database.write() as db:
            count = db.query(Point).count()
            db.add(
                Point(
                    machine_id=machine.id,
                    id=f"{count:064x}",
                    taken_at=self.clock.now() - age,
                    host="h",
                    paths=["/etc"],
                    tags=[],
                    bytes_total=1000,
                    bytes_added=10,
                )
            )

    def job(self, machine: Registered, kind: str, age: timedelta = HOUR, **more: Any) -> None:
        at = self.clock.now() - age
        with self.plane.database.write() as db:
            count = db.query(Job).count()
            given = {"source": "", "state": "done", "arguments": {}, "progress": {}}
            given = {**given, "origin": "person", **more}
            db.add(
                Job(
                    id=f"job-{count}",
                    vault_id=self.vault,
                    machine_id=machine.id,
                    kind=kind,
                    created_at=at,
                    ended_at=at,
                    **given,
                )
            )

    def failed(self, machine: Registered, code: str, **fields: str) -> None:
        told = {"machine": machine.actor.name, "error": code, "reason": "no room", "source": "/etc"}
        with self.plane.database.write() as db:
            raise_alert(
                db,
                self.plane,
                "backup-failed",
                vault_id=self.vault,
                machine_id=machine.id,
                fields={**told, **fields},
            )

    def overview(self) -> OverviewView:
        self.clock.sleep(LATER)
        return show_overview(self.plane, self.admin)

    def safety(self, **wanted: Any) -> dict[str, SafetyView]:
        self.clock.sleep(LATER)
        page = list_safety(self.plane, self.admin, Window(), wanted=Wanted(**wanted))
        return {one.name: one for one in page.items}

    def problems(self) -> list[ProblemView]:
        self.clock.sleep(LATER)
        return list_problems(self.plane, self.admin, Window()).items


# Every query is asked of both; what is done with the rows is the same for either.
ON_BOTH = pytest.mark.parametrize("fleet", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    url = None
    if getattr(request, "param", "") == "postgresql":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Postgres)
        url = server.new_database()
    made = Fleet(tmp_path, url)
    yield made
    made.plane.database.close()


def protected_pair(fleet: Fleet) -> None:
    for machine in (fleet.one, fleet.two):
        fleet.protect(machine)
        fleet.point(machine)


@ON_BOTH
def test_figures_and_the_lists_behind_them_say_the_same(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.vms(fleet.one, "db", "web")
    fleet.site()
    fleet.replicated("db")

    shown = fleet.overview()

    machines, vms = shown.machines, shown.vms
    assert (machines.total, machines.protected, shown.hosts) == (2, 2, 1)
    assert (vms.total, vms.protected, vms.unprotected) == (2, 1, 1)
    assert shown.answer == "unprotected"
    assert set(fleet.safety(kind="vm", safety="unprotected")) == {"web"}
    assert set(fleet.safety(kind="machine", safety="protected")) == {"kvm1", "kvm2"}
    assert fleet.safety()["db"].sites == ["berlin"]


@ON_BOTH
def test_a_fleet_that_is_safe_says_so_and_what_went_well(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.protect(fleet.far)
    fleet.point(fleet.far)
    fleet.job(fleet.one, "backup")
    fleet.job(fleet.two, "restore")
    for one in (fleet.one, fleet.far):
        fleet.job(one, "check", 2 * DAY, arguments={"read_data": "all"})

    shown = fleet.overview()

    assert (shown.answer, shown.problems, shown.needs) == ("safe", [], [])
    assert (shown.day.well, shown.day.failed, shown.day.backups) == (2, 0, 1)
    assert (shown.day.points, shown.day.bytes_added, shown.points) == (3, 30, 3)


def test_an_empty_server_has_nothing_to_lose(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    with fleet.plane.database.write() as db:
        db.query(Machine).update({"state": "unregistered"})

    shown = fleet.overview()

    assert (shown.answer, shown.machines.total, shown.vaults) == ("empty", 0, 1)
    fleet.plane.database.close()


@ON_BOTH
def test_only_what_was_shown_lately_counts_as_proven(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.job(fleet.one, "check")
    fleet.job(fleet.one, "restore", 100 * DAY)
    unproven = fleet.overview()
    fleet.job(fleet.one, "check", arguments={"read_data": "10%"})
    fleet.job(fleet.two, "restore", 3 * DAY)

    shown = fleet.overview()

    assert (unproven.machines.proven, unproven.proofs) == (0, [])
    assert shown.machines.proven == 2
    assert [(one.by, one.about) for one in shown.proofs] == [
        ("restore", "kvm2"),
        ("read-check", "kvm1"),
    ]
    assert shown.proofs[0].job_id == "job-3"
    assert fleet.safety(is_proven=False, kind="machine") == {}


@ON_BOTH
def test_a_comparison_and_what_ended_with_warnings_prove_nothing(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.job(fleet.one, "restore", arguments={**RESTORED, "dry_run": True, "verify": False})
    fleet.job(fleet.two, "restore", arguments=RESTORED, state="warnings")

    shown = fleet.overview()

    assert (shown.machines.proven, shown.machines.unproven, shown.proofs) == (0, 2, [])


@ON_BOTH
def test_a_restore_through_another_machine_proves_whose_points_were_read(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.job(fleet.two, "restore", arguments={**RESTORED, "machine": fleet.one.id, "ticket": "t"})

    found = fleet.safety(kind="machine")

    assert (found["kvm1"].proven_by, found["kvm2"].proven_by) == ("restore", None)


def test_what_a_machine_says_by_itself_proves_no_other(fleet: Fleet) -> None:
    protected_pair(fleet)
    told = {**RESTORED, "machine": fleet.one.id}
    fleet.job(fleet.two, "restore", arguments=told, origin="machine")

    assert fleet.safety(kind="machine")["kvm1"].proven_by is None


@ON_BOTH
@pytest.mark.parametrize(
    "given",
    [
        {**RESTORED, "include": ["/etc/hostname"]},
        {**RESTORED, "point": "abc:/etc"},
        {"point": "abc", "to": "/tmp", "inside": "vda1/etc"},
    ],
)
def test_a_restore_of_a_part_is_called_so(fleet: Fleet, given: dict[str, Any]) -> None:
    protected_pair(fleet)
    fleet.vms(fleet.one, "db")
    fleet.job(fleet.one, "restore", arguments=given)

    found = fleet.safety()

    assert (found["kvm1"].proven_by, found["db"].proven_by) == ("restore-part", None)


@ON_BOTH
def test_a_restored_virtual_machine_is_proven_and_its_host_is_not(fleet: Fleet) -> None:
    protected_pair(fleet)
    for host, name in ((fleet.one, "db"), (fleet.two, "web")):
        fleet.vms(host, name)
    given = {"vm": "db", "point": "abc", "name": "db-2", "machine": fleet.one.id}
    fleet.job(fleet.two, "vm-restore", arguments=given, source="vm-restore:db-2")

    found = fleet.safety()

    assert [name for name, one in found.items() if one.proven_by] == ["db"]
    assert found["db"].proven_by == "restore"


def test_a_virtual_machine_is_proven_by_reading_its_hosts_repository(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.vms(fleet.one, "db")
    fleet.job(fleet.one, "check", 2 * DAY, arguments={"read_data": "10%"})
    fleet.job(fleet.one, "restore", arguments=RESTORED)

    found = fleet.safety()

    assert (found["db"].proven_by, found["kvm1"].proven_by) == ("read-check", "restore")


def test_nobody_is_told_that_all_is_well_while_something_is_unproven(fleet: Fleet) -> None:
    every = (fleet.one, fleet.two, fleet.far)
    for machine in every:
        fleet.protect(machine)
        fleet.point(machine)
    fleet.job(fleet.one, "restore", arguments=RESTORED)
    fleet.job(fleet.two, "restore", arguments=RESTORED)
    partly, report = fleet.overview(), weekly(fleet.plane, fleet.admin)
    fleet.job(fleet.far, "check", arguments={"read_data": "all"})

    whole, later = fleet.overview(), weekly(fleet.plane, fleet.admin)

    assert (partly.answer, partly.machines.unproven) == ("unproven", 1)
    assert (report.verdict, report.proofs.unproven) == ("attention", 1)
    assert (whole.answer, later.verdict, later.proofs.unproven) == ("safe", "good", 0)
    assert (later.proofs.restores, later.proofs.read_checks) == (2, 1)


@ON_BOTH
def test_a_scrub_proves_unless_it_found_damage(fleet: Fleet) -> None:
    protected_pair(fleet)
    ended = fleet.clock.now() - HOUR
    with fleet.plane.database.write() as db:
        for machine, damaged in ((fleet.one, []), (fleet.two, ["data/ab"])):
            db.add(Scrub(machine_id=machine.id, started_at=ended, ended_at=ended, damaged=damaged))

    found = fleet.safety(kind="machine")

    assert (found["kvm1"].proven_by, found["kvm2"].proven_by) == ("read-check", None)


def test_a_test_failover_proves_its_machine_once_it_is_cleaned_up(fleet: Fleet) -> None:
    fleet.vms(fleet.one, "db", "web")
    fleet.site()
    fleet.replicated("db", "web")
    fleet.job(fleet.far, "failover-test", source="recovery-test:web")
    fleet.job(fleet.far, "failover-cleanup", source="recovery-test:db")

    found = fleet.safety(kind="vm")

    assert (found["db"].proven_by, found["web"].proven_by) == ("drill", None)
    assert fleet.safety()["far"].proven_by is None


def test_the_backup_of_a_virtual_machine_is_not_that_of_its_host(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.vms(fleet.one, "db")
    fleet.site()
    fleet.replicated("db")
    fleet.failed(fleet.one, "guest-frozen", source="vm:db")

    found = fleet.safety()

    assert found["kvm1"].safety == "protected"
    assert found["db"].reasons == ["backup-failed"]


@ON_BOTH
def test_a_policy_for_all_machines_of_a_host_holds_for_each(fleet: Fleet) -> None:
    fleet.protect(fleet.one, vms=("*",))
    fleet.protect(fleet.two, vms=("*",), paused=True)
    fleet.vms(fleet.one, "db")
    fleet.vms(fleet.two, "web")

    found = fleet.safety(kind="vm")

    assert (found["db"].safety, found["db"].reasons) == ("at-risk", ["no-point"])
    assert (found["web"].safety, found["web"].reasons) == ("unprotected", ["paused"])


def test_the_worst_of_each_kind_is_named(fleet: Fleet) -> None:
    fleet.vms(fleet.one, "db", "web")
    fleet.site()
    fleet.replicated("db", "web")
    behind = {"latest_at": fleet.clock.now() - HOUR}
    fleet.tell(fleet.report("db"), fleet.report("web", **behind))
    protected_pair(fleet)
    fleet.point(fleet.one, -HOUR)

    shown = fleet.overview()

    assert shown.worst_rpo is not None
    assert (shown.worst_rpo.name, shown.worst_rpo.site) == ("web", "berlin")
    assert shown.worst_rpo.seconds >= HOUR.total_seconds()
    assert shown.worst_backup is not None
    assert shown.worst_backup.name == "kvm2"


def test_one_broken_site_is_one_problem_with_all_its_machines(fleet: Fleet) -> None:
    names = [f"vm{number:02}" for number in range(30)]
    fleet.site()
    fleet.replicated(*names)
    ill = {
        "reasons": (reason(fleet, "failing", Health.CRITICAL),),
        "health": Health.CRITICAL,
        "error_code": "site-unreachable",
    }
    fleet.tell(*(fleet.report(name, **ill) for name in names))
    replication_watch.watch(fleet.plane)

    (problem,) = fleet.problems()

    assert (problem.vm_count, problem.severity) == (30, "critical")
    assert "berlin" in problem.sentence
    assert len(problem.vms) == 20
    assert len(show_problem(fleet.plane, fleet.admin, problem.id).vms) == 30


def test_a_silent_host_is_one_problem_with_all_that_runs_there(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.vms(fleet.one, "db", "web")
    fleet.site()
    fleet.replicated("db", "web")
    fleet.minutes(20, but=(fleet.one,))
    replication_watch.watch(fleet.plane)
    watch(fleet.plane, Limits())

    (problem,) = fleet.problems()

    assert [one.name for one in problem.machines] == ["kvm1"]
    assert {one.name for one in problem.vms} == {"db", "web"}
    assert "kvm1" in problem.sentence
    assert len(problem.alerts) == 0
    assert fleet.safety()["kvm1"].reasons == ["silent"]


def test_a_silent_site_is_one_problem_with_all_that_is_replicated_there(fleet: Fleet) -> None:
    fleet.site()
    fleet.replicated("db", "web")
    behind = reason(fleet, "rpo-high", Health.CRITICAL)
    fleet.minutes(30, but=(fleet.far,))
    told = {"reasons": (behind,), "health": Health.CRITICAL}
    fleet.tell(fleet.report("db", **told), fleet.report("web", **told))

    (problem,) = fleet.problems()

    assert (problem.kind, [one.name for one in problem.machines]) == ("machine-silent", ["far"])
    assert {one.name for one in problem.vms} == {"db", "web"}
    assert problem.severity == "critical"


def test_machines_that_fall_silent_together_are_one_problem(fleet: Fleet) -> None:
    fleet.minutes(20, but=(fleet.one, fleet.two, fleet.far))

    (problem,) = fleet.problems()

    assert problem.machine_count == 3
    assert problem.sentence.startswith("3 machines fell silent")


@ON_BOTH
def test_a_full_vault_is_one_problem_and_says_its_reason_once(fleet: Fleet) -> None:
    for machine in (fleet.one, fleet.two):
        fleet.failed(machine, "storage-full")
    fleet.failed(fleet.far, "hook-failed")

    full, hook = fleet.problems()

    assert (full.machine_count, full.code) == (2, "storage-full")
    assert "no room" in full.sentence
    assert len(full.alerts) == 2
    assert [one.name for one in hook.machines] == ["far"]


@ON_BOTH
def test_what_waits_for_a_person_is_told(fleet: Fleet) -> None:
    now = fleet.clock.now()
    with fleet.plane.database.write() as db:
        db.add(
            Approval(
                id="ap",
                vault_id=fleet.vault,
                act="vault-delete",
                request={},
                asked_by=fleet.admin.id,
                asked_at=now,
                expires_at=now + DAY,
            )
        )

    (need,) = fleet.overview().needs

    assert (need.asks, need.objects) == ("approval", ["vault-delete"])
    assert need.sentence.startswith("1 act waits")


@ON_BOTH
def test_a_plan_that_asks_waits_for_its_answer(fleet: Fleet) -> None:
    fleet.site()
    fleet.vms(fleet.one, "db")
    fleet.replicated("db")
    plan = put_plan(fleet.plane, fleet.admin, fleet.vault, ASKING)
    run = begin_run(
        fleet.plane, fleet.admin, plan.id, act="unplanned", source_is_down=True, keep=None
    )
    server_work.begin(fleet.plane, run.id)
    quiet = fleet.overview().needs
    progress = drive_slice(fleet.plane, run.id)
    server_work.note_progress(fleet.plane, run.id, {"run": progress["run"]})

    (need,) = fleet.overview().needs

    assert quiet == []
    assert (need.asks, need.objects) == ("plan-answer", [run.id])
    assert "shop" in need.sentence


@pytest.mark.parametrize(("stage", "asks"), [("failed-over", "commit"), ("committed", "reprotect")])
def test_a_failover_that_is_not_at_its_end_waits_for_a_person(
    fleet: Fleet, stage: str, asks: str
) -> None:
    now = fleet.clock.now()
    fleet.site()
    fleet.vms(fleet.one, "db")
    fleet.replicated("db")
    with fleet.plane.database.write() as db:
        db.add(
            Recovery(
                machine_id=fleet.far.id,
                vm=uuid_of("db"),
                name="db",
                epoch=1,
                runs_at=fleet.far.id,
                stage=stage,
                stage_since=now,
                record={},
                told_at=now,
            )
        )

    (need,) = fleet.overview().needs

    assert (need.asks, need.objects) == (asks, [uuid_of("db")])


@ON_BOTH
def test_a_reader_of_one_vault_sees_nothing_of_another(fleet: Fleet) -> None:
    other = add_vault(fleet.plane, "elsewhere")
    secret = add_machine(fleet.plane, other, "secret")
    reader = add_person(fleet.plane, "rita", role=Role.READER, vault_id=fleet.vault).actor
    nobody = add_person(fleet.plane, "nobody").actor
    fleet.minutes(20, but=(fleet.one, fleet.two, fleet.far, secret))

    everything = fleet.overview()
    some, nothing = (show_overview(fleet.plane, who) for who in (reader, nobody))

    assert (everything.machines.total, some.machines.total) == (4, 3)
    assert {one.name for one in some.problems[0].machines} == {"kvm1", "kvm2", "far"}
    assert (nothing.answer, nothing.problems, nothing.vaults) == ("empty", [], 0)


def test_the_same_is_told_in_each_readers_language(fleet: Fleet) -> None:
    fleet.failed(fleet.one, "storage-full")
    english = fleet.overview()

    with speaking("ko"):
        korean = show_overview(fleet.plane, fleet.admin)

    assert english.problems[0].sentence.startswith("The backup of /etc on kvm1 failed")
    assert korean.at == english.at
    assert korean.problems[0].sentence != english.problems[0].sentence


def test_fifty_who_ask_at_once_cost_one_look(fleet: Fleet) -> None:
    first = fleet.overview()
    fleet.failed(fleet.one, "storage-full")

    again = [show_overview(fleet.plane, fleet.admin) for _page in range(50)]

    assert {one.at for one in again} == {first.at}
    assert all(not one.problems for one in again)
    assert len(fleet.overview().problems) == 1


def test_pages_of_the_lists_come_one_after_another(fleet: Fleet) -> None:
    fleet.vms(fleet.one, "db", "web")
    fleet.clock.sleep(LATER)

    pages = [list_safety(fleet.plane, fleet.admin, Window(limit=2), wanted=Wanted())]
    while pages[-1].next:
        window = Window(limit=2, after=pages[-1].next)
        pages.append(list_safety(fleet.plane, fleet.admin, window, wanted=Wanted()))

    assert [[one.name for one in page.items] for page in pages] == [
        ["db", "far"],
        ["kvm1", "kvm2"],
        ["web"],
    ]


def test_one_of_the_list_is_had_alone(fleet: Fleet) -> None:
    protected_pair(fleet)
    fleet.vms(fleet.one, "db", "web")
    fleet.clock.sleep(LATER)
    listed = fleet.safety()

    def alone(machine_id: str, vm: str = "") -> SafetyView | None:
        return safety_of(fleet.plane, fleet.admin, machine_id, vm)

    assert alone(fleet.one.id) == listed["kvm1"]
    assert alone(fleet.one.id, listed["web"].id) == listed["web"]
    assert alone(fleet.two.id, listed["web"].id) is None
    assert alone("nobody") is None


@ON_BOTH
def test_the_api_gives_it_to_whoever_may_read(fleet: Fleet) -> None:
    fleet.failed(fleet.one, "storage-full")
    fleet.clock.sleep(LATER)
    person = add_person(fleet.plane, "rita", role=Role.READER, vault_id=fleet.vault)
    client = client_of(fleet.plane, token=person.token)

    shown = client.get("/api/v1/overview").json()
    (problem,) = client.get("/api/v1/problems").json()["items"]
    single = client.get(f"/api/v1/problems/{problem['id']}").json()
    some = client.get("/api/v1/safety", params={"safety": "unprotected", "kind": "machine"})
    unknown = client.get("/api/v1/problems/none")

    assert shown["problems"] == [problem] == [single]
    assert shown["machines"]["unprotected"] == len(some.json()["items"]) == 3
    assert unknown.json()["code"] == "not-there"
    assert uuid_of("db") not in some.text
