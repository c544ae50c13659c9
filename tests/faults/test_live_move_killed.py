"""Each victim at each moment of a live move, and the power of either host: on its way among them.

The move is begun, one of them is killed at a moment, and it goes on to the next or is begun again,
until nothing is left to be killed. The machine's processor stands still, so that what it holds is
known; it has memory that takes seconds on a slow link, so that the middle is one.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.recovery.live_note import read_live
from holdfast.recovery.record import Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.circle_acts import LIVE, NAME, UNDO
from tests.circle_bench import SIZES, WITHIN, Circle, Victim, assert_at_rest, circle

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
_RUNNER = Path(__file__).parent.with_name("gated_running.py")
_SLOW = ("--limit", "16mbit")
_BURDEN = 4 * MIB
_TRIES = 30


class Moment(StrEnum):
    """In their order; all but one are steps at which its `replication run` stands."""

    # Before anything is on its disks; with images on top; when what lies below is at the site.
    LEAVING = "leaving"
    FROZEN = "frozen"
    DELIVERED = "delivered"
    # Its next start here is barred; QEMU carries its memory; it is off here, and not yet said so.
    MIGRATING = "migrating"
    MEMORY = "memory"
    MIGRATED = "migrated"
    GONE = "gone"


_OFF_HERE = {Moment.MIGRATED, Moment.GONE}
_LAYERED = (Moment.FROZEN, Moment.DELIVERED, Moment.MIGRATING)
_ON_THERE = {Moment.MEMORY, *_OFF_HERE}
# `here` is the site, where the command is.
MOMENTS: dict[Victim, set[Moment]] = {
    **{victim: set(Moment) for victim in Victim},
    Victim.OTHER_QEMU: set(Moment) - _OFF_HERE,
    Victim.QEMU: _ON_THERE,
}
# Those that die one after the other at each moment; what most of them leave at work comes first.
HUNTED = {
    "libvirtd": (Victim.SERVE, Victim.DAEMON, Victim.OTHER_DAEMON),
    "QEMU": (Victim.OTHER_QEMU, Victim.QEMU),
    "ours": (Victim.COMMAND, Victim.RUN),
    "host": (Victim.HOST, Victim.OTHER_HOST),
}
# The command goes with them; and the machine at home, where it is still on.
_COMMANDS = (Victim.COMMAND, Victim.HOST)
_ENDINGS = (Victim.OTHER_QEMU, Victim.OTHER_HOST)


@dataclass(slots=True)
class Gate:
    """Where `replication run` stands."""

    folder: Path

    def shut(self, step: str) -> None:
        if not (self.folder / step).exists():
            self.open()
            (self.folder / step).touch()

    def is_stood_at(self) -> bool:
        return (self.folder / "at").exists()

    def open(self) -> None:
        """Comes back when whoever stood there goes on."""
        for step in Moment:
            (self.folder / step).unlink(missing_ok=True)
        wait_until(lambda: not self.is_stood_at(), within=WITHIN)

    def forget(self) -> None:
        """Whoever stood there is dead."""
        for each in self.folder.iterdir():
            each.unlink()


@dataclass(slots=True)
class Hunt:
    """`left` is who is still to be killed, and when."""

    going: Circle
    gate: Gate
    left: list[tuple[Moment, Victim]]
    errors: list[dict[str, str]] = field(default_factory=list)
    # The last command was killed; its machine was, at home.
    is_broken: bool = False
    has_ended: bool = False

    def go_through(self) -> None:
        """Until nothing is left to be killed and it has moved; each time what it says is done."""
        for _try in range(_TRIES):
            if self.has_moved() and not self.left:
                return
            self._go_on()
        raise AssertionError((self.left, self.errors))

    def has_moved(self) -> bool:
        """Whether the command has come to its end."""
        moving = self.going.sites.south.side.start(*LIVE.words, "--json")
        died: list[Victim] = []
        for moment, victim in list(self.left):
            if not (self._comes_to(moment, moving) and self.going.lives(LIVE, victim)):
                break
            self.left.remove((moment, victim))
            died.append(victim)
            if victim is Victim.OTHER_QEMU and moment in _LAYERED:
                # It is nowhere but in an image that goes away again.
                self.going.write()
            self._kill(victim, moving)
            self.going.revive()
            self.going.assert_runs_once()
            if victim in _COMMANDS:
                break
        self.gate.open()
        status = moving.process.wait(WITHIN)
        self.is_broken = bool({*died} & {*_COMMANDS})
        said = [] if self.is_broken else moving.log.read_text().splitlines()
        self.errors = [one for one in map(json.loads, said) if one["event"] == "error"]
        self.has_ended = bool({*died} & {*_ENDINGS})
        return status == 0

    def _kill(self, victim: Victim, moving: Working) -> None:
        if victim is Victim.COMMAND:
            moving.kill()
            return
        self.going.kill(LIVE, victim)
        if victim in (Victim.RUN, Victim.OTHER_HOST):
            # It stood there; its next one is not to.
            self.gate.forget()

    def _comes_to(self, moment: Moment, moving: Working) -> bool:
        """Whether it does, and stands there; a move that is over comes to none."""
        if moment is Moment.MEMORY:
            self.gate.open()
            is_there = self._is_carried
        else:
            self.gate.shut(moment)
            is_there = self.gate.is_stood_at
        wait_until(lambda: is_there() or not moving.is_at_work, within=WITHIN)
        return is_there()

    def _is_carried(self) -> bool:
        """QEMU is at it: some of its memory has left, and some has not."""
        libvirt = pytest.importorskip("libvirt")
        home = self.going.home
        with (
            contextlib.suppress(libvirt.libvirtError, HoldfastError),
            home.domain.handle() as found,
        ):
            stats = found.jobStats()
            parts = [int(stats.get(f"memory_{one}", 0)) for one in ("processed", "remaining")]
            return bool(stats.get("type")) and all(parts)
        return False

    def _go_on(self) -> None:
        """What a person does: what the error says; and start what is off, where it may run."""
        going = self.going
        going.revive()
        assert all(one["remedy"] and one["code"] != "unexpected" for one in self.errors)
        if self.is_broken:
            return
        if not self.errors or self.errors[-1]["code"] == "live-arrived-odd":
            self.undo()
        elif self._is_taken():
            # The same command is typed again.
            return
        if not going.is_on("south"):
            self.assert_is_home()

    def _is_taken(self) -> bool:
        """It is the site's, and may have run there while its home stood at its last step."""
        act = self.going.record("south").act
        return act is not None and act.epoch > 0

    def undo(self) -> None:
        self.going.sites.south.run(*UNDO.words)
        wait_until(lambda: self.going.record("south").stage is Stage.PROTECTED, within=WITHIN)

    def assert_is_home(self) -> None:
        """As if nothing had been: in its own images, with all that it had flushed."""
        going, home = self.going, self.going.home
        folder = RecordFolder(str(going.sites.north.home), going.uuid)
        # Whether it is on or not.
        wait_until(lambda: read_live(folder) is None, within=WITHIN)
        if self.has_ended:
            wait_until(self._is_started, within=WITHIN)
        wait_until(home.is_on, within=WITHIN)
        assert {target: home.image(target)[0] for target in SIZES} == {
            target: disk.path for target, disk in home.disks.items()
        }
        going.assert_runs_on("north")
        wait_until(self._is_followed, within=WITHIN)

    def _is_followed(self) -> bool:
        """What is compared after a power cut has been, which its owner sees in the status."""
        sent = SourceFolder(str(self.going.sites.north.home), self.going.uuid).sent()
        return sent is not None and not sent.must_walk

    def _is_started(self) -> bool:
        home = self.going.home
        with contextlib.suppress(HoldfastError):
            if not home.is_on():
                home.start()
        return home.is_on()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def going(own_hosts: tuple[KvmHost, KvmHost], gate: Gate) -> Iterator[Circle]:
    with circle(own_hosts, NAME, *_SLOW, burden=_BURDEN) as made:
        north = made.sites.north
        assert north.running is not None
        north.running.stop()
        north.runner = (_RUNNER, gate.folder)
        made.revive()
        yield made


