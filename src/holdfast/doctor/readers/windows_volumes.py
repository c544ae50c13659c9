"""Room on Windows volumes, and what folders hold.

`fsutil volume diskfree`, `wmic logicaldisk|volume`, `Get-CimInstance`, `Get-Volume`, `Get-PSDrive`
and `dir`; a Volume's path is `C:` or, without a letter, its label or mount point.
"""

import re
from collections import Counter
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, FileSeen, Volume
from holdfast.doctor.model import Span
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import Row, lists, tables
from holdfast.doctor.readers.windows_lines import Text, moment, number, size
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import FolderListing

_FSUTIL_ECHO = re.compile(
    r"fsutil(?:\.exe)?\s+volume\s+diskfree\s+(?P<drive>[^\s\"]+)", re.IGNORECASE
)
# Three labelled byte counts: free, all, free to this user; newer ones put the size in brackets.
_COUNT = r"(?:\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+|\d+)(?![\d.,])"
_FSUTIL = re.compile(
    rf"^[^\n:]{{6,80}}:\s*(?P<free>{_COUNT})[^\n\d]*(?:\([^\n]*\))?\s*\n"
    rf"[^\n:]{{6,80}}:\s*(?P<size>{_COUNT})[^\n\d]*(?:\([^\n]*\))?\s*\n"
    rf"[^\n:]{{6,80}}:\s*(?P<quota>{_COUNT})[^\n\d]*(?:\([^\n]*\))?\s*(?:\n|$)",
    re.MULTILINE,
)


def _is_fsutil(head: str, _: str) -> bool:
    return any(_plausible(found) for found in _FSUTIL.finditer(head.replace("\r\n", "\n")))


def _plausible(found: re.Match[str]) -> bool:
    free, whole = number(found["free"]), number(found["size"])
    # Newer Windows: all bytes first, in pairs; a drive of less than 1 MB is no drive.
    return (
        free is not None
        and whole is not None
        and max(free, whole) > 1 << 20
        and min(free, whole) >= 0
    )


@reader("windows.volumes", accepts=_is_fsutil)
def read_fsutil(artefact: Artefact) -> Iterator[Fact]:
    """Free bytes come before all bytes; the drive stands only in the command that was typed."""
    text = windows_lines.read(artefact)
    for found in _FSUTIL.finditer(text.whole):
        if not _plausible(found):
            continue
        numbers = [number(found[part]) or 0.0 for part in ("free", "size")]
        asked = list(_FSUTIL_ECHO.finditer(text.whole, 0, found.start()))
        path = _drive(asked[-1]["drive"]) if asked else _drive_of_name(artefact.name)
        yield Volume(
            span=text.span_of(found), path=path, size=int(max(numbers)), free=int(min(numbers))
        )


def _drive(text: str) -> str:
    tidy = text.strip().rstrip("\\")
    return f"{tidy.rstrip(':').upper()}:" if re.fullmatch(r"[A-Za-z]:?", tidy) else tidy


def _drive_of_name(name: str) -> str:
    found = re.search(
        r"(?<![A-Za-z])([A-Za-z])(?:_|-)?(?:drive|disk)?free|diskfree[-_ ]?([A-Za-z])\b", name
    )
    letter = next((one for one in found.groups() if one), "") if found else ""
    return _drive(letter) if letter else ""


_PROPERTIES = re.compile(
    r"\b(?:FreeSpace|SizeRemaining|Free ?\(GB\))\b|^[ \t]*-{6}[ \t]+-{3,}[- \t]*-{6}",
    re.IGNORECASE | re.MULTILINE,
)


def _has_properties(head: str, _: str) -> bool:
    return bool(_PROPERTIES.search(head)) and bool(
        re.search(
            r"(?<!\w)(?:Size(?:\(GB\))?|Capacity|SizeRemaining|Used \(GB\))(?!\w)",
            head,
            re.IGNORECASE,
        )
    )


@reader("windows.volumes", accepts=_has_properties)
def read_properties(artefact: Artefact) -> Iterator[Fact]:
    """Objects of volumes and drives, as table or list, from PowerShell or wmic."""
    text = windows_lines.read(artefact)
    for row in [*tables(text), *lists(text), *_wmic_pairs(text), *_wmic_table(text)]:
        if volume := _of_row(row):
            yield volume


def _of_row(row: Row) -> Volume | None:
    path = row.get("deviceid", "driveletter", "caption", "name", "friendlyname", "filesystemlabel")
    free = size(row.get("freespace", "sizeremaining"))
    whole = size(row.get("size", "capacity"))
    if "free (gb)" in row.values:
        free, used = _gigabytes(row.get("free (gb)")), _gigabytes(row.get("used (gb)"))
        whole = None if free is None or used is None else free + used
    if free is None or not whole or not path:
        return None
    if path.startswith("\\\\?\\"):
        path = row.get("driveletter", "caption", "label", "name") or path
    kind = row.get("filesystem", "filesystemtype")
    return Volume(span=row.span, path=_drive(path), size=whole, free=free, kind=kind)


def _gigabytes(text: str) -> int | None:
    value = number(text) if text else None
    if value is not None and re.fullmatch(r"\d{1,3}[.,]\d{3}", text.strip()):
        value = float(text.strip().replace(",", "."))
    return None if value is None else int(value * (1 << 30))


_WMIC_PAIR = re.compile(r"^[ \t>|]*(?P<name>[A-Za-z]\w+)=(?P<value>[^\n]*?)\s*$")


