"""Every cause has a page, every code stands in the index, and one page can be searched."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from holdfast.base.texts import language
from tests.unit.doctor import small
from tools import doctor_html, doctor_pages
from tools.doctor_pages import Knowledge, known_in

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def both() -> tuple[Knowledge, Knowledge]:
    return known_in("en", small.catalogue()), known_in("ko", small.catalogue())


def test_page_of_a_cause_tells_it_in_both_languages(both: tuple[Knowledge, Knowledge]) -> None:
    pages = {cause.code: page for cause, page in doctor_pages._cause_pages(*both)}

    page = pages["HF-AP003"]
    assert "# HF-AP003" in page
    assert page.index("## English") < page.index("## 한국어")
    assert page.count("du -x / | sort -n | tail") == 2
    assert "1000 bytes (from 003:L50, 2020-08-27" in page
    assert language() == "en"


def test_every_code_leads_to_its_causes_in_order(both: tuple[Knowledge, Knowledge]) -> None:
    page = doctor_pages._codes_index(both[0])

    (row,) = [line for line in page.splitlines() if line.startswith("| 0x80070070 |")]
    assert re.findall(r"\[(HF-\w+)\]", row) == ["HF-AP003", "HF-AP001", "HF-AP002"]


def test_searchable_page_asks_nobody(both: tuple[Knowledge, Knowledge]) -> None:
    page = doctor_html.page(*both)

    assert re.findall(r"(?:src|href)=\"(?!#)", page) == []
    assert "http" not in page.replace("http-equiv", "")


def test_searchable_page_is_sound_and_whole(both: tuple[Knowledge, Knowledge]) -> None:
    page = doctor_html.page(*both)

    assert _unclosed(page) == []
    assert page.count("<details") == 3 + 2 + 1
    assert "<code>0x80070070</code>" in page


def test_schema_page_is_what_the_code_says() -> None:
    written = json.loads((DOCS / doctor_pages.SCHEMA_PAGE).read_text(encoding="utf-8"))

    assert written == json.loads(doctor_pages.schema())


_VOID = {"meta", "input", "br", "link"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the parser's signature
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def _unclosed(page: str) -> list[str]:
    tags = _Tags()
    tags.feed(page)
    return [*tags.wrong, *tags.open]
