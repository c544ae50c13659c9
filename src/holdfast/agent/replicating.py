"""What the agent and its server tell each other about replication, in a thread of its own.

The server says what this host is in it; that is kept in a file, which the two processes of
replication read. Back go the two small files of each replication, and what lies at the site.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import msgspec

from holdfast.agent.errors import ServerRefused
from holdfast.agent.link import Link
from holdfast.agent.recovering import Recovering
from holdfast.agent.running import Program
from holdfast.app.replication_ended import ends_noted, forget_end
from holdfast.app.replication_own_site import site_role
from holdfast.app.replication_roles import load_roles, save_roles
from holdfast.app.replication_site_look import look_at_site
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import ask_tool
from holdfast.fleet.replication_messages import (
    Ended,
    Handover,
    ReplicationEnded,
    ReplicationReport,
    ReplicationRoles,
    ReplicationsTold,
    SiteTold,
    SourceRole,
)
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_folder import SourceFolder, replicated_here
from holdfast.replication.status_file import read_status

_EVERY = 15.0
# A status that says nothing new is told again after so long, so that it is known to be alive.
_TELL_AGAIN = 60.0
_SITE_EVERY = 60.0
_UNCHANGED, _NOT_FOUND = 304, 404
_DISABLE_TIMEOUT = 900.0
# What changes with time alone.
_OF_TIME = {"updated_at": None, "rpo_seconds": None, "skew_seconds": None}


class Replicating:
    """`heard` and `etag` are for the thread that beats; `step` does all there is to do."""

    def __init__(
        self,
        home: str,
        link: Link,
        program: Program,
        *,
        clock: Clock,
        warn: Callable[[str], None],
        look_again: Callable[[], None],
    ) -> None:
        self._home = home
        self._link = link
        self._program = program
        self._clock = clock
        self._libvirt = program.environment.get("HOLDFAST_LIBVIRT", "")
        self._warn = warn
        self._look_again = look_again
        self._wake = threading.Event()
        roles = load_roles(home)
        self._etag = self._servers = roles.etag if roles else ""
        self._told: dict[tuple[str, str], tuple[bytes, float]] = {}
        # None: nothing was told in this life. Who has no part in replication has nothing to tell.
        self._here: list[tuple[str, str]] | None = None if self._etag else []
        self._site_told: SiteTold | None = None
        self._next_site = float("-inf")
        self._recovering = Recovering(home, link, clock=clock)
        self._warned = ""

    @property
    def etag(self) -> str:
        """Of the roles this host works by."""
        return self._etag

    def heard(self, etag: str) -> None:
        """Of the roles the server has for us."""
        self._servers = etag
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.step()
            self._wake.wait(_EVERY)
            self._wake.clear()

    def wake(self) -> None:
        """Something was done to a replication, or it is time to end."""
        self._wake.set()

    def step(self) -> None:
        """What does not come through is told the next time."""
        try:
            if self._servers != self._etag:
                self._fetch()
            self._obey()
            self._tell_ends()
            self._tell()
            self._tell_site()
            self._recovering.tell()
            self._warned = ""
        except ServerRefused as err:
            # A server of the version before knows nothing of replication.
            if err.fields.get("status") != _NOT_FOUND:
                self._warn_once(str(err))
        except HoldfastError:
            # Whoever beats says that the server is away.
            return

    def _fetch(self) -> None:
        headers = {"If-None-Match": f'"{self._etag}"'} if self._etag else {}
        answer = self._link.request("GET", "/replication", headers=headers)
        if answer.status == _UNCHANGED:
            return
        roles = msgspec.json.decode(answer.body, type=ReplicationRoles)
        save_roles(self._home, roles)
        self._etag = roles.etag
        if roles.look_for:
            self._look_again()

    def _obey(self) -> None:
        source = self._source()
        if source is None:
            return
        for handover in source.handovers:
            self._take_over(handover)
        if any(self._is_here(one) for one in source.ended):
            # It may have been enabled anew since: what was said before must not end that.
            self._fetch()
            source = self._source()
        for ended in source.ended if source else ():
            self._clean_up(ended)

    def _source(self) -> SourceRole | None:
        roles = load_roles(self._home)
        return roles.source if roles else None

    def _is_here(self, ended: Ended) -> bool:
        settings = SourceFolder(self._home, ended.vm).settings()
        return settings is not None and settings.to.site == ended.site

    def _take_over(self, handover: Handover) -> None:
        """Its replication goes on from here; what is recorded came with the machine, or not."""
        folder = SourceFolder(self._home, handover.vm)
        if folder.is_there():
            return
        try:
            settings = msgspec.convert(handover.settings, ReplicationSettings, strict=False)
        except msgspec.ValidationError as err:
            self._warn_once(f"{handover.name}: {err}")
            return
        folder.make()
        folder.keep_settings(msgspec.structs.replace(settings, hypervisor=self._libvirt))

    def _clean_up(self, ended: Ended) -> None:
        """The command notes that it has done so; what is not here needs none."""
        if self._is_here(ended):
            keep = ["--keep-replica"] if ended.keep_replica or ended.why == "moved" else []
            words = [*self._program.plain, "replication", "disable", "--json", *keep]
            environment = self._program.environment
            ask_tool([*words, "--", ended.vm], environment=environment, timeout=_DISABLE_TIMEOUT)
            return
        told = ReplicationEnded(
            vm=ended.vm, site=ended.site, keep_replica=ended.keep_replica, is_gone_at_site=False
        )
        self._link.tell("POST", "/replications/ended", body=told)

    def _tell_ends(self) -> None:
        """Those that were ended on this host, by whomever."""
        for told in ends_noted(self._home):
            self._link.tell("POST", "/replications/ended", body=told)
            forget_end(self._home, told.vm)

    def _tell(self) -> None:
        now, moment = self._clock.now(), self._clock.monotonic()
        reports = {(one.vm, one.site): one for one in reports_here(self._home)}
        marks = {key: _mark(one) for key, one in reports.items()}
        changed = [key for key in reports if self._is_news(key, marks[key], moment)]
        here = sorted(reports)
        if not changed and here == self._here:
            return
        told = ReplicationsTold(at=now, here=here, changed=[reports[key] for key in changed])
        self._link.tell("PUT", "/replications", body=told)
        self._here = here
        self._told = {key: self._told[key] for key in here if key in self._told}
        self._told.update({key: (marks[key], moment) for key in changed})

    def _is_news(self, key: tuple[str, str], mark: bytes, moment: float) -> bool:
        before, at = self._told.get(key, (b"", float("-inf")))
        return mark != before or moment - at >= _TELL_AGAIN

    def _tell_site(self) -> None:
        role, moment = site_role(self._home), self._clock.monotonic()
        if role is None or moment < self._next_site:
            return
        self._next_site = moment + _SITE_EVERY
        seen = look_at_site(role, self._clock, home=self._home)
        if seen != self._site_told:
            self._link.tell("PUT", "/site", body=seen)
            self._site_told = seen

    def _warn_once(self, message: str) -> None:
        if message != self._warned:
            self._warned = message
            self._warn(message)


def reports_here(home: str) -> Iterator[ReplicationReport]:
    """Each replication of this host, as its two files say."""
    for vm in replicated_here(home):
        folder = SourceFolder(home, vm)
        status = None
        with contextlib.suppress(HoldfastError):
            settings = folder.settings()
            if settings is None:
                continue
            with contextlib.suppress(HoldfastError):
                status = read_status(folder.path)
            yield ReplicationReport(
                vm=vm,
                site=settings.to.site,
                settings=msgspec.to_builtins(settings),
                status=None if status is None else msgspec.to_builtins(status),
            )


def _mark(report: ReplicationReport) -> bytes:
    """What makes it another one than it was."""
    status = None if report.status is None else {**report.status, **_OF_TIME}
    return msgspec.json.encode(replace(report, status=status))
