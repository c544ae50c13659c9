"""What a machine uses as its disks now and at its next start: libvirt writes them down one by one.

Killed in between, it would start the machine from an image that lacks what was written since.
"""

from pathlib import Path

from holdfast.disks.errors import ImageInUse
from holdfast.disks.images import inspect
from holdfast.hypervisor.domain_identity import DiskPlace
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.machines.layers import generation_of
from holdfast.machines.overlay_errors import VmOverlayAstray
from holdfast.machines.overlays import with_places


def agree(domain: Domain) -> None:
    """The next start of a machine that runs uses the disks it uses now, as far as they are ours."""
    if not domain.is_active():
        return
    later, places = domain.spec(inactive=True), dict[str, DiskPlace]()
    for now in domain.spec().data_disks:
        then = later.disk(now.target)
        if now.source and then is not None and then.source and then.source != now.source:
            if generation_of(then.source) and is_in_use(then.source):
                raise VmOverlayAstray(about=domain.name, files=then.source)
            if generation_of(then.source) or generation_of(now.source):
                places[now.target] = DiskPlace(path=now.source, format=now.format or "raw")
    if places:
        xml = domain.xml(inactive=True, secure=True)
        define_domain(domain.host, with_places(xml, places))


def is_in_use(path: str) -> bool:
    """Whether some QEMU writes to it."""
    try:
        inspect(Path(path), format_="qcow2", looks_below=False)
    except ImageInUse:
        return True
    return False
