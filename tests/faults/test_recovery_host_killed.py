"""The power of either host is cut at each step of each act: its libvirtd, each QEMU, all of ours.

When the host is up again and what its service manager starts is at work, the same command goes on.
Nothing is lost but what was not flushed; the machine never runs twice, and its owner starts it.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.testing.hosts import KvmHost
from tests import machines_bench
from tests.circle_acts import (
    CHANGE,
    COMMIT,
    FAILBACK,
    FAILBACK_LIVE,
    HOME_AGAIN,
    LIVE,
    NAME,
    PLANNED,
    REPROTECT,
    UNDO,
    UNPLANNED,
)
from tests.circle_bench import Circle, CircleAct, Victim, assert_at_rest, circle
from tests.faults.test_recovery_each_step_killed import STEPS, WITHIN_OTHERS

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
EITHER = (Victim.HOST, Victim.OTHER_HOST)


def cut(act: CircleAct, *victims: Victim) -> CircleAct:
    """One after the other at each of its steps."""
    steps = [each for each in STEPS[act.name] if each not in WITHIN_OTHERS.get(act.name, set())]
    deaths = tuple((step, victim) for step in steps for victim in victims)
    return replace(act, deaths=deaths)


WAYS = {
    "planned-and-back": (
        cut(PLANNED, *EITHER),
        cut(COMMIT, *EITHER),
        cut(REPROTECT, *EITHER),
        cut(FAILBACK, *EITHER),
        cut(HOME_AGAIN, *EITHER),
    ),
    "live-and-back": (
        cut(LIVE, *EITHER),
        REPROTECT,
        cut(FAILBACK_LIVE, *EITHER),
        HOME_AGAIN,
    ),
    "undone": (PLANNED, cut(CHANGE, *EITHER), cut(UNDO, *EITHER)),
    # By what was handed over before, all that is at home is at the site; the other one is lost.
    "disaster": (PLANNED, UNDO, cut(UNPLANNED, Victim.HOST), UNDO),
}


@pytest.fixture(scope="module")
def going(own_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Circle]:
    with circle(own_hosts, NAME) as made:
        yield made


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_its_power_is_cut_at_each_step_and_the_same_command_goes_on(
    going: Circle, way: tuple[CircleAct, ...]
) -> None:
    with going.round():
        for act in way:
            epoch = going.record(act.at).epoch

            seen = going.go_through(act)

            assert tuple(seen.named) == STEPS[act.name]
            assert seen.killed == set(act.deaths)
            going.assert_done(act, seen, epoch=epoch)
            assert_at_rest(going, act)
