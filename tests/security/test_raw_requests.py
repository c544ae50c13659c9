"""Requests no client of ours would send, byte by byte, to the real server."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from holdfast.testing.fleet import FleetServer

pytestmark = [pytest.mark.real, pytest.mark.slow]
_NO_ONE = "00" * 8


class Line:
    """A connection over TLS, and what comes back on it."""

    def __init__(self, server: FleetServer) -> None:
        place = urlsplit(server.url)
        assert place.hostname is not None
        raw = socket.create_connection((place.hostname, place.port or 443), timeout=90)
        self.socket = server.tls().wrap_socket(raw, server_hostname=place.hostname)

    def ask(self, sent: bytes) -> bytes:
        """All that comes until the other side ends the connection."""
        with contextlib.suppress(OSError):
            self.socket.sendall(sent)
        found = bytearray()
        with contextlib.suppress(OSError):
            while some := self.socket.recv(1 << 16):
                found += some
        self.socket.close()
        return bytes(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server"), workflows=False) as running:
        yield running


@pytest.fixture(scope="module")
def token(server: FleetServer) -> str:
    return server.admin_token


def _statuses(answer: bytes) -> list[int]:
    """Of each answer on the connection."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def _get(path: str, *, token: str = "", more: bytes = b"") -> bytes:
    login = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{login}".encode()
    return head + more + b"\r\n"


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%252e%252e/%252e%252e/etc/passwd",
        "/..%c0%af..%c0%afetc/passwd",
        "/%ef%bc%8e%ef%bc%8e/etc/passwd",
        "/api/v1/../../../etc/passwd",
        "/api/v1/vaults/..%2f..%2f..%2fetc%2fpasswd",
        "/api/v1/vaults/%2e%2e%2fserver%2fca.key",
        "/api/v1/machines/..%2f..%2fserver%2fstate.db/points",
        "/api/v1/jobs/%00/lines",
        "//api/v1/vaults//",
        "/api/v1/vaults/%ff%fe",
        f"/gateway/{_NO_ONE}/{_NO_ONE}/../../server/ca.key",
        f"/gateway/{_NO_ONE}/{_NO_ONE}/data/..%2f..%2f..%2fserver%2fca.key",
        f"/gateway/{_NO_ONE}/{_NO_ONE}/data/%252e%252e%252fca.key",
        f"/gateway/../api/v1/vaults/{_NO_ONE}",
        f"/gateway/{_NO_ONE}%2f{_NO_ONE}/config",
        "http://127.0.0.1/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_api(server: FleetServer, token: str, path: str) -> None:
    answer = Line(server).ask(_get(path, token=token))

    assert len(_statuses(answer)) == 1
    assert _statuses(answer)[0] in (400, 401, 403, 404)
    assert b"root:" not in answer
    assert b"PRIVATE KEY" not in answer


_LOGIN = b'{"name": "nobody", "password": "nothing"}'
_NEXT = b"GET /api/v1/ca HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: y\r\n Transfer-Encoding: chunked\r\n",
        b"X: \x00\r\n",
        b"X: a\rContent-Length: 5\r\n",
    ],
)
def test_a_body_whose_end_is_doubtful_is_no_request(server: FleetServer, framing: bytes) -> None:
    head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    answer = Line(server).ask(head + framing + b"\r\n0\r\n\r\n" + _NEXT)

    # What stands behind it is never taken for a request of its own.
    assert b"ca_pem" not in answer
    assert _statuses(answer) in ([400], [])


def test_a_chunk_that_lies_about_its_length_ends_the_connection(server: FleetServer) -> None:
    head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = Line(server).ask(head + b"5\r\n12345678\r\n0\r\n\r\n" + _NEXT)

    assert b"ca_pem" not in answer


@pytest.mark.parametrize(
    "head",
    [
        _get("/api/v1/ca", more=b"X: " + b"y" * (64 << 10) + b"\r\n"),
        _get("/api/v1/ca", more=b"X: y\r\n" * (16 << 10)),
        _get("/api/v1/ca?" + "y" * (64 << 10)),
    ],
    ids=["field", "fields", "path"],
)
def test_a_head_beyond_its_limit_is_refused(server: FleetServer, head: bytes) -> None:
    answer = Line(server).ask(head)

    assert _statuses(answer) == [431]


def test_trailers_say_nothing_and_have_an_end(server: FleetServer, token: str) -> None:
    login = f"Authorization: Bearer {token}\r\n".encode()
    head = (
        b"DELETE /api/v1/sessions/current HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    # One that closes too: behind a trailer that says so the parser reads no more, and we would wait
    # for as long as the server keeps a silent connection.
    closing = head.replace(b"Host", b"Connection: close\r\nHost")

    late = Line(server).ask(head + b"0\r\n" + login + b"\r\n" + _NEXT)
    last = Line(server).ask(closing + b"0\r\n" + login + b"Connection: close\r\n\r\n")
    endless = Line(server).ask(head + b"0\r\n" + b"X: y\r\n" * (8 << 20))

    assert _statuses(late) == [401, 200]
    assert _statuses(last) == [401]
    assert len(endless) < 1000
    with server.client(token=token) as client:
        assert client.get("/api/v1/me").is_success


def _post(server: FleetServer, token: str, path: str, body: bytes) -> tuple[int, bytes]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = Line(server).ask(head.encode() + body)
    return _statuses(answer)[0], answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"request":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"vault": "v", "act": "a", "request": ' + b'{"a":' * 400 + b"1" + b"}" * 401,
        b'{"vault": "\\ud800", "act": "\\udfff", "request": {"\\ud800": "\\ud800"}}',
        b'{"vault": "v\\u0000", "act": "a", "request": {}}',
        b'{"vault": "v", "act": "a", "request": {"n": ' + b"9" * 5_000 + b"}}",
        b'{"vault": "v", "act": "a", "request": {"n": NaN, "i": Infinity}}',
        b"\xff\xfe\x00{",
        b"null",
        b"",
    ],
)
def test_a_strange_body_is_refused_and_nothing_more(
    server: FleetServer, token: str, body: bytes
) -> None:
    status, content = _post(server, token, "/api/v1/approvals", body)

    assert status in (404, 422)
    assert json.loads(content)["code"]


