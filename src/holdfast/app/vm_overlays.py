"""Take the overlays off a machine's disks: what it has is in its own images again."""

from holdfast.app.wiring import Session
from holdfast.hypervisor.domains import Domain
from holdfast.machines.overlay_tidying import without_overlays
from holdfast.machines.vm_lock import vm_lock


def take_overlays_back(session: Session, domain: Domain) -> int:
    """How many disks had one."""
    home, clock = session.settings.home, session.clock
    with vm_lock(home, domain.uuid, clock, name=domain.name, work="overlays"):
        return without_overlays(domain, clock, home=home)
