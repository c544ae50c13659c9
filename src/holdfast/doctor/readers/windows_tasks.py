"""Scheduled tasks: XML of the Task Scheduler, `schtasks /query` in its three forms, `Get-ScheduledTask`.

`schtasks` translates labels and states but keeps the order of its 28 fields.
"""

import csv
import re
from collections.abc import Iterator
from html import unescape
from pathlib import PureWindowsPath

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import Row, lists, tables
from holdfast.doctor.readers.windows_lines import Text, moment
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import ScheduledTask

_TASK = re.compile(
    r"(?:<!--\s*(?P<path>\\[^\n]*?)\s*-->\s*)?(?P<whole><Task\b[^>]*>(?P<body>[\s\S]*?)(?:</Task>|\Z))"
)
_XMLNS = "schemas.microsoft.com/windows/2004/02/mit/task"
# Words for "disabled": English, Korean, German, French, Spanish, Italian, Japanese, Chinese.
_DISABLED = re.compile(
    r"disabled|사용 ?안|사용할 수 없|deaktiviert|désactiv|deshabilit|disabilit|無効|禁用|停用",
    re.IGNORECASE,
)


def _is_xml(head: str, _: str) -> bool:
    return _XMLNS in head


@reader("windows.tasks", accepts=_is_xml)
def read_xml(artefact: Artefact) -> Iterator[Fact]:
    """One task or `schtasks /xml` with many; what a cut file still has is read."""
    text = windows_lines.read(artefact)
    for found in _TASK.finditer(text.whole):
        body = found["body"]
        path = _tag(body, "URI") or found["path"] or _path_of(artefact.name)
        enabled = _tag(_tag(body, "Settings"), "Enabled").lower()
        yield ScheduledTask(
            span=text.span(text.line_at(found.start()), text.line_at(found.end() - 1)),
            path=path,
            enabled=enabled != "false" if enabled or "</Settings>" in body else None,
            command=_tag(body, "Command"),
            arguments=_tag(body, "Arguments"),
            run_as=_tag(body, "UserId") or _tag(body, "GroupId"),
            triggered=_triggered(body),
        )


def _tag(body: str, name: str) -> str:
    found = re.search(rf"<{name}\b[^>]*>([\s\S]*?)</{name}>", body)
    return unescape(found.group(1)).strip() if found else ""


def _triggered(body: str) -> bool | None:
    """A task starts by itself when it has a trigger that is not switched off."""
    if re.search(r"<Triggers\s*/>", body):
        return False
    inside = _tag(body, "Triggers")
    if not inside:
        return False if "</Triggers>" in body else None
    triggers = re.findall(r"<(\w+Trigger)\b[^>]*?(?:/>|>([\s\S]*?)</\1>)", inside)
    return any(_tag(content, "Enabled").lower() != "false" for _, content in triggers)


def _path_of(name: str) -> str:
    file = PureWindowsPath(name.replace("/", "\\")).name
    return f"\\{file.removesuffix('.xml').removesuffix('.XML')}"


# The fields of `schtasks /v` after the task's path, by their place.
_NEXT, _STATUS, _LAST, _RESULT, _COMMAND, _STATE, _RUN_AS = 1, 2, 4, 5, 7, 10, 13
_SCHEDULE_TYPE, _FIELDS = 17, 14
_LIST_PATH = re.compile(r"^[ \t>|]*[^:\n\"]{2,40}:\s+(?P<path>\\[^\n:]*?)\s*$")
_LABELLED = re.compile(r"^[ \t>|]*[^:\n]{2,60}:(?:\s+(?P<value>.*?))?\s*$")
_CSV_ROW = re.compile(r"^[ \t]*\"[^\"]*\",\"(?P<path>\\[^\"]*)\",\"[^\"]*\",\"[^\"]*\"")
_TABLE_EDGE = re.compile(r"^={8,} ={8,} ={8,}\s*$")


def _is_schtasks(head: str, _: str) -> bool:
    lines = head.replace("\r", "").split("\n")
    if any(_CSV_ROW.match(line) or _TABLE_EDGE.match(line) for line in lines):
        return True
    return any(
        _LIST_PATH.match(one) and _when_follows(lines[at + 1 :]) for at, one in enumerate(lines)
    )


