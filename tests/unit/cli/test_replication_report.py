import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from holdfast.cli.output import JsonOutput, TextOutput
from holdfast.cli.replication_report import tell_replication, tell_replications
from holdfast.machines.downgrades import downgrade
from holdfast.machines.points import Consistency
from holdfast.replication.judged_status import status_of
from holdfast.replication.looking import Look, look_at, look_at_all
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint
from holdfast.replication.settings import Paused
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.spool_guard import SpoolFacts
from holdfast.replication.states import Standing
from holdfast.replication.status import Happening, Resync, State
from holdfast.replication.status_file import encode, write_status
from holdfast.testing.clock import FakeClock
from tests.unit.replication.observing import NOON, settings, well

MIN = timedelta(minutes=1)


def _look(**changes: object) -> Look:
    seen = well(**changes)
    happened = [
        Happening(what="resync", at=NOON, why="map-inconsistent", bytes=4096),
        Happening(what="from-the-moon", at=NOON, why="unheard-of"),
    ]
    return Look(settings=seen.settings, status=status_of(seen, NOON, happened=happened))


def _bad() -> Look:
    name = msgspec.structs.replace(settings(), vm="u-2", name="db")
    return _look(
        settings=name,
        latest_at=NOON - 50 * MIN,
        queue_logs=3,
        queue_bytes=12 << 20,
        limit=1000,
        spool=SpoolFacts(ours=1 << 20, free=3 << 20),
        walk_bytes=10 << 30,
        walked_bytes=1 << 30,
        resync=Resync(why="map-inconsistent", since=NOON),
    )


def test_all_are_told_a_line_each_the_gravest_first(capsys: pytest.CaptureFixture[str]) -> None:
    tell_replications(TextOutput(FakeClock()), [_look(), _bad()])

    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[:4] == ["db", "north", "replicating", "✗"]
    assert "rpo-high" in said[1]
    assert said[2].split() == ["web", "north", "replicating", "✓", "normal", "5:00", "-", "-"]
    assert said[3] == "2 machines, normal: 1"


def test_none_is_told_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    tell_replications(TextOutput(FakeClock()), [])

    assert capsys.readouterr().out == "0 machines, normal: 0\n"


def test_one_is_told_with_reasons_remedies_and_what_happened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_replication(TextOutput(FakeClock()), _bad())

    said = capsys.readouterr().out
    assert "50:00" in said
    assert "✗ A failover now would lose 50 min of work" in said
    assert "! 12.0 MiB wait, and no more than 1.00 KiB a second may be sent" not in said
    assert "no more than 0.98 KiB a second" in said
    assert "→ Allow more: `holdfast replication enable db --to north --limit 100mbit`." in said
    assert "the record of changes was not closed" in said
    assert "resync: the record of changes was not closed: QEMU was killed or lost power" in said
    assert "from-the-moon: unheard-of" in said
    assert "25% of the room, 3.00 MiB free" in said
    assert "1.00 GiB of 10.0 GiB" in said


def test_its_points_are_told_where_the_site_said_them(capsys: pytest.CaptureFixture[str]) -> None:
    point = ReplicaPoint(
        generation="holdfast-1",
        taken_at=NOON,
        applied_at=NOON,
        consistency=Consistency.APPLICATION,
        disks=(),
    )
    less = [
        msgspec.structs.replace(
            point, generation=code, consistency=Consistency.CRASH, downgrades=(downgrade(code),)
        )
        for code in ("hook-failed", "freeze-not-due")
    ]
    facts = ReplicaFacts(vm="u-1", name="web", source="m-2", points=(point, *less))

    tell_replication(TextOutput(FakeClock()), _look(), facts)

    said = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in said[-3:]] == [
        "crash",
        "crash: a hook failed in the guest",
        "application",
    ]


def test_what_it_leaves_out_and_overwrites_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    look = _look(left_out={"vdb": "shared"}, scratch_peak_bytes=3 << 20, skew_seconds=-90.0)

    tell_replication(TextOutput(FakeClock()), look)
    tell_replication(JsonOutput(FakeClock()), look)

    *words, line = capsys.readouterr().out.splitlines()
    assert {"vdb (shared)", "at most 3.00 MiB"} <= {each.split("  ")[-1].strip() for each in words}
    told = json.loads(line)
    assert (told["left_out"], told["skew_seconds"]) == ({"vdb": "shared"}, -90.0)


def test_programs_read_codes_and_figures_and_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    paused = Paused(who="ada", since=NOON)
    look = _look(settings=settings(paused=paused), standing=Standing(state=State.PAUSED))

    tell_replication(JsonOutput(FakeClock()), look)

    told = json.loads(capsys.readouterr().out)
    assert (told["vm"], told["state"], told["health"]) == ("web", "paused", "warning")
    assert told["reasons"][0]["code"] == "paused"
    assert told["reasons"][0]["remedy"] == "`holdfast replication resume web`"
    assert told["paused"]["who"] == "ada"
    assert told["rpo_seconds"] == 300.0
    assert told["latest_app_at"].startswith("2026-01-01T11:30")


def test_what_lies_on_this_host_is_looked_at(tmp_path: Path) -> None:
    for vm, name in (("u-1", "web"), ("u-2", "db")):
        folder = SourceFolder(str(tmp_path), vm)
        folder.make()
        folder.keep_settings(msgspec.structs.replace(settings(), vm=vm, name=name))
    write_status(SourceFolder(str(tmp_path), "u-1").path, status_of(well(), NOON))

    found = list(look_at_all(str(tmp_path), NOON + 5 * MIN))

    assert [look.settings.name for look in found] == ["db", "web"]
    assert found[0].status.state is State.READY_FOR_INITIAL_COPY
    assert "nobody-at-work" in [reason.code for reason in found[1].status.reasons]
    assert look_at(str(tmp_path), "u-3", NOON) is None


def test_a_status_of_a_newer_release_is_told_and_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SourceFolder(str(tmp_path), "u-1")
    folder.make()
    folder.keep_settings(settings())
    newer = msgspec.structs.replace(status_of(well(), NOON), version=99)
    (folder.path / "status.json").write_bytes(encode(newer))

    (look,) = look_at_all(str(tmp_path), NOON)
    tell_replication(TextOutput(FakeClock()), look)

    assert "newer Holdfast (version 99)" in capsys.readouterr().err
