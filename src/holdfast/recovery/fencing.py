"""A machine that this host must not start any more: its definition is barred until it is let go.

Nothing of it is removed, and nothing that runs is ended: a definition says what the next start does.
"""

from holdfast.base.clock import Clock
from holdfast.hypervisor.barred import FENCED, is_barred, with_bar, without_bar
from holdfast.hypervisor.binding import load
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.recovery.promotion_errors import FenceWithoutDisks
from holdfast.recovery.record import Fence


def bar(domain: Domain, clock: Clock, *, act: str, epoch: int) -> Fence:
    """It cannot be started when this returns, whoever tries; again is the same as once.

    A saved memory is barred as well: a start would go on from it, with the disks it knows. One
    that runs goes on, only its next start is barred. One without a definition is gone with its end.
    """
    fence = Fence(act=act, epoch=epoch, since=clock.now())
    if not domain.is_persistent():
        return fence
    xml = domain.xml(inactive=True, secure=True)
    plain = without_bar(xml, mark=FENCED)
    barred = _barred(plain)
    if not is_barred(barred, mark=FENCED):
        raise FenceWithoutDisks(about=domain.name)
    take_autostart(domain)
    if not is_barred(xml, mark=FENCED):
        define_domain(domain.host, barred)
    _bar_memory(domain)
    return Fence(act=act, epoch=epoch, since=fence.since, definition=plain)


def unbar(domain: Domain, fence: Fence | None = None) -> None:
    """It can be started again, as it is defined now: what was changed of it meanwhile stays.

    The definition in the fence is what a machine that was undefined meanwhile can be made of.
    """
    if fence is not None and fence.definition and not domain.is_persistent():
        define_domain(domain.host, fence.definition)
        return
    xml = domain.xml(inactive=True, secure=True)
    if is_barred(xml, mark=FENCED):
        define_domain(domain.host, without_bar(xml, mark=FENCED))
    _change_memory(domain, to_bar=False)


def is_fenced(domain: Domain) -> bool:
    """Whether its next start is barred; without a definition there is none."""
    if not domain.is_persistent():
        return True
    return is_barred(domain.xml(inactive=True), mark=FENCED)


def take_autostart(domain: Domain) -> bool:
    """It is not started with its host any more, by libvirt; whether it was."""
    if not domain.is_persistent() or not domain.starts_by_itself():
        return False
    domain.let_start_by_itself(never=True)
    return True


def give_autostart(domain: Domain) -> None:
    domain.let_start_by_itself()


def _barred(xml: str) -> str:
    targets = [disk.target for disk in read_domain(xml).hard_disks]
    return with_bar(xml, targets, mark=FENCED)


def _bar_memory(domain: Domain) -> None:
    _change_memory(domain, to_bar=True)


def _change_memory(domain: Domain, *, to_bar: bool) -> None:
    """Of one that was saved: its image has a definition of its own, and libvirt believes that."""
    if not domain.has_saved_memory():
        return
    secure = load().VIR_DOMAIN_SAVE_IMAGE_XML_SECURE
    with domain.handle() as handle:
        xml = handle.managedSaveGetXMLDesc(secure)
        changed = _barred(xml) if to_bar else without_bar(xml, mark=FENCED)
        handle.managedSaveDefineXML(changed, 0)
