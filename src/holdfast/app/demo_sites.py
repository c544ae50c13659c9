"""Two hosts for the demonstration, in a process of its own that ends with us.

It says once what there is, a line of JSON; then each line that goes there is something to be done
at one of the two, and each line that comes back is what came of it.
"""

import contextlib
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.demo_host import ENDING, PATIENCE, NoHostHere, environment
from holdfast.app.setup_errors import DemoFailed
from holdfast.app.wiring import Session
from holdfast.base.errors import Exit
from holdfast.base.programs import last_words, start_service
from holdfast.base.texts import _

_CHILD = "holdfast.testing.demo_sites"


class SitesTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The machine runs at `north`; both are each other's site. Or why there is nothing."""

    name: str = ""
    uuid: str = ""
    # By the name of the host.
    uris: dict[str, str] = {}
    folders: tuple[str, ...] = ()
    disk_bytes: int = 0
    missing: str = ""


class SiteTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`holdfast WORDS` there; or with `what`: "work", "die" or "return"."""

    where: str
    words: tuple[str, ...] = ()
    what: str = "run"


class SiteDone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    status: int = 0
    out: str = ""
    err: str = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.out.splitlines() if line.startswith("{")]


class DemoSites:
    def __init__(self, told: SitesTold, channel: socket.socket) -> None:
        self.told = told
        self._channel = channel
        self._lines = channel.makefile("rb")

    def run(self, where: str, *words: str) -> SiteDone:
        """A command that must end well; a remark of its own is no failure."""
        done = self.ask_run(where, *words)
        if done.status not in (Exit.FINE, Exit.WARNINGS):
            raise DemoFailed(what=f"{where}: holdfast {' '.join(words)}", seen=done.err or done.out)
        return done

    def ask_run(self, where: str, *words: str) -> SiteDone:
        """However it ends."""
        return self.ask(SiteTask(where=where, words=words))

    def tell(self, where: str, what: str) -> SiteDone:
        done = self.ask(SiteTask(where=where, what=what))
        if done.status:
            raise DemoFailed(what=f"{where}: {what}", seen=done.err)
        return done

    def ask(self, task: SiteTask) -> SiteDone:
        self._channel.sendall(msgspec.json.encode(task) + b"\n")
        line = self._lines.readline()
        if not line.endswith(b"\n"):
            raise DemoFailed(what=" ".join(task.words) or task.what, seen=_("the hosts are gone"))
        return msgspec.json.decode(line, type=SiteDone)

    def close(self) -> None:
        self._lines.close()


@contextlib.contextmanager
def demo_sites(session: Session, log: Path) -> Iterator[DemoSites]:
    """All of it is gone afterwards, also after Ctrl-C."""
    ours, theirs = socket.socketpair()
    # The process ends when we do, however we end: then nobody holds the other end any more.
    with ours, theirs, log.open("wb") as said:
        service = start_service(
            [sys.executable, "-m", _CHILD, str(theirs.fileno())],
            environment=environment(session),
            log=said,
            inherits=theirs.fileno(),
        )
        theirs.close()
        ours.settimeout(PATIENCE)
        told = SitesTold()
        try:
            sites = _introduced(ours, log)
            told = sites.told
            yield sites
            sites.close()
        finally:
            # It hears of the end by that.
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            service.end(patience=ENDING)
            for folder in told.folders:
                shutil.rmtree(folder, ignore_errors=True)


def _introduced(ours: socket.socket, log: Path) -> DemoSites:
    with ours.makefile("rb") as lines:
        line = lines.readline()
    told = msgspec.json.decode(line, type=SitesTold) if line.endswith(b"\n") else None
    reason = told.missing if told else last_words(log.read_bytes())
    if told is None or reason:
        raise NoHostHere(_("no second site was shown: {reason}").format(reason=reason))
    return DemoSites(told, ours)
