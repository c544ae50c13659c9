"""Wishes stay until they are taken up, and what comes meanwhile is not lost."""

from pathlib import Path

from holdfast.replication.replicator_wishes import (
    ask_for_cycle,
    ask_for_resync,
    pause,
    read_wishes,
    resume,
    take_up,
)
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.clock import FakeClock


def folder_in(home: Path) -> SourceFolder:
    folder = SourceFolder(str(home), "vm")
    folder.make()
    to = SiteAddress(site="south", machine="m", host="south")
    folder.keep_settings(ReplicationSettings(vm="vm", name="web", to=to))
    return folder


def test_a_pause_lasts_and_says_who(tmp_path: Path) -> None:
    folder, clock = folder_in(tmp_path), FakeClock()

    pause(folder, clock, who="ann")
    clock.sleep(60)
    pause(folder, clock, who="bob")

    settings = folder.settings()
    assert settings is not None
    assert settings.paused is not None
    assert settings.paused.who == "ann"


def test_resume_ends_it_and_wants_another_try(tmp_path: Path) -> None:
    folder, clock = folder_in(tmp_path), FakeClock()
    pause(folder, clock, who="ann")

    resume(folder, clock)

    settings = folder.settings()
    assert settings is not None
    assert settings.paused is None
    assert read_wishes(folder).retry == clock.now()


def test_what_was_taken_up_is_gone_and_what_came_meanwhile_is_not(tmp_path: Path) -> None:
    folder, clock = folder_in(tmp_path), FakeClock()
    ask_for_resync(folder, clock, who="ann", is_now=True)
    seen = read_wishes(folder)
    clock.sleep(1)
    ask_for_cycle(folder, clock)
    ask_for_resync(folder, clock, who="bob")

    take_up(folder, seen)

    left = read_wishes(folder)
    assert left.resync is not None
    assert left.resync.who == "bob"
    assert left.cycle is not None
    assert left.retry == clock.now()


def test_wishes_that_do_not_read_are_none(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    (folder.path / "wishes.json").write_text("{")

    assert read_wishes(folder).resync is None