def _wmic_pairs(text: Text) -> Iterator[Row]:
    """`wmic … get … /value`: Name=Value lines, each object between blank lines."""
    values: dict[str, str] = {}
    first = last = 0
    for place, line in enumerate([*text.lines, ""], 1):
        found = _WMIC_PAIR.match(line)
        if found and found["name"].lower() not in values:
            first, last = (first or place), place
            values[found["name"].lower()] = found["value"]
        elif values and (found or (line.strip() and not found) or place > last + 3):
            yield Row(values, text.span(first, last))
            values, first = {}, 0
            if found:
                values, first, last = {found["name"].lower(): found["value"]}, place, place
    if values:
        yield Row(values, text.span(first, last))


_WMIC_HEAD = re.compile(r"^(?=.*\b(?:FreeSpace)\b)(?=.*\b(?:Size|Capacity)\b)(?:\w+\s*)+$")


def _wmic_table(text: Text) -> Iterator[Row]:
    """`wmic … get a,b`: headings without dashes; each value begins where its heading does."""
    for place, line in enumerate(text.lines):
        if not _WMIC_HEAD.match(line) or (
            place + 1 < len(text.lines)
            and set(text.lines[place + 1].strip()) <= {"-", " "}
            and "-" in text.lines[place + 1]
        ):
            continue
        columns = [(found.group(0).lower(), found.start()) for found in re.finditer(r"\w+", line)]
        for index in range(place + 1, len(text.lines)):
            row = text.lines[index]
            if row.strip():
                if not re.match(r"\S", row) or ">" in row[:40]:
                    break
                ends = [*(start for _, start in columns[1:]), None]
                cells = {
                    name: row[start:end].strip()
                    for (name, start), end in zip(columns, ends, strict=True)
                }
                yield Row(cells, text.span(index + 1))


# A line of `dir`: date and time, then a size or a mark in angle brackets, then the name.
_DIR_ENTRY = re.compile(
    r"^[ \t>|]*(?P<when>\d{1,4}[-./\u5e74]\s?\d{1,2}[-./\u6708]\s?\d{1,4}\S?\s+(?:\D{0,6}\s*)?\d{1,2}:\d\d(?:\s?[AaPp]\.?[Mm]\.?)?)\s+"
    r"(?:<(?P<mark>[A-Z]+)>|(?P<size>\d[\d.,\u00a0\u202f']*))\s+(?P<name>\S.*?)\s*$"
)
_DIR_FOLDER = re.compile(
    r"^\s{0,8}(?:[^\n:\d<]{0,60}?\s)?(?P<path>[A-Za-z]:\\[^\n<>|\"*?]*?|\\\\[^\s<>|\"*?]+\\[^\n<>|\"*?]+?)"
    r"(?:\s+(?:[^\x00-\x7f]{1,12}|Verzeichnis(?: von)?))?(?:\s+[^\x00-\x7f]{1,8})?\s*$"
)
_PS_FOLDER = re.compile(r"^\s{2,6}\S[^\n:]{0,20}: (?P<path>[A-Za-z]:\\[^\n]*?)\s*$")
_PS_ENTRY = re.compile(
    r"^(?P<mode>[dlarhs-]{5,6})\s+(?P<when>\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\s+(?:\D{0,6}\s*)?\d{1,2}:\d\d(?:\s?[AP]M)?)\s+(?P<size>\d+)?\s+(?P<name>\S.*?)\s*$"
)
# More files than this are counted, not kept.
_KEPT_FILES = 20000


def _is_dir(head: str, _: str) -> bool:
    lines = head.split("\n")
    return sum(
        bool(_DIR_ENTRY.match(line) or _PS_ENTRY.match(line)) for line in lines[:400]
    ) > 0 and any(_DIR_FOLDER.match(line) or _PS_FOLDER.match(line) for line in lines[:400])


@reader("windows.files", accepts=_is_dir)
def read_dir(artefact: Artefact) -> Iterator[Fact]:
    """`dir`, also with `/s`, and `Get-ChildItem`: files, and for every folder how many it has."""
    text = windows_lines.read(artefact)
    folder = _Folder("", 1)
    kept = 0
    for place, line in enumerate(text.lines, 1):
        entry = _DIR_ENTRY.match(line) or _PS_ENTRY.match(line)
        if entry:
            file = folder.take(entry, text.span(place), kept < _KEPT_FILES)
            kept += file is not None
            yield from [file] if file else []
        elif found := (_PS_FOLDER.match(line) or _DIR_FOLDER.match(line)):
            yield from folder.done(text)
            folder = _Folder(found["path"].rstrip("\\ ") or found["path"], place)
    yield from folder.done(text)


class _Folder:
    """The folder whose entries are being read."""

    def __init__(self, path: str, line: int) -> None:
        self._path, self._first, self._last = path, line, line
        self._kinds: Counter[str] = Counter()
        self._bytes = 0

    def take(self, entry: re.Match[str], span: Span, keep: bool) -> FileSeen | None:  # noqa: FBT001  one private caller
        self._last = span.last
        if entry.groupdict().get("mark") or entry["size"] is None:
            return None
        length = int(number(entry["size"]) or 0)
        self._bytes += length
        self._kinds[_extension(entry["name"])] += 1
        if not keep:
            return None
        path = f"{self._path}\\{entry['name']}" if self._path else entry["name"]
        return FileSeen(span=span, path=path, size=length, changed=moment(entry["when"]))

    def done(self, text: Text) -> Iterator[FolderListing]:
        if self._last > self._first or self._kinds:
            yield FolderListing(
                span=text.span(self._first, self._last),
                path=self._path,
                files=self._kinds.total(),
                bytes=self._bytes,
                extensions=tuple(self._kinds.most_common()),
            )


def _extension(name: str) -> str:
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem else ""
