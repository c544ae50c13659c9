"""What the doctor is told of replication, and that it finds what is wrong in it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.app import replication_probes
from holdfast.app.config import Settings
from holdfast.app.own_probes import tell
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_process import Work, alone
from holdfast.app.vm_known import known_by_host
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import Report, diagnose
from holdfast.doctor.loading import load
from holdfast.doctor.reading import Reading
from holdfast.doctor.replication_facts import REPLICATION_KINDS
from holdfast.hypervisor.errors import HostRefused
from holdfast.replication.cycle_record import NAME
from holdfast.replication.judged_status import status_of
from holdfast.replication.observed import Observed
from holdfast.replication.retrying import NO_FAILURE, after_failure
from holdfast.replication.settings import Paused
from holdfast.replication.source_facts import Generation, KeptDisk, Sent
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.spool_guard import SpoolFacts, Spooling
from holdfast.replication.states import Standing
from holdfast.replication.status import Happening, Resync, State
from holdfast.replication.status_file import write_status
from holdfast.testing.clock import FakeClock
from tests.unit.replication.observing import NOON, cycle, settings, well

MIN = timedelta(minutes=1)
GIB = 1 << 30


@pytest.fixture(autouse=True)
def host_load(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Of a host that has time; the one the tests run on may have none."""
    seen: dict[str, object] = {"load": 0.2, "memory_free": 0.6}
    monkeypatch.setattr(replication_probes, "load_of_quarter", lambda: seen)
    return seen


def _session(home: Path) -> Session:
    return Session(settings=Settings(home=str(home)), warn=print, clock=FakeClock(NOON))


def _put(home: Path, seen: Observed, *happened: Happening) -> None:
    folder = SourceFolder(str(home), seen.settings.vm)
    folder.make()
    folder.keep_settings(seen.settings)
    disk = KeptDisk(target="vda", size=20 * GIB)
    folder.keep_sent(Sent(site="north", acked=Generation(name="g1", taken_at=NOON, disks=(disk,))))
    (folder.path / NAME).write_bytes(msgspec.json.encode(seen.cycles))
    write_status(folder.path, status_of(seen, NOON, happened=happened))


def _told(home: Path, probe: str = "own.replication") -> list[dict[str, Any]]:
    told = tell(probe, _session(home))
    return [json.loads(line) for line in told.splitlines()] if told else []


def _examined(home: Path, *asked: str) -> Report:
    reading = Reading(load(), now=NOON.replace(tzinfo=None))
    reading.read(
        from_text(probe, content, probe=probe)
        for probe in ("own.replication", "own.replication.site")
        if (content := tell(probe, _session(home)))
    )
    return diagnose(load(), reading, asked=asked)


@pytest.mark.parametrize("probe", REPLICATION_KINDS)
def test_a_host_without_replication_tells_nothing(probe: str, tmp_path: Path) -> None:
    assert tell(probe, _session(tmp_path)) is None


def test_every_line_is_a_fact_the_doctor_reads(tmp_path: Path) -> None:
    at = NOON - MIN
    _put(
        tmp_path,
        well(),
        Happening(what="downgraded", at=at, why="freeze-failed"),
        Happening(what="audit", at=at, why="map-wrong"),
    )

    lines = _told(tmp_path)

    assert {line["holdfast"] for line in lines} == set(REPLICATION_KINDS["own.replication"])
    reading = Reading(load(), now=NOON.replace(tzinfo=None))
    told = tell("own.replication", _session(tmp_path))
    reading.read([from_text("own.replication", told or b"", probe="own.replication")])
    facts = reading.facts
    for kind in REPLICATION_KINDS["own.replication"].values():
        assert facts.of(kind), kind
    (machine,) = (line for line in lines if line["holdfast"] == "replication")
    assert (machine["vm"], machine["health"], machine["disk_bytes"]) == ("web", "normal", 20 * GIB)


def test_a_host_that_is_well_has_nothing_found_but_that_nobody_works(tmp_path: Path) -> None:
    _put(tmp_path, well())

    with alone(str(tmp_path), Work.RUN):
        at_work = _examined(tmp_path)
    nobody = _examined(tmp_path)

    assert [one.cause for one in at_work.found] == []
    assert [one.cause for one in nobody.found] == ["replication.not-at-work"]


def test_a_host_without_time_is_found(host_load: dict[str, object], tmp_path: Path) -> None:
    _put(tmp_path, well())
    host_load.update(load=1.4)

    with alone(str(tmp_path), Work.RUN):
        found = [one.cause for one in _examined(tmp_path).found]

    assert found == ["replication.host-overloaded"]


def _busy() -> Observed:
    busy = tuple(cycle(NOON - n * 5 * MIN, dirty=9 * GIB) for n in (4, 3, 2, 1))
    return well(cycles=busy, throughput=1e6)


