"""The machine around the agent: room, scratch, the clock, and who has a say in opening files."""

import contextlib
import glob
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from holdfast.app.agent_journal_probe import tell_jobs
from holdfast.app.registering_preflight import MOST_TEMPORARY_FILES
from holdfast.app.scratch_place import is_in_place, scratch_place
from holdfast.app.systemd_units import clock_line
from holdfast.app.wiring import Session
from holdfast.base.programs import ToolMissing, administrators_path, ask_tool

Line = dict[str, object]
_TIMEOUT = 6.0
_MOST_LINES = "2000"
_DENIED = re.compile(
    r"^(?P<when>\S+) .*?(?:(?P<apparmor>apparmor=\"DENIED\")|(?P<selinux>avc:\s+denied))(?P<rest>.*)$"
)
_PATH = re.compile(r"\b(?:name|path)=\"?(?P<path>[^\"\s]+)")
# As their processes are called; each opens every file that is opened.
_SCANNERS = frozenset(
    (
        *("clamonacc", "clamd", "wdavdaemon", "falcon-sensor", "falcon-sensor-b", "savd"),
        *("savscand", "ds_agent", "ds_am", "mfetpd", "isectpd", "esets_daemon", "oaeventd"),
        *("cbagentd", "s1-agent", "sentinelone-agent", "fsavd", "kesl", "v3daemon"),
    )
)


def tell_machine(session: Session) -> Iterator[Line]:
    home = session.settings.home
    yield from _room("home", home)
    yield from _room("temporary", tempfile.gettempdir())
    yield _scratch(session)
    yield from _denials(session.settings.harmless)
    yield {"holdfast": "agent-scanners", "names": sorted(_scanners())}
    yield clock_line("agent-time", session.settings.harmless)


def _room(what: str, folder: str) -> Iterator[Line]:
    with contextlib.suppress(OSError):
        found = os.statvfs(folder)
        yield {
            "holdfast": "agent-room",
            "what": what,
            "folder": folder,
            "size": found.f_blocks * found.f_frsize,
            "free": found.f_bavail * found.f_frsize,
            "inodes": found.f_files,
            "free_inodes": found.f_favail,
            "files": _count(folder) if what == "temporary" else 0,
        }


def _count(folder: str) -> int:
    """How many entries, but no further than it matters."""
    count = 0
    with os.scandir(folder) as entries:
        for _entry in entries:
            count += 1
            if count > MOST_TEMPORARY_FILES:
                break
    return count


def _scratch(session: Session) -> Line:
    home = session.settings.home
    place = scratch_place(home)
    line: Line = {"holdfast": "agent-scratch", "folder": place.folder, "state": "good"}
    default = os.path.join(home, "scratch")
    if not is_in_place(place):
        if os.path.isdir(place.folder):
            return {**line, "state": "moved", "reason": "it is not the one that was chosen"}
        return {**line, "state": "missing", "reason": "No such file or directory"}
    if place.folder == default and os.path.islink(default):
        return {**line, "state": "moved", "reason": f"it is a link to {os.readlink(default)}"}
    there = place.folder if os.path.isdir(place.folder) else home
    with contextlib.suppress(OSError):
        found = os.statvfs(there)
        line |= {"free": found.f_bavail * found.f_frsize, "protected": _protected(session)}
    return line


def _protected(session: Session) -> int | None:
    """What the last backups of each source read, together."""
    sizes = {
        str(one.get("source")): size
        for one in tell_jobs(session)
        if one.get("kind") == "backup" and isinstance(size := one.get("protected_bytes"), int)
    }
    return sum(sizes.values()) or None


def _denials(environment: Mapping[str, str]) -> Iterator[Line]:
    neutral = {"LC_ALL": "C", "TZ": "UTC", "PATH": administrators_path(environment)}
    words = ["journalctl", "-k", "-q", "--no-pager", "-o", "short-iso", "--since", "-14d"]
    words += ["-n", _MOST_LINES]
    try:
        done = ask_tool(words, environment={**environment, **neutral}, timeout=_TIMEOUT)
    except (ToolMissing, OSError):
        return
    if done is None or done.status or not done.said.strip():
        return
    found = [
        one for line in done.said.decode(errors="replace").splitlines() for one in _denial(line)
    ]
    yield from found
    yield {"holdfast": "agent-denials", "count": len(found)}


def _denial(text: str) -> Iterator[Line]:
    """A line of the kernel's log about our program or our folders."""
    found = _DENIED.match(text)
    if found is None or "holdfast" not in found.group("rest"):
        return
    path = _PATH.search(found.group("rest"))
    yield {
        "holdfast": "agent-denial",
        "module": "AppArmor" if found.group("apparmor") else "SELinux",
        "path": path.group("path") if path else "",
        "when": _moment(found.group("when")),
        "text": found.group("rest")[:300].strip(),
    }


def _moment(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC).isoformat()
    except ValueError:
        return None


def _scanners() -> set[str]:
    found = set()
    for file in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError), open(file, errors="replace") as stream:
            found.add(stream.read().strip())
    return found & _SCANNERS
