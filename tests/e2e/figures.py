"""Figures of a page, and how many rows each leads to."""

import re

from holdfast.testing.browser import Browser

_FIGURES = """
const of = (tile, name) => tile.querySelector('.hf-figure-' + name).innerText.trim();
return [...document.querySelectorAll('.hf-figure')].map(
  tile => [of(tile, 'label'), of(tile, 'value'), tile.getAttribute('href') || '']);
"""
_LISTING = "document.querySelector('.hf-listing')"


def figures(browser: Browser) -> dict[str, tuple[str, str]]:
    """What each shows, and where it leads, by what it is called."""
    return {label: (value, href) for label, value, href in browser.run(_FIGURES)}


def rows_behind(browser: Browser, href: str) -> int:
    """As the list says of itself; one that holds nothing is hidden."""
    browser.open(href.removeprefix("/ui"))
    browser.until(lambda: browser.run(f"return !!{_LISTING}"), "a list")
    found = re.search(r"\d+-\d+ of (\d+)", browser.run(f"return {_LISTING}.innerText"))
    return int(found[1]) if found else 0
