"""A look into a guest through its agent: by one program, or file by file where none may be run.

Bounded in time and size. What a guest does not allow is no error: the answer says by which way it
was looked, and a part that could not be read is not in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import (
    AgentAnswerBroken,
    AgentAnswerTooLong,
    AgentRefused,
    GuestFileUnavailable,
    GuestProgramMissing,
)
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_files import GuestFiles
from holdfast.hypervisor.guest_programs import GuestPrograms

PROGRAMS: Final = frozenset(("guest-exec", "guest-exec-status"))
FILES: Final = frozenset(("guest-file-open", "guest-file-read", "guest-file-close"))
_LARGEST_FILE: Final = 1 << 20
# Of one file: it is this file that cannot be read, and not the guest that is away.
_UNREADABLE = (AgentAnswerBroken, AgentAnswerTooLong, AgentRefused, GuestFileUnavailable)


class Way(StrEnum):
    PROGRAM = "program"
    FILES = "files"
    # Its agent allows neither.
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    # For /bin/sh: it writes the name of each part in a line of its own, and below it the part, with
    # a space before each line.
    script: str
    # What to read instead, by the part's name.
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    way: Way
    parts: Mapping[str, str] = field(default_factory=dict)


def look_into(
    domain: Domain, clock: Clock, look: Look, commands: frozenset[str], *, within: float
) -> Looked:
    """`commands` are those its agent allows; raises where the agent falls silent."""
    if commands >= PROGRAMS:
        programs = GuestPrograms(GuestAgent(domain), clock, about=domain.name)
        try:
            ended = programs.run(["/bin/sh", "-c", look.script], within=within)
        except (AgentRefused, GuestProgramMissing):
            # No shell, or the guest's own rules forbid the agent to start one.
            pass
        else:
            said = ended.out.decode(errors="replace")
            return Looked(way=Way.PROGRAM, parts=dict(_parts(said)))
    if commands >= FILES:
        return Looked(way=Way.FILES, parts=dict(_read(domain, clock, look.files, within)))
    return Looked(way=Way.NONE)


def _parts(said: str) -> Iterator[tuple[str, str]]:
    name, lines = "", list[str]()
    for line in said.splitlines():
        if line.startswith(" "):
            lines.append(line[1:])
        elif line:
            if name:
                yield name, "\n".join(lines)
            name, lines = line, []
    if name:
        yield name, "\n".join(lines)


def _read(
    domain: Domain, clock: Clock, files: Mapping[str, str], within: float
) -> Iterator[tuple[str, str]]:
    reading = GuestFiles(GuestAgent(domain), about=domain.name)
    deadline = clock.monotonic() + within
    for name, path in files.items():
        if clock.monotonic() >= deadline:
            return
        try:
            content = reading.read(path, at_most=_LARGEST_FILE)
        except _UNREADABLE:
            continue
        yield name, content.decode(errors="replace")
