"""Whoever works for a live move is killed at a moment of it, and the move goes on or is begun anew.

A machine's processor stands still, so that what it holds is known; it has memory that takes seconds
on a slow link, so that the middle of its way is a moment too.
"""

import contextlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.recovery.live_note import read_live
from holdfast.recovery.record import Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.replicated import Working
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station
from holdfast.testing.waiting import wait_until
from tests.circle_acts import HOME_AGAIN, LIVE, NAME, REPROTECT, UNDO
from tests.circle_bench import SIZES, WITHIN, Circle, CircleAct, Victim

SLOW = ("--limit", "16mbit")
BURDEN = 4 * MIB
_RUNNER = Path(__file__).with_name("gated_running.py")
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
# The command goes with them; and the machine where it is to leave, if it is still on there.
_COMMANDS = (Victim.COMMAND, Victim.HOST)
_ENDINGS = (Victim.OTHER_QEMU, Victim.OTHER_HOST)


def deaths(victims: tuple[Victim, ...]) -> list[tuple[Moment, Victim]]:
    return [(when, one) for when in Moment for one in victims if when in MOMENTS[one]]


@dataclass(slots=True)
class Gate:
    """Where `replication run` stands."""

    folder: Path

    def put_up(self, going: Circle, name: str) -> None:
        """In the way of what is shipped from there, from now on."""
        station = going.station(name)
        if station.running is not None:
            station.running.stop()
        station.runner = (_RUNNER, self.folder)
        going.revive()

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
    """`left` is who is still to be killed, and when; `images` are those it has where it leaves."""

    # Where nothing has come of its move, or all of it was undone.
    rests_in: ClassVar = Stage.PROTECTED

    going: Circle
    gate: Gate
    act: CircleAct
    left: list[tuple[Moment, Victim]]
    images: dict[str, Path] = field(default_factory=dict)
    errors: list[dict[str, str]] = field(default_factory=list)
    # The last command was killed; its machine was, where it is to leave.
    is_broken: bool = False
    has_ended: bool = False

    @property
    def here(self) -> Station:
        return self.going.station(self.act.at)

    @property
    def source(self) -> Station:
        return self.going.station(self.act.source)

    @property
    def machine(self) -> StillMachine:
        """Where it leaves."""
        return self.going.machines[self.act.source]

    def go_through(self) -> None:
        """Until nothing is left to be killed and it has moved; each time what it says is done."""
        for _try in range(_TRIES):
            if self.has_moved() and not self.left:
                return
            self._go_on()
        raise AssertionError((self.left, self.errors))

    def has_moved(self) -> bool:
        """Whether the command has come to its end."""
        moving = self.here.side.start(*self.act.words, "--json")
        died: list[Victim] = []
        for moment, victim in list(self.left):
            if not (self._comes_to(moment, moving) and self.going.lives(self.act, victim)):
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
        self.going.kill(self.act, victim)
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
        with (
            contextlib.suppress(libvirt.libvirtError, HoldfastError),
            self.machine.domain.handle() as found,
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
        if not self.errors:
            self.bring_back()
        elif self.errors[-1]["code"] == "live-arrived-odd":
            self.undo()
        elif self._is_taken():
            # The same command is typed again.
            return
        if not going.is_on(self.act.at):
            self.assert_stays()

    def _is_taken(self) -> bool:
        """It is the site's, and may have run there while its home stood at its last step."""
        act = self.going.record(self.act.at).act
        return act is not None and act.epoch > 0

    def undo(self) -> None:
        self.here.run(*UNDO.words)
        wait_until(self._is_settled, within=WITHIN)

    def bring_back(self) -> None:
        """It has moved, and somebody is left to be killed on its way."""
        self.undo()

    def _is_settled(self) -> bool:
        return self.going.record(self.act.at).stage is self.rests_in

    def assert_stays(self) -> None:
        """As if nothing had been: in the images it had, with all that it had flushed."""
        folder = RecordFolder(str(self.source.home), self.going.uuid)
        # Whether it is on or not.
        wait_until(lambda: read_live(folder) is None, within=WITHIN)
        if self.has_ended:
            wait_until(self._is_started, within=WITHIN)
        wait_until(self.machine.is_on, within=WITHIN)
        assert self._images_now() == self.images
        self.going.assert_runs_on(self.act.source)
        wait_until(self._is_followed, within=WITHIN)

    def _images_now(self) -> dict[str, Path]:
        return {target: self.machine.image(target)[0] for target in SIZES}

    def _is_followed(self) -> bool:
        """What is compared after a power cut has been, which its owner sees in the status."""
        sent = SourceFolder(str(self.source.home), self.going.uuid).sent()
        return sent is not None and not sent.must_walk

    def _is_started(self) -> bool:
        """By its owner, where it may be."""
        with contextlib.suppress(HoldfastError):
            if not self.machine.is_on():
                self.machine.start()
        return self.machine.is_on()


class HomeHunt(Hunt):
    """Of a machine that is to go home; from there it can only be sent away anew."""

    rests_in = Stage.PROTECTED_IN_REVERSE

    def bring_back(self) -> None:
        self.go_home()
        self.go_away()

    def go_home(self) -> None:
        """To its end: protected, as before it was sent away."""
        self.going.runs_at = self.act.runs_at
        self.going.go_through(HOME_AGAIN)

    def go_away(self) -> None:
        """On the slow link that a machine has from here on, as it had at home."""
        for act in (LIVE, REPROTECT):
            self.going.go_through(act)
        self.source.run("replication", "enable", NAME, "--to", self.act.at, *SLOW)
        self.images = self._images_now()
