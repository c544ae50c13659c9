"""What JSON can spell and nothing can keep: half a surrogate pair, NUL, numbers without an end.

Kept once, such a text would be a fault of every answer it is part of from then on; and PostgreSQL,
which takes none of them, would refuse with it what others sent at the same moment.
"""

import json
import re

from fastapi import Request

from holdfast.app.control.errors import RequestMalformed
from holdfast.base.texts import _

# Most bodies hold nothing that could be one: no such escape, no byte a half pair would begin with,
# no encoding with wider letters, no number that is none and none so large.
_SUSPICIOUS = re.compile(rb"\\u(?:[dD]|0000)|\xed|\x00|NaN|Infinity|[eE]\+?\d{3}|\d{300}")
BYTES = "application/octet-stream"
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


async def require_writable(request: Request) -> None:
    """Refuse a body with such a thing in it, before anything is made of it."""
    if request.headers.get("content-type", "").startswith(BYTES):
        # A file as it is: nobody reads it as JSON, and it need not fit into memory.
        return
    body = await request.body()
    if _SUSPICIOUS.search(body) is None:
        return
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        # What is no JSON at all is told so by who reads it.
        return
    if not _is_writable(content):
        reason = _("a text or a number in it cannot be stored")
        raise RequestMalformed(reason=reason, server=request.app.state.plane.address)


def _is_writable(content: object) -> bool:
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        return False
    return _NUL.search(text) is None