@pytest.mark.parametrize(
    "text",
    [
        b'"\\ud800"',
        b'"\\uDFFF\\uD800"',
        b'"\xed\xa0\x80"',
        '"\ud800"'.encode("utf-16", "surrogatepass"),
    ],
    ids=["escaped", "reversed", "raw", "wide"],
)
def test_a_text_that_cannot_be_written_is_not_kept(
    server: FleetServer, token: str, text: bytes
) -> None:
    with server.client(token=token) as client:
        made = client.post(
            "/api/v1/vaults", json={"name": "lab", "location": "memory:lab", "is_lab": True}
        )
        assert made.status_code in (201, 409)
        wanted = b'{"vault": "lab", "act": "a", "request": {"x": %b}}'
        if text.startswith(b"\xff"):
            wanted = '{"vault": "lab", "act": "\ud800", "request": {}}'.encode(
                "utf-16", "surrogatepass"
            )
        else:
            wanted %= text

        asked = client.post("/api/v1/approvals", content=wanted)
        listed = client.get("/api/v1/approvals")

    assert (asked.status_code, asked.json()["code"]) == (422, "request-malformed")
    assert listed.json()["items"] == []


def test_a_name_that_cannot_be_written_is_refused_at_login(server: FleetServer) -> None:
    for word in ("name", "password"):
        body = {"name": "admin", "password": "nothing"} | {word: "\ud800"}

        status, content = _post(server, "", "/api/v1/sessions", json.dumps(body).encode())

        assert (status, json.loads(content)["code"]) in [
            (401, "login-refused"),
            (422, "request-malformed"),
        ]


@pytest.mark.parametrize(
    "query",
    [
        "after=" + "A" * 20_000,
        "after=%00",
        "after=WyJhIl0%3D",
        "after=" + "WyI" * 3,
        "limit=99999999999999999999",
        "limit=-1",
        "limit=1e3",
        "name=%27%20OR%201%3D1--",
        "vault=%27%3B%20DROP%20TABLE%20machines%3B--",
        "name=%25",
        "name=%ed%a0%80",
    ],
)
def test_queries_are_values_and_nothing_else(server: FleetServer, token: str, query: str) -> None:
    answer = Line(server).ask(_get(f"/api/v1/machines?{query}", token=token))

    body = answer.partition(b"\r\n\r\n")[2]
    assert _statuses(answer)[0] in (200, 404, 422)
    assert json.loads(body).get("items", []) == []


def test_what_is_not_in_the_document_is_not_taken(server: FleetServer, token: str) -> None:
    with server.client(token=token) as client:
        wanted = {"name": "mallory", "password": "four random words here"}
        more = {"id": "admin", "created_at": "1970-01-01T00:00:00Z", "password_hash": "x"}
        client.post("/api/v1/accounts", json={**wanted, **more}).raise_for_status()
        mallory = server.log_in("mallory", wanted["password"])
    with server.client(token=mallory) as client:
        client.post(
            "/api/v1/me/tokens", json={"name": "t", "account_id": "admin", "is_admin": True}
        )
        client.put(
            "/api/v1/me/password",
            json={"old": wanted["password"], "new": "five random words are here", "is_admin": True},
        )

        me = client.get("/api/v1/me").json()
        accounts = client.get("/api/v1/accounts")

    assert me["is_admin"] is False
    assert accounts.status_code == 403


def test_the_state_is_for_its_owner_alone(server: FleetServer) -> None:
    folder = Path(server.state)
    modes = {path.name: path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}

    assert {"ca.key", "server.key", "signing.key", "state.db"} <= modes.keys()
    assert {name for name, mode in modes.items() if mode} <= {"ca.pem", "server.pem"}


def test_errors_and_logs_hold_no_secret(server: FleetServer, token: str) -> None:
    canary = "canary-7f3d9a"
    sent = [
        ("/api/v1/sessions", {"name": "admin", "password": canary}),
        ("/api/v1/me/pin", {"password": canary}),
        ("/api/v1/accounts", {"name": "x", "password": {"nested": canary}}),
        ("/api/v1/me/tokens", {"name": canary * 50, "scopes": [canary]}),
        ("/api/v1/register", {"secret": canary, "csr": canary, "vault_id": "v"}),
        ("/api/v1/alert-targets", {"name": "x", "url": f"nowhere://user:{canary}@host"}),
    ]

    answers = [_post(server, token, path, json.dumps(body).encode())[1] for path, body in sent]
    Line(server).ask(_get(f"/api/v1/me?token={canary}", token=canary))

    assert [answer for answer in answers if canary.encode() in answer] == []
    assert canary not in server.said()
    assert token not in server.said()
