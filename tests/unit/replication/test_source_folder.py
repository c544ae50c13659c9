"""The folder of a replication at its source, while several work with it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from holdfast.base.clock import SystemClock
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_folder import SourceFolder

CLOCK = SystemClock()


def folder_in(home: Path) -> SourceFolder:
    folder = SourceFolder(str(home), "uuid-1")
    folder.make()
    to = SiteAddress(site="south", machine="site-1", host="south")
    folder.keep_settings(ReplicationSettings(vm="uuid-1", name="web", to=to, every=30))
    return folder


def test_changes_of_several_at_once_are_all_kept(tmp_path: Path) -> None:
    folder_in(tmp_path)

    def change(_number: int) -> None:
        SourceFolder(str(tmp_path), "uuid-1").change_settings(
            lambda settings: msgspec.structs.replace(settings, every=settings.every + 1)
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(100)))

    settings = SourceFolder(str(tmp_path), "uuid-1").settings()
    assert settings is not None
    assert settings.every == 130


def test_what_is_not_replicated_any_more_is_not_begun_anew_by_a_change(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    (folder.path / "settings.json").unlink()

    assert folder.change_settings(lambda settings: settings) is None
    assert not folder.is_there()


def test_it_is_taken_once_its_loop_has_let_go_and_given_back_in_the_end(tmp_path: Path) -> None:
    folder, other = folder_in(tmp_path), SourceFolder(str(tmp_path), "uuid-1")

    with folder.taken(CLOCK):
        assert other.is_taken()
        assert other.hold(wait=False) is None

    assert not other.is_taken()
    assert other.hold(wait=False) is not None
