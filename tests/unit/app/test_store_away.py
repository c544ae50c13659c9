"""Whether what a site has can be seen: a folder nothing was put in yet is not one that is gone."""

from pathlib import Path

from holdfast.app.recovery_here import store_away
from holdfast.replication.site import Site
from holdfast.testing.clock import FakeClock


def test_a_new_site_has_no_folder_yet(tmp_path: Path) -> None:
    site = Site(tmp_path / "replicas", FakeClock())

    assert store_away(str(tmp_path / "home"), site) == ""


def test_what_is_no_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "replicas").write_text("")
    site = Site(tmp_path / "replicas", FakeClock())

    assert store_away(str(tmp_path / "home"), site) != ""
