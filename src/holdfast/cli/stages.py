"""The vault's own work reports stages and counts; here they become progress."""

from typing import TYPE_CHECKING

from holdfast.files.report import OnProgress, Phase, Progress
from holdfast.vault.prune import Stage

if TYPE_CHECKING:
    from holdfast.vault.prune import Report


def prune_stages(on_progress: OnProgress) -> "Report":
    """Trees and packs are counted as items, what is copied as bytes."""

    def report(stage: Stage, done: int, total: int) -> None:
        if stage is Stage.COPY:
            on_progress(Progress(phase=Phase.PRUNE, bytes_done=done, bytes_total=total))
        else:
            on_progress(Progress(phase=Phase.PRUNE, files_done=done, files_total=total))

    return report
