"""`holdfast vm ready`: whether a guest will come up at another host, before the day it has to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command
from holdfast.cli.vm_host import host_option, start_on
from holdfast.recovery.readiness.findings import Weight

if TYPE_CHECKING:
    from holdfast.app.vm_ready import Readiness
    from holdfast.cli.json_machines import VmReady

_SIGNS = {Weight.STOPS: "✗", Weight.HINDERS: "!", Weight.NOTE: "·", Weight.UNKNOWN: "?"}


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Look into a running guest for what would keep it from coming up at another host: disks "
        "named by their order, drivers that are not in its initramfs, addresses no file gives, SSH "
        "and the guest agent that do not start with it.\n\n"
        "Through its guest agent; nothing in it is changed. What could not be looked at is said to "
        "be so. Status 3 says that something should be put right, or that nothing could be seen. "
        "Of a machine that is replicated its site is told, and `holdfast failover check` shows it."
    ),
    examples=[
        ("holdfast vm ready web", N_("Before it is replicated, and after each change of it.")),
        ("holdfast vm ready web --json", N_("For a program.")),
    ],
)
@click.argument("vm")
@host_option
def ready(vm: str, *, host: str | None) -> int:
    from holdfast.app.vm_ready import show_readiness

    run = start_on(host)
    seen = show_readiness(run.session, vm)
    run.out.show(_event(seen), *_lines(seen))
    return Exit.FINE if seen.is_ready else Exit.WARNINGS


def _lines(seen: "Readiness") -> Iterator[str]:
    from holdfast.recovery.readiness.texts import remedy, sentence

    for finding in seen.findings:
        yield shown.line(f"{_SIGNS[finding.weight]} {sentence(finding)} [{finding.code}]")
        if cure := remedy(finding, seen.name):
            yield shown.line(f"    → {cure}")
    if seen.is_ready:
        yield shown.line(
            _("{vm}: as far as could be seen it comes up elsewhere").format(vm=seen.name)
        )


def _event(seen: "Readiness") -> "VmReady":
    from holdfast.cli.json_machines import VmReady
    from holdfast.cli.output import encodable
    from holdfast.recovery.readiness.texts import remedy, sentence

    return VmReady(
        vm=encodable(seen.name),
        uuid=seen.vm,
        at=seen.at.isoformat(),
        ready=seen.is_ready,
        blind=seen.is_blind,
        findings=[
            {
                "code": each.code,
                "weight": each.weight.value,
                "message": encodable(sentence(each)),
                "remedy": encodable(remedy(each, seen.name)),
            }
            for each in seen.findings
        ],
    )
