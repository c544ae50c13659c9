"""`holdfast restore`, as a process."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Bench


def _back(bench: Bench, name: str = "") -> Path:
    return Path(f"{bench.root}/back{bench.source}") / name


def test_newest_point_comes_back_and_is_proven(filled: Bench) -> None:
    said = filled.run("restore", "latest", "--to", filled.root / "back", "--verify")

    assert _back(filled, "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert _back(filled, "etc/이름").read_text() == "한국어\n"
    assert "proved every byte and attribute" in said.out


def test_second_run_writes_nothing(filled: Bench) -> None:
    arguments = ("restore", "latest", "--to", filled.root / "back", "--json")
    filled.run(*arguments)

    done = filled.run(*arguments).event("restore-done")

    assert (done["bytes_written"], done["files_unchanged"]) == (0, 2)


def test_dry_run_writes_nothing(filled: Bench) -> None:
    said = filled.run("restore", "latest", "--to", filled.root / "back", "--dry-run")

    assert "Dry run" in said.out
    assert not (filled.root / "back").exists()


def test_part_of_a_point_comes_back(filled: Bench) -> None:
    filled.run("restore", "latest", "--to", filled.root / "back", "--include", "hosts")

    assert [path.name for path in _back(filled).rglob("*") if path.is_file()] == ["hosts"]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_part_that_no_point_has_is_no_success(filled: Bench, more: tuple[str, ...]) -> None:
    there = ("--to", filled.root / "back", "--include", "hots", "--include", "/etc/other")

    said = filled.run("restore", "latest", *there, *more, "--json", status=1).event("error")

    assert said["code"] == "subpath-missing"
    assert "hots, /etc/other" in said["message"]


def test_folder_of_a_point_comes_straight_to_the_target(filled: Bench) -> None:
    filled.run("restore", f"latest:{filled.source}/etc", "--to", filled.root / "back")

    assert (filled.root / "back" / "hosts").exists()


def test_restore_in_place_removes_what_came_since(filled: Bench) -> None:
    filled.write("etc/hosts", "spoiled")
    filled.write("etc/since")

    filled.run("restore", f"latest:{filled.source}", "--to", filled.source, "--delete")

    assert (filled.source / "etc" / "hosts").read_text() == "127.0.0.1 localhost\n"
    assert not (filled.source / "etc" / "since").exists()


@pytest.mark.parametrize(
    ("overwrite", "content"), [("changed", "127"), ("always", "127"), ("never", "spo")]
)
def test_overwrite_decides_about_files_that_are_there(
    filled: Bench, overwrite: str, content: str
) -> None:
    target = filled.root / "back"
    filled.run("restore", "latest", "--to", target)
    _back(filled, "etc/hosts").write_text("spoiled")

    filled.run("restore", "latest", "--to", target, "--overwrite", overwrite)

    assert _back(filled, "etc/hosts").read_text().startswith(content)


def test_latest_of_another_machine_is_meant_when_it_is_named(filled: Bench) -> None:
    filled.write("etc/hosts", "newer\n")
    filled.run("backup", filled.source, "--host", "beta")

    filled.run("restore", "latest", "--to", filled.root / "back", "--host", "beta")
    missing = filled.run(
        "restore", "latest", "--to", filled.root / "back", "--host", "gamma", status=1
    )

    assert _back(filled, "etc/hosts").read_text() == "newer\n"
    assert "point-missing" in missing.err
    # There are points; that none is of this host is what one has to know.
    assert "latest, gamma" in missing.err


def test_damage_met_by_a_restore_ends_with_20(filled: Bench) -> None:
    packs = [path for path in (filled.vault / "data").rglob("*") if path.is_file()]
    for pack in packs:
        _spoil(pack)

    said = filled.run("restore", "latest", "--to", filled.root / "back", status=20)

    assert said.err


def _spoil(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[30] ^= 0xFF
    file.chmod(0o600)
    file.write_bytes(content)
