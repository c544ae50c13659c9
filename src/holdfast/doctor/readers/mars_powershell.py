"""Answers of PowerShell to the short questions that the guide of the MARS agent asks."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, FileSeen, Setting
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import lists, tables
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import PS_MODULE_PATH, PS_VERSION

_IS_VERSION = re.compile(r"^[\s>|]*Major\s+(?:Minor\b|:)|^[\s>|]*Major\s*:", re.MULTILINE)


@reader("windows.powershell", accepts=lambda head, _: bool(_IS_VERSION.search(head)))
def read_version(artefact: Artefact) -> Iterator[Fact]:
    """`$PSVersionTable.PSVersion`: a table or list of Major and Minor."""
    text = windows_lines.read(artefact)
    for row in (*tables(text), *lists(text)):
        if row.get("Major").isdigit():
            value = ".".join(part for part in (row.get("Major"), row.get("Minor")) if part)
            yield Setting(span=row.span, file=PS_VERSION, key="PSVersion", value=value)


_PATH_VARIABLE = re.compile(r"^[\s>|]*PSModulePath\s*=\s*(?P<value>.+)$", re.IGNORECASE)


@reader(
    "windows.powershell",
    accepts=lambda head, _: any(_PATH_VARIABLE.match(line) for line in head.split("\n")),
)
def read_path_variable(artefact: Artefact) -> Iterator[Fact]:
    """`set PSMODULEPATH` of the command prompt."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        if found := _PATH_VARIABLE.match(line):
            folders = [one.strip() for one in found["value"].split(";") if one.strip()]
            for place, folder in enumerate(folders, 1):
                span = text.span(number)
                yield Setting(span=span, file=PS_MODULE_PATH, key=str(place), value=folder)


_ASKED = re.compile(
    r"(?:Test-Path|\bdir|\bls|Get-ChildItem|Get-Item)\s+(?:-\w+\s+|/\S+\s+)*[\"']?(?P<path>[A-Za-z]:\\[^\"'\r\n|)]*)",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"^[ \t]*False\s*$|PathNotFound|ItemNotFound|DriveNotFound|cannot find the (?:path|drive)|"
    r"File Not Found|지정된 경로를 찾을 수 없|파일을 찾을 수 없|Pfad nicht finden|"
    r"指定されたパスが見つかりません|找不到指定的路径",
    re.IGNORECASE,
)


@reader("mars.scratch-listing", accepts=lambda head, _: bool(_ASKED.search(head)))
def read_answers(artefact: Artefact) -> Iterator[Fact]:
    """A path that was asked for and is not there."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        asked = _ASKED.search(line)
        if asked is None:
            continue
        for at in range(number, min(number + 6, len(text.lines))):
            if _ASKED.search(text.lines[at]):
                break
            if _GONE.search(text.lines[at]):
                path = asked["path"].strip().rstrip("\\")
                yield FileSeen(span=text.span(number, at + 1), path=path, size=None)
                break
