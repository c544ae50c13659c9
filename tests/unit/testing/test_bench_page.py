"""One page, several benchmarks, each of which writes its own part."""

from pathlib import Path

import pytest

from bench.page import MACHINES, SERVER, replace_above, replace_section

FILES = "# Benchmarks\n\n## How it is measured\n\nfiles"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "docs" / "benchmarks.md"


def test_a_section_replaces_only_itself(page: Path) -> None:
    page.parent.mkdir()
    page.write_text(f"{FILES}\n\n{MACHINES}\n\nold\n\n{SERVER}\n\n### Rates\n\nserver\n")

    replace_section(page, MACHINES, f"{MACHINES}\n\nnew\n")

    whole = f"{FILES}\n\n{MACHINES}\n\nnew\n\n{SERVER}\n\n### Rates\n\nserver\n"
    assert page.read_text() == whole


def test_what_is_above_the_sections_replaces_only_itself(page: Path) -> None:
    page.parent.mkdir()
    page.write_text(f"old\n\n{MACHINES}\n\nmachines\n\n{SERVER}\n\nserver\n")

    replace_above(page, f"{FILES}\n")

    assert page.read_text() == f"{FILES}\n\n{MACHINES}\n\nmachines\n\n{SERVER}\n\nserver\n"


def test_sections_stand_in_one_order_whoever_came_first(page: Path) -> None:
    replace_section(page, SERVER, f"{SERVER}\n\nserver\n")
    replace_section(page, MACHINES, f"{MACHINES}\n\nmachines\n")

    assert page.read_text() == f"{MACHINES}\n\nmachines\n\n{SERVER}\n\nserver\n"
