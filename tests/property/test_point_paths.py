"""Any path there is can be written as a text, read back, and chosen by a pattern."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.files.restore.policy import Choice, Selection
from holdfast.fleet.point_paths import path_of, pattern_of, spelled

_NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map(lambda names: b"/" + b"/".join(names))


@given(_PATHS)
def test_every_path_comes_back_from_its_spelling(path: bytes) -> None:
    text = spelled(path)

    assert path_of(text) == path
    assert text.isprintable() or any(not one.isprintable() for one in text)
    text.encode()


@given(_PATHS)
def test_pattern_takes_in_its_own_path(path: bytes) -> None:
    selection = Selection([pattern_of(path)], [])

    assert selection.choose(path[1:], is_folder=False) is Choice.YES


def test_pattern_takes_in_what_lies_below_and_nothing_beside() -> None:
    selection = Selection([pattern_of(b"/srv/[www] *!#")], [])

    assert selection.choose(b"srv/[www] *!#/index.html", is_folder=False) is Choice.YES
    assert selection.choose(b"srv/www 1", is_folder=False) is Choice.NO
    assert selection.choose(b"other/srv/[www] *!#", is_folder=False) is Choice.NO


def test_what_text_can_hold_is_written_as_it_is() -> None:
    assert spelled("/홈/a b".encode()) == "/홈/a b"
    assert spelled(b"/100%\xff") == "/100%25%FF"


@pytest.mark.parametrize("text", ["/srv/../etc", "/a%00b", "..", "/%2e%2e/etc"])
def test_path_that_leads_out_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        path_of(text)


@pytest.mark.parametrize("text", ["srv/www", "/srv//www/", "./srv/./www"])
def test_path_begins_at_the_root_however_it_is_written(text: str) -> None:
    assert path_of(text) == b"/srv/www"
