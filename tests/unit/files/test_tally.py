"""What is counted, and how often that is told."""

from holdfast.files.backup.messages import Counts
from holdfast.files.backup.tally import Tally
from holdfast.files.report import Phase, Progress
from holdfast.testing.clock import FakeClock
from holdfast.vault.snapshot import Summary


class Watched:
    """A tally and what it told."""

    def __init__(self, *, files: int = 0, size: int = 0) -> None:
        self.told: list[Progress] = []
        self.clock = FakeClock()
        self.summary = Summary(backup_start="", backup_end="")
        self.tally = Tally(
            self.summary, self.told.append, self.clock, files_total=files, bytes_total=size
        )


def test_counts_add_up_in_the_summary() -> None:
    watched = Watched()

    watched.tally.count(Counts(new=1, changed=2, unmodified=3, size=40, read=30), b"/a")
    watched.tally.count(Counts(new=1, blobs=5, added=60), b"/b")

    summary = watched.summary
    assert (summary.files_new, summary.files_changed, summary.files_unmodified) == (2, 2, 3)
    assert (summary.total_files_processed, summary.total_bytes_processed) == (7, 40)
    assert (summary.data_blobs, summary.data_added) == (5, 60)
    assert watched.tally.bytes_read == 30


def test_progress_is_told_a_few_times_a_second() -> None:
    watched = Watched()

    for _ in range(100):
        watched.tally.count(Counts(new=1), b"/a")
        watched.clock.sleep(0.01)

    assert 4 <= len(watched.told) <= 6


def test_the_last_word_is_told_whenever_it_comes() -> None:
    watched = Watched()
    watched.tally.count(Counts(new=1), b"/a")
    watched.tally.count(Counts(new=1), b"/b")

    watched.tally.tell(always=True)

    assert [progress.files_done for progress in watched.told] == [1, 2]
    assert watched.told[-1].phase is Phase.BACKUP


def test_totals_are_those_of_the_last_backup_until_there_is_more() -> None:
    watched = Watched(files=2, size=100)

    for _ in range(3):
        watched.tally.count(Counts(new=1, size=60, read=60), b"/caf\xe9")
        watched.clock.sleep(1)

    assert [progress.files_total for progress in watched.told] == [2, 2, 3]
    assert [progress.bytes_total for progress in watched.told] == [100, 120, 180]
    assert watched.told[-1].current == "/caf\udce9"
