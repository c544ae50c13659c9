"""Minutes out of polls: counters that only grow, a clock that may be set, a machine that restarts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.hypervisor.domain_disks import DiskCounters
from holdfast.replication.planner.samples import MINUTE, Minute, Written

# Longer between two polls, and nobody knows when within it something was written.
_LONGEST_SECONDS = 300.0
_NOTHING = Written()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The counters of one machine at an instant; `run` is another one after each start."""

    # Seconds since 1970, and of a clock that nobody sets.
    at: float
    monotonic: float
    # None: it is off.
    run: int | None
    disks: Mapping[str, DiskCounters]


class MinuteCounter:
    """Of one machine. Time is measured without the wall clock, which only names the minutes."""

    def __init__(self) -> None:
        self._last: Poll | None = None
        self._open: Minute | None = None
        # What was written to each disk since the profile began.
        self.written: dict[str, int] = {}

    def feed(self, poll: Poll) -> list[Minute]:
        """The minutes that are over."""
        last, self._last = self._last, poll
        if last is None:
            return []
        seconds = poll.monotonic - last.monotonic
        if not 0 < seconds <= _LONGEST_SECONDS:
            return self.close()
        grown = dict(_grown(last, poll))
        for target, each in grown.items():
            self.written[target] = self.written.get(target, 0) + each.bytes
        done: list[Minute] = []
        for piece in _pieces(poll.at - seconds, seconds, grown):
            done += self._add(piece)
        return done

    def close(self) -> list[Minute]:
        """The minute that has begun, as far as it was seen."""
        last, self._open = self._open, None
        return [last] if last is not None else []

    def _add(self, piece: Minute) -> list[Minute]:
        if self._open is None or self._open.at != piece.at:
            done = self.close()
            self._open = piece
            return done
        self._open = joined(self._open, piece)
        return []


def joined(one: Minute, other: Minute) -> Minute:
    """Two parts of the same minute."""
    targets = {**one.disks, **other.disks}
    return Minute(
        at=one.at,
        seconds=round(one.seconds + other.seconds, 3),
        peak=max(one.peak, other.peak),
        disks={
            target: _sum(one.disks.get(target, _NOTHING), other.disks.get(target, _NOTHING))
            for target in targets
        },
    )


def _sum(one: Written, other: Written) -> Written:
    return Written(
        bytes=one.bytes + other.bytes,
        requests=one.requests + other.requests,
        flushes=one.flushes + other.flushes,
    )


def _grown(last: Poll, now: Poll) -> Iterator[tuple[str, Written]]:
    for target, counters in now.disks.items():
        before = last.disks.get(target) if last.run == now.run else None
        if before is None or before.written_bytes > counters.written_bytes:
            # It was started or plugged in since, and its counters began at nothing.
            before = _ZERO
        yield (
            target,
            Written(
                bytes=max(0, counters.written_bytes - before.written_bytes),
                requests=max(0, counters.write_requests - before.write_requests),
                flushes=max(0, counters.flushes - before.flushes),
            ),
        )


_ZERO = DiskCounters(read_bytes=0, read_requests=0, written_bytes=0, write_requests=0, flushes=0)


def _pieces(begin: float, seconds: float, grown: Mapping[str, Written]) -> Iterator[Minute]:
    """The time between two polls, cut at full minutes; every byte is in exactly one piece."""
    peak = round(sum(each.bytes for each in grown.values()) / seconds)
    at, end, given = begin, begin + seconds, dict.fromkeys(grown, _NOTHING)
    while at < end:
        border = min(end, (at // MINUTE + 1) * MINUTE)
        share = 1.0 if border >= end else (border - begin) / seconds
        due = {target: _part(each, share) for target, each in grown.items()}
        yield Minute(
            at=int(at // MINUTE) * MINUTE,
            seconds=round(border - at, 3),
            peak=peak,
            disks={target: _rest(due[target], given[target]) for target in grown},
        )
        at, given = border, due


def _part(whole: Written, share: float) -> Written:
    if share >= 1:
        return whole
    return Written(
        bytes=int(whole.bytes * share),
        requests=int(whole.requests * share),
        flushes=int(whole.flushes * share),
    )


def _rest(whole: Written, given: Written) -> Written:
    return Written(
        bytes=whole.bytes - given.bytes,
        requests=whole.requests - given.requests,
        flushes=whole.flushes - given.flushes,
    )
