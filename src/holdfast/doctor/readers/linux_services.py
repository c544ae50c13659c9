"""Services and processes of a Linux host: systemctl, upstart and init scripts, ps."""

import re
from collections.abc import Iterator
from itertools import pairwise

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Process, Service
from holdfast.doctor.linux_facts import ProcessList
from holdfast.doctor.readers.linux_lines import Line, joined, lines_of
from holdfast.doctor.readers_registry import reader

_UNIT = re.compile(r"^\W{0,3}\s*(?P<name>[\w@.:\\-]+)\.service(?: - (?P<title>.*))?$")
_LOADED = re.compile(
    r"^[ \t]*Loaded: (?P<loaded>[\w-]+)(?: \((?P<where>[^;)]*)(?:; (?P<start>[\w-]+))?)?"
)
_ACTIVE = re.compile(r"^[ \t]*Active: (?P<active>[\w-]+)(?: \((?P<sub>[\w-]+)\))?")
_EXIT = re.compile(r"status=(?P<code>\d+)")
_LISTED = re.compile(
    r"^\W{0,3}\s*(?P<name>[\w@.-]+)\.service\s+(?P<loaded>loaded|not-found|masked)\s+"
    r"(?P<active>\w+)\s+(?P<sub>[\w-]+)(?:\s+(?P<title>.*))?$"
)
_ENABLED = re.compile(
    r"^[ \t]*(?P<name>[\w@.-]+)\.service\s+(?P<start>enabled|disabled|masked|static)\b"
)
_NOT_FOUND = re.compile(
    r"(?:Unit |Failed to \w+ )(?P<name>[\w@.-]+)\.service(?: could not be found|: Unit .* not found)"
    r"|^(?P<old>[\w-]+): unrecognized service"
)
_UPSTART = re.compile(
    r"^(?P<name>[\w-]+) (?:start|stop)/(?P<state>[\w-]+)(?:, process (?P<pid>\d+))?$"
)
_SCRIPT = re.compile(
    r"^(?:\s*\* )?(?P<name>[\w-]+)(?: \(pid\s+(?P<pid>[\d ]+)\))? is (?P<state>not running|running|stopped|dead)"
)
_ASKED = re.compile(r"systemctl is-(?P<what>active|enabled) (?P<name>[\w@-]+)")
_STARTS = {
    "enabled": "automatic",
    "static": "manual",
    "indirect": "manual",
    "generated": "automatic",
}


def _speaks_of_services(head: str, _file: str) -> bool:
    return bool(
        re.search(
            r"^[ \t]*(?:>+ ?)?\s*(?:Loaded: [a-z]|Active: [a-z])|\.service\s+(?:loaded|not-found|enabled|disabled|masked)"
            r"|\.service could not be found|unrecognized service|\.service: Unit .* not found"
            r"|^[\w-]+ (?:start|stop)/(?:running|waiting)|systemctl is-"
            r"|^(?: *\* )?[\w-]+(?: \(pid[^)]*\))? is (?:not running|running|stopped)",
            head,
            re.MULTILINE,
        )
    )


@reader("linux.services", accepts=_speaks_of_services)
def read_services(artefact: Artefact) -> Iterator[Fact]:
    lines = lines_of(artefact)
    yield from _blocks(lines)
    yield from _asked(lines)
    for line in lines:
        if service := _one_line(line):
            yield service


def _blocks(lines: list[Line]) -> Iterator[Service]:
    """`systemctl status`: a unit's name, then Loaded and Active within the next lines."""
    for at, line in enumerate(lines):
        unit = _UNIT.match(line.text)
        if not unit:
            continue
        block = _block(lines[at + 1 : at + 12])
        loaded = _first(block, _LOADED)
        active = _first(block, _ACTIVE)
        if loaded or active:
            last = max(place for place, _ in (*loaded, *active))
            yield _status(unit, loaded, active, span_lines=lines[at : at + 2 + last])


_Found = list[tuple[int, re.Match[str]]]


def _block(lines: list[Line]) -> list[Line]:
    kept = []
    for line in lines:
        if _UNIT.match(line.text):
            break
        kept.append(line)
    return kept


def _first(lines: list[Line], pattern: re.Pattern[str]) -> _Found:
    found = ((place, pattern.match(line.text)) for place, line in enumerate(lines))
    return [(place, match) for place, match in found if match][:1]


