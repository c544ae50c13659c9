"""How much a host has to send: change logs, write counters, and the agent's bandwidth limit."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.hyperv_facts import ChangeLog, Throttle, WriteRate
from holdfast.doctor.model import Span
from holdfast.doctor.readers.hyperv_rows import rows
from holdfast.doctor.readers.windows_lines import Text, moment, number, read, size
from holdfast.doctor.readers_registry import reader

_HRL = re.compile(r"[^\n]*\.hrl\b", re.IGNORECASE)
_ROOM = re.compile(
    r"^[ \t]*\d{1,9}[^\d\n][^\n]*?(?<![\d.,])(?P<free>\d[\d.,\u00a0\u202f ]{6,})\s*\D*$",
    re.MULTILINE,
)
_FOLDER = re.compile(r"(?P<path>[A-Za-z]:\\[^\n*?\"<>|:]*|\\\\[^\n*?\"<>|:]+)")
# Korean and Japanese put the word for folder behind the path.
_TITLE = re.compile(r"(?:\s+디렉터리|\s*のディレクトリ| 的目录)$")
_SIZED = re.compile(
    r"\d[:.]\d\d(?::\d\d)?(?:\s*[AaPp]\.?\s?[Mm]\.?)?\s+(?P<size>\d(?:[\d.,\u00a0\u202f ]*\d)?)\s+(?P<name>\S.*\.hrl)\b",
    re.IGNORECASE,
)


def _has_hrl(head: str, _: str) -> bool:
    return _HRL.search(head) is not None and bool(re.search(r"\d[:.]\d\d|\bLength\b", head))


@reader("hyperv.change-logs", accepts=_has_hrl)
def change_logs(artefact: Artefact) -> Iterator[ChangeLog]:
    """HRL files of a `dir` or `Get-ChildItem` listing; the room left stands on its last line."""
    text = read(artefact)
    yield from _objects(text)
    rooms = [number(found["free"]) for found in _ROOM.finditer(text.whole)]
    free = int(rooms[-1]) if len(rooms) > 1 and rooms[-1] is not None else None
    folder = ""
    for index, line in enumerate(text.lines, 1):
        found = _SIZED.search(line)
        if found is None or not moment(line[: found.start("size")]):
            under = _FOLDER.search(line)
            folder = (
                _TITLE.sub("", under["path"].strip())
                if under and ".hrl" not in line.lower()
                else folder
            )
            continue
        held = number(found["size"])
        if held is not None:
            path = f"{folder}\\{found['name']}" if folder else found["name"]
            yield ChangeLog(span=text.span(index), path=path, size=int(held), free=free)


def _objects(text: Text) -> Iterator[ChangeLog]:
    """`Get-ChildItem | select FullName, Length`, in any form."""
    for row in rows(text):
        path = row.get("FullName") or row.get("Path")
        held = number(row.get("Length"))
        if path.lower().endswith(".hrl") and held is not None:
            yield ChangeLog(span=row.span, path=path, size=int(held))


# The object's name holds "Hyper-V" in every language; writes are told from reads by these words.
_WRITES = re.compile(
    r"write|written|쓰기|쓴|schrei|geschr|écrit|escrit|書き込み|写入|寫入|запис|scritt",
    re.IGNORECASE,
)
_BYTES = re.compile(r"bytes?|바이트|octets?|バイト|字节|位元組|байт", re.IGNORECASE)
_COUNTER = re.compile(
    r"\\\\[^\\]+\\(?P<object>[^\\(]*hyper-v[^\\(]*)\((?P<disk>[^\n]*?)\)\\(?P<counter>[^\"\\\n]+)",
    re.IGNORECASE,
)
_TOP = 1 << 50  # bytes per second that no disk writes: a damaged number


def _wanted(name: str) -> re.Match[str] | None:
    found = _COUNTER.search(name)
    if found and _WRITES.search(found["counter"]) and _BYTES.search(found["counter"]):
        return found
    return None


def _counters(head: str, _: str) -> bool:
    return any(_wanted(found.group(0)) for found in _COUNTER.finditer(head))


@reader("hyperv.write-rate", accepts=_counters)
def write_rates(artefact: Artefact) -> Iterator[WriteRate]:
    """The tools typeperf and relog write CSV, Get-Counter prints a counter's name above its value."""
    text = read(artefact)
    yield from _csv(text)
    yield from _printed(text)


