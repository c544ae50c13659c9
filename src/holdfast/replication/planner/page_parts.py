"""Pieces of a page: tables that say what they are, figures, cards. All text is escaped here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

# What is typed stands between backticks in our sentences.
_TYPED, _AS_CODE = re.compile(r"`([^`]+)`"), r"<code>\1</code>"


@dataclass(frozen=True, slots=True)
class Html:
    """What is a piece of a page already."""

    text: str


Cell = str | Html


def table(caption: str, heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """The first cell of a row names it."""
    head = "".join(
        one.text if isinstance(one, Html) else f'<th scope="col">{escape(one)}</th>'
        for one in heads
    )
    body = "".join(_row(row) for row in rows)
    # The caption would be as wide as the table, which is too wide for a telephone: it is seen
    # above, and heard here. A region that scrolls can be reached without a mouse.
    return (
        f'<p class="caption" aria-hidden="true">{escape(caption)}</p>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption, quote=True)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Cell]) -> str:
    first, *others = row
    cells = "".join(
        one.text if isinstance(one, Html) else f"<td>{escape(one)}</td>" for one in others
    )
    name = first.text if isinstance(first, Html) else escape(first)
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def text_head(title: str) -> Html:
    """Of a column of words, which begin where the title does."""
    return Html(f'<th scope="col" class="text">{escape(title)}</th>')


def judged(text: str, kind: str) -> Html:
    """`kind` is good, fair or bad; the text says the same without colours."""
    return Html(f'<td><span class="{kind}">{escape(text)}</span></td>')


def long_text(*paragraphs: str) -> Html:
    said = "".join(f"<p>{escape(one)}</p>" for one in paragraphs if one)
    return Html(f'<td class="text">{said}</td>')


def entry(title: str, judgement: tuple[str, str], quiet: str, items: Iterable[str]) -> str:
    """One of several things with sentences about each; the judgement is a kind and its text."""
    kind, answer = judgement
    listed = "".join(f"<li>{_TYPED.sub(_AS_CODE, escape(one))}</li>" for one in items)
    return (
        f'<article class="entry"><div><h3>{escape(title)}</h3>'
        f'<p class="{kind}">{escape(answer)}</p><p class="quiet">{escape(quiet)}</p></div>'
        f"<ul>{listed}</ul></article>"
    )


def figure(plot: str, caption: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """`legend` are pairs of a style and what it stands for."""
    keys = "".join(
        f'<span><i class="{escape(kind)}" aria-hidden="true"></i>{escape(text)}</span>'
        for kind, text in legend
    )
    shown = f'<div class="legend quiet">{keys}</div>' if keys else ""
    return f"<figure>{shown}{plot}<figcaption>{escape(caption)}</figcaption></figure>"


def cards(pairs: Iterable[tuple[str, str]]) -> str:
    """What matters most, large: a title and a figure each."""
    found = "".join(
        f'<li><span class="quiet">{escape(title)}</span><b>{escape(figure_)}</b></li>'
        for title, figure_ in pairs
    )
    return f'<ul class="cards">{found}</ul>'


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"
