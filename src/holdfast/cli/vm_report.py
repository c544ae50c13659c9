"""How virtual machines are told: a line each, or everything about one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_size
from holdfast.cli import json_machines, shown
from holdfast.cli.output import Output, encodable
from holdfast.cli.vm_freeze import freeze_line, settings_of
from holdfast.cli.vm_json import step_event, vm_event
from holdfast.machines.preflight import Extent, Taken, Weight

if TYPE_CHECKING:
    from holdfast.app.vm_records import Protection, Step
    from holdfast.app.vm_unprotect import Unprotected
    from holdfast.app.vms import Vm
    from holdfast.machines.preflight import DiskSheet, Remark, Sheet

_STATES = {
    "none": N_("unknown"),
    "running": N_("running"),
    "blocked": N_("running"),
    "paused": N_("paused"),
    "shutting_down": N_("shutting down"),
    "off": N_("off"),
    "crashed": N_("crashed"),
    "suspended": N_("asleep"),
}
_EXTENTS = {Extent.WHOLE: N_("yes"), Extent.PARTLY: N_("partly"), Extent.NOT: N_("no")}
_CLASSES = {
    "application": N_("application-consistent"),
    "filesystem": N_("file-system-consistent"),
    "crash": N_("crash-consistent"),
}
_TRACKINGS = {
    "auto": N_("recorded in bitmaps where that can be done"),
    "bitmap": N_("recorded in bitmaps"),
    "overlay": N_("recorded in overlays"),
    "hash": N_("not recorded"),
}
_TAKEN = {
    Taken.TRACKED: N_("changes are recorded"),
    Taken.COMPARED: N_("read in full, compared"),
    Taken.SKIPPED: N_("left out"),
    Taken.REFUSED: N_("cannot be backed up"),
}
_WEIGHTS = {Weight.NOT: 0, Weight.LESS: 1, Weight.NOTE: 2}
_SIGNS = {Weight.NOT: "✗", Weight.LESS: "!", Weight.NOTE: "·"}
_STEP_SIGNS = {"done": "✓", "failed": "✗", "left-out": "-"}


def tell_vms(out: Output, vms: "Sequence[Vm]") -> None:
    head = (_("VM"), _("State"), _("Protected"), _("Can be"), _("Disks"), _("Remarks"))
    lines = shown.table([head, *map(_row, vms)])
    if vms:
        out.remark(lines[0])
    for vm, line in zip(vms, lines[1:], strict=True):
        out.show(vm_event(vm), line)
    protected = sum(_is_protected(vm) for vm in vms)
    count = ngettext("{count} machine", "{count} machines", len(vms)).format(count=len(vms))
    out.remark(_("{machines}, protected: {protected}").format(machines=count, protected=protected))


def tell_vm(out: Output, vm: "Vm") -> None:
    out.show(vm_event(vm), *_facts(vm), *_sheet(vm.sheet), *_steps(vm.protection))


def tell_step(out: Output, vm: str, step: "Step") -> None:
    out.done(step_event(vm, step), _step_line(step))


def tell_protected(out: Output, known: "Protection") -> None:
    event = json_machines.VmProtected(
        vm=known.name,
        uuid=known.uuid,
        consistency=known.consistency,
        left_out=known.left_out,
        since=known.since.isoformat() if known.since else None,
        settings=settings_of(known),
    )
    lines = [_("{vm} is protected").format(vm=known.name)]
    if known.left_out:
        disks = ", ".join(sorted(known.left_out))
        lines.append(_("Not backed up: {disks}").format(disks=disks))
    out.done(event, *lines)


def tell_unprotected(out: Output, done: "Unprotected") -> None:
    for err in done.left:
        out.warning(str(err))
    event = json_machines.VmUnprotected(
        vm=done.protection.name,
        uuid=done.protection.uuid,
        checkpoints_removed=done.checkpoints_removed,
        overlays_merged=done.overlays_merged,
        left=[err.code for err in done.left],
    )
    out.done(
        event, _("{vm} is no longer protected; its points stay").format(vm=done.protection.name)
    )


def _row(vm: "Vm") -> tuple[str, ...]:
    sheet = vm.sheet
    protected = _("yes") if _is_protected(vm) else _("no")
    if sheet is None:
        return shown.line(vm.name), "-", protected, "-", "-", shown.line(_error(vm))
    remarks = sorted(sheet.all_remarks(), key=lambda one: _WEIGHTS[one[1].weight])
    codes = [remark.code for _disk, remark in remarks if remark.weight is not Weight.NOTE]
    size = format_size(sum(one.size or 0 for one in _counted(sheet)))
    return (
        shown.line(vm.name),
        _state(vm),
        protected,
        _(_EXTENTS[sheet.extent]),
        f"{len(_counted(sheet))} · {size}",
        ", ".join(dict.fromkeys(codes)) or "-",
    )


def _counted(sheet: "Sheet") -> "list[DiskSheet]":
    return [one for one in sheet.disks if one.taken is not Taken.SKIPPED]


def _is_protected(vm: "Vm") -> bool:
    return vm.protection is not None and vm.protection.since is not None


def _state(vm: "Vm") -> str:
    assert vm.seen is not None
    return _(_STATES[vm.seen.standing.state.name.lower()])


def _error(vm: "Vm") -> str:
    return encodable(str(vm.error)) if vm.error else ""


def _facts(vm: "Vm") -> list[str]:
    assert vm.seen is not None
    assert vm.sheet is not None
    agent, reason = vm.seen.agent, vm.seen.standing.reason
    state = f"{_state(vm)} ({reason})" if reason else _state(vm)
    since = vm.protection.since if vm.protection else None
    rows = [
        (_("VM"), shown.line(vm.name)),
        (_("Id"), vm.uuid),
        (_("State"), state),
        (_("Guest agent"), agent.version if agent and agent.answers else "-"),
        (_("Points can be"), _(_CLASSES[vm.sheet.consistency])),
        (_("Can be protected"), _(_EXTENTS[vm.sheet.extent])),
        (_("Protected since"), shown.moment(since) if since else "-"),
        *(_settings(vm.protection) if vm.protection else ()),
    ]
    return shown.table(rows)


def _settings(known: "Protection") -> Iterator[tuple[str, str]]:
    """What is kept for its backups."""
    yield _("Points must be"), _(_CLASSES[known.consistency])
    yield _("Changes"), _(_TRACKINGS.get(known.tracking, known.tracking))
    yield _("Frozen"), shown.line(freeze_line(known))
    if known.scratch:
        yield _("Scratch files"), shown.line(known.scratch)


def _sheet(sheet: "Sheet | None") -> Iterator[str]:
    if sheet is None:
        return
    for remark in sheet.remarks:
        yield from _remark(sheet.name, remark)
    for disk in sheet.disks:
        size = format_size(disk.size) if disk.size is not None else "-"
        parts = (disk.format or "-", size, _(_TAKEN[disk.taken]))
        yield f"{disk.target}  {' · '.join(parts)}"
        for remark in disk.remarks:
            yield from (f"  {line}" for line in _remark(sheet.name, remark))


def _remark(vm: str, remark: "Remark") -> Iterator[str]:
    from holdfast.machines.preflight_texts import remedy, sentence

    yield shown.line(f"{_SIGNS[remark.weight]} {sentence(remark)}")
    if cure := remedy(remark, vm):
        yield shown.line(f"    → {cure}")


def _steps(known: "Protection | None") -> Iterator[str]:
    for step in known.steps if known else ():
        yield _step_line(step)


def _step_line(step: "Step") -> str:
    from holdfast.app.vm_protect import TITLES

    return step_line(step, TITLES)


def consistency_text(consistency: str) -> str:
    """In the language in use."""
    return _(_CLASSES.get(consistency, consistency))


def step_line(step: "Step", titles: "Mapping[str, str]") -> str:
    """`titles` are those of the steps, not yet in the language in use."""
    title = _(titles[step.name]) if step.name in titles else step.name
    said = f": {shown.line(step.said)}" if step.said else ""
    return f"{_STEP_SIGNS.get(step.state, '?')} {title}{said}"
