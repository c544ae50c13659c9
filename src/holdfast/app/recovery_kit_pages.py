"""The runbook's blocks as Markdown, and as a page that needs nothing but a browser or a printer."""

import html
from collections.abc import Iterable

from holdfast.app.recovery_kit import Kit
from holdfast.app.recovery_kit_runbook import Block, Shape, blocks
from holdfast.base.texts import _, speaking

LANGUAGES = ("en", "ko")
_BEFORE = {Shape.TITLE: "# ", Shape.HEADING: "## ", Shape.POINT: "- "}
_TAGS = {
    Shape.TITLE: "h1",
    Shape.HEADING: "h2",
    Shape.PART: "p",
    Shape.TEXT: "p",
    Shape.POINT: "p",
    Shape.COMMAND: "pre",
}
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:48em;margin:2em auto;padding:0 1em}"
    "pre{background:#eee;padding:.6em;white-space:pre-wrap}h2{border-top:1px solid #999}"
    ".point::before{content:'• '}@media print{h2{break-after:avoid}pre{break-inside:avoid}}"
)


def runbooks(kit: Kit) -> dict[str, bytes]:
    """By the names they have in the kit."""
    found = {}
    for language in LANGUAGES:
        with speaking(language):
            told = list(blocks(kit))
            found[f"runbook.{language}.md"] = as_markdown(told).encode()
            found[f"runbook.{language}.html"] = as_page(told, language).encode()
    return found


def as_markdown(told: Iterable[Block]) -> str:
    return "\n\n".join(_markdown(block) for block in told) + "\n"


def as_page(told: Iterable[Block], language: str) -> str:
    lines = [_element(block) for block in told]
    head = f'<meta charset="utf-8"><title>{html.escape(_("Recovery kit"))}</title>'
    return (
        f'<!doctype html>\n<html lang="{language}"><head>{head}<style>{_STYLE}</style></head>\n'
        f"<body>\n{chr(10).join(lines)}\n</body></html>\n"
    )


def _markdown(block: Block) -> str:
    if block.shape is Shape.COMMAND:
        return f"    {block.text}"
    return _BEFORE.get(block.shape, "") + block.text


def _element(block: Block) -> str:
    tag = _TAGS[block.shape]
    return f'<{tag} class="{block.shape}">{html.escape(block.text)}</{tag}>'
