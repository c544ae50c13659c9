"""How freezing is said in options, and shown."""

import click
import pytest

from holdfast.app.vm_records import FreezeSettings, Protection
from holdfast.cli.vm_freeze import FREQUENCY, MOUNTS, freeze_line, settings_of


def known(**freeze: object) -> Protection:
    settings = FreezeSettings(**freeze)  # type: ignore[arg-type]  # as each test says
    return Protection(uuid="u", name="web", host="x", freeze=settings)


@pytest.mark.parametrize(
    ("said", "meant"), [("1", (1, 0)), ("12", (12, 0)), ("6h", (1, 21600)), ("90s", (1, 90))]
)
def test_a_number_is_of_points_and_a_time_is_a_time(said: str, meant: tuple[int, int]) -> None:
    assert FREQUENCY.convert(said, None, None) == meant


@pytest.mark.parametrize("said", ["0", "-1", "often", "0s", ""])
def test_what_is_neither_is_refused(said: str) -> None:
    with pytest.raises(click.BadParameter):
        FREQUENCY.convert(said, None, None)


def test_mounts_are_a_list_of_absolute_paths() -> None:
    assert MOUNTS.convert("/,/data, /", None, None) == ("/", "/data")
    assert MOUNTS.convert("all", None, None) == ()
    with pytest.raises(click.BadParameter):
        MOUNTS.convert("/,data", None, None)


@pytest.mark.parametrize(
    ("freeze", "line"),
    [
        ({}, "for every point"),
        ({"never": True, "every": 3}, "for no point"),
        ({"every": 4}, "for one point of 4"),
        ({"every_seconds": 21600, "mounts": ("/", "/data")}, "once in 6:00:00, only /, /data"),
    ],
)
def test_people_see_what_is_kept(freeze: dict[str, object], line: str) -> None:
    assert freeze_line(known(**freeze)) == line


def test_programs_see_all_of_it() -> None:
    assert settings_of(known(mounts=("/",), every=2)) == {
        "tracking": "auto",
        "consistency": "crash",
        "never_freeze": False,
        "freeze_mounts": ["/"],
        "freeze_every": 2,
        "freeze_every_seconds": None,
        "scratch": None,
    }
