"""Which point of a virtual machine is meant, and progress over its disks: for every `vm` command."""

from typing import TYPE_CHECKING

from holdfast.base.texts import N_
from holdfast.cli.command import option

if TYPE_CHECKING:
    from holdfast.files.report import OnProgress
    from holdfast.machines.progress import OnDisk
    from holdfast.vault.repository import Repository
    from holdfast.vault.snapshot import Snapshot

vm_option = option("--vm", metavar="NAME", help=N_("'latest' is the newest of this machine."))


def find_vm_point(repository: "Repository", point: str, vm: str | None) -> "Snapshot":
    """By its id; "latest" is the newest point of a machine, or of the one named."""
    from holdfast.app.points import PointFilter, find_point
    from holdfast.machines.point_writer import TAG

    paths = () if vm is None else (f"/vm/{vm}",)
    return find_point(repository, point, PointFilter(tags=(TAG,), paths=paths))


def shown_by(on_progress: "OnProgress") -> "OnDisk":
    """One bar for each disk after the other."""
    from holdfast.files.report import Phase, Progress
    from holdfast.machines.progress import DiskProgress

    def tell(now: DiskProgress) -> None:
        on_progress(
            Progress(
                phase=Phase.RESTORE, bytes_done=now.done, bytes_total=now.total, current=now.disk
            )
        )

    return tell
