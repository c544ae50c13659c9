"""Folders the agent depends on: its scratch folder, its PowerShell module, Windows' temporary one.

Headings of `dir` are translated, so a folder is a line with a path and no time; an entry is a line
with a time and a name at its end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Package
from holdfast.doctor.mars_facts import FolderAttributes, ModuleFiles, ScratchListing, TempFiles
from holdfast.doctor.model import Span
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import PROMPT
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

KEY = "OnlineBackup.KEK"
_ENTRY_TIME = re.compile(r"\d{1,4}[-./년]\s?\d{1,2}[-./월]\s?\d{1,4}.{0,12}?\d{1,2}:\d\d")
# A log of the agent speaks of these folders too, but it is no listing.
_LOG_LINE = re.compile(r"\.(?:cpp|cs|h)\s?\(\d+\)")
_FOLDER = re.compile(r"[A-Za-z]:\\[^\r\n<>|\"*?]*")
_CLOSING = re.compile(r"^\s{2,}\d[\d.,]*\D{1,40}\d[\d.,]*\D*$")
# The word for folder, where a language puts it after the path.
_WORD_AFTER = re.compile(r"\s*(?:디렉터리|디렉토리|のディレクトリ|的目录|的目錄|dizini)\s*$")
_KEY_NAME = re.compile(r"OnlineBackup\.KEK", re.IGNORECASE)
_NOT_THERE = re.compile(
    r"PathNotFound|ItemNotFound|File Not Found|cannot find|does not exist|파일을 찾을 수 없|"
    r"존재하지 않|찾을 수 없|Datei nicht gefunden|见つかり|^[ \t]*False\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_SCRATCH = re.compile(
    r"\\(?:Scratch|CBScratch|AzureBackupCache|MARS[ _-]?(?:cache|scratch))\\?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
# So many names of a scratch folder's content make any folder one, wherever it was moved.
_ENOUGH_CONTENT = 2
_SCRATCH_CONTENT = re.compile(
    r"\b(?:OBMPs?|CatalogDB|ChkSumStore|CBV|Metadata|VHDs?|SSBV|RecoveryDB|DataSourceStates?)\b"
    r"|\.(?:vhdx?|chk|kek|bin\.state)\b",
    re.IGNORECASE,
)


@dataclass(slots=True, kw_only=True)
class _Folder:
    """One folder of a listing while it is read."""

    path: str
    first: int
    last: int
    names: list[str] = field(default_factory=list)
    closed: bool = False


def _folders(text: Text) -> Iterator[_Folder]:
    folder: _Folder | None = None
    for number, line in enumerate(text.lines, 1):
        heading = None if _ENTRY_TIME.search(line) or PROMPT.match(line) else _FOLDER.search(line)
        if heading and not line.rstrip().endswith(">"):
            if folder:
                yield folder
            path = _WORD_AFTER.sub("", heading.group(0).strip())
            folder = _Folder(path=path, first=number, last=number)
        elif folder and _ENTRY_TIME.search(line):
            folder.names.append(line.split()[-1])
            folder.last = number
        elif folder and folder.names and (_CLOSING.match(line) or PROMPT.match(line)):
            folder.closed = True
            folder.last = number if _CLOSING.match(line) else folder.last
    if folder:
        yield folder


def _is_scratch(head: str, _: str) -> bool:
    spoken_of = re.search(r"scratch", head, re.IGNORECASE) or _SCRATCH_CONTENT.search(head)
    listed = spoken_of and _ENTRY_TIME.search(head)
    return bool(_KEY_NAME.search(head) or listed) and not _LOG_LINE.search(head)


@reader("mars.scratch-listing", accepts=_is_scratch)
def read_scratch(artefact: Artefact) -> Iterator[Fact]:
    """Whether the key file of the agent lies in its scratch folder."""
    text = windows_lines.read(artefact)
    for folder in _folders(text):
        has_key = any(_KEY_NAME.search(name) for name in folder.names)
        content = sum(bool(_SCRATCH_CONTENT.search(name)) for name in folder.names)
        named = _SCRATCH.search(folder.path) and folder.names
        if has_key or named or content >= _ENOUGH_CONTENT:
            yield ScratchListing(
                span=_key_span(text, folder) if has_key else text.span(folder.first, folder.last),
                listed=text.span(folder.first, folder.last),
                path=folder.path,
                has_key=has_key,
                complete=folder.closed or artefact.whole,
                used=content > 0,
            )
    yield from _asked_for_key(text)


def _key_span(text: Text, folder: _Folder) -> Span:
    for number in range(folder.first, folder.last + 1):
        if _KEY_NAME.search(text.lines[number - 1]):
            return text.span(number)
    return text.span(folder.first, folder.last)


def _asked_for_key(text: Text) -> Iterator[Fact]:
    """`Test-Path`, `dir` or `Get-Item` of the key file itself, and the answer below it."""
    for number, line in enumerate(text.lines, 1):
        if not _KEY_NAME.search(line) or _ENTRY_TIME.search(line):
            continue
        last = min(number + 5, len(text.lines))
        answer = "\n".join(text.lines[number - 1 : last])
        there = re.search(r"^[ \t]*True\s*$", answer, re.MULTILINE)
        if there or _NOT_THERE.search(answer):
            path = _FOLDER.search(line)
            yield ScratchListing(
                span=text.span(number, last),
                listed=text.span(number, last),
                path=path.group(0) if path else KEY,
                has_key=bool(there),
                complete=True,
                used=True,
            )


_ATTRIBUTES = re.compile(r"\bDirectory(?:, ?[A-Za-z]+)+")
_IS_ATTRIBUTES = re.compile(r"\bDirectory, ?[A-Z][A-Za-z]+")


@reader("mars.scratch-attributes", accepts=lambda head, _: bool(_IS_ATTRIBUTES.search(head)))
def read_attributes(artefact: Artefact) -> Iterator[Fact]:
    """`(Get-Item FOLDER).Attributes`: the words are of .NET and the same everywhere."""
    text = windows_lines.read(artefact)
    folder = ""
    for number, line in enumerate(text.lines, 1):
        if path := _FOLDER.search(re.sub(r"^[ \t]*PS [^>]*>", "", line)):
            folder = path.group(0).split("'")[0].split(")")[0].strip()
        if found := _ATTRIBUTES.search(line):
            words = frozenset(word.strip().lower() for word in found.group(0).split(","))
            yield FolderAttributes(span=text.span(number), path=folder, attributes=words)


_TEMP = re.compile(r"Windows[\\/]+Temp\b", re.IGNORECASE)
_COUNTING = re.compile(r"\.count\b|measure|find\s+/c|find\s+\"[^\"]*\"\s+/c", re.IGNORECASE)
_NUMBER = re.compile(r"^[ \t]*(?:Count\s*:\s*)?(\d[\d.,\s]*)\s*$", re.IGNORECASE)


@reader("mars.windows-temp", accepts=lambda head, _: bool(_TEMP.search(head)))
def read_temp_files(artefact: Artefact) -> Iterator[Fact]:
    """Temporary files, counted by a command or by the lines of a listing."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        if _TEMP.search(line) and _COUNTING.search(line):
            yield from _counted(text, number)
    for folder in _folders(text):
        if _TEMP.search(folder.path) and folder.names:
            count = sum(name.lower().endswith(".tmp") for name in folder.names)
            span = text.span(folder.first, folder.last)
            yield TempFiles(span=span, path=folder.path, count=count)