def _status(
    unit: re.Match[str], loaded: _Found, active: _Found, *, span_lines: list[Line]
) -> Service:
    there = loaded[0][1] if loaded else None
    now = active[0][1] if active else None
    state = _state(now.group("active"), now.group("sub") or "") if now else "stopped"
    absent = there is not None and there.group("loaded") == "not-found"
    masked = there is not None and there.group("loaded") == "masked"
    start = there.group("start") if there else None
    code = _EXIT.search(span_lines[-1].text)
    return Service(
        span=joined(span_lines),
        name=unit.group("name"),
        title=(unit.group("title") or "").strip(),
        state="absent" if absent else state,
        start="masked" if masked else _STARTS.get(start or "", start or ""),
        exit_code=int(code.group("code")) if code else None,
    )


def _state(active: str, sub: str) -> str:
    if active in {"active", "reloading"}:
        return "running"
    if active == "activating":
        return "restarting" if sub == "auto-restart" else "starting"
    return {"failed": "failed", "deactivating": "stopping"}.get(active, "stopped")


def _one_line(line: Line) -> Service | None:
    text = line.text
    if found := _LISTED.match(text):
        gone = found.group("loaded") == "not-found"
        state = "absent" if gone else _state(found.group("active"), found.group("sub"))
        return Service(span=line.span, name=found.group("name"), state=state)
    if found := _NOT_FOUND.search(text):
        return Service(
            span=line.span, name=found.group("name") or found.group("old"), state="absent"
        )
    if found := _UPSTART.match(text):
        state = "running" if found.group("state") == "running" else "stopped"
        return Service(span=line.span, name=found.group("name"), state=state)
    if found := _SCRIPT.match(text):
        state = "running" if found.group("state") == "running" else "stopped"
        return Service(span=line.span, name=found.group("name"), state=state)
    return None


def _asked(lines: list[Line]) -> Iterator[Service]:
    """`systemctl is-active NAME` echoed, with its answer on the next line."""
    for line, answer in pairwise(lines):
        asked = _ASKED.search(line.typed or line.text)
        word = answer.text.strip()
        if asked and re.fullmatch(r"[a-z-]+", word):
            name = asked.group("name").removesuffix(".service")
            span = joined([line, answer])
            if asked.group("what") == "active":
                yield Service(span=span, name=name, state=_state(word, ""))
            else:
                state = "absent" if word == "not-found" else "unknown"
                yield Service(span=span, name=name, state=state, start=_STARTS.get(word, word))


# Not the list of `top`, which is cut to a screen and shows programs for the blink of an eye.
_PS_HEAD = re.compile(r"^(?!.*\bVIRT\b)\s*(?:\S+\s+){0,9}?PID\b.*\b(?P<what>CMD|COMMAND)\s*$")


def _is_ps(head: str, _file: str) -> bool:
    return any(_PS_HEAD.match(line.rstrip("\r")) for line in head.split("\n")[:2000])


@reader("linux.processes", accepts=_is_ps)
def read_processes(artefact: Artefact) -> Iterator[Fact]:
    lines = lines_of(artefact)
    heads = [at for at, line in enumerate(lines) if _PS_HEAD.match(line.text)]
    for at, after in zip(heads, [*heads, len(lines)][1:], strict=True):
        yield from _listing(lines[at:after], whole=artefact.whole)


def _listing(lines: list[Line], *, whole: bool) -> Iterator[Fact]:
    columns = lines[0].text.split()
    found = [one for line in lines[1:] if (one := _process(line, columns))]
    yield from found
    if found:
        first = min(one.pid for one in found) == 1
        # A listing that begins with process 1 and contains the lister itself lacks nothing between.
        lister = any(one.name == "ps" for one in found)
        yield ProcessList(
            span=lines[0].span,
            last=found[-1].span,
            complete=whole or (first and lister),
            commands=any("-" in one.command or "/" in one.command for one in found)
            and len(columns) > len(("PID", "TTY", "TIME", "CMD")),
        )


def _process(line: Line, columns: list[str]) -> Process | None:
    parts = line.text.split(None, len(columns) - 1)
    place = columns.index("PID")
    if len(parts) < len(columns) or not parts[place].isdigit():
        return None
    command = parts[-1]
    program = command.split()[0].strip("[]():")
    busy = parts[columns.index("%CPU")] if "%CPU" in columns else ""
    return Process(
        span=line.span,
        name=program.rsplit("/", 1)[-1],
        pid=int(parts[place]),
        command=command,
        cpu_percent=float(busy) if re.fullmatch(r"\d+(?:\.\d+)?", busy) else None,
    )
