"""A machine that this host must not start any more: its definition is barred until it is let go.

Nothing of it is removed, and nothing that runs is ended: a definition says what the next start does.
"""

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.recovery.record import Fence


def bar(domain: Domain, clock: Clock, *, act: str, epoch: int) -> Fence:
    """It cannot be started when this returns, whoever tries; again is the same as once.

    A saved memory is barred as well. One that runs goes on: only its next start is barred.
    """
    raise NotImplementedError


def unbar(domain: Domain, fence: Fence | None) -> None:
    """It can be started again, as it was defined; changes made to the barred one stay."""
    raise NotImplementedError


def is_fenced(domain: Domain) -> bool:
    raise NotImplementedError


def take_autostart(domain: Domain) -> bool:
    """Libvirt starts it with its host no more; whether it did."""
    raise NotImplementedError


def give_autostart(domain: Domain) -> None:
    raise NotImplementedError
