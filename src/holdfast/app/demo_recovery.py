"""The demonstration with a second site: a machine is followed, tried there, lost, and brought home."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from holdfast.app.demo_host import require_host_tools
from holdfast.app.demo_machine import Say, in_guest
from holdfast.app.demo_sites import DemoSites, SiteDone, demo_sites
from holdfast.app.setup_errors import DemoFailed
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.base.units import duration_text, format_size

HOME, AWAY = "north", "south"
# A line is there for good when the command ends.
_NOTE = "echo {line} >>/a/ledger && sync"
_LEDGER, _BOOTS = "cat /a/ledger", "cat /a/boots"
# The number of its last write, once it has begun to write.
_WRITES = "until cat /run/ordered 2>/dev/null; do sleep 0.2; done"
_POINT_WITHIN = 240.0
_POLL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryShown:
    """What was measured, in seconds and bytes, in the order it was done; and what was proven."""

    figures: dict[str, float]
    proofs: list[str] = field(default_factory=list)


def show_recovery(session: Session, folder: Path, say: Say) -> RecoveryShown:
    """Raises NoHostHere where no hosts can be had; nothing of them is left in any case."""
    require_host_tools(session)
    say(_("Starting two hosts, with a virtual machine that writes all the time on the first"))
    with demo_sites(session, folder / "sites.log") as sites:
        return _Story(session, sites, say).run()


class _Story:
    def __init__(self, session: Session, sites: DemoSites, say: Say) -> None:
        self._session, self._sites, self._say = session, sites, say
        self._vm = sites.told.name
        self._figures: dict[str, float] = {}
        self._proofs: list[str] = []
        # What must be in the ledger from here on, and how often it has been started.
        self._lines: list[str] = []
        self._boots = 1

    def run(self) -> RecoveryShown:
        self._replicate()
        self._drill()
        self._lose_the_first_host()
        self._fail_over()
        self._protect_in_reverse()
        self._bring_home()
        return RecoveryShown(figures=self._figures, proofs=self._proofs)

    def _replicate(self) -> None:
        self._say(_("Replicating it to the second host, every 30 seconds"))
        words = ("replication", "enable", self._vm, "--to", AWAY, "--every", "30s")
        self._timed("enable", lambda: self._sites.run(HOME, *words, "--json"))
        self._note(HOME, "replicated")
        self._wait_for_point_after_now(HOME)

    def _drill(self) -> None:
        self._say(_("Trying it there: a test failover, beside the replication"))
        done = self._timed(
            "drill", lambda: self._sites.run(AWAY, "failover", self._vm, "--test", "--json")
        )
        self._keep(done, "test")
        self._proofs.append(
            _(
                "`holdfast failover --test`: its newest point started in isolation, and was cleaned up"
            )
        )

    def _lose_the_first_host(self) -> None:
        self._note(HOME, "before-the-end")
        self._wait_for_point_after_now(HOME)
        self._say(_("Pulling the plug of the first host: machine, libvirt and Holdfast are gone"))
        self._sites.tell(HOME, "die")

    def _fail_over(self) -> None:
        self._say(_("Failing over to the second host"))
        words = ("failover", self._vm, "--unplanned", "--source-is-down", "--json")
        done = self._timed("failover", lambda: self._sites.run(AWAY, *words))
        figures = self._keep(done, "unplanned")
        self._boots += 1
        self._prove_inside(AWAY, "failover --unplanned")
        loss = duration_text(figures["loss_seconds"])
        sentence = _(
            "`holdfast failover --unplanned`: it runs on the second host; what it wrote in its last "
            "{loss} is lost"
        )
        self._proofs.append(sentence.format(loss=loss))
        self._sites.run(AWAY, "commit", self._vm, "--json")

    def _protect_in_reverse(self) -> None:
        self._note(AWAY, "written-away")
        self._say(_("The first host is back, and gets what was written meanwhile"))
        self._sites.tell(HOME, "return")
        done = self._timed(
            "reprotect", lambda: self._sites.run(AWAY, "reprotect", self._vm, "--json")
        )
        figures = self._keep(done, "reprotect")
        copied = format_size(figures["copied_bytes"])
        size = format_size(self._sites.told.disk_bytes)
        sentence = _("`holdfast reprotect`: {copied} of {size} had to be sent")
        self._proofs.append(sentence.format(copied=copied, size=size))

    def _bring_home(self) -> None:
        self._note(AWAY, "last-line-away")
        before = int(self._inside(AWAY, _WRITES))
        self._say(_("Bringing it home, without losing anything"))
        done = self._timed(
            "failback", lambda: self._sites.run(HOME, "failback", self._vm, "--json")
        )
        self._keep(done, "failback")
        self._boots += 1
        self._prove_inside(HOME, "failback")
        after = int(self._inside(HOME, _WRITES))
        if after < before:
            raise DemoFailed(what="failback", seen=f"{before} > {after}")
        sentence = _(
            "`holdfast failback`: it is home, counted {boots} starts, and goes on writing "
            "after number {count}"
        )
        self._proofs.append(sentence.format(boots=self._boots, count=before))

    def _timed(self, name: str, do: Callable[[], SiteDone]) -> SiteDone:
        begun = self._session.clock.monotonic()
        done = do()
        self._figures[f"{name}_seconds"] = self._session.clock.monotonic() - begun
        return done

    def _keep(self, done: SiteDone, name: str) -> dict[str, float]:
        """The figures of the event that ends an act."""
        found: dict[str, float] = {}
        for event in done.events:
            found |= event.get("figures") or {}
        self._figures |= {f"{name}_{key}": value for key, value in found.items()}
        return found

    def _note(self, where: str, line: str) -> None:
        self._inside(where, _NOTE.format(line=line))
        self._lines.append(line)

    def _prove_inside(self, where: str, what: str) -> None:
        lines = self._inside(where, _LEDGER).split()
        if lines != self._lines:
            raise DemoFailed(what=what, seen=" ".join(lines))
        boots = int(self._inside(where, _BOOTS))
        if boots != self._boots:
            raise DemoFailed(what=what, seen=_("{boots} starts").format(boots=boots))

    def _inside(self, where: str, script: str) -> str:
        told = self._sites.told
        said = in_guest(self._session, told.uris[where], told.uuid, script)
        return said.decode().strip()

    def _wait_for_point_after_now(self, where: str) -> None:
        """Until the other site has an instant that is later than this one."""
        clock = self._session.clock
        now, deadline = clock.now(), clock.monotonic() + _POINT_WITHIN
        while clock.monotonic() < deadline:
            words = ("replication", "status", self._vm, "--json")
            # Status 3 says that it is not normal, which it need not be yet.
            for event in self._sites.ask_run(where, *words).events:
                latest = event.get("latest_at")
                if latest and datetime.fromisoformat(latest) > now:
                    return
            clock.sleep(_POLL)
        raise DemoFailed(what="replication", seen=_("the second host has no newer point"))
