"""How a running agent stands, in a small file for whoever asks on this machine.

It says nothing that must not be lost, so it is not flushed to the disk; what it says counts only
while the process that wrote it lives.
"""

import contextlib
import os
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from holdfast.agent.jobs import Process
from holdfast.vault.liveness import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`connection` is a value of `talking.Connection`; `since` is when it became that."""

    process: Process | None
    version: str
    started_at: datetime
    connection: str
    since: datetime
    # Why the server is away, or refuses this machine.
    trouble: str | None
    heard_at: datetime | None
    # Why the journal lies in memory.
    journal: str | None


class StandingFile:
    """Written only when it says something new."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._written: Standing | None = None

    def tell(self, standing: Standing) -> None:
        if standing == self._written:
            return
        fresh = f"{self._path}.part"
        # A full disk is told of in other ways.
        with contextlib.suppress(OSError):
            with open(fresh, "wb", opener=_private) as stream:
                stream.write(msgspec.json.encode(standing))
            os.replace(fresh, self._path)
            self._written = standing


def read_standing(path: str) -> Standing | None:
    """What the last agent of this home said; its process is None if that one has ended."""
    try:
        with open(path, "rb") as stream:
            found = msgspec.json.decode(stream.read(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None
    process = found.process
    if process is not None and process_of(process.pid) != process:
        return replace(found, process=None)
    return found


def process_of(pid: int) -> Process | None:
    mark = Machine(os.uname().nodename).mark(pid)
    if mark is None:
        return None
    return Process(pid=pid, boot=mark.boot, namespace=mark.namespace, started=mark.started)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
