"""A guest held still with all that it offers: its extension's hooks, and a freeze."""

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.machines.extension.hooks import ExtensionHooks
from holdfast.machines.extension.in_guest import InGuest
from holdfast.machines.file_system_freeze import FreezeLimits
from holdfast.machines.freezing import Quiet, quiet


def still(domain: Domain, clock: Clock, *, home: str, limits: FreezeLimits | None = None) -> Quiet:
    """A Stillness for one instant; a guest without extension is frozen all the same."""
    hooks = ExtensionHooks(InGuest(domain, clock))
    return quiet(domain, clock, home=home, hooks=hooks, limits=limits)