@pytest.mark.parametrize("victims", HUNTED.values(), ids=HUNTED)
def test_killed_at_each_moment_it_stays_or_has_left_and_the_command_goes_on(
    going: Circle, gate: Gate, victims: tuple[Victim, ...]
) -> None:
    left = [(when, one) for when in Moment for one in victims if when in MOMENTS[one]]
    hunt = Hunt(going, gate, left)
    # A machine that died at the site and was started there again has lost its record of changes.
    act = replace(LIVE, deaths=tuple((str(when), one) for when, one in left))
    with going.round():
        hunt.go_through()

        assert going.record("south").stage is Stage.FAILED_OVER
        going.assert_runs_once()
        going.assert_runs_on("south")
        assert_at_rest(going, act)
        hunt.undo()
        hunt.assert_is_home()
        _assert_nothing_is_left(going)


def test_the_next_command_after_a_power_cut_of_the_site_moves_it(going: Circle, gate: Gate) -> None:
    """All that the site has heard by then is that it was on its way."""
    hunt = Hunt(going, gate, [(Moment.MIGRATING, Victim.HOST)])
    with going.round():
        assert not hunt.has_moved()
        assert not hunt.left
        going.revive()

        assert hunt.has_moved(), hunt.errors

        going.assert_runs_on("south")
        hunt.undo()
        hunt.assert_is_home()
        _assert_nothing_is_left(going)


def _assert_nothing_is_left(going: Circle) -> None:
    """Of any try, on either host."""
    images = {disk.path.name for disk in going.home.disks.values()}
    assert {path.name for path in going.home.folder.iterdir()} == {"firmware", *images}
    for station in (going.sites.north, going.sites.south):
        assert not (station.home / "recovery" / going.uuid / "doors.json").exists()
        assert "holdfast-live" not in station.host.run("ls", "/run")
    assert not list((going.sites.south.replicas / going.uuid / "running").glob("*"))
