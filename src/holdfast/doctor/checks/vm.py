"""Causes about hypervisor hosts, the machines on them and their disks."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import SHOWN, Look, by_error, by_fact
from holdfast.doctor.checks.load import is_busy, shares
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out
from holdfast.doctor.vm_facts import VmHost, VmMachine, VmRemark


def by_remark(cause: str, *codes: str) -> None:
    """What the planner's sheet of a machine says; a machine without the remark denies it."""

    @check(cause, needs_any=(VmMachine, VmRemark))
    def judge(facts: Facts, _: Params) -> Verdict:
        for one in facts.of(VmRemark):
            if one.code in codes and one.weight != "agreed":
                place = f"{one.vm} {one.disk}" if one.disk else one.vm
                return confirmed(one.span, **{"vm": one.vm, "place": place, **one.values})
        return ruled_out(*(one.span for one in facts.of(VmMachine)[:SHOWN]))


def _unreached(cause: str, *codes: str) -> None:
    by_fact(cause, VmHost, lambda one, _: one.error in codes)


_unreached("vm.libvirt-missing", "libvirt-missing")
_unreached("vm.host-unreachable", "host-unreachable", "host-lost")
_unreached("vm.host-refused", "host-refused")

by_fact("vm.machine-missing", VmMachine, lambda one, _: one.is_protected and not one.is_there)
by_fact("vm.powered-off", VmMachine, lambda one, _: one.state == "off" if one.is_there else None)
by_fact("vm.job-left", VmMachine, lambda one, _: one.job == "ours" and not one.is_locked)
by_fact("vm.foreign-job", VmMachine, lambda one, _: one.job == "foreign")


def _is_long(one: VmMachine, look: Look) -> bool | None:
    if not one.is_locked:
        return False
    return look.older(one.lock_since, hours=look.params.number("hours"))


by_fact("vm.operation-long", VmMachine, _is_long)
by_fact(
    "vm.many-jobs",
    VmHost,
    lambda one, look: None if one.error else one.jobs > look.params.number("most"),
)
by_fact("vm.host-loaded", VmHost, is_busy, values=shares)

by_remark("vm.stuck-on-io", "stuck-on-io")
by_remark("vm.crashed", "crashed")
by_remark("vm.saved-state", "saved-state")
by_remark("vm.disk-too-large", "disk-too-large")
by_remark("vm.disk-shared", "shared-disk")
by_remark("vm.disk-passthrough", "passthrough-disk", "unknown-source")
by_remark("vm.image-missing", "image-missing")
by_remark("vm.image-corrupt", "image-corrupt")
by_remark("vm.chain-deep", "chain-deep", "chain-full")
by_remark("vm.internal-snapshots", "internal-snapshots")
by_remark("vm.not-tracked", "no-tracking", "qcow2-v2")
by_remark("vm.copy-under-way", "copy-under-way")
by_remark("vm.place-not-writable", "place-not-writable")
by_remark("vm.transient", "transient-machine")
by_remark("vm.host-bound", "host-device", "shared-folder", "tpm-passthrough")
by_error("vm.incapable", "hypervisor-incapable")
