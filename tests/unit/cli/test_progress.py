"""Progress: told now and then, with rate and time left as soon as they mean something."""

from collections.abc import Iterator

import pytest
from rich.console import Console

from holdfast.cli.progress import bar, describe, throttled
from holdfast.files.report import Phase, Progress
from holdfast.testing.clock import FakeClock

MIB = 1 << 20


def test_reports_are_thinned_out_but_each_phase_begins_at_once() -> None:
    clock = FakeClock()
    told: list[Progress] = []
    tell = throttled(told.append, clock, every=1.0)

    for phase in (Phase.SCAN, Phase.SCAN, Phase.BACKUP, Phase.BACKUP):
        tell(Progress(phase=phase))
        clock.sleep(0.3)
    clock.sleep(1)
    tell(Progress(phase=Phase.BACKUP, files_done=9))

    assert [(p.phase, p.files_done) for p in told] == [
        (Phase.SCAN, 0),
        (Phase.BACKUP, 0),
        (Phase.BACKUP, 9),
    ]


def test_line_has_rate_and_time_left_when_the_total_is_known() -> None:
    now = Progress(
        phase=Phase.BACKUP,
        files_done=5,
        files_total=10,
        bytes_done=40 * MIB,
        bytes_total=100 * MIB,
        warnings=2,
    )

    line = describe(now, 4)

    assert line == "0:04 · 5 files / 10 · 40.0 MiB / 100 MiB · 10.0 MiB/s · 0:06 left · 2 skipped"


def test_total_that_grows_along_is_no_total() -> None:
    now = Progress(phase=Phase.BACKUP, files_done=5, files_total=5, bytes_done=MIB, bytes_total=MIB)

    assert describe(now, 4) == "0:04 · 5 files · 1.00 MiB · 256 KiB/s"


def test_line_says_little_in_the_first_second() -> None:
    now = Progress(phase=Phase.BACKUP, files_done=1, bytes_done=MIB)

    assert describe(now, 0.5) == "0:00 · 1 file · 1.00 MiB"


@pytest.fixture
def console() -> Iterator[Console]:
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        yield Console(file=nowhere, force_terminal=True, width=100, record=True)


def test_bar_draws_phase_and_current_item_without_its_control_characters(
    console: Console,
) -> None:
    clock = FakeClock()

    with bar(console, clock) as on_progress:
        on_progress(Progress(phase=Phase.RESTORE, current="/a\x1b[2Jb"))
        text = console.export_text(clear=False)

    assert "Restoring" in text
    assert "/a\\x1b[2Jb" in text


def test_work_without_files_tells_of_none() -> None:
    now = Progress(phase=Phase.SCAN, bytes_done=1 << 20)

    assert describe(now, 0.5) == "0:00 · 1.00 MiB"