def _csv(text: Text) -> Iterator[WriteRate]:
    header = next((at for at, line in enumerate(text.lines) if _is_header(line)), None)
    if header is None:
        return
    names = _split(text.lines[header])
    table = [(at, _split(text.lines[at])) for at in range(header + 1, len(text.lines))]
    table = [(at, cells) for at, cells in table if len(cells) > 1 and moment(cells[0])]
    times = [when for _, cells in table if (when := moment(cells[0]))]
    for column, name in enumerate(names):
        found = _wanted(name)
        values = [
            value
            for _, cells in table
            if column < len(cells) and (value := number(cells[column])) is not None
        ]
        if found and values:
            span = text.span(header + 1, min(table[-1][0] + 1, header + 20))
            yield _rate(found["disk"], values, times, span=span)


def _is_header(line: str) -> bool:
    return line.count("\\\\") > 0 and '","' in line.replace('";"', '","') and _counters(line, "")


def _split(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in re.split(r'"\s*[,;\t]\s*"', line.strip())]


def _printed(text: Text) -> Iterator[WriteRate]:
    """Two lines per sample: the counter with a colon, then the number."""
    values: dict[str, list[float]] = {}
    lines: dict[str, tuple[int, int]] = {}
    times: list[datetime] = []
    for index in range(len(text.lines) - 1):
        line = text.lines[index]
        if _is_header(line) or not (found := _wanted(line)):
            continue
        if when := moment(line[: found.start()]):
            times.append(when)
        value = number(text.lines[index + 1].strip())
        if value is not None and 0 <= value < _TOP:
            values.setdefault(found["disk"], []).append(value)
            first = lines.get(found["disk"], (index + 1, 0))[0]
            lines[found["disk"]] = (first, min(index + 2, first + 40))
    for disk, seen in values.items():
        yield _rate(disk, seen, times, span=text.span(*lines[disk]))


def _rate(disk: str, values: list[float], times: list[datetime], *, span: Span) -> WriteRate:
    lasted = max(times) - min(times) if len(times) > 1 else None
    return WriteRate(
        span=span,
        disk=disk,
        group=_group(disk),
        average=sum(values) / len(values),
        samples=len(values),
        lasted=lasted if lasted is None or lasted > timedelta(0) else None,
    )


_PART = r"(?:c|d|e|f|os|osdisk|data|disk|log|logs|sys|system|boot|vol|hdd|ssd|ctrl)?\d*"


def _group(disk: str) -> str:
    """Disks of one machine mostly share a name: SQL01_C.vhdx, SQL01_D.vhdx."""
    stem = re.sub(r"\.a?vhdx?$", "", re.split(r"[\\/]", disk)[-1], flags=re.IGNORECASE).lower()
    stem = re.sub(r"_[0-9a-f]{8}-[0-9a-f-]{27}$", "", stem)
    return re.sub(rf"[\s_.-]{_PART}$", "", stem) or stem


_LIMITS = ("workhourbandwidth", "nonworkhourbandwidth")


def _limits(head: str, _: str) -> bool:
    return re.search(r"(?:Non)?WorkHour(?:s)?Bandwidth", head, re.IGNORECASE) is not None


@reader("hyperv.throttle", accepts=_limits)
def throttles(artefact: Artefact) -> Iterator[Throttle]:
    """`Get-OBMachineSetting`: the two limits, or that there is none."""
    for row in rows(read(artefact)):
        if any(name in row.values for name in _LIMITS):
            off = row.get("ThrottlingEnabled", "BandwidthThrottlingEnabled", "Enabled").lower()
            work, other = (0 if off == "false" else size(row.get(name)) or 0 for name in _LIMITS)
            yield Throttle(span=row.span, work_hours=_real(work), other_hours=_real(other))


def _real(limit: int) -> int:
    """The largest number a field holds means: no limit."""
    return 0 if limit >= (1 << 31) - 1 else limit
