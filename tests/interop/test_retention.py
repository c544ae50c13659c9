"""Our keep rules decide as stock restic's do, on the same repository."""

import json
import os
import random
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone

import pytest

from holdfast.app.retain import Plan, retain
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.vaults import PASSPHRASE, add_point, small_vault
from holdfast.vault.policy.retention import GroupBy, Policy
from holdfast.vault.policy.retention_grammar import parse_every, parse_tagged, parse_within
from holdfast.vault.policy.retention_rules import Rule, Unit
from holdfast.vault.repository import Repository

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]

END = datetime(2025, 11, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two hosts, three years, several points on some days and none for months."""
    storage = DirectoryStorage(str(tmp_path_factory.mktemp("vault")))
    made = small_vault(storage, clock=FakeClock(END))
    dice = random.Random(20)
    moment = END
    for number in range(140):
        zone = timezone(timedelta(hours=dice.choice([0, 0, 1, 2])))
        add_point(
            made,
            {"a": b"1"},
            time=moment.astimezone(zone),
            host=dice.choice(["alpha", "alpha", "beta"]),
            tags=dice.choice([[], [], ["nightly"], ["nightly", "audit"]]),
            paths=["/srv"] if number % 10 else ["/srv", "/etc"],
        )
        moment -= timedelta(minutes=dice.choice([7, 45, 300, 1440, 1441, 9000, 30_000]))
    return made


def restic_keeps(vault: Repository, *words: str) -> set[str]:
    done = subprocess.run(
        ["restic", "-r", vault.storage.place, "--no-cache", "--no-lock", "forget", "--dry-run",
         "--json", *words],
        env={**os.environ, "RESTIC_PASSWORD": PASSPHRASE.reveal().decode()},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {snapshot["id"] for group in json.loads(done.stdout) for snapshot in group["keep"] or ()}


def rules_of(words: list[str]) -> tuple[Rule, ...]:
    """The rules that restic's options mean."""
    rules: list[Rule] = []
    for name, value in zip(words[::2], words[1::2], strict=True):
        kind = name.removeprefix("--keep-")
        if kind == "tag":
            rules.append(parse_tagged(value))
        elif kind.startswith("within"):
            unit = kind.removeprefix("within").removeprefix("-")
            rules.append(parse_within(value, Unit(unit) if unit else None))
        else:
            rules += parse_every(Unit(kind), value)
    return tuple(rules)


@pytest.mark.parametrize(
    "options",
    [
        "--keep-last 3",
        "--keep-last 500",
        "--keep-hourly 20",
        "--keep-daily 7",
        "--keep-weekly 9",
        "--keep-monthly 12",
        "--keep-yearly 10",
        "--keep-last 2 --keep-hourly 5 --keep-daily 7 --keep-weekly 4 --keep-monthly 6 --keep-yearly 3",
        "--keep-within 3m",
        "--keep-within 1y2m3d4h",
        "--keep-within-hourly 7d --keep-within-daily 1m",
        "--keep-within-weekly 1y --keep-within-monthly 2y --keep-within-yearly 9y",
        "--keep-tag audit --keep-last 1",
        "--keep-tag nightly,audit --keep-tag none --keep-last 1",
    ],
)
def test_the_same_points_are_kept(vault: Repository, options: str) -> None:
    words = options.split()

    plan = retain(vault, Policy(rules=rules_of(words)), dry_run=True)

    assert kept(plan) == restic_keeps(vault, *words)


# Since this version restic keeps the oldest point while a rule's number is not reached.
_KEEPS_OLDEST = (0, 16)


def restic_version() -> tuple[int, int]:
    said = subprocess.run(["restic", "version"], capture_output=True, text=True, check=True).stdout
    major, minor = said.split()[1].split(".")[:2]
    return int(major), int(minor)


def kept(plan: Plan) -> set[str]:
    """What we keep, but for the oldest points where restic is too old to do so."""
    is_old = restic_version() < _KEEPS_OLDEST
    return {
        verdict.point.id
        for verdict in plan.verdicts
        if any(not (is_old and hold.rule.endswith("oldest")) for hold in verdict.holds)
    }


@pytest.mark.parametrize("group_by", ["", "host", "paths", "host,tags", "host,paths,tags"])
def test_the_same_groups_are_made(vault: Repository, group_by: str) -> None:
    fields = frozenset(GroupBy(word) for word in group_by.split(",") if word)
    policy = Policy(rules=tuple(parse_every(Unit.WEEKLY, "5")), group_by=fields)

    plan = retain(vault, policy, dry_run=True)

    expected = restic_keeps(vault, "--keep-weekly", "5", "--group-by", group_by)
    assert kept(plan) == expected
