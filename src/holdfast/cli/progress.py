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
    "replicate": N_("Replicating"),
}
_FRAME = 0.1
_BAR_WIDTH = 40


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
    size = format_size(now.bytes_done)
    # Work that finds out on the way how much there is reports a total that grows along.
    if _is_known(now):
        size += f" / {format_size(now.bytes_total)}"
    parts = [format_duration(seconds), *_files(now), size]
    rate = now.bytes_done / seconds if seconds > 1 else 0
    if rate:
        parts.append(_("{size}/s").format(size=format_size(rate)))
    if rate and _is_known(now):
        left = format_duration((now.bytes_total - now.bytes_done) / rate)
        parts.append(_("{time} left").format(time=left))
    if now.warnings:
        parts.append(_("{count} skipped").format(count=now.warnings))
    return " · ".join(parts)


def _files(now: "Progress") -> "Iterator[str]":
    """Nothing of work that has to do with none."""
    if now.files_total > now.files_done:
        yield f"{shown.files(now.files_done)} / {now.files_total:,}"
    elif now.files_done:
        yield shown.files(now.files_done)


def _is_known(now: "Progress") -> bool:
    return now.bytes_total > now.bytes_done


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
            width=_BAR_WIDTH,
            pulse=not _is_known(now),
            animation_time=seconds,
        ),
    )
    below = (describe(now, seconds), shown.line(now.current))
    texts = [Text(text, style="dim", no_wrap=True, overflow="ellipsis") for text in below]
    return Group(head, *texts)
