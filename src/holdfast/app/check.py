"""The use case "check": prove a vault under a lock, and tell how it goes."""

from holdfast.app import locking
from holdfast.app.opening import open_vault
from holdfast.app.wiring import Session
from holdfast.files.report import OnProgress, Phase, Progress, no_progress
from holdfast.vault.check import CheckOptions
from holdfast.vault.check import check as check_repository
from holdfast.vault.check_data import OnBytes
from holdfast.vault.check_findings import CheckReport
from holdfast.vault.check_subset import parse_subset


def check(
    session: Session, *, read_data: str | None = None, on_progress: OnProgress = no_progress
) -> CheckReport:
    """`read_data` is None for structure alone, else "", "10%", "1/7" or a size."""
    options = CheckOptions(read=None if read_data is None else parse_subset(read_data))
    repository = open_vault(session)
    # A shared lock: backups may go on, only a prune must not take packs away meanwhile.
    with locking.held(repository, settle_later=True) as lock:
        report = check_repository(repository, options, on_bytes=told(on_progress))
        # Whoever was alone in the vault meanwhile may have taken away what we missed.
        lock.check()
        return report


def told(on_progress: OnProgress) -> OnBytes:
    """Pass bytes on as progress of a check."""

    def on_bytes(done: int, total: int) -> None:
        on_progress(Progress(phase=Phase.CHECK, bytes_done=done, bytes_total=total))

    return on_bytes
