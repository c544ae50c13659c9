"""Problems by their causes: nothing is lost, nothing told twice, and the order of looking is no matter."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdfast.app.control.problem_grouping import (
    REPLICATION,
    SILENT,
    TOGETHER,
    Group,
    Ref,
    Sighting,
    grouped,
)
from holdfast.fleet.alerts import Severity

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
VAULTS = ("v1", "v2")
MACHINES = tuple(Ref(id=f"m{number}", name=f"host {number}") for number in range(6))
SITES = ("site:s1", "site:s2", "host:m1:spool-stopped", "host:m2:host-silent", "vm:r1")


@st.composite
def sightings(draw: st.DrawFn) -> list[Sighting]:
    """Several of everything, on few machines, so that much has the same cause."""
    found = [draw(_silent(machine)) for machine in draw(st.sets(st.sampled_from(MACHINES)))]
    found += draw(st.lists(_alerts(), max_size=8))
    found += draw(st.lists(_replications(), max_size=5))
    return found


def _moments() -> st.SearchStrategy[datetime]:
    return st.integers(0, 20).map(lambda minutes: START + timedelta(minutes=minutes))


def _silent(machine: Ref) -> st.SearchStrategy[Sighting]:
    return st.builds(
        Sighting,
        kind=st.just(SILENT),
        severity=st.just(Severity.WARNING),
        since=_moments(),
        vault_id=st.sampled_from(VAULTS),
        machine=st.just(machine),
        vms=st.just((Ref(id=f"vm-{machine.id}", name=f"vm of {machine.name}"),)),
        fields=st.just({}),
    )


def _alerts() -> st.SearchStrategy[Sighting]:
    kinds = ("backup-failed", "job-failed", "no-backup", "job-lost", "damage-found", "quota-near")
    return st.builds(
        Sighting,
        kind=st.sampled_from(kinds),
        severity=st.sampled_from(Severity),
        since=_moments(),
        vault_id=st.sampled_from(VAULTS),
        code=st.sampled_from(("", "storage-full", "hook-failed")),
        machine=st.sampled_from((None, *MACHINES)),
        alert_id=st.uuids().map(str),
        fields=st.just({}),
    )


def _replications() -> st.SearchStrategy[Sighting]:
    return st.builds(
        Sighting,
        kind=st.just(REPLICATION),
        severity=st.sampled_from((Severity.WARNING, Severity.CRITICAL)),
        since=_moments(),
        vault_id=st.sampled_from(VAULTS),
        code=st.sampled_from(("host-silent", "site-full", "rpo-high")),
        machine=st.sampled_from((None, *MACHINES)),
        vms=st.sets(st.integers(0, 9), min_size=1).map(
            lambda some: tuple(Ref(id=f"uuid{n}", name=f"vm {n}") for n in sorted(some))
        ),
        root=st.sampled_from(SITES),
        keeper=st.sampled_from(("", *(machine.id for machine in MACHINES))),
        fields=st.just({"site": "berlin"}),
    )


@given(sightings())
def test_each_sighting_is_in_exactly_one_problem(found: list[Sighting]) -> None:
    groups = grouped(found)

    told = sorted((one for group in groups for one in group.sightings), key=_order)
    assert told == sorted(found, key=_order)
    assert len({group.root for group in groups}) == len(groups)


@given(sightings(), st.randoms(use_true_random=False))
def test_the_order_of_looking_is_no_matter(found: list[Sighting], dice: random.Random) -> None:
    other = list(found)
    dice.shuffle(other)

    one, two = grouped(found), grouped(other)

    assert list(map(_told, one)) == list(map(_told, two))


@given(sightings())
def test_everything_that_is_affected_is_named_somewhere(found: list[Sighting]) -> None:
    groups = grouped(found)

    assert {ref.id for group in groups for ref in group.machines} == {
        one.machine.id for one in found if one.machine
    }
    assert {ref.id for group in groups for ref in group.vms} == {
        vm.id for one in found for vm in one.vms
    }


@given(sightings())
def test_a_problem_is_as_grave_as_the_gravest_of_it_and_the_gravest_come_first(
    found: list[Sighting],
) -> None:
    groups = grouped(found)

    for group in groups:
        assert group.severity == max(one.severity for one in group.sightings)
    severities = [group.severity for group in groups]
    assert severities == sorted(severities, reverse=True)


@given(sightings())
def test_what_a_silent_machine_misses_is_told_with_its_silence(found: list[Sighting]) -> None:
    silent = {one.machine.id for one in found if one.kind == SILENT and one.machine}

    for group in grouped(found):
        for one in group.sightings:
            follows = one.kind in ("no-backup", "job-lost") and one.machine
            if follows and one.machine and one.machine.id in silent:
                assert group.lead.kind == SILENT


@given(st.integers(3, 30))
def test_machines_that_fall_silent_together_are_one_problem(count: int) -> None:
    machines = [Ref(id=f"m{number:02}", name=f"host {number}") for number in range(count)]
    found = [
        _fell_silent(machine, START + number * TOGETHER) for number, machine in enumerate(machines)
    ]

    (group,) = grouped(found)

    assert {one.id for one in group.machines} == {one.id for one in machines}


def test_two_machines_that_fall_silent_are_two_problems() -> None:
    found = [_fell_silent(machine, START) for machine in MACHINES[:2]]

    groups = grouped(found)

    assert [len(group.machines) for group in groups] == [1, 1]


def test_one_full_vault_is_one_problem_of_all_its_machines() -> None:
    found = [_failed(machine, "storage-full") for machine in MACHINES]
    late = [
        Sighting(
            kind="no-backup",
            severity=Severity.ERROR,
            since=START - timedelta(days=1),
            vault_id="v1",
            machine=MACHINES[0],
            alert_id="late",
            fields={},
        )
    ]

    (group,) = grouped([*late, *found])

    assert (group.lead.kind, group.lead.code) == ("backup-failed", "storage-full")
    assert len(group.machines) == len(MACHINES)


def test_what_is_under_others_comes_first_among_the_equally_grave() -> None:
    warned = [
        Sighting(
            kind="backup-warnings",
            severity=Severity.WARNING,
            since=START - timedelta(days=1),
            vault_id="v1",
            machine=MACHINES[0],
            vms=tuple(Ref(id=f"uuid{number}", name=f"vm {number}") for number in range(9)),
            alert_id="left-out",
            fields={},
        )
    ]

    groups = grouped([*warned, _fell_silent(MACHINES[1], START)])

    assert [group.lead.kind for group in groups] == [SILENT, "backup-warnings"]


def test_failures_for_different_reasons_are_different_problems() -> None:
    found = [_failed(MACHINES[0], "storage-full"), _failed(MACHINES[1], "hook-failed")]

    assert len(grouped(found)) == 2


def _fell_silent(machine: Ref, since: datetime) -> Sighting:
    return Sighting(
        kind=SILENT,
        severity=Severity.WARNING,
        since=since,
        vault_id="v1",
        machine=machine,
        fields={},
    )


def _failed(machine: Ref, code: str) -> Sighting:
    return Sighting(
        kind="backup-failed",
        severity=Severity.ERROR,
        since=START,
        vault_id="v1",
        code=code,
        machine=machine,
        alert_id=f"{machine.id}-{code}",
        fields={"reason": "no room"},
    )


def _order(one: Sighting) -> tuple[object, ...]:
    return (*one.order, one.vault_id, one.code, one.root, one.keeper, [vm.id for vm in one.vms])


def _told(group: Group) -> tuple[object, ...]:
    return group.root, group.severity, group.since, group.lead.kind, len(group.sightings)
