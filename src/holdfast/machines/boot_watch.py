"""Look after a machine that runs off a vault: what a lost vault paused goes on when it is back."""

from collections.abc import Callable

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import HostLost, HostUnreachable, VmMissing

_LOOK = 0.5
# The first resume may meet QEMU's old connection, which is found dead by that; the next is soon.
_FIRST, _LONGEST = 0.5, 15.0
# Whoever ran so long was well: the next pause is a new trouble.
_WELL = 10.0


class BootWatch:
    """Only a machine paused by an error of its disks is resumed, never one that a person paused."""

    def __init__(
        self, uri: str, uuid: str, clock: Clock, *, complain: Callable[[HoldfastError], None]
    ) -> None:
        self._uri = uri
        self._uuid = uuid
        self._clock = clock
        self._complain = complain
        self._host: Host | None = None
        self._wait = _FIRST
        self._next = 0.0
        self._resumed_at = 0.0
        self.resumes = 0

    def run(self, *, is_over: Callable[[], bool]) -> None:
        """Until it is told to stop, or nobody needs it any more."""
        try:
            while not is_over():
                self._look_safely()
                self._clock.sleep(_LOOK)
        finally:
            if self._host is not None:
                self._host.close()

    def _look_safely(self) -> None:
        try:
            self.look()
        except VmMissing:
            # Not defined yet, or not any more: the record says when it is over.
            return
        except (HostLost, HostUnreachable):
            return
        except HoldfastError as err:
            self._complain(err)

    def look(self) -> None:
        """Resume it if it is stuck and it is time to try."""
        if self._host is None:
            self._host = Host.open(self._uri)
        domain = Domain(self._host, uuid=self._uuid, name=self._uuid)
        now = self._clock.monotonic()
        if not domain.standing().is_stuck_on_io or now < self._next:
            return
        if now - self._resumed_at > _WELL:
            self._wait = _FIRST
        domain.resume()
        self.resumes += 1
        self._resumed_at = now
        self._next, self._wait = now + self._wait, min(self._wait * 2, _LONGEST)
