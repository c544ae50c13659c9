"""The progress bar on a terminal: rate, time left, files, bytes, and what is being read."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.base.units import format_duration, format_size
from holdfast.cli import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, Group

    from holdfast.files.report import OnProgress, Progress

_TITLES = {
    "scan": N_("Looking"),
    "backup": N_("Backing up"),
    "restore": N_("Restoring"),
    "verify": N_("Verifying"),
    "check": N_("Checking"),
    "prune": N_("Pruning"),
}
_FRAME = 0.1


@contextmanager
def bar(console: "Console", clock: Clock) -> "Iterator[OnProgress]":
    """A bar below the output, gone when the work is done."""
    from rich.live import Live

    start = clock.monotonic()
    # The pipeline forks: a drawing thread that holds a lock just then would hang the child.
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def draw(now: "Progress") -> None:
            live.update(_picture(now, clock.monotonic() - start), refresh=True)

        yield throttled(draw, clock, every=_FRAME)


def throttled(
    tell: "Callable[[Progress], None]", clock: Clock, *, every: float
) -> "Callable[[Progress], None]":
    """Pass on at most one report in so many seconds, but the first of each phase always."""
    last, phase = -every, None

    def tell_sometimes(now: "Progress") -> None:
        nonlocal last, phase
        moment = clock.monotonic()
        if now.phase is not phase or moment - last >= every:
            last, phase = moment, now.phase
            tell(now)

    return tell_sometimes


def describe(now: "Progress", seconds: float) -> str:
    """Everything but the bar, in one line."""
    parts = [format_duration(seconds), shown.files(now.files_done)]
    if now.files_total:
        parts[1] += f" / {now.files_total:,}"
    size = format_size(now.bytes_done)
    parts.append(f"{size} / {format_size(now.bytes_total)}" if now.bytes_total else size)
    rate = now.bytes_done / seconds if seconds > 1 else 0
    if rate:
        parts.append(_("{size}/s").format(size=format_size(rate)))
    if rate and now.bytes_total > now.bytes_done:
        left = format_duration((now.bytes_total - now.bytes_done) / rate)
        parts.append(_("{time} left").format(time=left))
    if now.warnings:
        parts.append(_("{count} skipped").format(count=now.warnings))
    return " · ".join(parts)


def _picture(now: "Progress", seconds: float) -> "Group":
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 1))
    head.add_row(
        Text(_(_TITLES.get(now.phase.value, now.phase.value)), style="bold"),
        ProgressBar(
            total=now.bytes_total or None,
            completed=now.bytes_done,
            width=24,
            pulse=not now.bytes_total,
            animation_time=seconds,
        ),
        Text(describe(now, seconds), no_wrap=True, overflow="ellipsis"),
    )
    current = Text(shown.line(now.current), style="dim", no_wrap=True, overflow="ellipsis")
    return Group(head, current)
