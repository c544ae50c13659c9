"""Processes: `tasklist` as table, list or CSV, and `Get-Process`."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Process
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import tables
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

# Name, process id, then a session's name and number and the memory with its unit (K).
_ROW = re.compile(
    r"^[ \t>|]*(?P<name>\S[^\n]{0,30}?)\s+(?P<pid>\d{1,7})\s+(?:(?P<session>[A-Za-z][\w#-]*)\s+)?\d{1,3}\s+[\d.,\u00a0\u202f' ]+\sK\b"
)
_CSV = re.compile(r"^[ \t>|]*\"(?P<name>[^\"]+)\",\"(?P<pid>\d{1,7})\",\"[^\"]*\",\"\d{1,3}\"")
_SERVICES = re.compile(
    r"^[ \t>|]*(?P<name>\S[^\n]{0,30}?\.exe)\s+(?P<pid>\d{1,7})\s+(?P<command>\S.*)$"
)
_ANY = (_CSV, _ROW, _SERVICES)
_GET_PROCESS = re.compile(r"^[ \t>|]*Handles\s+.*\bId\b.*ProcessName", re.MULTILINE)


def _is_tasklist(head: str, _: str) -> bool:
    return any(pattern.match(line) for line in head.split("\n") for pattern in _ANY)


@reader("windows.processes", accepts=_is_tasklist)
def read_tasklist(artefact: Artefact) -> Iterator[Fact]:
    """One process a line; `/svc` shows its services in place of its memory."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        found = next((one for pattern in _ANY if (one := pattern.match(line.rstrip()))), None)
        if found:
            yield Process(
                span=text.span(number),
                name=found["name"].strip(),
                pid=int(found["pid"]),
                command=found.groupdict().get("command") or "",
            )


def _is_get_process(head: str, _: str) -> bool:
    return bool(_GET_PROCESS.search(head))


@reader("windows.processes", accepts=_is_get_process)
def read_get_process(artefact: Artefact) -> Iterator[Fact]:
    """The table of `Get-Process`; names come without `.exe` and get it here."""
    yield from _of_table(windows_lines.read(artefact))


def _of_table(text: Text) -> Iterator[Process]:
    for row in tables(text):
        name, pid = row.get("processname"), row.get("id")
        if name and pid.isdigit():
            yield Process(span=row.span, name=f"{name}.exe", pid=int(pid))
