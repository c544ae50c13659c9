"""A machine that is switched off while it is read: its sockets close before libvirt knows."""

import contextlib
from collections.abc import Callable, Iterator

from holdfast.base.clock import Clock
from holdfast.disks.errors import DiskConnectionLost, DiskServerUnreachable
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.states import Standing, State
from holdfast.machines.backup_errors import VmWentAway
from holdfast.machines.pulling import patiently

_ENDING_SECONDS = 5.0
_POLL_SECONDS = 0.1


@contextlib.contextmanager
def told_when_off(domain: Domain, clock: Clock, *, is_ended: Callable[[], bool]) -> Iterator[None]:
    """VmWentAway, if that is why a disk is gone. `is_ended`: we have ended the job ourselves."""
    try:
        yield
    except (DiskConnectionLost, DiskServerUnreachable) as err:
        if _is_switched_off(domain, clock, is_ended):
            raise VmWentAway(about=domain.name, reason=err) from err
        raise


def _is_switched_off(domain: Domain, clock: Clock, is_ended: Callable[[], bool]) -> bool:
    """QEMU closes its sockets a moment before libvirt knows that it has ended.

    libvirt 9.0 may then keep the machine "in shutdown" for half a minute: see heal_limbo.
    """
    deadline = clock.monotonic() + _ENDING_SECONDS
    while not _is_ending(patiently(domain.standing, clock)):
        if is_ended() or clock.monotonic() >= deadline:
            return False
        clock.sleep(_POLL_SECONDS)
    return True


def _is_ending(standing: Standing) -> bool:
    return not standing.is_active or standing.state is State.SHUTTING_DOWN
