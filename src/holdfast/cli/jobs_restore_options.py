"""Options of `holdfast jobs run` about vm-restore: sent as they are, the host reads them."""

from collections.abc import Callable
from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import option

_OPTIONS = (
    option("--name", help=N_("Of vm-restore: what the new machine is called.")),
    option(
        "--in-place",
        is_flag=True,
        help=N_("Of vm-restore: into the machine that is there, which must be off."),
    ),
    option("--only-disks", is_flag=True, help=N_("Of vm-restore: only files; no machine is made.")),
    option(
        "--pool",
        metavar="FOLDER",
        help=N_("Of vm-restore: a folder of the host; a folder for the machine is made in it."),
    ),
    option(
        "format",
        "--format",
        type=click.Choice(("qcow2", "raw")),
        help=N_("Of vm-restore: of the new images; as the disks were if nothing is said."),
    ),
    option(
        "disks",
        "--disk",
        multiple=True,
        metavar="TARGET",
        help=N_("Of vm-restore: only this disk, as vdb."),
    ),
    option(
        "--keep-identity",
        is_flag=True,
        help=N_("Of vm-restore: the same UUID and addresses; the old machine is gone for good."),
    ),
    option("--start", is_flag=True, help=N_("Of vm-restore: start the machine in the end.")),
)


def restore_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them, in the order they are written in."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def with_mode(given: dict[str, Any]) -> dict[str, Any]:
    """How a machine comes back is one word of the order, and two options of the command."""
    told = dict(given)
    is_in_place, is_only_disks = told.pop("in_place", False), told.pop("only_disks", False)
    if is_in_place and is_only_disks:
        raise click.UsageError(_("--in-place and --only-disks exclude each other"))
    if is_in_place or is_only_disks:
        told["mode"] = "in-place" if is_in_place else "disks"
    return told