def _counted(text: Text, number: int) -> Iterator[TempFiles]:
    for at in range(number, min(number + 6, len(text.lines))):
        found = _NUMBER.match(text.lines[at])
        value = windows_lines.number(found.group(1)) if found else None
        if value is not None:
            span = text.span(number, at + 1)
            yield TempFiles(span=span, path=r"C:\Windows\Temp", count=int(value))
            return


_MODULE = re.compile(r"MSOnlineBackup", re.IGNORECASE)
_NO_MODULE = re.compile(
    r"ModuleNotFound|Modules_ModuleNotFound|no valid module file|CommandNotFoundException|"
    r"FileNotFoundException|PathNotFound|File Not Found|파일을 찾을 수 없",
    re.IGNORECASE,
)
_MODULE_ROW = re.compile(
    r"^[ \t]*(?:Binary|Script|Manifest|CIM|Cim)\s+[\d.]+\s+.*MSOnlineBackup\b", re.IGNORECASE
)
_OB_COMMAND = re.compile(r"\b(?:Start|Get|Set|New|Add)-OB\w+", re.IGNORECASE)


_AZURE_ROW = re.compile(
    r"^[ \t]*(?:Binary|Script|Manifest)\s+(?P<version>\d[\d.]+)\s+(?:\S+\s+)?(?P<name>Azure(?:RM)?)\s",
    re.MULTILINE,
)


def _is_module(head: str, _: str) -> bool:
    named = _MODULE.search(head) or _OB_COMMAND.search(head) or _AZURE_ROW.search(head)
    return bool(named) and not _LOG_LINE.search(head)


@reader("mars.module", accepts=_is_module)
def read_module(artefact: Artefact) -> Iterator[Fact]:
    """The module whose cmdlet the scheduled task calls: listed, loaded, or not found."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        if azure := _AZURE_ROW.match(f"{line} "):
            yield Package(span=text.span(number), name=azure["name"], version=azure["version"])
        elif _MODULE_ROW.match(line):
            yield ModuleFiles(span=text.span(number), present=True)
        elif _NO_MODULE.search(line):
            first = max(1, number - 8)
            around = "\n".join(text.lines[first - 1 : number])
            if _MODULE.search(around) or _OB_COMMAND.search(around):
                yield ModuleFiles(
                    span=text.span(_begin(text, number), number), present=False, said=line.strip()
                )
    yield from _listed_module(text)


def _begin(text: Text, number: int) -> int:
    """The first line of the message that ends with this one and names the module or cmdlet."""
    for at in range(number, max(0, number - 9), -1):
        line = text.lines[at - 1]
        if _MODULE.search(line) or _OB_COMMAND.search(line):
            return at
    return number


def _listed_module(text: Text) -> Iterator[ModuleFiles]:
    for folder in _folders(text):
        if not re.search(r"\\MSOnlineBackup$", folder.path.rstrip("\\ "), re.IGNORECASE):
            continue
        programs = [n for n in folder.names if n.lower().endswith((".dll", ".psd1", ".ps1xml"))]
        if programs or folder.closed:
            span = text.span(folder.first, folder.last)
            yield ModuleFiles(span=span, present=bool(programs), said=folder.path)
