"""What a pattern promises to stand in every match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.doctor.anchors import anchors
from holdfast.doctor.codes import patterns_of


@pytest.mark.parametrize(
    ("pattern", "promised"),
    [
        ("not responsive", ("not responsive",)),
        (r"agent.{0,40}not responsive", ("not responsive",)),
        (r"no space left on (?P<device>\S+)", ("no space left on ",)),
        (r"\bSalLowDiskSpace\b", ("SalLowDiskSpace",)),
        (r"(?:timed out|time-out) after", ("timed out", "time-out")),
        (r"state: \[(?P<state>\d+)\] failed", ("state: [",)),
        (r"job (has )?failed", ("failed",)),
        (r"colou?r mode", ("r mode",)),
        (r"files? lost", (" lost",)),
        (r"ab+cdef", ("cdef",)),
        (r"(?i)quota|limit", ("quota", "limit")),
        (r"작업.{0,9}실패했습니다", ("실패했습니다",)),
        (r"[A-Z]\]error", ("]error",)),
        (r"[]x]error", ("error",)),
        (r"[[:alpha:]]+ error", (" error",)),
        (r"\x{D55C}글자다", ("글자다",)),
    ],
)
def test_longest_certain_text_is_chosen(pattern: str, promised: tuple[str, ...]) -> None:
    assert anchors(pattern) == promised


@pytest.mark.parametrize(
    "pattern",
    [r"\d+", "a|bcdef", ".*", "(error)?", "ab", r"x=\d\b", "", "(unclosed", "[a", "a{"],
)
def test_pattern_that_promises_nothing_useful_has_none(pattern: str) -> None:
    assert anchors(pattern) is None


@pytest.mark.parametrize("code", ["0x80070005", "95226", "0x1FC07", "UserErrorX"])
def test_codes_have_anchors(code: str) -> None:
    assert all(map(anchors, patterns_of(code)))


# Pieces of patterns, each with texts that it matches.
_PIECES = {
    **{letter: [letter] for letter in ["a", "b", "한", "hello", " "]},
    r"\d": ["0", "7"],
    r"\.": ["."],
    ".": ["a", "한"],
    "[x-z\\]]": ["x", "]"],
    "(?:one|two)": ["one", "two"],
    "(?P<name>word)": ["word"],
    "x?": ["x", ""],
    "(?:much)*?": ["", "muchmuch"],
    "(?:more)+": ["more", "moremore"],
    "w{2}": ["ww"],
    "v{0,3}": ["", "vv"],
    r" \bthe\b ": [" the "],
    "(maybe)?": ["maybe", ""],
    "(?:deep(?:er|est)|flat)": ["deeper", "deepest", "flat"],
}


@st.composite
def _matching(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern and a text that it matches."""
    pieces = draw(st.lists(st.sampled_from(sorted(_PIECES)), max_size=8))
    texts = [draw(st.sampled_from(_PIECES[piece])) for piece in pieces]
    return "".join(pieces), "".join(texts)


@given(st.lists(_matching(), min_size=1, max_size=3), st.data())
def test_promise_is_kept_by_whatever_matches(
    branches: list[tuple[str, str]], data: st.DataObject
) -> None:
    pattern = "|".join(pattern for pattern, _ in branches)
    text = data.draw(st.sampled_from([text for _, text in branches]))

    promised = anchors(pattern)

    assert promised is None or any(one in text for one in promised)
