"""`LastBackupFailedFiles*.txt`: the files that a backup skipped, with the reason of each.

Versions differ: code after the path, before it, on the next line, or once above many paths. Paths
are of any language; the list is often UTF-16.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.codes import canonical
from holdfast.doctor.facts import Fact
from holdfast.doctor.mars_facts import SkippedFiles
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

_CODE = re.compile(r"(?<![\w.])(0x8[0-9a-fA-F]{7}|-21470\d{5}|21479\d{5})(?![\w])")
_PATH = re.compile(
    r"(?:\\\\[?.]\\)?(?:[A-Za-z]:|Volume\{[0-9a-fA-F-]{36}\}|GLOBALROOT\\Device\\[^\\\s]+)\\[^\t|\"<>*\r\n]*"
)
_TRAILING = re.compile(
    r"[\s,;:(\[=-]+(?:(?:error|code|hr|hresult|오류|코드)[\s:=(\[-]*)*$", re.IGNORECASE
)
_HEADING = re.compile(r"exclusion list of backup policy", re.IGNORECASE)
_LOG_LINE = re.compile(r"\.(?:cpp|cs)\s?\(\d+\)|Hr:\s*=")
_IN_CLOUD = re.compile(r"\\(?:OneDrive|\.git|SharePoint|Dropbox|Google ?Drive)\b", re.IGNORECASE)


def _is_list(head: str, file: str) -> bool:
    if _LOG_LINE.search(head):
        return False
    if file.startswith("lastbackupfailedfiles") or _HEADING.search(head):
        return bool(_PATH.search(head))
    lines = [line for line in head.split("\n")[:200] if line.strip()]
    paths = [line for line in lines if _starts_entry(line.strip(' \t">|,'))]
    codes = [line for line in lines if _CODE.search(line)]
    both = {*paths, *codes}
    return bool(paths and codes) and 2 * sum(line in both for line in lines) >= len(lines)


def _starts_entry(line: str) -> bool:
    return bool(_PATH.match(line) or (_CODE.match(line) and _PATH.search(line)))


@reader("mars.failed-files", accepts=_is_list)
def read_failed_files(artefact: Artefact) -> Iterator[Fact]:
    text = windows_lines.read(artefact)
    run: _Run | None = None
    for line, path, code in _entries(text):
        if run and run.code == code and line <= run.last + 2:
            run.add(line, path)
            continue
        if run:
            yield run.fact(text)
        run = _Run(code=code, first=line, last=line, path=path)
        run.add(line, path)
    if run:
        yield run.fact(text)


@dataclass(slots=True, kw_only=True)
class _Run:
    """Neighbouring entries with the same code."""

    code: str
    first: int
    last: int
    path: str
    count: int = 0
    in_cloud: int = field(default=0)

    def add(self, line: int, path: str) -> None:
        self.last, self.count = line, self.count + 1
        self.in_cloud += bool(_IN_CLOUD.search(path))

    def fact(self, text: Text) -> SkippedFiles:
        return SkippedFiles(
            span=text.span(self.first, self.last),
            code=self.code,
            count=self.count,
            first=self.path,
            in_cloud=self.in_cloud,
        )


def _entries(text: Text) -> Iterator[tuple[int, str, str]]:
    """Every file with its line and code; a code on its own line belongs to its neighbours."""
    waiting: list[tuple[int, str]] = []
    section = ""
    for number, line in enumerate(text.lines, 1):
        path, code = _path_in(line), _code_in(line)
        if path and code:
            yield number, path, code
        elif path and section:
            yield number, path, section
        elif path:
            waiting.append((number, path))
        elif code and len(waiting) == 1 and number - waiting[0][0] <= 2:  # noqa: PLR2004  path, perhaps a word, code
            yield number, waiting.pop()[1], code
        elif code:
            section = code
    yield from ((number, path, "") for number, path in waiting)


def _path_in(line: str) -> str:
    found = _PATH.search(line)
    if found is None:
        return ""
    before_code = _CODE.split(found.group(0))[0]
    return _TRAILING.sub("", before_code)


def _code_in(line: str) -> str:
    found = _CODE.search(line)
    return canonical(found.group(1)) if found else ""
