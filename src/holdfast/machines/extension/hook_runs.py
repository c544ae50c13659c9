"""A line of the extension's about one hook: how it went, and what it said last."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LINE = re.compile(r"hook (\S+) (pre|post) (\d{1,3}) (\d{1,12}) ?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    name: str
    verb: str
    status: int
    milliseconds: int
    said: str

    def __str__(self) -> str:
        return f"{self.name} {self.verb}: {self.said or f'status {self.status}'}"


def read_hooks(lines: Iterable[str]) -> tuple[HookRun, ...]:
    """Other lines are passed over."""
    return tuple(
        HookRun(
            name=found[1],
            verb=found[2],
            status=int(found[3]),
            milliseconds=int(found[4]),
            said=found[5].strip(),
        )
        for line in lines
        if (found := _LINE.fullmatch(line))
    )
