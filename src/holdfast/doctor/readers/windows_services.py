"""Services of Windows: `sc query`, `sc qc`, `Get-Service`, `net start`, `wmic service`, `Get-CimInstance`.

The state is the number after the colon of `sc`, whose labels are translated; PowerShell's words are
English in every language except for services' display names. `sc qc` tells only how a service
starts: its Service fact has the state "".
"""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Service
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import Row, lists, tables
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

STATES = {
    1: "stopped",
    2: "starting",
    3: "stopping",
    4: "running",
    5: "starting",
    6: "stopping",
    7: "paused",
}
STARTS = {0: "boot", 1: "system", 2: "automatic", 3: "manual", 4: "disabled"}
# OpenService failed: this is how `sc` says that there is no such service, in every language.
_NO_SUCH_SERVICE = "1060"

_BREAK = r"[ \t\r>|]*(?:\n[ \t\r>|]*)+"
_LABEL = r"[^\s:\[\]][^:\n\[\]]{0,40}?[ \t]*:[ \t]*"
# A name, perhaps a display name, the type in hexadecimal, then a small number with its constant:
# the state where an exit code with its hexadecimal twin follows, else the way it starts.
_SERVICE = re.compile(
    rf"^[ \t>|]*{_LABEL}(?P<name>[A-Za-z_][\w$.{{}}() -]{{0,255}}?){_BREAK}"
    rf"(?:{_LABEL}(?![ \t]*[0-9a-fA-F]{{1,4}}[ \t]+[A-Z])(?P<title>[^\n]*?){_BREAK})?"
    rf"{_LABEL}[0-9a-fA-F]{{1,4}}[ \t]+[^\W\d][^\n:]*?{_BREAK}"
    rf"{_LABEL}(?P<number>[0-7])[ \t]+(?P<word>[^\W\d]{{3}}[^\s:()]*)[^\n]*"
    rf"(?:{_BREAK}\([^\n]*)?"
    rf"(?:{_BREAK}{_LABEL}(?P<exit>\d+)[ \t]+\(0x[0-9a-fA-F]+\))?",
    re.MULTILINE,
)
# A listing that is cut after its state has no exit code to tell it by.
_STATE_WORD = re.compile(r"(?:RUNNING|STOPPED|PAUSED|\w+_PENDING)", re.IGNORECASE)
_START_WORD = re.compile(r"(?:BOOT|SYSTEM|AUTO|DEMAND)_START|DISABLED")
_ECHO = re.compile(
    r"\bsc(?:\.exe)?\s+(?:\\\\\S+\s+)?(?:query(?:ex)?|qc|start|stop)\s+\"?(?P<name>[^\"\n]+?)\"?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_FAILED = re.compile(rf"\[SC\][^\n]*\b{_NO_SUCH_SERVICE}\b[^\n]*")


def _is_sc(head: str, _: str) -> bool:
    return bool(_SERVICE.search(head)) or bool(_FAILED.search(head))


@reader("windows.services", accepts=_is_sc)
def read_sc(artefact: Artefact) -> Iterator[Fact]:
    """What `sc query`, `sc queryex` and `sc qc` print, one service after the other."""
    text = windows_lines.read(artefact)
    for found in _SERVICE.finditer(text.whole):
        is_state = bool(_STATE_WORD.match(found["word"])) or found["exit"] is not None
        starts = bool(_START_WORD.match(found["word"])) or not is_state
        yield Service(
            span=text.span_of(found),
            name=found["name"].strip(),
            title=(found["title"] or "").strip(),
            state="" if starts else STATES.get(int(found["number"]), ""),
            start=STARTS.get(int(found["number"]), "") if starts else "",
            exit_code=None if found["exit"] is None else int(found["exit"]),
        )
    for found in _FAILED.finditer(text.whole):
        asked = list(_ECHO.finditer(text.whole, 0, found.start()))
        if asked:
            yield Service(span=text.span_of(found), name=asked[-1]["name"], state="absent")


_PS_STATES = {
    "stopped": "stopped",
    "startpending": "starting",
    "start pending": "starting",
    "stoppending": "stopping",
    "stop pending": "stopping",
    "running": "running",
    "continuepending": "starting",
    "continue pending": "starting",
    "pausepending": "stopping",
    "pause pending": "stopping",
    "paused": "paused",
}
_PS_STARTS = {
    "automatic": "automatic",
    "auto": "automatic",
    "automaticdelayedstart": "automatic",
    "manual": "manual",
    "disabled": "disabled",
    "boot": "boot",
    "system": "system",
}
_PS_TABLE = re.compile(
    r"^[ \t>|]*(?:Status\b.*\bName\b|Name\b.*\b(?:Status|State)\b).*$", re.MULTILINE
)
_PS_LIST = re.compile(
    r"^[ \t>|]*(?:Status|State)\s*:\s*(?:Running|Stopped|\w+Pending|Paused|[1-7])\s*$",
    re.MULTILINE | re.IGNORECASE,
)


_NOT_FOUND_ID = "NoServiceFoundForGivenName"


def _is_get_service(head: str, _: str) -> bool:
    return (
        bool(_PS_TABLE.search(head) or _PS_LIST.search(head) or _WIDE.search(head))
        or _NOT_FOUND_ID in head
    )


@reader("windows.services", accepts=_is_get_service)
def read_get_service(artefact: Artefact) -> Iterator[Fact]:
    """Tables and lists of `Get-Service`, `Get-CimInstance Win32_Service` and `wmic service`."""
    text = windows_lines.read(artefact)
    for row in [*tables(text), *lists(text)]:
        if service := _of_row(row):
            yield service
    yield from _wide_rows(text)
    yield from _not_found(text)


def _of_row(row: Row) -> Service | None:
    said = row.get("status", "state").lower()
    state = _PS_STATES.get(said) or STATES.get(int(said) if said.isdigit() else 0)
    name = row.get("name", "servicename")
    if state is None or not name:
        state = _PS_STATES.get(row.get("state").lower())
    if state is None or not name:
        return None
    start = row.get("starttype", "startmode").lower().replace(" ", "")
    code = row.get("exitcode")
    return Service(
        span=row.span,
        name=name,
        title=row.get("displayname", "caption"),
        state=state,
        start=_PS_STARTS.get(start, ""),
        exit_code=int(code) if code.isdigit() else None,
    )


_WIDE = re.compile(
    r"^[ \t>|]*(?P<state>Running|Stopped|StartPending|StopPending|Paused)\s+(?P<name>[A-Za-z_][\w$.-]*)\s+(?P<title>\S.*?)\s*$",
    re.MULTILINE,
)


def _wide_rows(text: Text) -> Iterator[Service]:
    """Rows of `Get-Service` whose headings were not pasted along."""
    headed = any(set(line.strip()) == {"-", " "} for line in text.lines)
    for number, line in enumerate(text.lines, 1):
        found = None if headed else _WIDE.match(line)
        if found:
            yield Service(
                span=text.span(number),
                name=found["name"],
                title=found["title"],
                state=_PS_STATES[found["state"].lower()],
            )


def _not_found(text: Text) -> Iterator[Service]:
    """The error names its id in English whatever its sentence says: (VSS:String)."""
    for number, line in enumerate(text.lines, 1):
        if _NOT_FOUND_ID in line:
            above = "\n".join(text.lines[max(0, number - 8) : number])
            if found := re.search(r"\((?P<name>[^:()\n]+):String\)", above):
                yield Service(span=text.span(number), name=found["name"], state="absent")


_NET_START_HEAD = re.compile(r"\bnet\s+start\s*$", re.MULTILINE | re.IGNORECASE)
_NET_START_WORDS = (
    "These Windows services are started",
    "다음 Windows 서비스가 시작되었습니다",
    "Folgende Windows-Dienste",
)


# Starting a service by hand: the command, then the number of the error in any language.
_STARTED = re.compile(
    r"^[^\n]*\b(?:net\s+start|sc(?:\.exe)?\s+(?:\\\\\S+\s+)?start)\s+\"?(?P<name>[^\"\n|&<>]{2,80}?)\"?[ \t\r]*\n"
    r"(?P<answer>(?:(?![^\n]*>[ \t]*\S)[^\n]*\n?){1,6})",
    re.MULTILINE | re.IGNORECASE,
)
_ANSWERS = {
    "1058": ("stopped", "disabled"),
    "1060": ("absent", ""),
    "2185": ("absent", ""),
    "1053": ("failed", ""),
    "1067": ("failed", ""),
    "1068": ("failed", ""),
    "1069": ("failed", ""),
    "1079": ("failed", ""),
    "2182": ("running", ""),
    "1056": ("running", ""),
}
_ANSWER = re.compile(rf"(?<!\d)(?P<number>{'|'.join(_ANSWERS)})(?!\d)")


def _is_started(head: str, _: str) -> bool:
    return any(_ANSWER.search(found["answer"]) for found in _STARTED.finditer(head))


@reader("windows.services", accepts=_is_started)
def read_started(artefact: Artefact) -> Iterator[Fact]:
    """What `net start <service>` or `sc start <service>` answered."""
    text = windows_lines.read(artefact)
    for found in _STARTED.finditer(text.whole):
        if answer := _ANSWER.search(found["answer"]):
            state, start = _ANSWERS[answer["number"]]
            first, last = found.start(), found.start("answer") + answer.end() - 1
            yield Service(
                span=text.span(text.line_at(first), text.line_at(last)),
                name=found["name"].strip(),
                state=state,
                start=start,
            )


def _is_net_start(head: str, _: str) -> bool:
    return bool(_NET_START_HEAD.search(head)) or any(words in head for words in _NET_START_WORDS)


@reader("windows.services", accepts=_is_net_start)
def read_net_start(artefact: Artefact) -> Iterator[Fact]:
    """`net start` lists the display names of what runs, indented by three blanks."""
    text = windows_lines.read(artefact)
    inside = False
    for number, line in enumerate(text.lines, 1):
        if _NET_START_HEAD.search(line) or any(words in line for words in _NET_START_WORDS):
            inside = True
        elif inside and re.match(r"\s{2,}\S", line):
            yield Service(
                span=text.span(number), name=line.strip(), title=line.strip(), state="running"
            )
        elif inside and line.strip() and not line.rstrip().endswith(":"):
            inside = False
