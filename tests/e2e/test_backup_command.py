"""`holdfast backup` and `holdfast points`, as processes."""

import json
import os
from pathlib import Path

import pytest

from tests.e2e.conftest import PASSPHRASE, Bench


@pytest.mark.skipif(os.geteuid() != 0, reason="another file system needs root")
def test_warning_about_scratch_is_said_once(filled: Bench) -> None:
    words = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$HOLDFAST_HOME" && exec "$@"')

    said = filled.run("backup", filled.source, before=(*words, "sh"))

    assert said.err.count("its caches are lost with it") == 1


def test_point_is_made_and_listed(filled: Bench) -> None:
    (point,) = filled.run("points", "--json").events

    assert point["paths"] == [str(filled.source)]
    assert (point["files"], point["bytes"]) == (2, 30)


def test_text_ends_in_the_name_of_the_point(bench: Bench) -> None:
    bench.write("file")

    said = bench.run("backup", bench.source)

    point = bench.run("points", "--json").event("point")["id"]
    assert f"Made recovery point {point[:8]}" in said.out
    assert said.err == ""


def test_quiet_backup_prints_nothing(bench: Bench) -> None:
    bench.write("file")

    said = bench.run("backup", bench.source, "--quiet")

    assert (said.out, said.err) == ("", "")


def test_second_backup_knows_its_parent_and_adds_nothing(filled: Bench) -> None:
    first = filled.run("points", "--json").event("point")["id"]

    done = filled.run("backup", filled.source, "--json").event("backup-done")

    assert (done["parent"], done["files_unmodified"], done["files_new"]) == (first, 2, 0)


def test_point_of_a_mark_is_made_once(filled: Bench) -> None:
    first = filled.run("backup", filled.source, "--once", "job:1", "--json").event("backup-done")
    filled.write("another")
    again = filled.run("backup", filled.source, "--once", "job:1", "--json")

    assert again.event("backup-done")["point"] == first["point"]
    assert "made already" in again.event("warning")["message"]
    assert len(filled.run("points", "--json").events) == 2


def test_dry_run_stores_nothing(filled: Bench) -> None:
    filled.write("new", "fresh content")
    before = sorted(path.name for path in filled.vault.rglob("*"))

    done = filled.run("backup", filled.source, "--dry-run", "--json").event("backup-done")

    assert done["bytes_added"] > 0
    assert (done["point"], done["dry_run"]) == (None, True)
    assert sorted(path.name for path in filled.vault.rglob("*")) == before


def test_backup_after_a_dry_run_stores_what_it_should(bench: Bench) -> None:
    bench.write("file", "content worth keeping")

    bench.run("backup", bench.source, "--dry-run")
    bench.run("backup", bench.source)

    bench.run("check", "--read-data")


def test_item_left_out_ends_with_3_and_is_named_everywhere(bench: Bench) -> None:
    bench.write("good")
    bench.write("closed").chmod(0)

    said = bench.run_where_modes_count("backup", bench.source, status=3)

    assert f"{bench.source}/closed: access denied" in said.err
    assert "(0x80070005, EACCES" in said.err
    assert "with warnings: 1 item was left out" in said.out
    (listed,) = bench.home.rglob("skipped-*.jsonl")
    line = json.loads(listed.read_text())
    assert (line["path"], line["code"]) == (f"{bench.source}/closed", "0x80070005")


def test_items_left_out_are_json_events(bench: Bench) -> None:
    bench.write("good")
    bench.write("closed").chmod(0)

    said = bench.run_where_modes_count("backup", bench.source, "--json", status=3)

    assert said.event("skipped")["code"] == "0x80070005"
    done = said.event("backup-done")
    assert done["skipped"] == 1
    assert Path(done["skipped_list"]).exists()
    assert said.err == ""


def test_path_that_is_not_there_stops_the_backup(bench: Bench) -> None:
    said = bench.run("backup", bench.root / "absent", status=2)

    assert "nothing-to-protect" in said.err


def test_excludes_tags_host_and_time_are_taken(bench: Bench) -> None:
    for name in ("kept", "left.tmp", "cache/CACHEDIR.TAG", "cache/x", "big"):
        bench.write(
            name, "Signature: 8a477f597d28d172789f06886806bc55" + "x" * (name == "big") * 9999
        )
    patterns = bench.root / "patterns"
    patterns.write_text("# a comment\n*.tmp\n")

    bench.run(
        *("backup", bench.source, "--exclude-file", patterns, "--exclude-caches"),
        *("--exclude-larger-than", "5K", "--tag", "one", "--tag", "two"),
        *("--host", "elsewhere", "--time", "2026-01-02T03:04:05+00:00"),
    )

    point = bench.run("points", "--json").event("point")
    listed = [e["path"] for e in bench.run("points", "ls", "latest", "-r", "--json").events]
    names = [path.removeprefix(f"{bench.source}/") for path in listed if f"{bench.source}/" in path]
    assert names == ["cache", "cache/CACHEDIR.TAG", "kept"]
    assert (point["host"], point["tags"]) == ("elsewhere", ["one", "two"])
    assert point["time"].startswith("2026-01-02T")


