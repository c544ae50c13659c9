"""What starts the agent's work, and what else starts backups on this machine."""

import contextlib
import glob
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.file_locks import is_locked
from holdfast.app.systemd_units import Line, moment, service_line, show
from holdfast.app.wiring import Session

UNIT = "holdfast-agent.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
_TIMERS = "holdfast-backup@*.timer"
_TOOLS = re.compile(
    r"\b(?P<tool>restic|borgmatic|borg|duplicity|rsnapshot|kopia|rdiff-backup|bareos|bacula"
    r"|holdfast backup|holdfast agent run)\b"
)
_CRON_FILES = ("/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/*")
_CRON = re.compile(r"^\s*(?P<minute>\S+)\s+(?P<hour>\S+)\s+\S+\s+\S+\s+\S+\s+(?P<command>\S.*)$")
_SHORT = re.compile(r"^\s*@(?:daily|midnight)\s+(?P<command>\S.*)$")
# When Debian's own crontab runs what lies in the folder.
_DAILY = {"/etc/cron.daily/*": "06:25"}
_HOURS, _MINUTES = 24, 60


def tell_service(session: Session) -> Iterator[Line]:
    environment = session.settings.harmless
    if line := service_line("agent-service", UNIT, environment):
        yield line
    yield from _process(session.settings.home)
    yield from _timers(environment)
    yield from _other_timers(environment)
    yield from _cron()


def _process(home: str) -> Iterator[Line]:
    """By the lock that a running agent holds."""
    with contextlib.suppress(OSError):
        is_running = is_locked(os.path.join(AgentFolder.of(home).path, "agent.lock"))
        yield {"holdfast": "agent-process", "home": home, "is_running": is_running}


def _timers(environment: Mapping[str, str]) -> Iterator[Line]:
    wanted = ("LoadState", "ActiveState", "UnitFileState", "NextElapseUSecRealtime")
    for told in show([_TIMERS], wanted, environment):
        yield {
            "holdfast": "agent-timer",
            "unit": told["Id"],
            "active": told.get("ActiveState", ""),
            "enabled": told.get("UnitFileState", ""),
            "next": moment(told.get("NextElapseUSecRealtime", "")),
        }


def _other_timers(environment: Mapping[str, str]) -> Iterator[Line]:
    for told in show(["*.timer"], ("ActiveState", "NextElapseUSecRealtime"), environment):
        tool = _TOOLS.search(told["Id"].replace("-", " "))
        upcoming = moment(told.get("NextElapseUSecRealtime", ""))
        if tool and upcoming and told.get("ActiveState") == "active":
            local = datetime.fromisoformat(upcoming).astimezone()
            yield _other(tool.group("tool"), told["Id"], [f"{local:%H:%M}"])


def _cron() -> Iterator[Line]:
    for pattern in _CRON_FILES:
        for file in sorted(glob.glob(pattern)):
            with contextlib.suppress(OSError), open(file, errors="replace") as stream:
                for number, line in enumerate(stream, 1):
                    yield from cron_line(f"{file}:{number}", line)
    for pattern, at in _DAILY.items():
        for file in sorted(glob.glob(pattern)):
            if tool := _TOOLS.search(os.path.basename(file)):
                yield _other(tool.group("tool"), file, [at])


def cron_line(where: str, line: str) -> Iterator[Line]:
    if line.lstrip().startswith("#"):
        return
    short, long = _SHORT.match(line), _CRON.match(line)
    found = short or long
    tool = _TOOLS.search(found.group("command")) if found else None
    if tool is None:
        return
    at = ["00:00"] if short else times(long.group("hour"), long.group("minute")) if long else []
    yield _other(tool.group("tool"), where, at)


def times(hours: str, minutes: str) -> list[str]:
    """The times of day of a line of cron; what it says of days does not matter here."""
    found = [(h, m) for h in _numbers(hours, _HOURS) for m in _numbers(minutes, _MINUTES)]
    return [f"{hour:02}:{minute:02}" for hour, minute in found][:_HOURS]


def _numbers(text: str, most: int) -> list[int]:
    """A list like `1,5`, `1-5`, `*`, `*/4`; what is not understood is left out."""
    found: list[int] = []
    for part in text.split(","):
        stretch, _slash, step = part.partition("/")
        first, _dash, last = stretch.partition("-")
        if stretch == "*":
            first, last = "0", str(most - 1)
        if first.isdigit() and (last or first).isdigit() and (step or "1").isdigit():
            found += range(int(first), min(int(last or first), most - 1) + 1, int(step or 1) or 1)
    return found


def _other(tool: str, where: str, at: list[str]) -> Line:
    return {"holdfast": "other-backup", "tool": tool, "where": where, "at": at}
