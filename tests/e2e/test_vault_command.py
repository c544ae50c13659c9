"""Making and describing vaults."""

from tests.e2e.conftest import Bench


def test_vault_is_made_and_described(empty: Bench) -> None:
    made = empty.run("vault", "create", empty.root / "deep" / "vault", "--lab", "--json")
    place = made.event("vault-created")["place"]

    shown = empty.run("vault", "show", "--vault", place, "--json").event("vault")

    assert shown["id"] == made.event("vault-created")["id"]
    assert (shown["points"], shown["keys"], shown["newest"]) == (0, 1, None)


def test_second_vault_at_the_same_place_is_refused(bench: Bench) -> None:
    before = (bench.vault / "config").read_bytes()

    said = bench.run("vault", "create", bench.vault, status=1)

    assert "vault-exists" in said.err
    assert (bench.vault / "config").read_bytes() == before


def test_short_passphrase_is_refused_except_in_the_lab(empty: Bench) -> None:
    empty.passphrase_file.write_text("short")

    assert "passphrase-too-short" in empty.run("vault", "create", status=2).err
    empty.run("vault", "create", "--lab")


def test_lock_of_a_dead_process_is_removed(bench: Bench) -> None:
    (bench.vault / "locks").mkdir(exist_ok=True)
    (bench.vault / "locks" / ("ab" * 32)).write_bytes(b"torn")

    said = bench.run("vault", "unlock", "--json")

    assert said.event("locks-removed") == {
        "event": "locks-removed",
        "version": 1,
        "removed": 1,
        "kept": 0,
    }


def test_quiet_creation_prints_nothing(empty: Bench) -> None:
    said = empty.run("vault", "create", "--lab", "-q")

    assert (said.out, said.err) == ("", "")
