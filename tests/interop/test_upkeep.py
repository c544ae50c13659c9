"""Tags, passphrases and retention: what we change, stock restic understands, and the reverse."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from holdfast.app import passphrases
from holdfast.app.retain import retain
from holdfast.app.tags import tag_points
from holdfast.base.secret import Secret
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import CHEAP, PASSPHRASE, add_point, open_vault, small_vault
from holdfast.vault.keys import KeyCost
from holdfast.vault.policy.retention import Policy
from holdfast.vault.policy.retention_grammar import parse_every
from holdfast.vault.policy.retention_rules import Unit
from holdfast.vault.repository import Repository
from holdfast.vault.tags import TagChange

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]

NEXT = Secret(b"the next one")


@pytest.fixture
def vault(tmp_path: Path) -> Repository:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    return small_vault(storage, KeyCost(n=64, r=1, p=1))


def restic(vault: Repository, *words: str, passphrase: Secret = PASSPHRASE) -> str:
    done = subprocess.run(
        ["restic", "-r", vault.storage.place, "--no-cache", *words],
        env={**os.environ, "RESTIC_PASSWORD": passphrase.reveal().decode()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_restic_sees_our_tags_and_we_see_its(vault: Repository) -> None:
    first = add_point(vault, {"a": b"1"})

    tag_points(vault, [], TagChange(add=("ours", "both")))
    (seen,) = json.loads(restic(vault, "snapshots", "--json", "--tag", "ours"))
    restic(vault, "tag", "--add", "theirs")

    assert (seen["tags"], seen["original"]) == (["ours", "both"], first.id)
    (point,) = vault.snapshots()
    assert point.stored.tags == ["ours", "both", "theirs"]
    assert point.stored.original == first.id
    assert "no errors were found" in restic(vault, "check", "--read-data")


def test_restic_opens_with_a_passphrase_we_changed_and_we_with_one_it_changed(
    vault: Repository, tmp_path: Path
) -> None:
    add_point(vault, {"a": b"1"})
    passphrases.change(vault, NEXT, cost=CHEAP)

    restic(vault, "snapshots", passphrase=NEXT)
    fresh = tmp_path / "passphrase"
    fresh.write_text("made by restic")
    restic(vault, "key", "passwd", "--new-password-file", str(fresh), passphrase=NEXT)

    again = open_vault(vault.storage, passphrase=Secret(b"made by restic"))
    assert len(again.snapshots()) == 1
    assert len(passphrases.list_passphrases(again)) == 1


def test_restic_finds_nothing_wrong_after_our_retention(vault: Repository) -> None:
    for number in range(5):
        add_point(vault, {"a": str(number).encode()})

    retain(vault, Policy(rules=tuple(parse_every(Unit.LAST, "2"))))

    assert len(json.loads(restic(vault, "snapshots", "--json"))) == 2
    assert "no errors were found" in restic(vault, "check", "--read-data")
