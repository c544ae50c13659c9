"""How this machine is, as its heartbeats say it: what a person would ask first from afar."""

import os
import platform
from datetime import timedelta
from urllib.parse import urlsplit
from urllib.request import getproxies

from holdfast.agent.jobs import Facts
from holdfast.agent.journal import Journal
from holdfast.app.agent_folder import AgentFolder

_LATEST = 50


def health_facts(home: str, journal: Journal, *, clock_offset: timedelta) -> Facts:
    """Everything that can be seen at once and costs nothing."""
    return {
        "system": _system(),
        "user": os.geteuid(),
        "clock": {"ahead_of_us_seconds": round(clock_offset.total_seconds(), 1)},
        "scratch": room(os.path.join(home, "scratch"), home),
        "temporary": room(_temporary()),
        "passphrase_saved": os.path.exists(AgentFolder.of(home).passphrase),
        "proxy": _proxy(),
        "journal": journal.trouble,
        "last": last_results(journal),
        "load": os.getloadavg()[0],
        "memory_available": _memory(),
    }


def last_results(journal: Journal) -> Facts:
    """Of each kind of job, how the last one ended."""
    found: Facts = {}
    for job in journal.latest(_LATEST):
        if job.state.is_over and job.kind.value not in found:
            ended = job.ended_at.isoformat(timespec="seconds") if job.ended_at else None
            code = (job.error or {}).get("code")
            found[job.kind.value] = {"state": job.state.value, "ended": ended, "code": code}
    return found


def room(*folders: str) -> Facts | None:
    """Of the first of these folders that is there: bytes and inodes."""
    for folder in folders:
        try:
            seen = os.statvfs(folder)
        except OSError:
            continue
        return {
            "folder": folder,
            "bytes_free": seen.f_bavail * seen.f_frsize,
            "bytes_total": seen.f_blocks * seen.f_frsize,
            "inodes_free": seen.f_favail,
        }
    return None


def _system() -> Facts:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    here = os.uname()
    python = platform.python_version()
    return {"name": name, "kernel": here.release, "machine": here.machine, "python": python}


def _temporary() -> str:
    import tempfile

    return tempfile.gettempdir()


def _proxy() -> str | None:
    """As this service sees it, which may not be what a person at a terminal has."""
    parts = urlsplit(getproxies().get("https", ""))
    return f"{parts.hostname}:{parts.port or ''}" if parts.hostname else None


def _memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            sizes = dict(line.split(":", 1) for line in stream)
        return int(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
