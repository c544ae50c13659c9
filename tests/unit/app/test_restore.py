"""The use case "restore": how a point is named, and what the end means."""

import errno
import os
from pathlib import Path

import pytest

from holdfast.app.restore import RestoreRequest, exit_status, restore, split_point
from holdfast.base.errors import Exit
from holdfast.files.options import RestoreOptions
from holdfast.files.report import RestoreReport, Skipped, SkipReason
from holdfast.testing.vaults import add_point, small_vault
from holdfast.vault.layout import LOCKS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", ("latest", b"")),
        ("latest:/etc/nginx", ("latest", b"/etc/nginx")),
        ("3f2a:/odd:name", ("3f2a", b"/odd:name")),
    ],
)
def test_a_path_follows_the_point_after_a_colon(text: str, expected: tuple[str, bytes]) -> None:
    assert split_point(text) == expected


def test_a_part_of_a_point_comes_back_and_no_lock_stays(tmp_path: Path) -> None:
    vault = small_vault()
    add_point(vault, {"srv/a/file": b"a", "srv/b/file": b"b"})
    options = RestoreOptions(target=os.fsencode(tmp_path / "target"))

    report = restore(vault, RestoreRequest(point="latest:/srv/b", options=options))

    assert report.files == 1
    assert (tmp_path / "target/file").read_bytes() == b"b"
    assert list(vault.storage.list(LOCKS)) == []


def test_the_exit_status_tells_damage_from_lesser_problems() -> None:
    def with_problem(reason: SkipReason) -> RestoreReport:
        return RestoreReport(problems=[Skipped(path=b"/x", errno=errno.EIO, reason=reason)])

    assert exit_status(RestoreReport()) == Exit.FINE
    assert exit_status(with_problem(SkipReason.DENIED)) == Exit.WARNINGS
    assert exit_status(with_problem(SkipReason.DAMAGED)) == Exit.DAMAGE
