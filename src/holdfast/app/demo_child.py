"""A process of the demonstration's own, and the channel to it; it ends when we do, however we end."""

import contextlib
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from holdfast.app.wiring import Session
from holdfast.base.programs import administrators_path, last_words, start_service

# A guest whose processor is emulated, on a machine that has much else to do; and a download.
_PATIENCE = 600.0
_ENDING = 60.0
_LONGEST = 32


class _Told(Protocol):
    @property
    def missing(self) -> str: ...


_T = TypeVar("_T", bound=_Told)


class NoHostHere(Exception):
    """No machine can be shown; the message is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    channel: socket.socket
    log: Path
    # They are gone afterwards, whoever made them.
    folders: list[str] = field(default_factory=list)

    def first(self, kind: type[_T], *, sentence: str) -> _T:
        """What it says once, as a line of JSON; the sentence says that there is nothing, and why."""
        with self.channel.makefile("rb") as lines:
            line = lines.readline()
        told = msgspec.json.decode(line, type=kind) if line.endswith(b"\n") else None
        reason = told.missing if told else last_words(self.log.read_bytes())
        if told is None or reason:
            raise NoHostHere(sentence.format(reason=reason))
        return told


@contextlib.contextmanager
def demo_child(session: Session, module: str, log: Path) -> Iterator[Child]:
    """All of it is gone afterwards, also after Ctrl-C."""
    ours, theirs = socket.socketpair()
    # Once we are gone nobody holds the other end any more, and it hears of the end by that.
    with ours, theirs, log.open("wb") as said:
        service = start_service(
            [sys.executable, "-m", module, str(theirs.fileno())],
            environment=environment(session),
            log=said,
            inherits=theirs.fileno(),
        )
        theirs.close()
        ours.settimeout(_PATIENCE)
        child = Child(channel=ours, log=log)
        try:
            yield child
        finally:
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            service.end(patience=_ENDING)
            for folder in child.folders:
                shutil.rmtree(folder, ignore_errors=True)


def environment(session: Session) -> dict[str, str]:
    harmless = dict(session.settings.harmless)
    # In the host's folder are sockets, whose paths must be short.
    if len(harmless.get("TMPDIR", "")) > _LONGEST:
        harmless["TMPDIR"] = "/tmp"  # noqa: S108  a folder of its own is made in there
    return {**harmless, "PATH": administrators_path(harmless)}