_BAD: dict[str, tuple[Callable[[], Observed], tuple[Happening, ...]]] = {
    "replication.paused": (
        lambda: well(
            settings=settings(paused=Paused(who="ada", since=NOON - MIN)),
            standing=Standing(state=State.PAUSED),
        ),
        (),
    ),
    "replication.pause-grows": (
        lambda: well(
            settings=settings(paused=Paused(who="ada", since=NOON - MIN)),
            standing=Standing(state=State.PAUSED),
            pending_bytes=9 * GIB,
        ),
        (),
    ),
    "replication.given-up": (
        lambda: well(
            tries=after_failure(NO_FAILURE, HostRefused(uri="qemu:///system", reason="no"), NOON),
            standing=Standing(state=State.SUSPENDED),
        ),
        (),
    ),
    "replication.resync-required": (
        lambda: well(resync=Resync(why="map-inconsistent", since=NOON)),
        (),
    ),
    "replication.host-not-registered": (
        lambda: well(standing=Standing(state=State.HOST_NOT_REGISTERED)),
        (),
    ),
    "replication.replica-written": (lambda: well(was_written=True), ()),
    "replication.spool-filling": (
        lambda: well(spool=SpoolFacts(ours=35, free=65), spooling=Spooling.WARNED),
        (),
    ),
    "replication.spool-full": (
        lambda: well(spool=SpoolFacts(ours=55, free=45), spooling=Spooling.STOPPED),
        (),
    ),
    "replication.bandwidth-short": (_busy, ()),
    "replication.churn-high": (_busy, ()),
    "replication.behind": (lambda: well(latest_at=NOON - 50 * MIN), ()),
    "replication.clocks-differ": (lambda: well(skew_seconds=-600.0), ()),
    "replication.throttled": (
        lambda: well(queue_logs=3, queue_bytes=GIB, limit=1000, throughput=900.0),
        (),
    ),
    "replication.not-sending": (
        lambda: well(queue_logs=3, queue_bytes=GIB, throughput=0.0, latest_at=NOON - 20 * MIN),
        (),
    ),
    "replication.hook-failed": (
        well,
        (Happening(what="downgraded", at=NOON - MIN, why="hook-failed"),),
    ),
    "replication.map-wrong": (
        well,
        (Happening(what="audit", at=NOON - MIN, why="map-wrong"),),
    ),
}


@pytest.mark.parametrize("cause", sorted(_BAD))
def test_what_is_wrong_is_found_in_what_is_told(cause: str, tmp_path: Path) -> None:
    make, happened = _BAD[cause]
    _put(tmp_path, make(), *happened)

    with alone(str(tmp_path), Work.RUN):
        report = _examined(tmp_path)

    assert cause in [one.cause for one in (*report.found, *report.explained)]


def test_a_point_that_was_good_again_ends_all_downgrades_before_it(tmp_path: Path) -> None:
    old = Happening(what="downgraded", at=NOON - 60 * MIN, why="hook-failed")

    _put(tmp_path, well(latest_app_at=NOON - 30 * MIN), old)

    assert [line for line in _told(tmp_path) if line["holdfast"] == "replicated-point"] == []


def test_a_replicated_machine_is_one_the_doctor_looks_at(tmp_path: Path) -> None:
    _put(tmp_path, well())

    (known,) = (one for all_ in known_by_host(_session(tmp_path)).values() for one in all_)

    assert (known.name, known.uuid) == ("web", "u-1")


def test_a_site_tells_of_its_folder_and_of_who_works(tmp_path: Path) -> None:
    folder, session = tmp_path / "replicas", _session(tmp_path)
    folder.mkdir()
    own = SiteFolder(str(tmp_path))
    own.save(msgspec.structs.replace(own.make("south", session.clock), folder=str(folder)))

    (line,) = _told(tmp_path, "own.replication.site")
    report = _examined(tmp_path)

    assert (line["site"], line["is_writable"], line["replicas"]) == ("south", True, 0)
    assert "replication.site-not-at-work" in [one.cause for one in report.found]


def test_a_site_whose_folder_is_gone_says_so(tmp_path: Path) -> None:
    own = SiteFolder(str(tmp_path))
    gone = str(tmp_path / "gone")
    own.save(msgspec.structs.replace(own.make("south", FakeClock(NOON)), folder=gone))

    report = _examined(tmp_path)

    assert report.root is not None
    assert report.root.cause == "replication.site-folder"


def test_every_code_of_an_error_a_cause_names_exists() -> None:
    from holdfast.app import replication_errors, replication_way_probe
    from holdfast.replication import link_errors, replica_errors, source_errors

    assert all((replication_errors, link_errors, replica_errors, source_errors))
    known = set(HoldfastError.registry)
    assert set(replication_way_probe._STAGE_OF) <= known
