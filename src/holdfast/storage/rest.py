"""A repository behind a gateway: the restic REST protocol, version 2, over mutual TLS."""

import contextlib
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from holdfast.base.ids import is_file_id
from holdfast.storage.errors import FileMissing, FileTooShort
from holdfast.storage.names import checked, checked_for_writing, folder_prefix
from holdfast.storage.protocol import Content, Entry
from holdfast.storage.rest_answers import broken_body, no_connection, refusal

_V2 = "application/vnd.x.restic.rest.v2"
_CONFIG, _DATA = "config", "data"
_FOLDERS = (_DATA, "holdfast/ledger", "index", "keys", "locks", "snapshots")
_CONNECTIONS = 16
_FINE = (200, 206)
_MISSING, _NOT_SATISFIABLE = 404, 416


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How to get to a gateway and in; no file of it is read before the first call."""

    url: str
    place: str
    # Authorities to trust beside or instead of the system's.
    ca_file: str | None = None
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    secret: str | None = None
    proxy: str | None = None
    connect_seconds: float = 10.0
    # Between two pieces of an answer.
    silence_seconds: float = 120.0

    def __repr__(self) -> str:
        return f"Door({self.place})"


class RestStorage:
    """One machine's repository at a server."""

    parallel = 4
    # The server tells the trash and the storage behind it apart at every listing.
    lists_at_once = True

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pools = _Pools(door)
        self._login = _login(door)

    @property
    def place(self) -> str:
        return self._door.place

    def put(self, name: str, content: Content) -> None:
        checked_for_writing(name)
        # Another answer than "fine" for a file that is there already, as stock clients need it.
        headers = {"If-None-Match": "*", "Content-Type": "application/octet-stream"}
        body = bytes(content) if len(content) == 0 else memoryview(content)
        headers["Content-Length"] = str(memoryview(content).nbytes)
        self._call("POST", name, headers=headers, body=body)

    def get(self, name: str) -> bytes:
        return self._call("GET", checked(name)).data

    def read(self, name: str, offset: int, length: int) -> bytes:
        checked(name)
        if length == 0:
            self.size(name)
            return b""
        last = offset + length - 1
        answer = self._call("GET", name, headers={"Range": f"bytes={offset}-{last}"})
        content: bytes = answer.data
        if answer.status == _NOT_SATISFIABLE:
            seen = int(answer.headers.get("content-range", "bytes */0").rpartition("/")[2])
            raise self._too_short(name, seen=seen, wanted=offset + length)
        if len(content) < length:
            raise self._too_short(name, seen=offset + len(content), wanted=offset + length)
        return content

    def size(self, name: str) -> int:
        return int(self._call("HEAD", checked(name)).headers["content-length"])

    def list(self, folder: str) -> Iterator[Entry]:
        prefix = folder_prefix(folder)
        if not prefix:
            return self._list_all()
        # The folder that holds it, such as "data" for "data/ab", or those it holds.
        asked = [one for one in _FOLDERS if f"{one}/".startswith(prefix) or prefix.startswith(one)]
        found = (entry for one in asked for entry in self._list_folder(one))
        return (entry for entry in found if entry.name.startswith(prefix))

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileMissing):
            self._call("DELETE", checked(name))

    def _list_all(self) -> Iterator[Entry]:
        with contextlib.suppress(FileMissing):
            yield Entry(_CONFIG, self.size(_CONFIG))
        for folder in _FOLDERS:
            yield from self._list_folder(folder)

    def _list_folder(self, folder: str) -> Iterator[Entry]:
        answer = self._call("GET", f"{folder}/", headers={"Accept": _V2})
        try:
            items = json.loads(answer.data)
            return iter([Entry(_name(folder, item["name"]), int(item["size"])) for item in items])
        except (ValueError, TypeError, KeyError) as err:
            raise broken_body(self._door, folder, err) from err

    def _call(
        self,
        method: str,
        name: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> urllib3.BaseHTTPResponse:
        """The answer, if it is a good one; the name is the storage's, not the protocol's."""
        url = self._door.url + _path(name)
        try:
            answer = self._pools.here().request(
                method, url, headers={**self._login, **(headers or {})}, body=body
            )
        except (HTTPError, OSError, ValueError) as err:
            # Not "from err": its text may name the proxy with a password in it.
            raise no_connection(self._door, name, err) from None
        if answer.status in _FINE or (answer.status == _NOT_SATISFIABLE and method == "GET"):
            return answer
        raise refusal(self._door, name, status=answer.status, method=method, body=answer.data)

    def _too_short(self, name: str, *, seen: int, wanted: int) -> FileTooShort:
        return FileTooShort(place=self.place, name=name, seen=seen, wanted=wanted)


def _path(name: str) -> str:
    """Packs lie flat in the protocol, whatever folders the server keeps them in."""
    parts = name.split("/")
    if parts[0] == _DATA and len(parts) == 3 and is_file_id(parts[2]):  # noqa: PLR2004  data/ab/abcd…
        return f"{_DATA}/{parts[2]}"
    return name


def _name(folder: str, found: str) -> str:
    name = f"{folder}/{found[:2]}/{found}" if folder == _DATA else f"{folder}/{found}"
    # What a server says is not to be trusted as a path.
    return checked(name)


class _Pools:
    """Connections of this process; a child that was forked must not share its parent's."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._open: tuple[int, urllib3.PoolManager] | None = None
        self._kept: list[object] = []

    def here(self) -> urllib3.PoolManager:
        # Without a lock, which a fork could leave locked: two threads may open a pool each, once.
        opened = self._open
        if opened is None or opened[0] != os.getpid():
            # The parent's stays alive: to drop it here could speak on its connections.
            self._kept.append(opened)
            opened = self._open = os.getpid(), _open_pool(self._door)
        return opened[1]


def _open_pool(door: Door) -> urllib3.PoolManager:
    settings: dict[str, Any] = {
        "maxsize": _CONNECTIONS,
        "retries": False,
        "timeout": urllib3.Timeout(connect=door.connect_seconds, read=door.silence_seconds),
    }
    if door.url.startswith("https:"):
        settings["ssl_context"] = trust(door)
    if door.proxy:
        return urllib3.ProxyManager(door.proxy, proxy_headers=proxy_login(door.proxy), **settings)
    return urllib3.PoolManager(**settings)


def proxy_login(proxy: str) -> dict[str, str]:
    """The header that logs in at a proxy whose URL holds a name and a password."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=login))


def _login(door: Door) -> dict[str, str]:
    if not door.user or not door.secret:
        return {}
    return dict(urllib3.make_headers(basic_auth=f"{door.user}:{door.secret}"))


def trust(door: Door) -> ssl.SSLContext:
    # A given authority is the only one: no other may stand in for the server.
    context = ssl.create_default_context(cafile=door.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if door.certificate:
        context.load_cert_chain(door.certificate, door.key)
    return context
