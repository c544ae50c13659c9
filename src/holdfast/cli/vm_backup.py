"""`holdfast backup --vm`: how it is asked for."""

import os
from typing import TYPE_CHECKING

import click

from holdfast.base.texts import _
from holdfast.cli.run import start
from holdfast.cli.waiting import told_once

if TYPE_CHECKING:
    from datetime import timedelta

    from holdfast.files.report import OnProgress
    from holdfast.machines.progress import OnDisk

MODES = ("auto", "hash", "full")
CLASSES = ("application", "filesystem", "crash")
# Options of `backup` that mean something with --vm as well.
_COMMON = frozenset(("vm", "mode", "consistency", "freeze", "vm_scratch", "libvirt", "host"))
_SHARED = _COMMON | frozenset(("tags", "wait", "limit_upload"))


def refuse_others(context: click.Context, *, is_vm: bool) -> None:
    """An option that would be without effect is a mistake to be told, not to be passed over."""
    from click.core import ParameterSource

    for param in context.command.params:
        name = param.name or ""
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        given = param.opts[0]
        if is_vm and name not in _SHARED:
            raise click.UsageError(_("{option} is not for --vm").format(option=given), context)
        if not is_vm and name in _COMMON - {"host"}:
            raise click.UsageError(_("{option} needs --vm").format(option=given), context)


def back_up(  # noqa: PLR0913  a parameter per option
    vm: str,
    *,
    mode: str,
    consistency: str,
    freeze: bool,
    vm_scratch: str | None,
    libvirt: str | None,
    host: str | None,
    tags: tuple[str, ...],
    wait: "timedelta",
    limit_upload: int | None,
) -> int:
    from holdfast.app.backup import Patience
    from holdfast.app.vm_backup import VmBackupOptions, back_up_machine
    from holdfast.cli.vm_backup_report import tell
    from holdfast.machines.points import Consistency
    from holdfast.machines.tracking import Wanted

    run = start(limit_upload=limit_upload, libvirt=libvirt, vm_scratch=vm_scratch)
    with run.out.progress() as on_progress:
        options = VmBackupOptions(
            vm=vm,
            host=host or os.uname().nodename,
            tags=tags,
            wanted=Wanted(mode),
            least=Consistency(consistency),
            freeze=freeze,
            on_progress=_shown_by(on_progress),
        )
        patience = Patience(wait=wait, waiting=told_once(run.out))
        report = back_up_machine(run.session, options, patience=patience)
    return tell(run.out, report)


def _shown_by(on_progress: "OnProgress") -> "OnDisk":
    from holdfast.files.report import Phase, Progress
    from holdfast.machines.progress import DiskProgress

    def tell(now: DiskProgress) -> None:
        on_progress(
            Progress(
                phase=Phase.BACKUP, bytes_done=now.done, bytes_total=now.total, current=now.disk
            )
        )

    return tell
