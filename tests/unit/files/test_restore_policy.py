"""What is restored, and what becomes of what is there."""

import pytest

from holdfast.files.options import Overwrite
from holdfast.files.restore.policy import (
    Choice,
    Protected,
    Selection,
    Step,
    is_safe_name,
    next_step,
)


def chosen(path: str, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Choice:
    selection = Selection(include, exclude)
    return selection.choose(path.rstrip("/").encode(), is_folder=path.endswith("/"))


def test_everything_is_wanted_where_nothing_is_said() -> None:
    assert chosen("etc/") is Choice.YES
    assert chosen("etc/hosts") is Choice.YES


def test_own_facts_come_only_when_asked_for() -> None:
    assert chosen(".holdfast/") is Choice.NO
    assert chosen(".holdfast/", include=("/.holdfast",)) is Choice.YES
    assert chosen("home/.holdfast/") is Choice.YES


def test_a_folder_on_the_way_to_something_included_is_a_passage() -> None:
    include = ("/etc/nginx",)

    assert chosen("etc/", include=include) is Choice.PASSAGE
    assert chosen("etc/nginx/", include=include) is Choice.YES
    assert chosen("etc/nginx/site.conf", include=include) is Choice.YES
    assert chosen("etc/hosts", include=include) is Choice.NO


def test_exclude_wins_over_include() -> None:
    assert chosen("a/b.log", include=("/a",), exclude=("*.log",)) is Choice.NO


def test_patterns_match_names_that_are_no_text() -> None:
    selection = Selection(("*.conf",), ())

    assert selection.choose(b"\xff\xfe.conf", is_folder=False) is Choice.YES


@pytest.mark.parametrize(
    ("overwrite", "same_kind", "older", "step"),
    [
        (Overwrite.CHANGED, True, False, Step.COMPARE),
        (Overwrite.CHANGED, False, False, Step.REPLACE),
        (Overwrite.ALWAYS, True, False, Step.REWRITE),
        (Overwrite.ALWAYS, False, True, Step.REPLACE),
        (Overwrite.NEWER, True, True, Step.COMPARE),
        (Overwrite.NEWER, True, False, Step.KEEP),
        (Overwrite.NEWER, False, True, Step.REPLACE),
        (Overwrite.NEVER, True, True, Step.KEEP),
        (Overwrite.NEVER, False, True, Step.KEEP),
    ],
)
def test_what_is_there_is_treated_as_asked(
    overwrite: Overwrite, *, same_kind: bool, older: bool, step: Step
) -> None:
    assert next_step(overwrite, exists=True, same_kind=same_kind, older=older) is step


@pytest.mark.parametrize("overwrite", Overwrite)
def test_what_is_not_there_is_made(overwrite: Overwrite) -> None:
    assert next_step(overwrite, exists=False) is Step.CREATE


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/etc", b"nul\0", b"../x"])
def test_names_that_lead_elsewhere_are_not_safe(name: bytes) -> None:
    assert not is_safe_name(name)


@pytest.mark.parametrize("name", [b"...", b"..a", b" ", b"\xff", b"a\nb", b"~"])
def test_odd_names_are_safe(name: bytes) -> None:
    assert is_safe_name(name)


def test_extras_are_only_known_inside_what_was_protected() -> None:
    protected = Protected(["/srv/www"])

    assert protected.covers(b"srv/www")
    assert protected.covers(b"srv/www/html")
    assert not protected.covers(b"srv")
    assert not protected.covers(b"srv/wwwother")
    assert not protected.covers(b"")
    assert Protected(["/"]).covers(b"")
