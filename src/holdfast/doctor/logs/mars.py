"""Logs of the MARS agent: `CBEngine*.errlog` and its siblings, which DPM and its agent share.

A line is process, thread, day, time, a module's number, source(line), an object's address, the
task's GUID, level and text, parted by tabs; managed code leaves the address out, older versions
the module, copies often process and thread. No year. Tools put their own words before a line:
`CBEngineCurr.errlog:` (grep, findstr), `Line 28:` (editors).
"""

import re
from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.log_format import Head, LogFormat, group
from holdfast.doctor.readers_registry import log
from holdfast.doctor.yearless import UNKNOWN_YEAR

_BEFORE = (
    r"[\s>|*\ufeff]*(?:\.{3}\s*)?(?:[^\s:]+\.errlog(?:\.\d+)?:\s*)?(?:\d+[:-])?"
    r"(?:Line\s+\d+:\s*)?"
)
_THREADS = r"(?:(?:0x)?[0-9A-Fa-f]{3,8}\s+){0,2}"
_DAY = r"(?:\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{4}-\d\d-\d\d|\d{1,2}-[A-Za-z]{3})"
_WHEN = rf"(?P<when>{_DAY}[\sT]+\d{{1,2}}:\d\d:\d\d(?:[.,:]\d{{1,7}})?(?:\s?[AP]M)?)"
_SOURCE = r"(?P<who>[\w.+-]+\.(?:cpp|cxx|c|h|hpp|inl|cs)\s?\(\d+\))"
_LEVEL = (
    r"\**(?P<level>NORMAL|WARNING|FATAL|ERROR|CRITICAL|ACTIVITY|INFO(?:RMATION)?|VERBOSE|DEBUG"
    r"|TRACE|EXCEPTION|DBGERROR)\b"
)
_GUID = r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?"
_IDS = rf"(?:\[[^\]\s]{{1,20}}\]\s+|(?:0x)?[0-9A-Fa-f]{{8,16}}\s+)?(?:(?:{_GUID}|GUID)\s+)?"

MARS = log(
    LogFormat(
        stream="mars.errlog",
        heads=(
            # 0C98 11F8 01/09 10:15:33.123 18 fsutils.cpp(123) [0000000004BFE760] GUID WARNING text
            re.compile(
                rf"{_BEFORE}{_THREADS}{_WHEN}\s+(?:\d{{1,4}}\s+)?{_SOURCE}\s+{_IDS}(?:{_LEVEL}\s*)?(?P<text>.*)"
            ),
            # 0C98 11F8 01/09 10:15:33.123 WARNING text: four columns, no source
            re.compile(
                rf"{_BEFORE}(?:(?:0x)?[0-9A-Fa-f]{{3,8}}\s+){{2}}{_WHEN}\s+(?:\d{{1,4}}\s+)?{_IDS}{_LEVEL}\s*(?P<text>.*)"
            ),
            # fsutils.cpp(123) WARNING text: a copy without times
            re.compile(rf"{_BEFORE}{_SOURCE}\s+{_IDS}{_LEVEL}\s*(?P<text>.*)"),
        ),
        when=lambda head: moment(group(head, "when")),
        files=("*.errlog", "*.errlog.*", "cbengine*.log", "cbui*.log", "cbps*.log"),
        is_distinct=True,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named(LogFormat):
    """A layout that any program may have: only the file's name tells it."""

    def share(self, lines: list[str]) -> float:
        return min(LogFormat.share(self, lines), 0.1)


INSTALL = log(
    _Named(
        stream="mars.install-log",
        heads=(
            re.compile(
                r"[\s\ufeff]*\[?(?P<when>\d{1,2}/\d{1,2}/\d{4}\s+\d{1,2}:\d\d:\d\d(?:\s?[AP]M)?)\]?[\s:,-]+(?!\d{1,5}\s|[AP]M\b)(?P<text>\S.*)"
            ),
        ),
        when=lambda head: moment(group(head, "when")),
        files=("marsagentinstaller*", "obinstaller*", "obprepare*", "obmanagedlog*"),
    )
)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS = re.compile(
    r"(?:(?P<y4>\d{4})-(?P<mo>\d\d)-(?P<d>\d\d)|(?P<m>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<y>\d{2,4}))?"
    r"|(?P<dd>\d{1,2})-(?P<name>[A-Za-z]{3}))[\sT]+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,:](?P<part>\d{1,7}))?\s?(?P<half>[AP]M)?",
    re.IGNORECASE,
)


def moment(text: str) -> datetime | None:
    """The time of a record; the month comes first and the year is most often left out."""
    found = _PARTS.match(text.strip())
    if found is None:
        return None
    try:
        return datetime(*_day(found), *_time(found))  # noqa: DTZ001  the log does not name its zone
    except ValueError:
        return None


def _day(found: Head) -> tuple[int, int, int]:
    if found["y4"]:
        return int(found["y4"]), int(found["mo"]), int(found["d"])
    if found["name"]:
        return UNKNOWN_YEAR, _MONTHS.index(found["name"].lower()) + 1, int(found["dd"])
    year = int(found["y"]) if found["y"] else UNKNOWN_YEAR
    short = found["y"] is not None and len(found["y"]) == len("19")
    return (year + 2000 if short else year), int(found["m"]), int(found["day"])


def _time(found: Head) -> tuple[int, int, int, int]:
    hour, half = int(found["hour"]), (found["half"] or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    part = (found["part"] or "0")[:6].ljust(6, "0")
    return hour, int(found["minute"]), int(found["second"]), int(part)
