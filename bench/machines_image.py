"""A disk image in and out of vaults: everyone in turn, on the same image, warm."""

import contextlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import reading
from bench.aside import aside
from bench.changes import IMAGE_NAME
from bench.contenders import Contender, Seat
from bench.figures import rotation
from bench.machines_contenders import HoldfastImage
from bench.measure import Command, Usage, run
from bench.proof import RestoreDiffers
from bench.questions import US, Sample

DIRTY = 2 << 20
_PIECES = 32
_BLOCK = 1 << 20
_BITMAP = "since"


@dataclass(slots=True, kw_only=True)
class ImageRounds:
    """`scratch` is empty before and after; who is named `once` takes part in the first round only."""

    scratch: Path
    image: Path
    contenders: Sequence[Contender]
    once: frozenset[str]
    say: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)

    def round(self, turn: int) -> None:
        with self._seats(turn) as seats:
            for one in self._in_turn("full", turn):
                aside(reading.read_all, self.image.parent)
                usage = self._run(one.backup(seats[one.name], self.image))
                self._note("full", one.name, turn, usage)
            for one in self._in_turn("restore", turn):
                self._restore(one, seats[one.name], turn)
            for one in self.contenders:
                if isinstance(one, HoldfastImage):
                    self._increments(one, seats[one.name], turn)

    @contextlib.contextmanager
    def _seats(self, turn: int) -> Iterator[dict[str, Seat]]:
        seats = {}
        for number, one in enumerate(self._here(turn)):
            seats[one.name] = Seat(folder=self.scratch / f"seat-{number}")
            seats[one.name].open()
            self._run(one.create(seats[one.name]))
        yield seats
        for seat in seats.values():
            seat.close()

    def _in_turn(self, work: str, turn: int) -> list[Contender]:
        return [one for one in rotation(self._here(turn), turn) if work in one.can]

    def _here(self, turn: int) -> list[Contender]:
        return [one for one in self.contenders if not turn or one.name not in self.once]

    def _restore(self, one: Contender, seat: Seat, turn: int) -> None:
        target = self.scratch / "restored"
        target.mkdir()
        aside(reading.read_all, seat.vault)
        self._note("restore", one.name, turn, self._run(one.restore(seat, target)))
        if one.name == US and turn == 0:
            _prove(self.image, target / "disk.raw")
        shutil.rmtree(target)

    def _increments(self, one: HoldfastImage, seat: Seat, turn: int) -> None:
        """What a guest writes lies in an image on top, which records where it was."""
        size = self.image.stat().st_size
        dice = random.Random(turn)
        for work, pieces in (("one run", 1), ("scattered", _PIECES)):
            top = self.scratch / "top.qcow2"
            _make_top(top, self.image)
            _overwrite(top, size, dice, pieces=pieces)
            usage = self._run(one.increment(seat, top, _BITMAP))
            told = self._told()
            # Each piece may lie in two blocks; who reads more does not follow the record.
            assert told["read"] <= (DIRTY // _BLOCK + 2 * pieces) * _BLOCK, told
            self._note(f"increment {work}", US, turn, usage)
            self._add(f"stored {work}", US, turn, told["stored"] / DIRTY)
            top.unlink()

    def _run(self, command: Command) -> Usage:
        """Run it; what it left unwritten must not slow down the next one."""
        aside(reading.touch_memory)
        usage = run(command, self._log)
        os.sync()
        return usage

    def _told(self) -> dict[str, Any]:
        """The last line of the command that ran last."""
        found: dict[str, Any] = json.loads(self._log.read_text().splitlines()[-1])
        return found

    @property
    def _log(self) -> Path:
        return self.scratch / "output"

    def _note(self, work: str, who: str, turn: int, usage: Usage) -> None:
        self._add(work, who, turn, usage.seconds, peak_bytes=usage.peak_bytes)

    def _add(self, work: str, who: str, turn: int, value: float, *, peak_bytes: int = 0) -> None:
        sample = Sample(work=work, contender=who, round=turn, value=value, peak_bytes=peak_bytes)
        self.samples.append(sample)
        memory = f", {peak_bytes / 1e6:.0f} MB" if peak_bytes else ""
        self.say(f"{work} round {turn + 1}: {who} {value:.2f}{memory}")


def image_below(folder: Path) -> Path:
    return folder / IMAGE_NAME


def _make_top(top: Path, below: Path) -> None:
    _call("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", below, top)
    _call("qemu-img", "bitmap", "--add", top, _BITMAP)


def _overwrite(top: Path, size: int, dice: random.Random, *, pieces: int) -> None:
    """New bytes at so many places that do not touch, as many as `DIRTY` in all."""
    length = DIRTY // pieces // 4096 * 4096
    room = size // pieces
    commands: list[str] = []
    for number in range(pieces):
        at = number * room + dice.randrange(max(1, room - length)) // 4096 * 4096
        # Each piece other bytes: equal ones would be stored once.
        part = top.with_suffix(f".{number}")
        part.write_bytes(dice.randbytes(length))
        commands += ["-c", f"write -q -s {part} {at} {length}"]
    _call("qemu-io", "-f", "qcow2", *commands, top)
    for left in top.parent.glob("top.*"):
        if left != top:
            left.unlink()


def _prove(image: Path, restored: Path) -> None:
    """A wrong restore is not a fast one."""
    done = subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", "raw", image, restored],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RestoreDiffers(done.stdout + done.stderr)


def _call(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
