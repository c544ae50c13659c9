"""The rounds: every contender does every work on the same data, another one first each time."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import changes, reading
from bench.aside import aside
from bench.contenders import Contender, Seat
from bench.figures import TARGETS, US, Sample, rotation
from bench.measure import Command, Usage, run, wait_until, watched
from bench.proof import prove

_POINTS = 20
_KEPT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the caller wants measured."""

    scale: float
    rounds: int
    works: Sequence[str]
    trees: Sequence[str]
    data: Path
    scratch: Path


@dataclass(slots=True)
class Session:
    wishes: Wishes
    contenders: Sequence[Contender]
    say: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)
    is_complete: bool = False

    def run(self) -> list[Sample]:
        """Measure everything wished for; temporary things are gone afterwards."""
        try:
            for tree in self.wishes.trees:
                self.say(f"{tree}: preparing data")
                source = aside(_prepare, self.wishes.data, tree, self.wishes.scale)
                for turn in range(self.wishes.rounds):
                    self._round(tree, source, turn)
                if self._wants("prune", tree):
                    self._prune_rounds(tree, source)
            self.is_complete = True
        finally:
            shutil.rmtree(self.wishes.scratch, ignore_errors=True)
        return self.samples

    def _wants(self, work: str, tree: str) -> bool:
        return work in self.wishes.works and (work, tree) in TARGETS

    def _round(self, tree: str, source: Path, turn: int) -> None:
        trial = _Trial(self, tree, source, turn)
        steps = {
            "first": trial.first,
            "unchanged": trial.unchanged,
            "restore": trial.restore,
            "mount": trial.mount,
            "changed": trial.changed,
            "check": trial.check,
        }
        wanted = [work for work in steps if self._wants(work, tree)]
        if not wanted:
            return
        with trial.seats():
            for work in ["first", *(work for work in wanted if work != "first")]:
                steps[work]()

    def _prune_rounds(self, tree: str, source: Path) -> None:
        trial = _Trial(self, tree, source, 0)
        with trial.seats("prune"):
            trial.fill_points()
            for turn in range(self.wishes.rounds):
                trial.turn = turn
                trial.prune()


