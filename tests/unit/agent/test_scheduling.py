"""Which jobs the clock brings."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.place import Place
from holdfast.agent.scheduling import Scheduler, accept, command_jobs
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.messages import AssignedPolicy, Assignments

from .conftest import NOON

Make = Callable[..., Job]
HOUR = timedelta(hours=1)
HOURLY: dict[str, Any] = {"name": "hourly", "schedule": "every 1h"}


class Scene:
    def __init__(self, place: Place, journal: Journal, warnings: list[str]) -> None:
        self.journal = journal
        self.policies = AssignedPolicies(place.policies)
        self.protected: list[str] = []
        self.scheduler = Scheduler(
            journal, self.policies, warn=warnings.append, protected=lambda: self.protected
        )

    def assign(
        self,
        policy: dict[str, Any] = HOURLY,
        *,
        is_paused: bool = False,
        paths: tuple[str, ...] = ("/etc",),
        vms: tuple[str, ...] = (),
    ) -> None:
        one = AssignedPolicy(
            id="a1",
            policy_id="p1",
            policy_name="hourly",
            policy_version=1,
            policy=policy,
            paths=list(paths),
            options={},
            is_paused=is_paused,
            vms=list(vms),
        )
        self.policies.replace(Assignments(etag="e", assignments=[one]))

    def end(self, job: Job) -> None:
        self.journal.save(make_over(job))

    def kinds_after(self, *waits: timedelta) -> list[list[str]]:
        """Ask at each of these moments after noon; jobs end before the next one."""
        found = []
        for wait in waits:
            jobs = self.scheduler.trigger(NOON + wait)
            found.append([f"{job.kind} {self._state(job)}" for job in jobs])
            for job in self.journal.open_jobs():
                self.end(job)
        return found

    def sources_by(self, *waits: timedelta) -> list[list[str]]:
        """Of the backups that these moments after noon bring; jobs end before the next one."""
        found = []
        for wait in waits:
            found.append(sorted(job.source for job in self.scheduler.trigger(NOON + wait)))
            for job in self.journal.open_jobs():
                self.end(job)
        return found

    def _state(self, job: Job) -> str:
        stored = self.journal.find(job.id)
        return "" if stored is None else stored.state.value


def make_over(job: Job) -> Job:
    import dataclasses

    return dataclasses.replace(job, state=State.DONE)


@pytest.fixture
def scene(place: Place, journal: Journal, warnings: list[str]) -> Scene:
    return Scene(place, journal, warnings)


def test_each_moment_brings_one_job(scene: Scene) -> None:
    scene.assign()
    second = timedelta(seconds=1)

    found = scene.kinds_after(second, HOUR - second, HOUR, HOUR + second, 2 * HOUR)

    assert found == [[], [], ["backup waiting"], [], ["backup waiting"]]


def test_next_agent_goes_on_where_the_last_one_was(
    scene: Scene, place: Place, journal: Journal
) -> None:
    scene.assign()
    scene.kinds_after(timedelta(seconds=1), HOUR)

    other = Scene(place, journal, [])

    assert other.kinds_after(HOUR, 2 * HOUR) == [[], ["backup waiting"]]


def test_downtime_is_made_up_for_by_one_run(scene: Scene) -> None:
    scene.assign()

    assert scene.kinds_after(timedelta(seconds=1), 9.5 * HOUR, 9.6 * HOUR) == [
        *([], ["backup waiting"], [])
    ]


def test_busy_source_is_noted_and_not_forgotten(scene: Scene) -> None:
    scene.assign()
    scene.kinds_after(timedelta(seconds=1))
    (first,) = scene.scheduler.trigger(NOON + HOUR)

    (second,) = scene.scheduler.trigger(NOON + 2 * HOUR)

    skipped = scene.journal.find(second.id)
    assert skipped is not None
    assert skipped.state is State.SKIPPED
    assert skipped.error is not None
    assert skipped.error["job"] == first.id


def test_pause_brings_nothing_and_is_not_made_up_for(scene: Scene) -> None:
    scene.assign()
    scene.kinds_after(timedelta(seconds=1))
    scene.assign(is_paused=True)
    assert scene.kinds_after(HOUR, 5.5 * HOUR) == [[], []]

    scene.assign()

    assert scene.kinds_after(5.6 * HOUR, 6 * HOUR) == [[], ["backup waiting"]]


def test_check_and_prune_have_schedules_of_their_own(scene: Scene) -> None:
    scene.assign(
        {
            "name": "all",
            "schedule": "every 24h",
            "verification": {"schedule": "every 1h", "read_data": "5%"},
            "prune": {"schedule": "every 1h", "windows": ["daily 14:00-15:00"]},
        }
    )

    found = scene.kinds_after(timedelta(seconds=1), HOUR, 2 * HOUR)

    assert found == [[], ["check waiting"], ["check waiting", "prune waiting"]]


def test_retention_follows_a_backup_once(scene: Scene, make_job: Make) -> None:
    scene.assign({**HOURLY, "retention": ["last 3"]})
    backup = make_job(state=State.DONE, arguments={"assignment": "a1"})

    first = scene.scheduler.after_backup(backup, NOON)
    again = scene.scheduler.after_backup(backup, NOON)

    assert first is not None
    assert first.kind is Kind.RETAIN
    assert again is None


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.SKIPPED])
def test_retention_follows_no_failure(scene: Scene, make_job: Make, state: State) -> None:
    scene.assign({**HOURLY, "retention": ["last 3"]})
    backup = make_job(state=state, arguments={"assignment": "a1"})

    assert scene.scheduler.after_backup(backup, NOON) is None


def test_policy_nobody_understands_is_said_once(scene: Scene, warnings: list[str]) -> None:
    scene.assign({"name": "odd", "schedule": "whenever"})

    assert scene.kinds_after(HOUR, 2 * HOUR) == [[], []]
    assert len(warnings) == 1


def test_rate_is_that_of_the_window(scene: Scene) -> None:
    windows = [{"when": "daily 08:00-13:00", "rate": "1M"}]
    scene.assign({**HOURLY, "bandwidth": {"windows": windows}})

    assert scene.scheduler.rate(NOON) == 1 << 20
    assert scene.scheduler.rate(NOON + 2 * HOUR) is None


def test_policy_says_how_often_to_try_again(scene: Scene) -> None:
    scene.assign({**HOURLY, "retry": {"first": ["1m", "90s"], "then": "1h", "most": 2}})
    scene.scheduler.trigger(NOON)

    (job,) = scene.scheduler.trigger(NOON + HOUR)

    waits = tuple(timedelta(minutes=minutes) for minutes in (1, 1.5, 60))
    assert (job.waits, job.retries) == (waits, 2)


def test_another_kind_on_the_same_source_only_waits(journal: Journal, make_job: Make) -> None:
    journal.add(make_job("check", kind=Kind.CHECK, source="repository"))

    accept(journal, make_job("prune", kind=Kind.PRUNE, source="repository"), NOON)

    prune = journal.find("prune")
    assert prune is not None
    assert prune.state is State.WAITING


def test_each_machine_of_an_assignment_is_a_job_of_its_own(scene: Scene) -> None:
    scene.assign(vms=("web", "db"))
    scene.sources_by(timedelta(seconds=1))

    # The machines are spread over a quarter of an hour.
    found = scene.sources_by(HOUR, 1.3 * HOUR, 1.4 * HOUR, 2.3 * HOUR)

    assert found == [["a1"], ["vm:db", "vm:web"], [], ["a1", "vm:db", "vm:web"]]


def test_machines_begin_one_after_the_other_and_always_at_their_place(scene: Scene) -> None:
    scene.assign(paths=(), vms=tuple(f"vm{number}" for number in range(8)))
    minutes = [timedelta(minutes=minute) for minute in range(16)]
    scene.sources_by(timedelta(seconds=1))

    first = scene.sources_by(*(HOUR + minute for minute in minutes))
    second = scene.sources_by(*(2 * HOUR + minute for minute in minutes))

    assert first == second
    assert sum(map(len, first)) == 8
    assert max(map(len, first)) < 4


def test_all_that_are_protected_are_those_that_are_so_now(scene: Scene) -> None:
    scene.assign(paths=(), vms=("*",))
    nothing = scene.sources_by(timedelta(seconds=1), 1.3 * HOUR)
    scene.protected = ["web"]

    # What came before it was protected is not made up for.
    found = scene.sources_by(1.5 * HOUR, 1.9 * HOUR, 2.3 * HOUR)
    scene.protected = ["web", "db"]
    later = scene.sources_by(2.5 * HOUR, 3.3 * HOUR)

    assert nothing == [[], []]
    assert found == [[], [], ["vm:web"]]
    assert later == [[], ["vm:db", "vm:web"]]


def test_machine_in_work_is_left_out_and_the_others_are_not(scene: Scene) -> None:
    scene.assign({**HOURLY, "spread": "0s"}, paths=(), vms=("web", "db"))
    scene.sources_by(timedelta(seconds=1))
    first = {job.source: job for job in scene.scheduler.trigger(NOON + HOUR)}
    scene.end(first["vm:db"])

    second = {job.source: job for job in scene.scheduler.trigger(NOON + 2 * HOUR)}

    states = {name: scene.journal.find(job.id) for name, job in second.items()}
    assert {name: job.state for name, job in states.items() if job} == {
        "vm:web": State.SKIPPED,
        "vm:db": State.WAITING,
    }


def test_pause_holds_for_machines_as_well(scene: Scene) -> None:
    scene.assign(paths=(), vms=("web",))
    scene.sources_by(timedelta(seconds=1))
    scene.assign(paths=(), vms=("web",), is_paused=True)
    paused = scene.sources_by(1.3 * HOUR, 5.5 * HOUR)

    scene.assign(paths=(), vms=("web",))

    assert paused == [[], []]
    assert scene.sources_by(5.6 * HOUR, 6.3 * HOUR) == [[], ["vm:web"]]


def test_retention_follows_the_backups_of_several_machines_once(
    scene: Scene, make_job: Make
) -> None:
    scene.assign({**HOURLY, "retention": ["last 3"]}, vms=("web", "db"))
    done = [
        make_job(name, source=f"vm:{name}", state=State.DONE, arguments={"assignment": "a1"})
        for name in ("web", "db")
    ]

    first, second = (scene.scheduler.after_backup(job, NOON) for job in done)

    assert first is not None
    assert second is None
    assert [job.id for job in scene.journal.open_jobs()] == ["web-retain"]


def test_order_is_a_job_for_the_paths_and_for_each_machine(scene: Scene) -> None:
    scene.assign(vms=("*", "old"))
    scene.protected = ["web", "db"]
    (assigned,) = scene.policies.all

    def sources(**arguments: Any) -> dict[str, str]:
        given = {"assignment": None, "paths": [], "tags": [], **arguments}
        jobs = command_jobs(
            Kind.BACKUP,
            "order",
            given,
            assigned=assigned if given["assignment"] else None,
            protected=lambda: scene.protected,
            now=NOON,
        )
        return {job.id: job.source for job in jobs}

    assert sources(assignment="a1") == {
        "order": "a1",
        "order-1": "vm:old",
        "order-2": "vm:web",
        "order-3": "vm:db",
    }
    assert sources(assignment="a1", vms=["db"]) == {"order": "vm:db"}
    assert sources(paths=["/srv"], vms=["web"]) == {"order": "/srv", "order-1": "vm:web"}
    scene.protected = []
    assert sources(vms=["*"]) == {"order": "vm:*"}
