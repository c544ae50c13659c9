"""The page of a report: one file that asks nobody for anything, and tells all without colours."""

import csv
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from holdfast.base.texts import use_language
from holdfast.replication.planner.machine_facts import RemarkFacts
from holdfast.replication.planner.machine_plan import Assumed
from holdfast.replication.planner.page import page
from holdfast.replication.planner.plan_csv import csv_of
from holdfast.replication.planner.planning import Plan, Wish, make_plan
from holdfast.replication.planner.plots import Chart, Line, line_plot, steps
from tests.unit.replication.planner.seen_machines import facts, profile

MADE = datetime(2026, 1, 3, 12, tzinfo=UTC)
_VOID = {"meta", "line", "rect", "polyline", "polygon", "circle"}
NASTY = '<script>alert("x")</script>&=1+1'


class Reader(HTMLParser):
    """Complains of what is not closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def plan(*rates: float, name: str = "web", **wish: float) -> Plan:
    remarks = (
        RemarkFacts(code="chain-deep", weight="less", disk="vda", values={"depth": 61, "most": 50}),
        RemarkFacts(code="of-a-newer-release", weight="less"),
    )
    machines = [(facts(name, remarks=remarks), profile(*(rates or [60.0] * 300)))]
    return make_plan(machines, Wish(assumed=Assumed(), bandwidth=wish.get("bandwidth")))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_page_is_whole_and_asks_nobody(language: str) -> None:
    use_language(language)

    text = page(plan(bandwidth=1e6), made_at=MADE)

    found = Reader(text)
    assert found.open == []
    assert found.of("html") == [{"lang": language}]
    assert not re.search(r"https?:|//\w|url\(|@import|<script|src=|<link", text)
    assert {"script", "link", "img", "iframe", "form"}.isdisjoint(tag for tag, _ in found.tags)


def test_every_plot_and_table_says_what_it_is() -> None:
    found = Reader(page(plan(bandwidth=1e6), made_at=MADE))

    plots, tables = found.of("svg"), found.of("table")
    assert plots
    assert all(one["role"] == "img" and one["aria-label"] for one in plots)
    assert len(tables) == len(found.of("caption"))
    assert {one["scope"] for one in found.of("th")} == {"col", "row"}


def test_names_of_machines_are_only_text() -> None:
    made = plan(name=NASTY)

    text = page(made, made_at=MADE)

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_remarks_come_with_what_can_be_done() -> None:
    text = page(plan(), made_at=MADE)

    assert "61 images lie on each other" in text
    assert "<code>virsh blockcommit web DISK --active --pivot</code>" in text
    assert "of-a-newer-release" in text


@pytest.mark.parametrize("minutes", [1, 2, 14, 61, 10_000])
def test_a_page_is_made_of_profiles_of_any_length(minutes: int) -> None:
    rates = [float(number % 7) for number in range(minutes)]

    assert Reader(page(plan(*rates), made_at=MADE)).open == []


def test_a_page_without_any_machine_that_can_be_replicated() -> None:
    machines = [(facts(extent="not"), profile(1.0))]

    text = page(make_plan(machines, Wish()), made_at=MADE)

    assert Reader(text).open == []
    assert "1970" not in text


def test_table_has_a_line_for_each_machine_and_one_for_all() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(plan()))))

    assert [row["machine"] for row in rows] == ["web", "TOTAL"]
    assert rows[0]["batch"] == "1"
    assert rows[0]["needed_bits_per_second"] == rows[1]["needed_bits_per_second"]
    assert None not in rows[0]


def test_a_name_is_no_formula() -> None:
    (row, _total) = csv.DictReader(io.StringIO(csv_of(plan(name="=cmd()"))))

    assert row["machine"] == "'=cmd()"


@pytest.mark.parametrize("most", [0.001, 1, 3, 99, 12_345_678.9])
def test_axis_has_a_few_round_steps(most: float) -> None:
    found = steps(most)

    assert found[0] == 0
    assert 2 <= len(found) <= 6
    assert found[-1] <= most


def test_a_gap_is_not_drawn_and_one_sample_is_a_dot() -> None:
    line = Line(title="a", kind="line", values=(1.0, 2.0, None, 3.0))
    chart = Chart(title="t", description="d", lines=(line,))

    drawn = line_plot(chart, str)

    # In two widths.
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 2
