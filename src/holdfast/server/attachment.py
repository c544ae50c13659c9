"""A file that a browser keeps: streamed, under its own name, and never shown as a page."""

from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from holdfast.app.control.downloading import Download


class Attachment(StreamingResponse):
    def __init__(self, download: Download) -> None:
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(download.name, safe='')}",
            "Content-Length": str(download.size),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        super().__init__(download.parts(), media_type="application/octet-stream", headers=headers)
        self._download = download

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A browser that went away reads no further.
            self._download.close()
