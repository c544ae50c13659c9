"""Open pages without a browser: each fetches the page and holds its websocket, as a browser does."""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
import socketio  # type: ignore[import-untyped]  # it says nothing of its types

from holdfast.base.clock import SystemClock

_SOCKET = "/ui/_nicegui_ws/socket.io"
_QUERY = re.compile(r'"?query"?\s*:\s*({.*?})', re.DOTALL)
_FIELD = re.compile(r"""['"](\w+)['"]\s*:\s*['"]?([\w.-]+)""")
_PATIENCE = 90.0
_clock = SystemClock()


@dataclass(slots=True)
class Opened:
    """One page somebody has open."""

    http: aiohttp.ClientSession
    socket: socketio.AsyncClient
    client_id: str
    # When the page itself had come, in seconds.
    seconds: float
    updates: list[float] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    # All that the page was told, as it came.
    said: str = ""

    async def wait_for(self, words: str) -> None:
        """Until the page is told of it."""
        while words not in self.said:
            self.news.clear()
            await self.news.wait()

    async def close(self) -> None:
        await self.socket.disconnect()
        await self.http.close()


async def open_page(url: str, token: str, context: ssl.SSLContext, path: str = "/") -> Opened:
    headers = {"Origin": url, "Cookie": f"__Host-holdfast={token}"}
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers)
    began = _clock.monotonic()
    async with http.get(f"{url}/ui{path}") as answer:
        text = await answer.text()
        answer.raise_for_status()
    seconds = _clock.monotonic() - began
    query = query_of(text)
    socket = socketio.AsyncClient(http_session=http, reconnection=False)
    page = Opened(http=http, socket=socket, client_id=query["client_id"], seconds=seconds)
    socket.on("update", lambda message: _heard(page, message))
    await socket.connect(
        f"{url}?{urlencode(query)}",
        headers=headers,
        transports=["websocket"],
        socketio_path=_SOCKET,
        wait_timeout=int(_PATIENCE),
    )
    return page


def _heard(page: Opened, message: object) -> None:
    page.updates.append(_clock.monotonic())
    page.said += str(message)
    page.news.set()


def query_of(text: str) -> dict[str, str]:
    """What the page's own script connects with."""
    found = _QUERY.search(text)
    if found is None:
        raise ValueError(f"no page that a browser could hold: {text[:200]!r}")
    # As the script would say it: of what was said in Python, only the case of a truth differs.
    query = {name: said.lower() for name, said in _FIELD.findall(found.group(1))}
    return {**query, "tab_id": "bench", "old_tab_id": "", "document_id": query["client_id"]}
