"""Each victim at each step of each act between a machine's home and its site, and of its undo.

Which steps there are the commands say: one that is not in the table here fails the test.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

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

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
# A host with all of them at once: see test_recovery_host_killed.
VICTIMS = tuple(one for one in Victim if one not in (Victim.HOST, Victim.OTHER_HOST))
HANDING = ("room", "catch-up", "hand-over", "point", "epoch", "promote", "agent")
MOVING = ("running", "room", "catch-up", "freeze", "move", "epoch", "resume", "records", "agent")
RETURNING = ("machine", "way-back", "adopt", "union", "reverse-copy")
SETTLING = ("settle", "forget")
# All there are, in their order.
STEPS = {
    "planned": HANDING,
    "live": MOVING,
    "unplanned": ("source", "point", "room", "epoch", "promote", "agent"),
    "change-point": ("point", "stop", "promote", "agent"),
    "undo": ("stop", "give-back"),
    "commit": ("points",),
    "reprotect": RETURNING,
    "failback": ("home", *HANDING, *SETTLING),
    "failback-live": ("home", *MOVING, *SETTLING),
    "reprotect-home": RETURNING,
}
# Done within the step before: nobody comes to stand there.
WITHIN_OTHERS = {"live": {"epoch", "resume"}, "failback-live": {"epoch", "resume"}}
# What is dead before an act begins cannot be killed in it.
DEAD_BEFORE = {"unplanned": {Victim.RUN, Victim.OTHER_DAEMON, Victim.OTHER_QEMU}}
# The steps at which a machine is on; everything else is there at all of them.
ON = {
    ("planned", Victim.QEMU): {"agent"},
    ("planned", Victim.OTHER_QEMU): {"room", "catch-up", "hand-over"},
    ("live", Victim.QEMU): {"records", "agent"},
    ("live", Victim.OTHER_QEMU): {"running", "room", "catch-up", "freeze", "move"},
    ("unplanned", Victim.QEMU): {"agent"},
    ("change-point", Victim.QEMU): {"point", "stop", "agent"},
    ("change-point", Victim.OTHER_QEMU): set(),
    ("undo", Victim.QEMU): {"stop"},
    ("undo", Victim.OTHER_QEMU): set(),
    ("commit", Victim.OTHER_QEMU): set(),
    ("reprotect", Victim.OTHER_QEMU): set(),
    # It ends at home what it began there, and is off then: each of the last two in one of the ways.
    ("failback", Victim.QEMU): {"agent", "settle"},
    ("failback", Victim.OTHER_QEMU): {"home", "room", "catch-up", "hand-over"},
    ("failback-live", Victim.QEMU): {"records", "agent", "forget"},
    ("failback-live", Victim.OTHER_QEMU): {
        *("home", "running", "room", "catch-up", "freeze", "move")
    },
    ("reprotect-home", Victim.OTHER_QEMU): set(),
}


@dataclass(frozen=True, slots=True)
class Way:
    """From home to home; those that `kill` names have their victims."""

    acts: tuple[CircleAct, ...]
    kill: tuple[str, ...]

    def acts_with(self, victim: Victim) -> Iterator[tuple[CircleAct, set[str]]]:
        """Each act, and the steps at which that is to die."""
        for act in self.acts:
            steps = deadly_steps(act, victim) if act.name in self.kill else set()
            deaths = tuple((step, victim) for step in STEPS[act.name] if step in steps)
            yield replace(act, deaths=deaths), steps


def deadly_steps(act: CircleAct, victim: Victim) -> set[str]:
    if victim in DEAD_BEFORE.get(act.name, set()):
        return set()
    known = ON.get((act.name, victim), set(STEPS[act.name]))
    return known - WITHIN_OTHERS.get(act.name, set())


WAYS = {
    "cold": Way((PLANNED, CHANGE, UNDO), ("planned", "change-point", "undo")),
    # By what was handed over before, all that is at home is at the site.
    "disaster": Way((PLANNED, UNDO, UNPLANNED, UNDO), ("unplanned",)),
    "live": Way((LIVE, UNDO), ("live",)),
    "back": Way(
        (PLANNED, COMMIT, REPROTECT, FAILBACK, HOME_AGAIN),
        ("commit", "reprotect", "failback", "reprotect-home"),
    ),
    "back-live": Way((LIVE, REPROTECT, FAILBACK_LIVE, HOME_AGAIN), ("failback-live",)),
}


def rounds() -> Iterator[object]:
    for name, way in WAYS.items():
        for victim in VICTIMS:
            if any(deaths for _act, deaths in way.acts_with(victim)):
                yield pytest.param(way, victim, id=f"{name}-{victim}".replace(" ", "-"))


@pytest.fixture(scope="module")
def circles(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Callable[[], Circle]]:
    """The one there is; a new one where a round did not come to its end."""
    made: list[Circle] = []

    def whole() -> Circle:
        if not made or not made[-1].is_whole:
            stack.close()
            made.append(stack.enter_context(circle(kvm_hosts, NAME)))
        return made[-1]

    with contextlib.ExitStack() as stack:
        yield whole


@pytest.fixture
def going(circles: Callable[[], Circle]) -> Circle:
    return circles()


@pytest.mark.parametrize(("way", "victim"), list(rounds()))
def test_killed_at_each_of_its_steps_it_is_brought_to_its_end(
    going: Circle, way: Way, victim: Victim
) -> None:
    with going.round():
        for act, deadly in way.acts_with(victim):
            epoch = going.record(act.at).epoch

            seen = going.go_through(act)

            assert tuple(seen.named) == STEPS[act.name]
            assert {step for step, _victim in seen.killed} == deadly
            going.assert_done(act, seen, epoch=epoch)
            if deadly:
                assert_at_rest(going, act)


def test_every_act_is_killed_in_somewhere() -> None:
    killed_in = {name for way in WAYS.values() for name in way.kill}

    assert killed_in == set(STEPS)
