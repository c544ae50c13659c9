"""A machine moves for good, and at each step of that something is killed: it goes on, and is whole.

Afterwards nothing of its replica is left at its new host, and it starts again like any other.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.disks import images
from holdfast.recovery.record import Stage
from holdfast.replication.replica_folder import open_folder
from holdfast.testing.hosts import KvmHost
from tests import machines_bench
from tests.circle_bench import Circle, CircleAct, Victim, circle

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
NAME = "emigrant"
PLANNED = CircleAct(
    name="planned",
    words=("failover", NAME, "--planned", "--force", "--shutdown-within", "1s"),
    at="south",
    source="north",
    runs_at="south",
    stage=Stage.FAILED_OVER,
    epochs=1,
    deaths=(),
)
COMPLETED = CircleAct(
    name="complete-migration",
    words=("commit", NAME, "--complete-migration", "--yes"),
    at="south",
    source="north",
    runs_at="south",
    stage=Stage.MIGRATED,
    deaths=(
        ("points", Victim.DAEMON),
        ("points", Victim.COMMAND),
        ("alone", Victim.SERVE),
        ("alone", Victim.DAEMON),
        ("alone", Victim.COMMAND),
        # From here on it is off.
        ("alone", Victim.QEMU),
        ("replica", Victim.DAEMON),
        ("replica", Victim.COMMAND),
    ),
)


@pytest.fixture(scope="module")
def going(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Circle]:
    with circle(kvm_hosts, NAME, (PLANNED, COMPLETED)) as made:
        yield made


def test_whatever_is_killed_it_moves_for_good_and_stands_on_its_own(going: Circle) -> None:
    going.stand_before(COMPLETED)

    seen = going.go_through(COMPLETED)

    assert all(one["remedy"] and one["code"] != "unexpected" for one in seen.errors)
    record = going.record("south")
    assert (record.stage, record.act, record.epoch) == (Stage.MIGRATED, None, 1)
    going.assert_runs_once()
    going.assert_runs_on("south")
    folder = open_folder(going.sites.south.replicas, going.uuid)
    assert (going.sites.south.facts(going.uuid), folder.is_bare()) == (None, True)
    assert record.promoted is not None
    for disk in record.promoted.disks:
        (_only,) = images.links(Path(disk.path), format_="qcow2", is_live=True)


def test_it_starts_again_where_nothing_of_its_replica_is(going: Circle) -> None:
    there = going.machines["south"]

    there.stop()
    there.start()

    going.assert_runs_on("south")
