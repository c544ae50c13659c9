"""How much would be lost if the source were gone now, and how little it can be at best.

The recovery point objective is reckoned from the instant of the newest point that the other site
holds whole, not from when it came there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast.fleet.windows import Rate, parse_window, rate_at
from holdfast.replication.settings import Limit

# So far ahead limits are looked at: windows come again each day.
AHEAD = timedelta(days=1)
_MOST_PIECES = 100


def rpo_at(latest_at: datetime | None, now: datetime) -> float | None:
    """Seconds that would be lost now; None: there is nothing to start at the other site.

    A point of the future comes from a clock that was set back; it is as good as one of now.
    """
    return None if latest_at is None else max(0.0, (now - latest_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """So long at most so many bytes a second may be sent; None: as many as the link carries."""

    seconds: float
    rate: float | None = None


NO_LIMITS = (Piece(seconds=3600.0),)


def pieces_of(limits: Sequence[Limit], now: datetime, zone: ZoneInfo) -> tuple[Piece, ...]:
    """What may be sent in the day to come, one piece after another."""
    if not limits:
        return NO_LIMITS
    end, at = now + AHEAD, now
    pieces: list[Piece] = []
    while at < end and len(pieces) < _MOST_PIECES:
        rate, until = limit_at(limits, at, zone)
        until = min(until or end, end)
        pieces.append(Piece(seconds=(until - at).total_seconds(), rate=rate))
        at = until
    return tuple(pieces)


def limit_at(
    limits: Sequence[Limit], now: datetime, zone: ZoneInfo
) -> tuple[int | None, datetime | None]:
    """Bytes a second that may be sent now (None: no limit), and until when at least."""
    always = next((each.bytes_per_second for each in limits if not each.window), None)
    rates = [
        Rate(window=parse_window(each.window), rate=each.bytes_per_second)
        for each in limits
        if each.window
    ]
    return rate_at(rates, always, now=now, zone=zone)


def achievable(
    *,
    churn: float,
    link: float,
    every: float,
    overhead: float = 0.0,
    pieces: Sequence[Piece] = NO_LIMITS,
) -> float:
    """The greatest RPO in seconds that the time to come will see, things being as they are.

    `churn` and `link` are bytes a second, both as they go over the wire; `overhead` is what a
    cycle takes without its bytes. As long as the link carries more than is written, it is an
    interval, the cycle, and the time its log takes; else the backlog grows with each second.
    """
    worst, behind = 0.0, 0.0
    for piece in pieces:
        speed = link if piece.rate is None else min(link, piece.rate)
        # Where nothing may be sent, a log without a byte waits as well.
        ratio = churn / speed if speed > 0 else float("inf")
        # Each second the link brings over what was written in 1/ratio of it.
        growth = 1 - 1 / ratio if ratio > 0 else -float("inf")
        grown = max(0.0, behind + piece.seconds * growth)
        worst = max(worst, max(behind, grown) + min(ratio, 1.0) * every)
        behind = grown
    return every + overhead + worst
