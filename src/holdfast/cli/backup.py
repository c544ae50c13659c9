"""`holdfast backup`: make a recovery point."""

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import MOMENT, SIZE, read_paths
from holdfast.cli.run import start
from holdfast.cli.vm_backup import AUDITS, CLASSES, MODES, Asked, refuse_others
from holdfast.cli.vm_backup import back_up as back_up_vm
from holdfast.cli.waiting import told_once, wait_option

if TYPE_CHECKING:
    from holdfast.files.options import Excludes


@click.command(
    cls=Command,
    help=N_(
        "Make a recovery point of PATHS, or of virtual machines.\n\n"
        "Unchanged files are not read again. What cannot be read is left out and named, "
        "and the exit status is 3."
    ),
    exits=[Exit.WARNINGS, Exit.LOCKED],
    examples=[
        ("holdfast backup /etc /home", N_("Two folders in one recovery point.")),
        (
            "holdfast backup / --one-file-system --exclude '*.tmp'",
            N_("The root file system without mounted disks and without temporary files."),
        ),
        (
            "holdfast backup /var/lib/app --hook-before 'app freeze' --hook-after 'app thaw'",
            N_("A consistent view of an application's data."),
        ),
        ("holdfast backup --vm web", N_("A virtual machine of this host, running or not.")),
        ("holdfast backup --all-vms", N_("Every virtual machine of this host that is protected.")),
    ],
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=bytes))
@option(
    "--files-from",
    type=click.Path(path_type=bytes),
    metavar="PATH",
    help=N_("File with more paths, one a line."),
)
@option("--exclude", multiple=True, metavar="PATTERN", help=N_("Leave out, in gitignore's syntax."))
@option(
    "--exclude-file",
    multiple=True,
    type=click.Path(path_type=bytes),
    metavar="PATH",
    help=N_("File with patterns, one a line."),
)
@option(
    "--ignore-name",
    multiple=True,
    metavar="NAME",
    help=N_("Name of files that hold patterns for the folder they lie in."),
)
@option("--exclude-caches", is_flag=True, help=N_("Leave out folders marked with a CACHEDIR.TAG."))
@option("--exclude-larger-than", type=SIZE, help=N_("Leave out larger files, as in 4G."))
@option("--one-file-system", is_flag=True, help=N_("Stay on the file systems of PATHS."))
@option("--with-remote", is_flag=True, help=N_("Enter network file systems below PATHS as well."))
@option("--tag", "tags", multiple=True, help=N_("Mark the recovery point."))
@option(
    "--once",
    metavar="TAG",
    help=N_("Mark the recovery point, and make none if one has this mark already."),
)
@option("--host", help=N_("Name of this machine in the recovery point."))
@option("--time", type=MOMENT, help=N_("Time of the recovery point, instead of now."))
@option("--force", is_flag=True, help=N_("Read every file, even where nothing seems changed."))
@option(
    "--view",
    type=click.Choice(["auto", "off"]),
    default="auto",
    help=N_("Read from a snapshot where the file system can take one (btrfs), or never."),
)
@option("--dry-run", is_flag=True, help=N_("Read and count, but store nothing."))
@option(
    "--limit-upload",
    type=SIZE,
    metavar="RATE",
    help=N_("Send at most so many bytes a second, as in 2M."),
)
@wait_option
@option(
    "--hook-before", metavar="COMMAND", help=N_("Run first; if it fails, nothing is backed up.")
)
@option("--hook-after", metavar="COMMAND", help=N_("Run last, also after a failure."))
@option(
    "--vm",
    "vms",
    multiple=True,
    metavar="NAME",
    help=N_("Back up a virtual machine instead of PATHS; may be said several times."),
)
@option("--all-vms", is_flag=True, help=N_("Back up every protected virtual machine of the host."))
@option(
    "--mode",
    type=click.Choice(MODES),
    default="auto",
    help=N_(
        "Of --vm: read what the record of changes names, or compare everything (hash), or take "
        "everything anew (full). With bitmap or overlay it says how changes are recorded from "
        "now on, whatever `holdfast vm protect` said."
    ),
)
@option(
    "--consistency",
    type=click.Choice(CLASSES),
    help=N_("Of --vm: make no point that is less consistent; else as `vm protect` was told."),
)
@option(
    "--freeze/--no-freeze",
    default=None,
    help=N_(
        "Of --vm: hold the guest's file systems still for the instant of the point; "
        "else as `vm protect` was told."
    ),
)
@option(
    "--audit",
    type=click.Choice(AUDITS),
    default="rolling",
    help=N_(
        "Of --vm: compare with the vault what is called unchanged, so much that a month sees all "
        "of it (rolling), or all of it now (full)."
    ),
)
@option(
    "--scratch",
    "vm_scratch",
    metavar="FOLDER",
    help=N_("Of --vm: where QEMU keeps what the guest overwrites meanwhile."),
)
@option(
    "--libvirt",
    metavar="URI",
    help=N_("Of --vm: the hypervisor, as libvirt names it; qemu:///system if nothing is said."),
)
@option(
    "--hook-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    help=N_("Seconds each of them may take; 600 when not given."),
)
def backup(  # noqa: PLR0913  a parameter per option
    paths: tuple[bytes, ...],
    *,
    files_from: bytes | None,
    host: str | None,
    tags: tuple[str, ...],
    once: str | None,
    time: datetime | None,
    force: bool,
    dry_run: bool,
    view: str,
    hook_before: str | None,
    hook_after: str | None,
    hook_timeout: float,
    limit_upload: int | None,
    wait: timedelta,
    vms: tuple[str, ...],
    all_vms: bool,
    mode: str,
    consistency: str | None,
    freeze: bool | None,
    audit: str,
    vm_scratch: str | None,
    libvirt: str | None,
    **left_out: Any,
) -> int:
    is_vm = bool(vms) or all_vms
    refuse_others(click.get_current_context(), is_vm=is_vm)
    if is_vm:
        asked = Asked(
            vms=tuple(dict.fromkeys(vms)),
            all_vms=all_vms,
            mode=mode,
            consistency=consistency,
            freeze=freeze,
            audit=audit,
            vm_scratch=vm_scratch,
            host=host,
            tags=tags,
            once=once,
        )
        return back_up_vm(asked, libvirt=libvirt, wait=wait, limit_upload=limit_upload)
    from holdfast.app.backup import Hooks, back_up
    from holdfast.app.locking import Patience
    from holdfast.cli.backup_report import tell
    from holdfast.files.options import BackupOptions

    run = start(limit_upload=limit_upload)
    options = BackupOptions(
        paths=read_paths(paths, files_from),
        host=host or os.uname().nodename,
        tags=(*tags, once) if once else tags,
        once=once,
        excludes=_excludes(**left_out),
        time=time,
        force=force,
        view=view == "auto",
        workers=run.session.settings.workers,
    )
    hooks = Hooks(before=hook_before, after=hook_after, timeout=hook_timeout)
    with run.out.progress() as on_progress:
        done = back_up(
            run.session,
            options,
            hooks=hooks,
            on_progress=on_progress,
            dry_run=dry_run,
            patience=Patience(wait=wait, waiting=told_once(run.out)),
        )
    return tell(run.out, done)


def _excludes(  # noqa: PLR0913  a parameter per option
    *,
    exclude: tuple[str, ...],
    exclude_file: tuple[bytes, ...],
    ignore_name: tuple[str, ...],
    exclude_caches: bool,
    exclude_larger_than: int | None,
    one_file_system: bool,
    with_remote: bool,
) -> "Excludes":
    from holdfast.files.options import Excludes

    return Excludes(
        patterns=exclude,
        pattern_files=exclude_file,
        ignore_names=ignore_name,
        caches=exclude_caches,
        larger_than=exclude_larger_than,
        one_file_system=one_file_system,
        remote=not with_remote,
    )
