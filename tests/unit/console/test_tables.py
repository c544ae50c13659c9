"""Lists: what a filter and an order pick, and what an export holds."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from holdfast.console.tables import Choice, Column, Rows, Wish, as_csv, as_json


@dataclass(frozen=True, slots=True)
class Kept:
    name: str
    size: int | None = None
    state: str = "done"
    at: datetime | None = None


COLUMNS: list[Column[Kept]] = [
    Column(name="name", label="Name", value=lambda one: one.name),
    Column(name="size", label="Size", value=lambda one: one.size, text=lambda one: f"{one.size} B"),
    Column(name="at", label="Made", value=lambda one: one.at),
]
STATES: list[Choice[Kept]] = [Choice(name="state", label="State", value=lambda one: one.state)]
WEB, DB, MAIL = Kept("web-01", 900), Kept("db-01", 70, "failed"), Kept("Mail", None)


def names(wish: Wish) -> list[str]:
    return [one.name for one in Rows([WEB, DB, MAIL], COLUMNS).picked(wish, STATES)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["web-01", "db-01", "Mail"]),
        ("01", ["web-01", "db-01"]),
        ("mail", ["Mail"]),
        ("WEB", ["web-01"]),
        ("01 70", ["db-01"]),
        ("900 B", ["web-01"]),
        ("nothing", []),
    ],
)
def test_each_word_is_looked_for_in_all_that_is_written(words: str, found: list[str]) -> None:
    assert names(Wish(words=words)) == found


def test_a_choice_leaves_what_is_exactly_so() -> None:
    assert names(Wish(chosen={"state": "failed"})) == ["db-01"]
    assert names(Wish(chosen={"state": ""})) == ["web-01", "db-01", "Mail"]
    assert names(Wish(chosen={"state": "failed"}, words="web")) == []


@pytest.mark.parametrize(
    ("sort", "is_descending", "found"),
    [
        ("name", False, ["db-01", "Mail", "web-01"]),
        ("name", True, ["web-01", "Mail", "db-01"]),
        ("size", False, ["db-01", "web-01", "Mail"]),
        ("of nothing", False, ["web-01", "db-01", "Mail"]),
    ],
)
def test_sorted_by_value_without_looking_at_case(
    sort: str, is_descending: bool, found: list[str]
) -> None:
    assert names(Wish(sort=sort, is_descending=is_descending)) == found


def test_an_export_holds_values_and_not_what_is_written() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    content = as_csv([Kept("서버", 900, at=at)], COLUMNS)

    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert content.startswith(b"\xef\xbb\xbf")
    assert rows == [["Name", "Size", "Made"], ["서버", "900", "2026-01-02T03:04:05+00:00"]]
    assert json.loads(as_json([MAIL], COLUMNS)) == [{"name": "Mail", "size": None, "at": None}]


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1", "\n=1+1", "\u00a0=1+1"],
)
def test_what_an_office_program_would_run_is_made_harmless(name: str) -> None:
    rows = list(csv.reader(io.StringIO(as_csv([Kept(name)], COLUMNS).decode("utf-8-sig"))))

    assert rows[1][0] == f"'{name}"


def test_what_is_written_is_put_together_once() -> None:
    asked: list[str] = []

    def written(one: Kept) -> str:
        asked.append(one.name)
        return one.name

    column: Column[Kept] = Column(
        name="name", label="Name", value=lambda one: one.name, text=written
    )
    rows = Rows([WEB, DB], [column])

    assert [len(rows.picked(Wish(words=words))) for words in ("01", "web", "x")] == [2, 1, 0]
    assert asked == ["web-01", "db-01"]
