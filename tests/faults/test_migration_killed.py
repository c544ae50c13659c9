"""A machine moves for good, and at each step of that something is killed: it goes on, and is whole.

Afterwards nothing of its replica is left at its new host, and it starts again like any other.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.disks import images
from holdfast.recovery.record import Stage
from holdfast.replication.replica_folder import open_folder
from holdfast.testing.hosts import KvmHost
from tests import machines_bench
from tests.circle_acts import COMMIT, NAME, PLANNED
from tests.circle_bench import Circle, Victim, circle

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
STEPS = ["points", "alone", "replica"]
COMPLETED = replace(
    COMMIT,
    words=(*COMMIT.words, "--complete-migration", "--yes"),
    stage=Stage.MIGRATED,
    is_each=False,
    # All of those that are there, at each step; QEMU and its host late, for from then on it is off.
    # The power at the first one is cut in test_recovery_host_killed, where that is all of the act.
    deaths=tuple(
        (step, victim)
        for step in STEPS
        for victim in (
            *(Victim.RUN, Victim.SERVE, Victim.OTHER_DAEMON, Victim.DAEMON, Victim.COMMAND),
            *((Victim.QEMU,) if step == "alone" else ()),
            *((Victim.OTHER_HOST, Victim.HOST) if step != "points" else (Victim.OTHER_HOST,)),
        )
    ),
)


@pytest.fixture(scope="module")
def going(own_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Circle]:
    with circle(own_hosts, NAME) as made:
        yield made


def test_whatever_is_killed_it_moves_for_good_and_stands_on_its_own(going: Circle) -> None:
    going.go_through(PLANNED)

    seen = going.go_through(COMPLETED)

    assert seen.named == STEPS
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

    # It starts again where nothing of its replica is.
    there = going.machines["south"]
    there.stop()
    there.start()
    going.assert_runs_on("south")
