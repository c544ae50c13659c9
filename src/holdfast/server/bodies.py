"""Texts that JSON can spell and nothing can write: half a surrogate pair.

Kept once, such a text would be a fault of every answer it is part of from then on.
"""

import json
import re

from fastapi import Request

from holdfast.app.control.errors import RequestMalformed
from holdfast.base.texts import _

# Most bodies hold nothing that could be one: no escape of that kind, no byte it would begin with,
# and none of an encoding with wider letters.
_SUSPICIOUS = re.compile(rb"\\u[dD]|\xed|\x00")


async def require_writable(request: Request) -> None:
    """Refuse a body with such a text in it, before anything is made of it."""
    body = await request.body()
    if _SUSPICIOUS.search(body) is None:
        return
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError as err:
        reason = _("a text in it is no valid Unicode")
        server = request.app.state.plane.address
        raise RequestMalformed(reason=reason, server=server) from err
    except (ValueError, RecursionError):
        # What is no JSON at all is told so by who reads it.
        return
