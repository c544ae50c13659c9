"""What systemd says of its units, in the words of `systemctl show`."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from holdfast.app.network_way import knock
from holdfast.base.programs import ToolMissing, administrators_path, ask_tool

Line = dict[str, object]
_TIMEOUT = 5.0
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_PORT = 3128
_LONGEST_SCRIPT_HEAD = 512
_OF_SERVICE = (
    *("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "ExecMainStatus"),
    *("NRestarts", "ActiveEnterTimestamp", "User", "NeedDaemonReload", "ExecStart"),
    *("Environment", "MainPID"),
)
_PATH = re.compile(r"path=(?P<path>[^;]*?) ;")
_ARGUMENTS = re.compile(r"argv\[\]=(?P<words>.*?) ;")
# Whatever zone the host is in: its times are asked for in this one.
_WHEN = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")


def show(
    patterns: Sequence[str], properties: Sequence[str], environment: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """The properties of each unit that fits; nothing where systemd does not run."""
    neutral = {"LC_ALL": "C", "TZ": "UTC", "PATH": administrators_path(environment)}
    words = ["systemctl", "show", "--no-pager", "-p", ",".join(("Id", *properties)), *patterns]
    try:
        done = ask_tool(words, environment={**environment, **neutral}, timeout=_TIMEOUT)
    except (ToolMissing, OSError):
        return
    if done is None or done.status:
        return
    for block in done.said.decode(errors="replace").split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if told.get("Id"):
            yield told


def service_line(kind: str, unit: str, environment: Mapping[str, str]) -> Line | None:
    """A service of ours, the program it starts, and the proxies it has."""
    for told in show([unit], _OF_SERVICE, environment):
        path = _first(_PATH, told.get("ExecStart", ""))
        proxies = _proxies(told)
        line: Line = {
            "holdfast": kind,
            "unit": unit,
            "load": told.get("LoadState", ""),
            "active": told.get("ActiveState", ""),
            "sub": told.get("SubState", ""),
            "enabled": told.get("UnitFileState", ""),
            "result": told.get("Result", ""),
            "status": _number(told.get("ExecMainStatus")),
            "restarts": _number(told.get("NRestarts")),
            "since": moment(told.get("ActiveEnterTimestamp", "")),
            "user": told.get("User", ""),
            "needs_reload": told.get("NeedDaemonReload") == "yes",
            "proxies": {name: _shown(url) for name, url in proxies.items()},
            "silent_proxies": _silent(proxies),
        }
        return {**line, **(program_line(path) if path else {})}
    return None


def started_with(unit: str, environment: Mapping[str, str]) -> list[str]:
    """The words of the unit's command."""
    for told in show([unit], ("ExecStart",), environment):
        return _words(_first(_ARGUMENTS, told.get("ExecStart", "")))
    return []


def program_line(path: str) -> Line:
    """Whether this program could be started, and by what it would be run."""
    interpreter = _interpreter(path) if os.path.exists(path) else ""
    if not os.path.lexists(path):
        state = "missing"
    elif not os.path.exists(path) or (interpreter and not os.path.exists(interpreter)):
        state = "no-interpreter"
    elif os.statvfs(path).f_flag & os.ST_NOEXEC:
        state = "noexec"
    else:
        state = "good"
    # Of a chain of links, the end that is not there tells most.
    end = os.path.realpath(interpreter or path) if state == "no-interpreter" else interpreter
    return {"program": path, "program_state": state, "interpreter": end}


def _interpreter(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            head = stream.read(_LONGEST_SCRIPT_HEAD)
    except OSError:
        return ""
    if not head.startswith(b"#!"):
        return ""
    return head[2:].split(b"\n")[0].strip().split(b" ")[0].decode(errors="replace")


def moment(text: str) -> str | None:
    found = _WHEN.search(text)
    if found is None:
        return None
    when = datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC)
    return when.isoformat(timespec="seconds")


def _proxies(told: Mapping[str, str]) -> dict[str, str]:
    """Of the process that runs, else of the unit."""
    words = _words(told.get("Environment", ""))
    try:
        with open(f"/proc/{_number(told.get('MainPID')) or '-'}/environ", "rb") as stream:
            words = stream.read().decode(errors="replace").split("\0")
    except OSError:
        pass
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return {name: url for name, url in pairs if name.lower() in _PROXIES and url}


def _silent(proxies: Mapping[str, str]) -> dict[str, str]:
    places = {name: _place(url) for name, url in proxies.items()}
    if not places:
        return {}
    distinct = sorted(set(places.values()))
    seen = dict(zip(distinct, (stage for _target, stage in knock(distinct)), strict=True))
    return {name: seen[one].seen for name, one in places.items() if not seen[one].reached}


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        return parts.hostname or "", parts.port or _PORT
    except ValueError:
        return parts.hostname or "", _PORT


def _shown(url: str) -> str:
    """Without a name and a password."""
    scheme, host, port = urlsplit(url).scheme or "http", *_place(url)
    return f"{scheme}://{host}:{port}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1).strip() if found else ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def clock_line(kind: str, environment: Mapping[str, str]) -> Line:
    """Whether something keeps the clock right, and whether the zone is known."""
    line: Line = {"holdfast": kind, "zone_is_known": _zone_is_known()}
    neutral = {"LC_ALL": "C", "PATH": administrators_path(environment)}
    words = ["timedatectl", "show", "-p", "NTPSynchronized", "-p", "Timezone"]
    try:
        done = ask_tool(words, environment={**environment, **neutral}, timeout=_TIMEOUT)
    except (ToolMissing, OSError):
        return line
    if done is None or done.status:
        return line
    told = dict(one.split("=", 1) for one in done.said.decode().splitlines() if "=" in one)
    synchronised = {"yes": True, "no": False}.get(told.get("NTPSynchronized", ""))
    return {**line, "zone": told.get("Timezone", ""), "synchronised": synchronised}


def _zone_is_known() -> bool:
    """Without any setting it is UTC; one that leads nowhere is meant to be something else."""
    return os.path.exists("/etc/localtime") or not os.path.lexists("/etc/localtime")
