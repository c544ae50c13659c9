"""Shut a guest down, a look at a time: through its agent, then by its power button, then by force.

Whoever calls has other things to do between two looks, and may be killed: then it is asked anew.
"""

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import VmInWrongState, VmNotRunning
from holdfast.recovery.promotion_errors import ShutDownTooSlow
from holdfast.replication.site_orders import SiteOrder

# Of its patience, how much the agent has to itself.
_AGENTS_SHARE = 1 / 3


class ShuttingDown:
    """Of one machine; another order, or the same one given again, begins anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order: SiteOrder | None = None
        self._began = 0.0
        self._has_pressed = False
        self.how = ""

    def look(self, domain: Domain, order: SiteOrder) -> None:
        """Of a machine that runs. Raises ShutDownTooSlow when it must not be forced."""
        try:
            self._look(domain, order)
        except (VmNotRunning, VmInWrongState):
            # It went off before; the agent goes with its guest, and says nothing then.
            if domain.is_active():
                raise

    def _look(self, domain: Domain, order: SiteOrder) -> None:
        if order != self._order:
            self._begin(domain, order)
        waited = self._clock.monotonic() - self._began
        if waited >= order.patience:
            self._give_up(domain, order)
        elif not self._has_pressed and (not self.how or waited >= order.patience * _AGENTS_SHARE):
            self._press(domain)

    def _begin(self, domain: Domain, order: SiteOrder) -> None:
        self._order, self._has_pressed, self.how = order, False, ""
        self._began = self._clock.monotonic()
        try:
            domain.ask_to_shut_down(by_agent=True)
            self.how = "agent"
        except HoldfastError:
            # No agent, or none that answers: the button is left.
            self._press(domain)

    def _press(self, domain: Domain) -> None:
        self._has_pressed = True
        domain.ask_to_shut_down()
        self.how = "power-button"

    def _give_up(self, domain: Domain, order: SiteOrder) -> None:
        if not order.is_forced:
            raise ShutDownTooSlow(about=domain.name, seconds=order.patience)
        # QEMU closes its images in order.
        domain.destroy(graceful=True)
        self.how = "forced"
