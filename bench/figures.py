"""From single measurements to medians, ratios and verdicts. Nothing here does any work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

WORKS = ("first", "unchanged", "changed", "restore", "check", "prune", "mount")
TREES = ("mixed", "tiny", "image")
US = "holdfast"
MEMORY_LIMIT = 1.5  # of restic's peak

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of one contender."""

    work: str
    tree: str
    contender: str
    round: int
    seconds: float
    peak_bytes: int
    vault_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """At most this part of the faster peer's time, or this many seconds."""

    ratio: float | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return f"<= {self.seconds:g} s" if self.ratio is None else f"<= {self.ratio:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    seconds: float
    peak_bytes: float
    vault_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of work on one tree, all contenders beside each other."""

    work: str
    tree: str
    medians: dict[str, Median]

    @property
    def target(self) -> Target:
        return TARGETS[self.work, self.tree]

    @property
    def ratio(self) -> float | None:
        """Our time as a part of the faster peer's; None unless both were measured."""
        peers = [m.seconds for name, m in self.medians.items() if name != US]
        if US not in self.medians or not peers:
            return None
        return self.medians[US].seconds / min(peers)

    @property
    def memory_ratio(self) -> float | None:
        """Our peak memory as a part of restic's."""
        if US not in self.medians or "restic" not in self.medians:
            return None
        return self.medians[US].peak_bytes / self.medians["restic"].peak_bytes

    @property
    def is_met(self) -> bool | None:
        if self.target.ratio is None:
            ours = self.medians.get(US)
            return None if ours is None else ours.seconds <= (self.target.seconds or 0)
        return None if self.ratio is None else self.ratio <= self.target.ratio


TARGETS: dict[tuple[str, str], Target] = {
    ("first", "mixed"): Target(ratio=0.38),
    ("first", "tiny"): Target(ratio=0.33),
    ("first", "image"): Target(ratio=0.45),
    ("unchanged", "mixed"): Target(ratio=0.20),
    ("unchanged", "tiny"): Target(ratio=0.12),
    ("unchanged", "image"): Target(seconds=1.0),
    ("changed", "mixed"): Target(ratio=0.25),
    ("changed", "tiny"): Target(ratio=0.25),
    ("changed", "image"): Target(ratio=0.60),
    ("restore", "mixed"): Target(ratio=0.38),
    ("restore", "tiny"): Target(ratio=0.33),
    ("restore", "image"): Target(ratio=0.50),
    ("check", "mixed"): Target(ratio=0.50),
    ("prune", "mixed"): Target(ratio=0.50),
    ("mount", "mixed"): Target(ratio=0.50),
    ("mount", "image"): Target(ratio=0.50),
}


def rotation(names: Sequence[T], turn: int) -> list[T]:
    """Put another one first at each turn, so that being first favours nobody."""
    if not names:
        return []
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def rows(samples: Iterable[Sample]) -> list[Row]:
    """Group by work and tree, in the order of WORKS and TREES."""
    grouped: dict[tuple[str, str], dict[str, list[Sample]]] = {}
    for sample in samples:
        of_pair = grouped.setdefault((sample.work, sample.tree), {})
        of_pair.setdefault(sample.contender, []).append(sample)
    pairs = sorted(grouped, key=lambda pair: (WORKS.index(pair[0]), TREES.index(pair[1])))
    return [
        Row(
            work=work,
            tree=tree,
            medians={name: _median(runs) for name, runs in grouped[work, tree].items()},
        )
        for work, tree in pairs
    ]


def _median(runs: list[Sample]) -> Median:
    return Median(
        seconds=median(run.seconds for run in runs),
        peak_bytes=median(run.peak_bytes for run in runs),
        vault_bytes=median(run.vault_bytes for run in runs),
    )
