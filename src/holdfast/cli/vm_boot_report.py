"""How machines that run off a vault are told."""

from typing import TYPE_CHECKING

from holdfast.base.filling import filled_to_type
from holdfast.base.texts import N_, _
from holdfast.cli import json_machines, shown
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.boot_check import Checked
    from holdfast.app.vm_boot import Booted
    from holdfast.app.vm_boots import BootSeen
    from holdfast.machines.boot_records import Boot
    from holdfast.machines.verdicts import Verdict

_SHORT = 8
_HEALTH = {
    "being-prepared": N_("is being prepared"),
    "left-behind": N_("left behind by a command that was killed; `holdfast vm boot --end {vm}`"),
    "host-silent": N_("its hypervisor {host} does not answer"),
    "machine-gone": N_(
        "the machine was removed, its disks are left; `holdfast vm boot --end {vm}`"
    ),
    "not-served": N_("nobody serves its disks; `holdfast vm serve {vm}`"),
    "waits-for-vault": N_("paused until its disks can be read; it goes on by itself"),
    "moved-off": N_("off the vault, to be tidied; `holdfast vm move-off {vm}`"),
    "paused": N_("paused"),
    "off": N_("off"),
    "runs": N_("runs"),
}


def tell_running(out: Output, boot: "Boot", seconds: float) -> None:
    event = json_machines.VmRunning(
        vm=boot.name, uuid=boot.uuid, point=boot.point, seconds_to_running=round(seconds, 3)
    )
    sentence = _("{vm} runs from {point} after {seconds:.1f} s")
    name, point = shown.line(boot.name), boot.point[:_SHORT]
    out.show(event, sentence.format(vm=name, point=point, seconds=seconds))


def tell_booted(out: Output, booted: "Booted", *, within: float) -> None:
    boot = booted.boot
    if booted.has_agent and within and booted.seconds_to_up is None:
        problem = _("The guest agent of {vm} did not answer in {seconds:g} s; it goes on running")
        out.warning(problem.format(vm=boot.name, seconds=within))
    event = json_machines.VmBooted(
        vm=boot.name,
        uuid=boot.uuid,
        point=boot.point,
        seconds_to_running=round(booted.seconds_to_running, 3),
        seconds_to_up=None if booted.seconds_to_up is None else round(booted.seconds_to_up, 3),
        checkpoint=boot.checkpoint,
        first_point=booted.first_point,
        folder=boot.folder,
        server=booted.server,
    )
    out.done(event, *_lines(booted))


def tell_boots(out: Output, found: "Sequence[BootSeen]") -> None:
    for each in found:
        boot = each.boot
        event = json_machines.VmBoot(
            vm=boot.name,
            uuid=boot.uuid,
            point=boot.point,
            health=each.health.value,
            folder=boot.folder,
            host=boot.host,
            server=each.server,
        )
        name, point = shown.line(boot.name), boot.point[:_SHORT]
        health = filled_to_type(_(_HEALTH[each.health.value]), {"vm": name, "host": boot.host})
        out.show(
            event, _("{vm} from {point}: {health}").format(vm=name, point=point, health=health)
        )
    if not found:
        out.remark(_("No machine was booted from a recovery point here"))


def tell_checked(out: Output, checked: "Checked") -> None:
    verdict = checked.verdict
    event = json_machines.BootChecked(
        point=verdict.point,
        vm=verdict.name,
        good=verdict.is_good,
        proof=verdict.proof,
        seconds_to_running=verdict.seconds_to_running,
        seconds_to_up=verdict.seconds_to_up,
        system=encodable(verdict.system),
        picture=bool(verdict.picture),
        folder=checked.folder,
    )
    proven = _("{point} of {vm} is proven: booted alone, {proof} after {seconds:.1f} s")
    seen = _("The picture of its screen and its console are in {folder}")
    unseen = _("Its console is in {folder}; there is no picture: {reason}")
    reason = verdict.picture_reason
    out.done(
        event,
        proven.format(
            point=verdict.point[:_SHORT],
            vm=verdict.name,
            proof=proof_in_words(verdict),
            seconds=verdict.seconds_to_up or 0.0,
        ),
        (seen if verdict.picture else unseen).format(folder=checked.folder, reason=reason),
    )


def proof_in_words(verdict: "Verdict") -> str:
    proofs = {"agent": _("its guest agent answered"), "console": _("its console said so")}
    return proofs.get(verdict.proof, "")


def tell_verdict(out: Output, verdict: "Verdict") -> None:
    """Of an earlier check, by whichever host."""
    event = json_machines.BootVerdict(
        point=verdict.point,
        vm=verdict.name,
        at=verdict.at.isoformat(),
        good=verdict.is_good,
        proof=verdict.proof,
        reason=verdict.reason,
        seconds_to_up=verdict.seconds_to_up,
        system=encodable(verdict.system),
        picture=bool(verdict.picture),
    )
    good = _("Proven on {time}: {vm} was booted alone, {proof} after {seconds:.1f} s")
    bad = _("Not proven on {time}: {vm} did not come up: {reason}")
    sentence = good if verdict.is_good else bad
    line = sentence.format(
        time=shown.moment(verdict.at),
        vm=shown.line(verdict.name),
        proof=proof_in_words(verdict),
        seconds=verdict.seconds_to_up or 0.0,
        reason=shown.line(verdict.reason),
    )
    out.show(event, line)


def _lines(booted: "Booted") -> list[str]:
    lines = []
    if booted.seconds_to_up is not None:
        sentence = _("Its guest agent answered after {seconds:.1f} s")
        lines.append(sentence.format(seconds=booted.seconds_to_up))
    if booted.first_point is not None:
        sentence = _("Protected since its first instant: recovery point {point}")
        lines.append(sentence.format(point=booted.first_point[:_SHORT]))
    hint = _(
        "`holdfast vm move-off {vm}` takes it off the vault, `holdfast vm boot --end {vm}` ends it"
    )
    return [*lines, filled_to_type(hint, {"vm": shown.line(booted.boot.name)})]
