"""check, repair, retain, prune and demo, as processes."""

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Bench

needs_fuse = pytest.mark.skipif(
    not os.path.exists("/dev/fuse") or shutil.which("fusermount3") is None,
    reason="there is no FUSE here",
)


def _packs(bench: Bench) -> list[Path]:
    return sorted(path for path in (bench.vault / "data").rglob("*") if path.is_file())


def test_sound_vault_ends_with_0(filled: Bench) -> None:
    done = filled.run("check", "--read-data", "--json").event("check-done")

    assert (done["damaged"], done["findings"], done["points"]) == (False, 0, 1)
    assert done["packs_read"] == done["packs"] == len(_packs(filled))


def test_a_check_without_a_lock_writes_nothing(filled: Bench) -> None:
    def stored() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in filled.vault.rglob("*")}

    before = stored()

    filled.run("check", "--read-data", "--no-lock")

    assert stored() == before


def test_damage_ends_with_20_and_names_what_is_lost(filled: Bench) -> None:
    for pack in _packs(filled):
        content = bytearray(pack.read_bytes())
        content[20] ^= 0xFF
        pack.chmod(0o600)
        pack.write_bytes(content)

    said = filled.run("check", "--read-data", "--json", status=20)

    assert said.event("check-done")["damaged"]
    assert {event["event"] for event in said.events} >= {"finding", "loss", "check-done"}
    assert "vault repair" in filled.run("check", "--read-data", status=20).out


def test_lost_index_is_repaired(filled: Bench) -> None:
    for index in (filled.vault / "index").iterdir():
        index.unlink()

    filled.run("vault", "repair", "--dry-run", status=20)
    done = filled.run("vault", "repair", "--json").event("repair-done")

    assert done["packs_adopted"] > 0
    filled.run("check", "--read-data")


def test_share_that_is_none_is_a_question_of_usage(filled: Bench) -> None:
    assert "--read-data=10%" in filled.run("check", "--read-data=lots", status=2).err


@pytest.mark.slow
def test_retain_shows_the_rule_of_each_point_and_prune_frees(filled: Bench) -> None:
    filled.write("etc/hosts", "changed\n")
    filled.run("backup", filled.source)

    planned = filled.run("retain", "--keep-last", "1", "--dry-run", "--json").events
    assert len(filled.run("points", "--json").events) == 2
    filled.run("retain", "--keep-last", "1", "--prune")

    decisions = [(e["keep"], e["rules"]) for e in planned if e["event"] == "retain"]
    assert decisions == [(True, ["last 1"]), (False, [])]
    assert len(filled.run("points", "--json").events) == 1
    assert "nothing to free" in filled.run("prune").out
    filled.run("check", "--read-data")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--keep-daily", "zero"],
        ["--keep-last", "1", "--group-by", "moon"],
        ["--keep-last", "0"],
        ["--keep-last", "1", "--zone", "Moon/Base"],
    ],
    ids=" ".join,
)
def test_rules_nobody_understands_change_nothing(filled: Bench, arguments: list[str]) -> None:
    filled.run("retain", *arguments, status=2)

    assert len(filled.run("points", "--json").events) == 1


@pytest.mark.parametrize(("zone", "days"), [("UTC", 1), ("Asia/Seoul", 2)])
def test_days_are_those_of_the_zone(filled: Bench, zone: str, days: int) -> None:
    for moment in ("2026-01-01T14:30:00Z", "2026-01-01T15:30:00Z"):
        filled.run("backup", filled.source, "--host", "other", "--time", moment)

    planned = filled.run(
        *("retain", "--host", "other", "--keep-daily", "2", "--zone", zone, "--dry-run", "--json")
    ).events

    rules = [rule for event in planned if event["event"] == "retain" for rule in event["rules"]]
    assert rules.count("daily 2") == days


@needs_fuse
@pytest.mark.slow
def test_prune_waits_for_nobody_and_ends_with_11(filled: Bench) -> None:
    mountpoint = filled.root / "mnt"
    mountpoint.mkdir()
    filled.run("backup", filled.source, "--tag", "second")
    filled.run("retain", "--keep-last", "1")
    mount = filled.start("mount", mountpoint)
    try:
        assert mount.stdout is not None
        mount.stdout.readline()

        said = filled.run("prune", "--max-unused", "0%", status=11)
    finally:
        mount.terminate()
        mount.communicate(timeout=90)

    assert "vault-locked" in said.err


@needs_fuse
@pytest.mark.slow
def test_mount_shows_the_points_until_it_is_ended(filled: Bench) -> None:
    mountpoint = filled.root / "mnt"
    mountpoint.mkdir()
    mount = filled.start("mount", mountpoint, "--json")
    try:
        assert mount.stdout is not None
        assert b'"mounted"' in mount.stdout.readline()

        found = [path.read_text() for path in mountpoint.rglob("etc/hosts")]
    finally:
        mount.terminate()
        mount.communicate(timeout=90)

    assert "127.0.0.1 localhost\n" in found
    assert list(mountpoint.iterdir()) == []


@pytest.mark.slow
def test_demo_proves_the_round_trip_and_cleans_up(empty: Bench) -> None:
    said = empty.run(
        "demo", "--files-only", "--json", TMPDIR=str(empty.root), HOLDFAST_VAULT="/nowhere"
    )

    done = said.event("demo-done")
    assert len(done["proofs"]) == (4 if shutil.which("restic") else 2)
    assert list(empty.root.glob("holdfast-demo-*")) == []
