"""Before a machine leaves its home by a person's will: whether it could come back is said."""

from pathlib import Path

from holdfast.app.config import Settings
from holdfast.app.recovery_here import Here
from holdfast.app.recovery_way_back import doubts_of_way_back
from holdfast.app.wiring import Session
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site
from tests.replica_bench import MIB, NAME, VM, MovableClock, Source, first_copy


def _here(home: Path, site: Site) -> Here:
    session = Session(settings=Settings(home=str(home)), warn=print, clock=MovableClock())
    return Here(
        session=session,
        vm=VM,
        name=NAME,
        folder=RecordFolder(str(home), VM),
        machine_id="here",
        who="me",
        site=site,
    )


def test_a_home_that_is_no_site_of_this_host_is_named(tmp_path: Path) -> None:
    site = Site(tmp_path / "replicas", MovableClock())
    first_copy(site, Source(tmp_path, {"vda": bytearray(MIB)}))

    (said,) = doubts_of_way_back(_here(tmp_path / "home", site))

    assert NAME in said
    assert "knows no site" in said


def test_without_a_replica_there_is_nothing_to_doubt(tmp_path: Path) -> None:
    assert doubts_of_way_back(_here(tmp_path / "home", Site(tmp_path, MovableClock()))) == []
