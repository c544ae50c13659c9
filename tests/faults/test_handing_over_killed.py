"""SIGKILL of a machine's `replication run` at each step of what its site wants, and of the failover."""

import itertools
from collections.abc import Iterator

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.record import Stage
from holdfast.replication.site_orders import OrderKind
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.handing_bench import WITHIN, Handing, Places, fail_over, forked, was_killed

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def handing(
    kvm_hosts: tuple[KvmHost, KvmHost], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Handing]:
    """Each test leaves the machine running, and its source's own."""
    north, south = kvm_hosts
    with Host.open(north.uri) as hypervisor:
        sizes = {"vda": 4 * MIB, "sda": MIB}
        machine = StillMachine(north, hypervisor, "handed-killed", sizes)
        places = Places(
            source_uri=north.uri,
            site_uri=south.uri,
            scratch=north.folder / "handed-killed",
            root=tmp_path_factory.mktemp("handing"),
        )
        handing = Handing(machine, places)
        machine.start()
        with handing.followed():
            wait_until(lambda: bool(handing.newest), within=WITHIN)
        yield handing
        machine.remove()


@pytest.fixture
def act(handing: Handing) -> str:
    """A new one, of a machine that has written something since the last."""
    number = next(_numbers)
    handing.machine.write("vda", number * 64 * KIB, f"of act {number}".encode() * 100)
    handing.machine.write("sda", number * 4 * KIB, f"of act {number}".encode() * 100)
    return f"act-{number}"


def is_handed_over(handing: Handing, act: str) -> None:
    """All of it is at the site, and nobody can start it."""
    told = handing.wait(lambda told: told.act == act and told.is_done and told.is_fenced)
    assert told.doing is OrderKind.HAND_OVER
    assert not handing.machine.is_on()
    assert told.generation == handing.newest
    assert handing.has_at_site(told.generation)
    with pytest.raises(HoldfastError):
        handing.machine.start()


def is_its_own_again(handing: Handing) -> None:
    wait_until(handing.machine.is_on, within=WITHIN)
    handing.wait(lambda told: told.is_active is True and not told.is_fenced)
    assert handing.record.fence is None
    wait_until(lambda: stage_at_site(handing) is Stage.PROTECTED, within=WITHIN)


def stage_at_site(handing: Handing) -> Stage | None:
    known = handing.at_site.load()
    return known.stage if known else None


@pytest.mark.parametrize(
    "step",
    [
        *("hand-over", "shutting-down", "off", "sealed", "kept", "shipping", "acked"),
        *("in-step", "barring", "barred", "fence-kept"),
    ],
)
def test_killed_while_it_is_handed_over(handing: Handing, act: str, step: str) -> None:
    handing.order(OrderKind.HAND_OVER, act)

    assert handing.dies_at(step)

    with handing.followed():
        is_handed_over(handing, act)
        handing.give_back()
        is_its_own_again(handing)


@pytest.mark.parametrize("step", ["catch-up", "sealed", "acked"])
def test_killed_while_it_catches_up(handing: Handing, act: str, step: str) -> None:
    before = handing.newest
    handing.order(OrderKind.CATCH_UP, act)

    assert handing.dies_at(step)

    with handing.followed():
        told = handing.wait(lambda told: told.act == act and told.is_done)
        assert told.is_active
        assert told.generation not in ("", before)
        assert handing.has_at_site(told.generation)
        handing.give_back()
        is_its_own_again(handing)


@pytest.mark.parametrize("step", ["unbarred", "taken-back", "started"])
def test_killed_while_it_is_let_go(handing: Handing, act: str, step: str) -> None:
    handing.order(OrderKind.HAND_OVER, act)
    with handing.followed():
        is_handed_over(handing, act)
    handing.give_back()

    assert handing.dies_at(step)

    with handing.followed():
        is_its_own_again(handing)


@pytest.mark.parametrize("step", ["given", "fenced"])
def test_killed_while_it_is_barred_for_the_site(handing: Handing, act: str, step: str) -> None:
    handing.machine.stop()
    handing.take()

    assert handing.dies_at(step)

    with handing.followed():
        handing.wait(lambda told: told.is_fenced and told.epoch == _epoch(handing))
        with pytest.raises(HoldfastError):
            handing.machine.start()
        handing.give_back()
        handing.wait(lambda told: not told.is_fenced and told.epoch == _epoch(handing))
        # It was off when it was taken, and so it is now.
        assert not handing.machine.is_on(), act
        handing.machine.start()


@pytest.mark.parametrize("step", ["room", "catch-up", "hand-over", "point", "epoch", "promote"])
def test_a_planned_failover_killed_behind_a_step_goes_on_with_the_same_command(
    handing: Handing, act: str, step: str
) -> None:
    told = (handing.places, handing.uuid, handing.machine.name)
    with handing.followed():
        handing.wait(lambda told: bool(told.generation))

        assert was_killed(forked(fail_over, *told, step)), act
        assert not was_killed(forked(fail_over, *told, ""))

        known = handing.at_site.load()
        assert known is not None
        assert known.stage is Stage.FAILED_OVER
        assert known.promoted is not None
        assert known.promoted.generation == handing.newest
        assert handing.has_at_site(handing.newest)
        assert not handing.machine.is_on()
        handing.undo()
        is_its_own_again(handing)
    assert not list((handing.places.replicas / handing.uuid / "running").glob("*"))


@pytest.mark.parametrize("step", ["catch-up", "hand-over", "epoch", "promote"])
def test_a_planned_failover_killed_behind_a_step_can_be_undone(
    handing: Handing, act: str, step: str
) -> None:
    with handing.followed():
        handing.wait(lambda told: bool(told.generation))
        assert was_killed(
            forked(fail_over, handing.places, handing.uuid, handing.machine.name, step)
        ), act

        handing.undo()

        is_its_own_again(handing)


def _epoch(handing: Handing) -> int:
    known = handing.at_site.load()
    return known.epoch if known else 0
