"""A machine is lost with its host, and at each step on its way there and back something is killed.

The same command, typed again, brings it to its end; it never runs twice, no byte is lost that was
to be kept, its epoch grows by one however often an act is begun, and nothing is left of any of it.
Without a disaster before it everything is killed at every step: see test_recovery_each_step_killed.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.circle_acts import COMMIT, FAILBACK, HOME_AGAIN, NAME, REPROTECT, UNPLANNED
from tests.circle_bench import WITHIN, Circle, Victim, assert_at_rest, circle

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
COMMAND, RUN, SERVE = Victim.COMMAND, Victim.RUN, Victim.SERVE
DAEMON, OTHER_DAEMON = Victim.DAEMON, Victim.OTHER_DAEMON
QEMU = Victim.QEMU

LOST = replace(
    UNPLANNED,
    is_each=False,
    deaths=(
        ("source", SERVE),
        ("point", DAEMON),
        ("room", SERVE),
        ("epoch", COMMAND),
        ("promote", DAEMON),
        ("agent", QEMU),
    ),
)
FOLLOWED = replace(
    REPROTECT,
    is_each=False,
    deaths=(
        ("machine", SERVE),
        ("way-back", OTHER_DAEMON),
        ("adopt", RUN),
        ("union", DAEMON),
        ("reverse-copy", COMMAND),
    ),
)
COMING_HOME = replace(
    FAILBACK,
    is_each=False,
    deaths=(
        ("home", COMMAND),
        ("room", OTHER_DAEMON),
        ("catch-up", DAEMON),
        ("hand-over", RUN),
        ("point", SERVE),
        ("epoch", DAEMON),
        ("promote", COMMAND),
        ("agent", QEMU),
        ("settle", DAEMON),
        ("forget", COMMAND),
    ),
)
ACTS = (LOST, COMMIT, FOLLOWED, COMING_HOME, HOME_AGAIN)


@pytest.fixture(scope="module")
def going(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Circle]:
    with circle(kvm_hosts, NAME) as made:
        yield made


def test_whatever_is_killed_at_a_step_the_same_command_goes_on_and_nothing_is_left(
    going: Circle,
) -> None:
    for act in ACTS:
        epoch = going.record(act.at).epoch

        seen = going.go_through(act)

        assert seen.steps >= {step for step, _victim in act.deaths}
        has_ended = "recovery-machine-ended" in [one["code"] for one in seen.errors]
        assert has_ended is (("agent", QEMU) in act.deaths)
        going.assert_done(act, seen, epoch=epoch)
        assert_at_rest(going, act)
    _assert_nothing_is_left(going)


def _assert_nothing_is_left(going: Circle) -> None:
    sites = going.sites

    sites.north.run("replication", "disable", NAME)

    wait_until(lambda: sites.south.facts(going.uuid) is None, within=WITHIN)
    sites.rest()
    for station in (sites.north, sites.south):
        assert "qemu-nbd" not in station.host.run("ps", "-e", "-o", "comm=")
        assert not (station.replicas / going.uuid).exists()
    assert list_checkpoints(going.home.domain) == []
    going.home.stop()
    for target, disk in going.home.disks.items():
        assert going.home.read(target) == bytes(disk.content)
