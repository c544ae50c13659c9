"""Two hosts for the demonstration, in a process of its own that ends with us.

It says once what there is, a line of JSON; then each line that goes there is something to be done
at one of the two, and each line that comes back is what came of it.
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.demo_child import demo_child
from holdfast.app.setup_errors import DemoFailed
from holdfast.app.wiring import Session
from holdfast.base.errors import Exit
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
    with demo_child(session, _CHILD, log) as child:
        told = child.first(SitesTold, sentence=_("no second site was shown: {reason}"))
        child.folders.extend(told.folders)
        with contextlib.closing(DemoSites(told, child.channel)) as sites:
            yield sites
