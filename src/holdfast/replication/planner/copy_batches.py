"""In which order machines are copied for the first time, a few at once.

Machines that are copied already take their part of the link and of the room for logs from those
that follow: whoever begins with all at once, or with the busiest, may never come to an end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# About a night: what comes after it is another batch, so that some are safe before all are.
_LONGEST_SECONDS = 8 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCopy:
    """One machine. Rates are bytes a second, the rest is bytes."""

    name: str
    size: int
    # What its cycles ship, once it is copied.
    rate: float
    # Room for logs and scratch while it is copied, and in its cycles afterwards.
    initial_room: int = 0
    delta_room: int = 0

    @property
    def room(self) -> int:
        return max(self.initial_room, self.delta_room)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Machines that are copied at once; None: this link never comes to an end with them."""

    names: tuple[str, ...]
    size: int
    # What the link has left for it, when those of earlier batches have theirs.
    rate: float
    seconds: float | None
    room: int
    # By how much the file system of the logs is too small for it.
    lacking: int


def plan_batches(
    machines: Sequence[ToCopy], *, rate: float, free: int | None = None
) -> list[Batch]:
    """`rate` is the link's; `free` is what logs may take here, None where nobody knows."""
    # The quietest for their size first: they take least from those that follow.
    waiting = sorted(machines, key=lambda one: (_restlessness(one), one.size, one.name))
    return list(_batches(waiting, rate, free))


def _restlessness(machine: ToCopy) -> float:
    return machine.rate / machine.size if machine.size else machine.rate


def _batches(waiting: list[ToCopy], rate: float, free: int | None) -> Iterator[Batch]:
    while waiting:
        chosen = _chosen(waiting, rate, free)
        waiting = [one for one in waiting if one not in chosen]
        room = sum(one.room for one in chosen)
        yield Batch(
            names=tuple(one.name for one in chosen),
            size=sum(one.size for one in chosen),
            rate=max(0.0, rate),
            seconds=_seconds(chosen, rate),
            room=room,
            lacking=0 if free is None else max(0, room - max(0, free)),
        )
        rate -= sum(one.rate for one in chosen)
        free = None if free is None else free - sum(one.delta_room for one in chosen)


def _chosen(waiting: Sequence[ToCopy], rate: float, free: int | None) -> list[ToCopy]:
    chosen: list[ToCopy] = []
    for machine in waiting:
        together = [*chosen, machine]
        fits = free is None or sum(one.room for one in together) <= free
        seconds = _seconds(together, rate)
        if fits and (not chosen or (seconds is not None and seconds <= _LONGEST_SECONDS)):
            chosen = together
    # Where not even one fits, it is said how much room it lacks.
    return chosen or [min(waiting, key=lambda one: one.room)]


def _seconds(machines: Sequence[ToCopy], rate: float) -> float | None:
    """With what they change meanwhile, which has to be shipped too: at most all of it once more."""
    size = sum(one.size for one in machines)
    own = sum(one.rate for one in machines)
    if rate <= own:
        # Copied perhaps, and behind for ever from then on.
        return None
    if not size:
        return 0.0
    return min(size / (rate - own), 2 * size / rate)
