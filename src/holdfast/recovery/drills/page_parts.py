"""The parts of a report's page: one file that needs nothing else, fit for paper too. Pure."""

from collections.abc import Iterator, Sequence
from html import escape

from holdfast.base.texts import language

_LONGEST_FIGURE = 14
STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans KR", sans-serif; color: #1c2024;
  max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.sub { color: #60646c; margin-top: 0 }
.verdict { display: inline-block; padding: .15rem .7rem; border-radius: .4rem; font-weight: 600 }
.passed { background: #ddf3e4; color: #18794e } .failed, .not-cleaned { background: #ffdcdc;
  color: #a0251f } .objective-missed, .running { background: #ffe8b8; color: #7a4d00 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top;
  padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #e4e6e9 }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
figure { margin: 1rem 0 } figcaption { color: #60646c; font-size: .85rem } img { max-width: 100%; border: 1px solid #c8ccd2 }
.trend { width: 100% } .trend .good { fill: #46a758 } .trend .late { fill: #e2a336 }
.trend .failed { fill: #e5a3a0 } .trend .objective { stroke: #1c2024; stroke-dasharray: 6 4 }
.trend text { font-size: 11px; fill: #60646c }
@media print { body { margin: 0; max-width: none; font-size: 11pt }
  h2 { break-after: avoid } tr, figure, svg { break-inside: avoid }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
@page { margin: 18mm }
"""


def whole_page(title: str, body: str) -> str:
    """`title` and `body` are HTML."""
    return (
        f'<!doctype html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}" if content else ""


def pairs(rows: Iterator[tuple[str, str]]) -> str:
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = ("".join(map(_cell, row)) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>\n<tr>{top}</tr>\n{body}\n</table>"


def _cell(text: str) -> str:
    """A figure and its unit stay in one line."""
    is_figure = text[:1].isdigit() and len(text) <= _LONGEST_FIGURE
    kind = ' class="number"' if is_figure else ""
    return f"<td{kind}>{escape(text)}</td>"
