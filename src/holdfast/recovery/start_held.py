"""The next start of a machine is held back while its images may not be whole.

A person who starts it by hand then would start it upon holes. What runs goes on, and whoever makes
them whole lets it go.
"""

from holdfast.hypervisor.barred import GATHERED, is_barred, with_bar, without_bar
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain, define_domain


def hold_start(domain: Domain) -> None:
    """Durable when it returns; again is the same as once."""
    if not domain.is_persistent() or is_start_held(domain):
        return
    xml = domain.xml(inactive=True, secure=True)
    targets = [disk.target for disk in read_domain(xml).hard_disks]
    define_domain(domain.host, with_bar(xml, targets, mark=GATHERED))


def let_start(domain: Domain) -> None:
    if is_start_held(domain):
        xml = domain.xml(inactive=True, secure=True)
        define_domain(domain.host, without_bar(xml, mark=GATHERED))


def is_start_held(domain: Domain) -> bool:
    """One without a definition of its own has no next start."""
    return domain.is_persistent() and is_barred(domain.xml(inactive=True), mark=GATHERED)


def image_of(source: str) -> str:
    """Where a disk is, of which a definition that is held back does not say it."""
    return source.removesuffix(GATHERED)
