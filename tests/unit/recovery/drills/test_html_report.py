"""The page of a drill."""

from html.parser import HTMLParser

import pytest

from holdfast.base.texts import use_language
from holdfast.machines.points import Consistency
from holdfast.recovery.checks.seen import CheckSeen
from holdfast.recovery.drills.drill import DrillRun, Objective
from holdfast.recovery.drills.html_report import html_report
from holdfast.recovery.trial import Part, TrialState
from tests.unit.recovery.trials import trial

_VOID = ("meta", "img", "rect", "line")


class _Page(HTMLParser):
    """Everything in it, and whether what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self.bars: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.links += [told[name] or "" for name in ("src", "href") if name in told]
        if tag == "rect":
            self.bars.append(told["class"] or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def run(**changes: object) -> DrillRun:
    checks = (
        CheckSeen(text="tcp:22", kind="tcp", is_good=True, seconds=9.5, said="in the guest"),
        CheckSeen(text="guest:<b>", kind="guest", is_good=False, seconds=10, said="a < b & c"),
    )
    told = {"checks": checks, "parts": (Part(name="resumed", seconds=1.25),)}
    return DrillRun(
        trial=trial(9, consistency=Consistency.APPLICATION, **(told | changes)),
        objective=Objective(rpo=60, rto=10),
        host="south",
    )


def test_page_has_all_that_was_seen() -> None:
    page = _Page(html_report(run(), [run()]))

    for words in ("web-test-1", "application-consistent", "tcp:22", "a < b & c", "1.25 s", "south"):
        assert words in page.text
    assert page.open == []


def test_objectives_stand_beside_what_was_reached() -> None:
    page = _Page(html_report(run(), [run()]))

    assert "RTO 20.0 s instead of 10.0 s" in page.text
    assert "passed, objective missed" in page.text


def test_times_say_which_clock_and_which_unit() -> None:
    slow = DrillRun(trial=run(seconds_to_up=605.0).trial, objective=Objective(rto=600, rpo=5400))

    text = html_report(slow, [slow])

    page = _Page(text)
    assert f"{slow.trial.begun_at.astimezone():%H:%M:%S %Z}" in page.text
    assert "RTO 10 min 5 s instead of 10 min" in page.text
    assert "1 h 30 min" in page.text
    assert '<td class="number">9.5 s</td>' in text, "a time is never broken in two"


def test_trend_says_what_it_shows() -> None:
    promised = DrillRun(trial=trial(1), objective=Objective(rto=600))

    with_line = _Page(html_report(promised, [promised]))
    without = _Page(html_report(DrillRun(trial=trial(1)), [DrillRun(trial=trial(1))]))

    assert "red failed" in with_line.text
    assert "what was promised, 10 min" in with_line.text
    assert "dashed line" not in without.text


def test_page_needs_nothing_beside_it() -> None:
    page = _Page(html_report(run(), [run()], picture=b"\x89PNG"))

    assert page.links == ["data:image/png;base64,iVBORw=="]


def test_reason_stands_where_the_picture_would() -> None:
    page = _Page(html_report(run(picture_reason="no screen"), []))

    assert "There is no picture: no screen" in page.text


def test_trend_has_a_bar_for_each_drill() -> None:
    objective = Objective(rto=30)
    past = [
        DrillRun(trial=trial(1), objective=objective),
        DrillRun(trial=trial(2, state=TrialState.FAILURE, seconds_to_up=None), objective=objective),
        DrillRun(trial=trial(3, seconds_to_up=45.0), objective=objective),
    ]

    page = _Page(html_report(past[-1], past))

    assert page.bars == ["good", "failed", "late"]


@pytest.mark.parametrize("past", [0, 1, 100])
def test_trend_is_never_too_long(past: int) -> None:
    runs = [DrillRun(trial=trial(number)) for number in range(past)]

    page = _Page(html_report(run(), runs))

    assert len(page.bars) == min(past, 24)


def test_page_speaks_the_language_in_use() -> None:
    use_language("ko")
    try:
        page = html_report(run(), [run()])
    finally:
        use_language("en")

    assert '<html lang="ko">' in page
