"""The life of a passphrase, as processes."""

from pathlib import Path

from tests.e2e.conftest import Bench

FRESH = "another horse another staple"


def _second(bench: Bench) -> Path:
    file = bench.root / "second"
    file.write_text(FRESH)
    file.chmod(0o600)
    return file


def test_second_passphrase_opens_the_vault_until_it_is_removed(bench: Bench) -> None:
    file = _second(bench)

    key = bench.run("passphrase", "add", "--new-passphrase-file", file, "--lab", "--json").event(
        "passphrase-added"
    )["key"]
    bench.run("points", "--passphrase-file", file)
    listed = bench.run("passphrase", "list", "--passphrase-file", file, "--json").events
    bench.run("passphrase", "remove", key[:12])

    assert {one["key"]: one["is_current"] for one in listed}[key]
    assert len(listed) == 2
    # The kernel may still keep its key; it must not help.
    bench.run("points", "--passphrase-file", file, status=12)


def test_changed_passphrase_replaces_the_old_one(bench: Bench) -> None:
    file = _second(bench)
    bench.run("points")

    bench.run("passphrase", "change", "--new-passphrase-file", file, "--lab")

    bench.run("points", status=12)
    bench.run("points", "--passphrase-file", file)


def test_passphrase_in_use_is_not_removed(bench: Bench) -> None:
    key = bench.run("passphrase", "list", "--json").event("passphrase")["key"]

    assert "last-passphrase" in bench.run("passphrase", "remove", key, status=1).err


def test_short_passphrase_is_refused(bench: Bench) -> None:
    file = bench.root / "short"
    file.write_text("short")

    said = bench.run("passphrase", "add", "--new-passphrase-file", file, status=2)

    assert "passphrase-too-short" in said.err
    assert len(bench.run("passphrase", "list", "--json").events) == 1


def test_points_are_tagged_and_get_new_ids(filled: Bench) -> None:
    former = filled.run("points", "--json").event("point")["id"]

    changed = filled.run("points", "tag", former[:8], "--add", "audit", "--json")

    point = filled.run("points", "--tag", "audit", "--json").event("point")
    assert changed.event("tags-changed") == {
        "event": "tags-changed",
        "version": 1,
        "former": former,
        "point": point["id"],
    }


def test_tagging_with_nothing_is_a_question_of_usage(filled: Bench) -> None:
    filled.run("points", "tag", "latest", status=2)
