"""`holdfast vm files`: single files out of the disks of a virtual machine."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.other_machine import machine_option, start_about
from holdfast.cli.vm_points import find_vm_point, vm_option

if TYPE_CHECKING:
    from holdfast.cli.output import Output
    from holdfast.machines.looking_inside import Copied, Item
    from holdfast.machines.volumes import Volume

_SHORT = 8
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink"}


@click.command(
    "files",
    cls=Command,
    help=N_(
        "Look into the disks of a virtual machine and copy files out, without restoring it.\n\n"
        "Without PATH the volumes of the point are listed: disks, partitions, logical volumes. "
        "PATH begins with one of them, as in vda1/etc/hosts. Needs root, for the file system is "
        "mounted, read-only and seen by nobody else; the vault is only read."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast vm files latest --vm web", N_("The volumes of the newest point.")),
        ("holdfast vm files latest --vm web vda1/etc", N_("A folder in one of them.")),
        (
            "holdfast vm files 4f2a vda1/srv/www --to /tmp/back",
            N_("A folder copied out, as /tmp/back/www."),
        ),
    ],
)
@click.argument("point")
@click.argument("path", required=False)
@option(
    "target",
    "--to",
    metavar="FOLDER",
    help=N_("Copy what PATH is into this folder; it is made if it is missing."),
)
@vm_option
@machine_option
@option("--no-lock", is_flag=True, help=N_("For a vault this machine may only read."))
def files(
    point: str,
    *,
    path: str | None,
    target: str | None,
    vm: str | None,
    machine: str | None,
    no_lock: bool,
) -> None:
    from holdfast.app.vm_files import InsideRequest, copy_inside, list_inside, list_volumes

    if target is not None and path is None:
        raise click.UsageError(_("--to needs the PATH of what is to be copied"))
    run = start_about(machine)
    repository = run.open()
    snapshot = find_vm_point(repository, point, vm)
    lock = run.may_write and not no_lock
    if path is None:
        _show_volumes(run.out, list_volumes(repository, snapshot, lock=lock))
        return
    request = InsideRequest(path=path, lock=lock)
    if target is None:
        _show_items(run.out, list_inside(run.session, repository, snapshot, request))
        return
    folder = Path(target)
    copied = copy_inside(run.session, repository, snapshot, request, folder=folder)
    _tell_copied(run.out, copied, path, point=snapshot.id)


def _show_volumes(out: "Output", volumes: "list[Volume]") -> None:
    from holdfast.cli.json_machines import VmVolume
    from holdfast.cli.output import encodable

    rows = [
        (
            shown.line(each.name),
            format_size(each.size),
            each.content.kind or "-",
            shown.line(each.content.label),
        )
        for each in volumes
    ]
    for each, line in zip(volumes, shown.table(rows), strict=True):
        event = VmVolume(
            name=encodable(each.name),
            size=each.size,
            content=each.content.kind,
            label=encodable(each.content.label),
            readable=each.content.is_file_system,
        )
        out.show(event, line)


def _show_items(out: "Output", items: "list[Item]") -> None:
    from holdfast.cli.json_machines import VmFile
    from holdfast.cli.output import encodable

    for each, line in zip(items, shown.table([_row(each) for each in items]), strict=True):
        event = VmFile(
            name=encodable(each.name),
            kind=_KINDS.get(stat.S_IFMT(each.mode), "other"),
            mode=stat.S_IMODE(each.mode),
            size=each.size,
            mtime=_moment(each).isoformat(),
            link=encodable(each.link) or None,
        )
        out.show(event, line)


def _row(item: "Item") -> tuple[str, str, str, str]:
    name = f"{item.name} -> {item.link}" if item.link else item.name
    size = format_size(item.size) if stat.S_ISREG(item.mode) else "-"
    return stat.filemode(item.mode), size, shown.moment(_moment(item)), shown.line(name)


def _moment(item: "Item") -> datetime:
    return datetime.fromtimestamp(item.mtime, UTC)


def _tell_copied(out: "Output", copied: "Copied", path: str, *, point: str) -> None:
    from holdfast.cli.json_machines import VmFilesCopied
    from holdfast.cli.output import encodable

    event = VmFilesCopied(
        point=point,
        path=encodable(path),
        target=encodable(copied.path),
        files=copied.files,
        bytes=copied.bytes,
    )
    sentence = _("Copied {path} of {point} to {target}: {files}, {size}")
    out.done(
        event,
        sentence.format(
            path=shown.line(path),
            point=point[:_SHORT],
            target=shown.line(copied.path),
            files=shown.files(copied.files),
            size=format_size(copied.bytes),
        ),
    )
