"""Protect a machine of a host, and end it, with all that the steps of it need."""

import os
from dataclasses import dataclass

from holdfast.app.extension import install_extension, remove_extension
from holdfast.app.opening import open_vault
from holdfast.app.vm_overlays import take_overlays_back
from holdfast.app.vm_protect import OnStep, Task, Wanted
from holdfast.app.vm_records import Protection
from holdfast.app.vm_unprotect import Unprotected
from holdfast.app.vm_unprotect import unprotect as unprotect_by
from holdfast.app.vms import find_protection, opened_host, show_vm
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.hypervisor.domains import find_domain
from holdfast.machines.points import Consistency


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWorks:
    """The works on one machine, by the use cases that are commands of their own."""

    session: Session
    vm: str
    uuid: str

    def install_extension(self) -> str:
        is_new, seen = install_extension(self.session, self.uuid)
        if is_new:
            return _("version {version} is installed").format(version=seen.newest)
        return _("version {version} is there").format(version=seen.newest)

    def remove_extension(self) -> None:
        remove_extension(self.session, self.uuid, force=True)

    def has_point(self) -> bool:
        mark = f"vm:{self.uuid}"
        return any(mark in point.tags for point in open_vault(self.session).snapshots())

    def back_up(self, least: str) -> str:
        from holdfast.app.vm_backup import VmBackupOptions, back_up_machine

        host = os.uname().nodename
        wanted = VmBackupOptions(vm=self.uuid, host=host, least=Consistency(least))
        report = back_up_machine(self.session, wanted)
        sentence = _("point {id}, {consistency}")
        return sentence.format(
            id=str(report.point.snapshot)[:8], consistency=report.facts.consistency.value
        )

    def give_overlays_back(self) -> None:
        with opened_host(self.session) as host:
            take_overlays_back(self.session, find_domain(host, self.uuid))


def protect(session: Session, name: str, wanted: Wanted, *, on_step: OnStep) -> Protection:
    found = show_vm(session, name, wanted.limits)
    assert found.seen is not None
    assert found.sheet is not None
    works = HostWorks(session=session, vm=found.name, uuid=found.uuid)
    task = Task(session=session, wanted=wanted, seen=found.seen, sheet=found.sheet, works=works)
    return task.run(on_step)


def unprotect(session: Session, name: str) -> Unprotected:
    known = find_protection(session, name)
    works = HostWorks(session=session, vm=known.name, uuid=known.uuid) if known else None
    return unprotect_by(session, name, works)