def test_paths_come_from_a_file_too(bench: Bench) -> None:
    one, two = bench.write("one"), bench.write("two")
    listed = bench.root / "list"
    listed.write_bytes(os.fsencode(one) + b"\0" + os.fsencode(two) + b"\0")

    bench.run("backup", "--files-from", listed)

    assert bench.run("points", "--json").event("point")["files"] == 2


def test_hooks_run_around_the_backup_without_our_secrets(bench: Bench) -> None:
    bench.write("file")
    log = bench.root / "log"

    bench.run(
        *("backup", bench.source),
        *("--hook-before", f"echo $HOLDFAST_HOOK >> {log}; env >> {bench.root}/seen"),
        *("--hook-after", f"echo $HOLDFAST_HOOK >> {log}"),
        AWS_SECRET_ACCESS_KEY="sesame",
    )

    assert log.read_text().split() == ["before", "after"]
    seen = (bench.root / "seen").read_text()
    assert "sesame" not in seen
    assert "PASSPHRASE" not in seen


def test_failing_hook_before_stops_the_backup(bench: Bench) -> None:
    bench.write("file")

    said = bench.run("backup", bench.source, "--hook-before", "echo no; exit 4", status=1)

    assert "hook-failed" in said.err
    assert bench.run("points", "--json").events == []


def test_failing_hook_after_is_a_warning(bench: Bench) -> None:
    bench.write("file")

    said = bench.run("backup", bench.source, "--hook-after", "exit 4")

    assert "warning: " in said.err
    assert len(bench.run("points", "--json").events) == 1


def test_folder_of_a_point_is_listed(filled: Bench) -> None:
    said = filled.run("points", "ls", "latest", filled.source / "etc")

    assert [line.split()[0] for line in said.out.splitlines()] == ["-rw-r--r--"] * 2
    assert "이름" in said.out


def test_points_can_be_filtered_and_shown(filled: Bench) -> None:
    filled.run("backup", filled.source, "--host", "beta", "--tag", "kept")

    (point,) = filled.run("points", "--host", "beta", "--tag", "kept", "--json").events
    shown = filled.run("points", "show", point["id"][:10], "--json").event("point")

    assert shown == point
    assert len(filled.run("points", "--latest", "1", "--json").events) == 1
    assert filled.run("points", "--path", "/nowhere", "--json").events == []


def test_difference_of_two_points_is_told(filled: Bench) -> None:
    old = filled.run("points", "--json").event("point")["id"]
    filled.write("etc/hosts", "another\n")
    filled.write("etc/new")
    filled.run("backup", filled.source)

    found = filled.run("points", "diff", old, "latest", "--json").events

    changes = {Path(d["path"]).name: d["change"] for d in found if d["kind"] == "file"}
    assert changes == {"hosts": "changed", "new": "added"}


@pytest.mark.parametrize("point", ["absent", "ffff"])
def test_unknown_point_is_named(filled: Bench, point: str) -> None:
    said = filled.run("points", "show", point, status=1)

    assert f"No recovery point matches {point}" in said.err


def test_columns_line_up_in_korean(filled: Bench) -> None:
    head, row = filled.run("points", "--lang", "ko").out.splitlines()[:2]

    # The path is the last column; its head takes two places a letter.
    assert len(row.split(str(filled.source))[0]) > 0
    assert "지점" in head


def test_passphrase_is_in_no_process_list_and_no_file(bench: Bench) -> None:
    bench.write("file")
    seen = bench.root / "seen"

    said = bench.run("backup", "-vv", bench.source, "--hook-before", f"ps axeww > {seen}")

    # Our own environment names the file, never the passphrase.
    assert PASSPHRASE not in seen.read_text(errors="replace")
    assert PASSPHRASE not in said.out + said.err
    files = [path for path in bench.home.rglob("*") if path.is_file()]
    assert all(PASSPHRASE.encode() not in path.read_bytes() for path in files)


def test_damaged_point_is_named_beside_the_others(filled: Bench) -> None:
    (filled.vault / "snapshots" / ("ab" * 32)).write_bytes(b"nonsense, and enough of it to be one")

    said = filled.run("points", "--json", status=20)

    assert [event["event"] for event in said.events] == ["point", "warning"]
