"""The logs of one replication that wait for the other site, in the order they were made."""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.replication.log_head import Kind, LogHead
from holdfast.replication.log_reader import read_head
from holdfast.replication.source_facts import Sent, Walk
from holdfast.storage.durable import sync_folder

_NAME = re.compile(r"(\d{6,})\.log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One of them; `number` says when its turn is."""

    number: int
    path: Path
    head: LogHead
    size: int

    @property
    def is_slice(self) -> bool:
        return self.head.kind is Kind.SLICE


class LogSpool:
    """To be used by one process; which logs count is told by who uses it, see `settle`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def waiting(self) -> list[Waiting]:
        found = []
        for number, path in self._numbered():
            # One that does not read was never sealed, or its disk is at fault: it does not count.
            with contextlib.suppress(HoldfastError, FileNotFoundError):
                size = path.stat().st_size
                found.append(Waiting(number=number, path=path, head=read_head(path), size=size))
        return found

    def next_path(self) -> Path:
        """Numbers are never used again while logs wait: the order is in them."""
        last = max((number for number, _path in self._numbered()), default=0)
        return self._folder / f"{last + 1:06d}.log"

    def remove(self, logs: Sequence[Waiting]) -> None:
        for log in logs:
            log.path.unlink(missing_ok=True)
        if logs:
            sync_folder(self._folder)

    def counted(self, sent: Sent, walk: Walk | None) -> list[Waiting]:
        """What is to be sent: the steps that lead to the newest, and the slices of a walk.

        A log that nothing names was sealed by a process that died before it could say so, or was
        merged into a later one.
        """
        return _counted(self.waiting(), sent, walk)

    def settle(self, sent: Sent, walk: Walk | None) -> list[Waiting]:
        """The same; all others are removed."""
        self._remove_parts()
        found = self.waiting()
        kept = _counted(found, sent, walk)
        numbers = {log.number for log in kept}
        self.remove([log for log in found if log.number not in numbers])
        self._remove_unreadable({log.number for log in found})
        return kept

    def _numbered(self) -> list[tuple[int, Path]]:
        with contextlib.suppress(FileNotFoundError):
            matched = [(_NAME.fullmatch(name), name) for name in os.listdir(self._folder)]
            return sorted((int(found[1]), self._folder / name) for found, name in matched if found)
        return []

    def _remove_parts(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._folder):
                if not _NAME.fullmatch(name):
                    (self._folder / name).unlink(missing_ok=True)

    def _remove_unreadable(self, readable: set[int]) -> None:
        for number, path in self._numbered():
            if number not in readable:
                path.unlink(missing_ok=True)


def _counted(found: Sequence[Waiting], sent: Sent, walk: Walk | None) -> list[Waiting]:
    newest = sent.spooled.name if sent.spooled else ""
    kept = chain_to(newest, [log for log in found if not log.is_slice])
    if walk is not None:
        due = range(walk.acked, walk.made)
        slices = [log for log in found if log.is_slice and log.head.until == walk.generation]
        kept += [log for log in slices if log.head.slice in due]
    return sorted(kept, key=lambda log: log.number)


def chain_to(newest: str, steps: Sequence[Waiting]) -> list[Waiting]:
    """Those that follow each other up to that generation, from the end: a gap ends it."""
    kept: list[Waiting] = []
    wanted = newest
    for log in reversed(steps):
        if wanted and log.head.until == wanted:
            kept.insert(0, log)
            wanted = log.head.since
    return kept