def _when_follows(lines: list[str]) -> bool:
    """Behind a task's path stands when it runs next; behind a folder's the host and a path."""
    near = lines[:2]
    return len(near) > 1 and all(
        _LABELLED.match(line) and not _LIST_PATH.match(line) for line in near
    )


@reader("windows.tasks", accepts=_is_schtasks)
def read_schtasks(artefact: Artefact) -> Iterator[Fact]:
    """Lists, CSV and tables."""
    text = windows_lines.read(artefact)
    for at, line in enumerate(text.lines):
        if _CSV_ROW.match(line):
            cells = next(csv.reader([line]), [])
            if len(cells) > 1:
                yield _of_fields(text, cells[1:], at + 1, at + 1)
        elif (found := _LIST_PATH.match(line)) and _when_follows(text.lines[at + 1 : at + 3]):
            fields = [found["path"], *_fields(text.lines[at + 1 : at + 28])]
            yield _of_fields(text, fields, at + 1, at + len(fields))
    yield from _of_tables(text)


def _fields(lines: list[str]) -> Iterator[str]:
    for line in lines:
        found = _LABELLED.match(line)
        if found is None or _LIST_PATH.match(line):
            return
        yield found["value"] or ""


def _of_fields(text: Text, fields: list[str], first: int, last: int) -> ScheduledTask:
    def field(place: int) -> str:
        return fields[place].strip() if place < len(fields) else ""

    result = re.fullmatch(r"-?\d+", field(_RESULT))
    known = len(fields) >= _FIELDS
    disabled = bool(_DISABLED.search(field(_STATUS)) or _DISABLED.search(field(_STATE)))
    return ScheduledTask(
        span=text.span(first, last),
        path=field(0),
        enabled=not disabled if known or disabled else None,
        command=field(_COMMAND),
        run_as=field(_RUN_AS),
        triggered=True if moment(field(_NEXT)) else None,
        next_run=moment(field(_NEXT)),
        last_run=moment(field(_LAST)),
        last_result=int(result.group(0)) & 0xFFFFFFFF if result else None,
    )


def _of_tables(text: Text) -> Iterator[ScheduledTask]:
    """Name, next run, status under a line of equals signs."""
    edges: list[int] = []
    for number, line in enumerate(text.lines, 1):
        if _TABLE_EDGE.match(line):
            edges = [found.start() for found in re.finditer(r"=+", line)]
        elif not line.strip():
            edges = []
        elif edges:
            cells = [line[a:b].strip() for a, b in zip(edges, [*edges[1:], None], strict=True)]
            if cells[0] and len(cells) > _STATUS:
                disabled = bool(_DISABLED.search(cells[_STATUS]))
                yield ScheduledTask(
                    span=text.span(number),
                    path=cells[0],
                    enabled=not disabled,
                    triggered=True if moment(cells[_NEXT]) else None,
                    next_run=moment(cells[_NEXT]),
                )


def _is_objects(head: str, _: str) -> bool:
    return bool(re.search(r"\bTaskName\b", head)) and bool(
        re.search(
            r"^[ \t>|]*(?:TaskPath\s+TaskName|TaskName\s+:|LastTaskResult\s*:)", head, re.MULTILINE
        )
    )


@reader("windows.tasks", accepts=_is_objects)
def read_objects(artefact: Artefact) -> Iterator[Fact]:
    """`Get-ScheduledTask` and `Get-ScheduledTaskInfo`, as table or list."""
    text = windows_lines.read(artefact)
    for row in [*tables(text), *lists(text)]:
        if row.get("taskname"):
            yield _of_row(row)


def _of_row(row: Row) -> ScheduledTask:
    state, result = row.get("state").lower(), row.get("lasttaskresult")
    return ScheduledTask(
        span=row.span,
        path=f"{row.get('taskpath') or chr(92)}{row.get('taskname')}",
        enabled={"disabled": False}.get(state, True) if state else None,
        last_run=moment(row.get("lastruntime")),
        next_run=moment(row.get("nextruntime")),
        triggered=True if moment(row.get("nextruntime")) else None,
        last_result=int(result) if result.isdigit() else None,
    )
