"""A report as one file: no script, no font, no picture from elsewhere, and no request to anybody."""

from collections.abc import Iterable
from html import escape

from holdfast.base.korean import with_particles
from holdfast.base.texts import language
from holdfast.replication.planner.page_style import STYLE

_PAGE = """\
<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="quiet">{about}</p>
</header>
<main>
{parts}
</main>
</body>
</html>
"""


def sheet(title: str, about: str, parts: Iterable[str], *, style: str = "") -> str:
    """In the language in use; `parts` are HTML, the rest is text. `style` is added to the common one."""
    text = _PAGE.format(
        lang=language(),
        title=escape(title),
        style=STYLE + style,
        about=escape(about),
        parts="\n".join(one for one in parts if one),
    )
    return with_particles(text) if language() == "ko" else text
