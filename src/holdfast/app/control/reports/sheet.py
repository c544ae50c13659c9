"""The sheet of the server's reports: that of a replication plan, and what they draw besides."""

from collections.abc import Iterable

from holdfast.app.control.reports.growth_plot import STYLE as PLOTS
from holdfast.replication.planner import page_sheet

_OWN = """
.verdict { display: inline-block; padding: .3rem .9rem; border-radius: .5rem; font-size: 1.1rem;
  font-weight: 600; border: 2px solid currentcolor; margin: .5rem 0; }
"""


def sheet(title: str, about: str, parts: Iterable[str]) -> str:
    """In the language in use; `parts` are HTML, the rest is text."""
    return page_sheet.sheet(title, about, parts, style=PLOTS + _OWN)
