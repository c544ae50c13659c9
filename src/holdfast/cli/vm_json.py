"""Virtual machines as the events that programs read."""

from typing import TYPE_CHECKING, Any

from holdfast.cli import json_machines
from holdfast.cli.output import encodable
from holdfast.cli.vm_freeze import settings_of
from holdfast.machines.preflight_texts import remedy, sentence

if TYPE_CHECKING:
    from holdfast.app.vm_records import Step
    from holdfast.app.vms import Vm
    from holdfast.machines.preflight import DiskSheet, Remark


def vm_event(vm: "Vm") -> json_machines.Vm:
    sheet, known = vm.sheet, vm.protection
    agent = vm.seen.agent if vm.seen else None
    return json_machines.Vm(
        name=encodable(vm.name),
        uuid=vm.uuid,
        state=vm.seen.standing.state.name.lower() if vm.seen else None,
        state_reason=vm.seen.standing.reason if vm.seen else None,
        protectable=sheet.extent.value if sheet else None,
        consistency=sheet.consistency if sheet else None,
        agent=agent.version if agent and agent.answers else None,
        disks=[_disk(vm.name, one) for one in sheet.disks] if sheet else [],
        remarks=[_remark(vm.name, one) for one in sheet.remarks] if sheet else [],
        protected_since=known.since.isoformat() if known and known.since else None,
        settings=settings_of(known) if known else None,
        steps=[_step(one) for one in known.steps] if known else [],
        error=vm.error.code if vm.error else None,
    )


def step_event(vm: str, step: "Step") -> json_machines.VmStep:
    return json_machines.VmStep(vm=encodable(vm), **_step(step))


def _step(step: "Step") -> dict[str, Any]:
    return {
        "step": step.name,
        "state": step.state,
        "at": step.at.isoformat(),
        "said": encodable(step.said),
        "error": step.error or None,
    }


def _disk(vm: str, disk: "DiskSheet") -> dict[str, Any]:
    return {
        "target": disk.target,
        "taken": disk.taken.value,
        "size": disk.size,
        "format": disk.format,
        "remarks": [_remark(vm, one) for one in disk.remarks],
    }


def _remark(vm: str, remark: "Remark") -> dict[str, Any]:
    return {
        "code": remark.code,
        "weight": remark.weight.value,
        "message": encodable(sentence(remark)),
        "remedy": encodable(remedy(remark, vm)),
    }
