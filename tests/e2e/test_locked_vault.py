"""A vault that somebody else holds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from holdfast.app.locking import held
from holdfast.app.wiring import identity_here
from holdfast.base.clock import SystemClock
from holdfast.base.secret import Secret
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import open_vault
from tests.e2e.conftest import PASSPHRASE, Bench


@contextmanager
def _held_by_us(bench: Bench) -> Iterator[None]:
    """An exclusive lock, held by this test's process."""
    storage, phrase = DirectoryStorage(str(bench.vault)), Secret(PASSPHRASE.encode())
    repository = open_vault(storage, clock=SystemClock(), who=identity_here(), passphrase=phrase)
    with held(repository, exclusive=True):
        yield


@pytest.mark.parametrize(
    "arguments",
    [
        ["backup", "."],
        ["check"],
        ["prune"],
        ["retain", "--keep-last", "1"],
        ["points", "tag", "latest", "--add", "x"],
        ["vault", "repair"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_locked_vault_ends_with_11_and_names_the_holder(
    filled: Bench, arguments: list[str]
) -> None:
    with _held_by_us(filled):
        said = filled.run(*arguments, status=11)

    assert "is locked by" in said.err
    assert "vault-locked" in said.err


def test_reading_needs_no_lock(filled: Bench) -> None:
    with _held_by_us(filled):
        filled.run("points")
        filled.run("points", "ls", "latest")
        filled.run("vault", "show")


def test_living_lock_is_kept_until_all_are_to_go(filled: Bench) -> None:
    with _held_by_us(filled):
        kept = filled.run("vault", "unlock", "--json").event("locks-removed")
        removed = filled.run("vault", "unlock", "--all", "--json").event("locks-removed")

    assert (kept["removed"], kept["kept"]) == (0, 1)
    assert (removed["removed"], removed["kept"]) == (1, 0)


def test_waiting_names_the_holder_and_goes_on_when_it_is_gone(filled: Bench) -> None:
    with _held_by_us(filled):
        prune = filled.start("prune", "--wait", "10m")
        assert prune.stderr is not None
        first = prune.stderr.readline()
    _out, rest = prune.communicate(timeout=180)

    assert b"waiting for" in first
    assert (prune.returncode, rest) == (0, b"")