class _Trial:
    """One round on one tree: the contenders sit down, work in turn, and leave nothing."""

    def __init__(self, session: Session, tree: str, source: Path, turn: int) -> None:
        self._session = session
        self._tree = tree
        self._source = source
        self.turn = turn
        self._scratch = session.wishes.scratch
        self._seats: dict[str, Seat] = {}

    @contextlib.contextmanager
    def seats(self, work: str = "first") -> Iterator[None]:
        """Give each contender an empty vault."""
        everyone = [one for one in self._session.contenders if work in one.can]
        for contender in everyone:
            seat = Seat(folder=self._scratch / f"seat-{contender.name}")
            seat.open()
            self._seats[contender.name] = seat
            self._run(contender.create(seat))
        yield
        for seat in self._seats.values():
            seat.close()

    def first(self) -> None:
        self._back_up_all("first")

    def unchanged(self) -> None:
        self._back_up_all("unchanged")

    def changed(self) -> None:
        with self._change(self.turn):
            self._back_up_all("changed")

    def restore(self) -> None:
        for contender, seat in self._in_turn("restore"):
            # It stays until the very end: ext4 walks around inodes deleted within the last minute,
            # and whoever creates files after a great deletion pays for it with kernel time.
            target = self._scratch / f"restored-{self._tree}-{self.turn}-{contender.name}"
            target.mkdir()
            aside(reading.read_all, seat.vault)
            usage = self._run(contender.restore(seat, target))
            self._note("restore", contender, usage)
            # A wrong restore is not a fast one; once is enough, for it takes its time.
            if contender.name == US and self.turn == 0:
                aside(prove, self._source, target / self._source.relative_to("/"))

    def check(self) -> None:
        for contender, seat in self._in_turn("check"):
            aside(reading.read_all, seat.vault)
            self._note("check", contender, self._run(contender.check(seat)))

    def mount(self) -> None:
        for contender, seat in self._in_turn("mount"):
            aside(reading.read_all, seat.vault)
            self._note("mount", contender, self._read_mounted(contender, seat))

    def fill_points(self) -> None:
        """Make 20 points, 1 % of the files changed between each, and keep a copy of all."""
        with contextlib.ExitStack() as stack:
            for number in range(_POINTS):
                if number:
                    stack.enter_context(self._change(number))
                for contender, seat in self._in_turn("prune"):
                    self._run(contender.backup(seat, self._source))
        for name, seat in self._seats.items():
            shutil.copytree(seat.folder, self._scratch / f"filled-{name}")

    def prune(self) -> None:
        """Drop half of the points untimed, then time the prune; starts from the copy."""
        for contender, seat in self._in_turn("prune"):
            seat.close()
            shutil.copytree(self._scratch / f"filled-{contender.name}", seat.folder)
            self._run(contender.retain(seat, _KEPT))
            self._note("prune", contender, self._run(contender.prune(seat)))

    def _in_turn(self, work: str) -> list[tuple[Contender, Seat]]:
        everyone = rotation(self._session.contenders, self.turn)
        return [(one, self._seats[one.name]) for one in everyone if work in one.can]

    def _back_up_all(self, work: str) -> None:
        for contender, seat in self._in_turn(work):
            # For each of them: some kernels give up what was not used for a few seconds.
            aside(reading.read_all, self._source)
            usage = self._run(contender.backup(seat, self._source))
            if work in self._session.wishes.works:
                self._note(work, contender, usage)

    @contextlib.contextmanager
    def _change(self, seed: int) -> Iterator[None]:
        keep = self._session.wishes.data / "changes" / self._tree / str(seed)
        mark = self._session.wishes.data / f"{self._tree}.json"
        # Without its mark a tree is made anew: a bench killed here must not leave it changed.
        parked = mark.rename(mark.with_suffix(".changed")) if mark.exists() else None
        aside(changes.Change(self._source, keep, seed).apply)
        yield
        aside(changes.undo, self._source, keep)
        if parked is not None:
            parked.rename(mark)

    def _read_mounted(self, contender: Contender, seat: Seat) -> Usage:
        at = self._scratch / "mounted"
        at.mkdir()
        below = self._source.relative_to("/")
        with watched(contender.mount(seat, at), self._log, stop=True) as (process, usage):
            wait_until(lambda: os.path.ismount(at), process)
            point = aside(find_point, at, below)
            seconds = aside(reading.read_at_random, self._source, point / below, self.turn)
        at.rmdir()
        # What counts is the reading; `usage` timed the mount's whole life.
        return Usage(seconds=seconds, peak_bytes=usage.peak_bytes)

    def _note(self, work: str, contender: Contender, usage: Usage) -> None:
        sample = Sample(
            work=work,
            tree=self._tree,
            contender=contender.name,
            round=self.turn,
            seconds=usage.seconds,
            peak_bytes=usage.peak_bytes,
            vault_bytes=aside(reading.size_of, self._seats[contender.name].vault),
        )
        self._session.samples.append(sample)
        self._session.say(
            f"{self._tree} {work} round {self.turn + 1}: {contender.name} "
            f"{usage.seconds:.2f} s, {usage.peak_bytes / 1e6:.0f} MB"
        )

    def _run(self, command: Command) -> Usage:
        """Run it; what it left unwritten must not slow down the next one."""
        aside(reading.touch_memory)
        usage = run(command, self._log)
        os.sync()
        return usage

    @property
    def _log(self) -> Path:
        return self._scratch / "output"


def _prepare(folder: Path, tree: str, scale: float) -> Path:
    # Imported in the child: numpy here would count as memory of everyone measured.
    from bench import datasets

    return datasets.prepare(folder, tree, scale)


def find_point(mounted: Path, below: Path) -> Path:
    """Find the directory under a mount that holds the newest point's tree."""
    found = [
        folder
        for depth in ("", "*", "*/*", "*/*/*")
        for folder in ([mounted] if not depth else sorted(mounted.glob(depth)))
        if (folder / below).exists()
    ]
    if not found:
        raise FileNotFoundError(f"no point below {mounted} holds {below}")
    return next((folder for folder in found if folder.name == "latest"), found[-1])
