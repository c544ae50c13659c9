"""`holdfast backup --vm`: how it is asked for."""

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from holdfast.base.texts import _
from holdfast.cli.run import start
from holdfast.cli.waiting import told_once

if TYPE_CHECKING:
    from datetime import timedelta

    from holdfast.app.locking import Patience
    from holdfast.app.vm_backup import VmBackupOptions
    from holdfast.cli.run import Run
    from holdfast.files.report import OnProgress, Progress
    from holdfast.machines.progress import OnDisk

MODES = ("auto", "bitmap", "overlay", "hash", "full")
CLASSES = ("application", "filesystem", "crash")
AUDITS = ("rolling", "full")
# Options of `backup` that mean something with --vm as well.
_COMMON = frozenset(
    ("vms", "all_vms", "mode", "consistency", "freeze", "audit", "vm_scratch", "libvirt", "host")
)
_SHARED = _COMMON | frozenset(("tags", "once", "wait", "limit_upload"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options say; None: as it is kept with a machine's protection."""

    vms: tuple[str, ...]
    all_vms: bool
    mode: str
    consistency: str | None
    freeze: bool | None
    audit: str
    vm_scratch: str | None
    host: str | None
    tags: tuple[str, ...]
    once: str | None

    def options_of(self, vm: str, run: "Run", on_progress: "OnProgress") -> "VmBackupOptions":
        from holdfast.app.vm_backup import VmBackupOptions
        from holdfast.cli.vm_waiting import told_waiting
        from holdfast.machines.points import Consistency
        from holdfast.machines.tracking import read_mode

        tracking, wanted = read_mode(self.mode)
        return VmBackupOptions(
            vm=vm,
            host=self.host or os.uname().nodename,
            tags=(*self.tags, self.once) if self.once else self.tags,
            once=self.once,
            wanted=wanted,
            tracking=tracking,
            least=Consistency(self.consistency) if self.consistency else None,
            freeze=self.freeze,
            scratch=self.vm_scratch,
            audit_all=self.audit == "full",
            on_progress=_shown_by(on_progress),
            on_waiting=told_waiting(run.out, run.session.clock),
        )


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


def back_up(
    asked: Asked, *, libvirt: str | None, wait: "timedelta", limit_upload: int | None
) -> int:
    from holdfast.app.locking import Patience

    if asked.vms and asked.all_vms:
        raise click.UsageError(_("--vm and --all-vms cannot both be said"))
    run = start(limit_upload=limit_upload, libvirt=libvirt)
    patience = Patience(wait=wait, waiting=told_once(run.out))
    if asked.all_vms or len(asked.vms) > 1:
        return _several(asked, run, patience)
    return _one(asked, run, patience)


def _one(asked: Asked, run: "Run", patience: "Patience") -> int:
    from holdfast.app.vm_backup import back_up_machine
    from holdfast.cli.vm_backup_report import tell

    with run.out.progress() as on_progress:
        options = asked.options_of(asked.vms[0], run, on_progress)
        report = back_up_machine(run.session, options, patience=patience)
    return tell(run.out, report)


def _several(asked: Asked, run: "Run", patience: "Patience") -> int:
    from holdfast.app.vm_backups import back_up_machines, protected_here
    from holdfast.cli.vm_backup_report import tell_several, teller

    named = {name: name for name in asked.vms}
    machines = protected_here(run.session) if asked.all_vms else named
    began = run.session.clock.monotonic()
    with teller(run.out) as tell, run.out.progress() as on_progress:
        both = _Together(on_progress)
        outcomes = back_up_machines(
            run.session,
            {name: asked.options_of(vm, run, both.of(name)) for name, vm in machines.items()},
            patience=patience,
            on_done=tell,
        )
    seconds = run.session.clock.monotonic() - began
    return tell_several(run.out, outcomes, seconds=seconds)


class _Together:
    """The progress of several as one."""

    def __init__(self, on_progress: "OnProgress") -> None:
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._disks: dict[tuple[str, str], tuple[int, int]] = {}

    def of(self, name: str) -> "OnProgress":
        import msgspec

        def tell(now: "Progress") -> None:
            with self._lock:
                self._disks[name, now.current] = (now.bytes_done, now.bytes_total)
                done, total = map(sum, zip(*self._disks.values(), strict=True))
                current = f"{name} {now.current}"
                told = {"bytes_done": done, "bytes_total": total, "current": current}
                self._on_progress(msgspec.structs.replace(now, **told))

        return tell


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
