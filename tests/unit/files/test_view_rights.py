"""Who may remove snapshots, from what /proc says."""

from pathlib import Path

import pytest

from holdfast.files.views.rights import may_remove_snapshots

ALL = "0000003fffffffff"
WITHOUT_ADMIN = "0000003fffdfffff"
WHOLE_MACHINE = "         0          0 4294967295\n"


@pytest.mark.parametrize(
    ("capabilities", "users", "may"),
    [
        (ALL, WHOLE_MACHINE, True),
        (WITHOUT_ADMIN, WHOLE_MACHINE, False),
        ("0000000000000000", WHOLE_MACHINE, False),
        (ALL, "         0       1000          1\n", False),
        (ALL, "", False),
    ],
    ids=["root", "without-admin", "user", "root-of-a-container", "unmapped"],
)
def test_only_an_administrator_of_the_machine_may(
    tmp_path: Path, capabilities: str, users: str, may: bool
) -> None:
    (tmp_path / "status").write_text(f"Name:\tx\nCapEff:\t{capabilities}\n", encoding="utf-8")
    (tmp_path / "uid_map").write_text(users, encoding="ascii")

    assert may_remove_snapshots(str(tmp_path)) is may


def test_without_proc_nobody_may(tmp_path: Path) -> None:
    assert may_remove_snapshots(str(tmp_path / "none")) is False
