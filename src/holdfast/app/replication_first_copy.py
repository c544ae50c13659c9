"""Waiting for the first copy and the first cycle; where nobody is at work, doing both."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from holdfast.app.replication_errors import InitialCopyStopped, ReplicationRuns
from holdfast.app.replication_process import Work, alone
from holdfast.app.replication_run import follow
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.files.report import Phase, Progress
from holdfast.replication.replicator_wishes import ask_for_cycle, resume
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import ReplicationStatus, State
from holdfast.replication.status_file import read_status

_POLL = 0.2
_COPYING = frozenset(
    (State.READY_FOR_INITIAL_COPY, State.WAITING_FOR_INITIAL_COPY, State.INITIAL_COPY)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCopy:
    session: Session
    settings: ReplicationSettings
    on_progress: Callable[[Progress], None]

    def copy(self) -> str:
        """Until the site can start it."""
        if self._is_copied(self._status()):
            return _said(self._status())
        # What waits after a failure is tried at once: somebody is here who has mended it.
        resume(self._folder, self.session.clock)
        with self._at_work() as check:
            status = self._until(self._is_copied, check)
        return _said(status)

    def cycle(self) -> str:
        """Until one cycle more has come through, of a machine that is not paused."""
        before = self._status()
        if before is None or before.state is State.PAUSED:
            return _("it is paused")
        begun = self.session.clock.now()
        ask_for_cycle(self._folder, self.session.clock)

        def has_come_through(status: ReplicationStatus) -> bool:
            if status.state in (State.SYNCED, State.PAUSED):
                return True
            return status.last_success_at is not None and status.last_success_at >= begun

        with self._at_work() as check:
            status = self._until(has_come_through, check)
        return _said(status)

    def come_through(self, is_there: Callable[[], bool]) -> None:
        """Until whoever asks sees that what he waits for is there."""
        resume(self._folder, self.session.clock)
        with self._at_work() as check:
            self._until(lambda _status: is_there(), check)

    @property
    def _folder(self) -> SourceFolder:
        return SourceFolder(self.session.settings.home, self.settings.vm)

    def _status(self) -> ReplicationStatus | None:
        return read_status(self._folder.path)

    def _is_copied(self, status: ReplicationStatus | None) -> bool:
        if status is None or not status.latest_point:
            return False
        return status.state not in _COPYING

    def _until(
        self, is_reached: Callable[[ReplicationStatus], bool], check: Callable[[], None]
    ) -> ReplicationStatus:
        begun = self.session.clock.now()
        while True:
            check()
            status = self._status()
            if status is not None and status.updated_at >= begun:
                self._tell(status)
                if is_reached(status):
                    return status
                self._require_hope(status)
            self.session.clock.sleep(_POLL)

    def _tell(self, status: ReplicationStatus) -> None:
        self.on_progress(
            Progress(
                phase=Phase.REPLICATE,
                bytes_done=status.walked_bytes,
                bytes_total=status.walk_bytes,
                current=status.error,
            )
        )

    def _require_hope(self, status: ReplicationStatus) -> None:
        """That it goes on by itself; a link that is away is waited for, as long as one likes."""
        if status.state is State.SUSPENDED:
            raise InitialCopyStopped(
                about=self.settings.name,
                done=format_size(status.walked_bytes),
                reason=status.error or status.error_code or status.state.value,
            )

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[Callable[[], None]]:
        """Where neither the agent nor a person has anything at work, it is us, for as long."""
        home = self.session.settings.home
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(alone(home, Work.RUN))
            except ReplicationRuns:
                # It may end meanwhile, and be started again.
                yield lambda: None
                return
            over = threading.Event()
            with ThreadPoolExecutor(1) as pool:
                working = pool.submit(follow, self.session, over.is_set)
                try:
                    yield lambda: _require_at_work(working)
                finally:
                    over.set()
                working.result()


def _said(status: ReplicationStatus | None) -> str:
    """In local time, as the status tells it."""
    latest = status.latest_at if status else None
    at = f"{latest.astimezone():%Y-%m-%d %H:%M:%S}" if latest else "-"
    return _("the site has the point of {at}").format(at=at)


def _require_at_work(working: "Future[None]") -> None:
    """What has ended it is raised here."""
    if working.done():
        working.result()
