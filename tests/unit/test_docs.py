"""The documentation says what the code says, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from tools import check_fragments, error_pages, generate_docs

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"```.*?```", re.DOTALL)


def _pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_generated_pages_are_up_to_date() -> None:
    assert list(generate_docs.outdated()) == []  # run ./run docs


def test_every_error_has_a_page() -> None:
    missing = [
        error.code
        for error in error_pages.known_errors()
        if not (ROOT / "docs" / "errors" / f"{error.code}.md").exists()
    ]

    assert missing == []


def test_every_error_leads_to_a_howto() -> None:
    without = [
        error.code
        for error in error_pages.known_errors()
        if "](../howto/" not in error_pages._page(error, {})
    ]

    assert without == []


def test_every_exit_status_is_explained() -> None:
    errors = error_pages.known_errors()

    unexplained = [e.code for e in errors if e.exit_status not in error_pages.MEANING]

    assert unexplained == []


def test_links_between_pages_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in _pages()
        for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
        if not (page.parent / target).exists()
    ]

    assert dead == []


def test_page_nobody_writes_any_more_is_removed(tmp_path: Path) -> None:
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "long-gone.md").write_text("old", encoding="utf-8")

    before = list(generate_docs.outdated(tmp_path))
    generate_docs.write(tmp_path)

    assert "errors/long-gone.md" in before
    assert list(generate_docs.outdated(tmp_path)) == []
    assert not (tmp_path / "errors" / "long-gone.md").exists()


def test_changelog_fragments_are_well_named() -> None:
    assert list(check_fragments.problems()) == []


@pytest.mark.parametrize("name", ["restore.md", "+Restore.added.md", "12.feature.md", "+a.added"])
def test_badly_named_fragment_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Restores are faster.", encoding="utf-8")

    assert [problem.split()[0] for problem in check_fragments.problems(tmp_path)] == [name]
