"""A server as a process: how it starts, whom it lets in, what it bears, how it ends."""

import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.server.protocol import HEAD_BYTES
from holdfast.testing.fleet import FleetServer
from holdfast.testing.planes import add_machine, add_vault, key_text, make_key, make_plane
from holdfast.testing.postgres import Postgres
from holdfast.testing.waiting import wait_until

pytestmark = pytest.mark.slow
CANARY = "canary-4711"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    """One for all tests that leave it as it was; no long work."""
    with FleetServer(tmp_path_factory.mktemp("fleet"), workflows=False) as server:
        yield server


def test_the_first_start_makes_an_administrator_and_the_next_does_not(tmp_path: Path) -> None:
    with FleetServer(tmp_path) as server:
        first = server.admin_password

        server.restart()

        assert server.admin_password == first
        with server.client() as client:
            assert client.get("/api/v1/me").json()["name"] == "admin"


def test_its_state_is_for_nobody_else(server: FleetServer) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in server.state.iterdir()}

    assert modes == {0o600}
    assert stat.S_IMODE(server.state.stat().st_mode) == 0o700


def test_who_does_not_trust_its_authority_is_not_answered(server: FleetServer) -> None:
    with (
        httpx.Client(base_url=server.url, trust_env=False, timeout=90) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get("/healthz")


def test_a_machine_is_known_by_its_certificate(tmp_path: Path) -> None:
    with FleetServer(tmp_path, workflows=False) as server:
        machine = _machine(server)
        with server.client(certificate=machine[0], key=machine[1]) as client:
            answer = client.get("/api/v1/agent/commands")

    assert answer.status_code == 200


def test_a_certificate_of_a_stranger_ends_the_handshake(
    server: FleetServer, tmp_path: Path
) -> None:
    stranger = make_plane(tmp_path)
    machine = add_machine(stranger, add_vault(stranger))
    (tmp_path / "m.pem").write_text(machine.certificate)
    (tmp_path / "m.key").write_text(machine.key)

    client = server.client(certificate=tmp_path / "m.pem", key=tmp_path / "m.key")

    with client, pytest.raises(httpx.TransportError):
        client.get("/healthz")


def test_old_versions_of_tls_are_refused(server: FleetServer) -> None:
    context = server.tls()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with socket.create_connection(_place(server)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_head_without_end_is_cut_off(server: FleetServer) -> None:
    with _connected(server) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (HEAD_BYTES + 1000))

        said = line.recv(100)

    assert said.startswith(b"HTTP/1.1 431 ")


def test_a_body_too_long_is_refused_before_it_is_read(server: FleetServer) -> None:
    with _connected(server) as line:
        line.sendall(
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
        )

        said = line.recv(1000)

    assert said.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_say_its_length_is_held_to_the_limit_too(server: FleetServer) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    with server.anonymous() as client:
        try:
            status = client.post("/api/v1/sessions", content=endless()).status_code
        except httpx.TransportError:
            # Cut off while it was still sending.
            status = 413

    assert status == 413


def test_no_secret_gets_into_the_log(tmp_path: Path) -> None:
    with FleetServer(tmp_path, workflows=False) as server:
        with server.anonymous() as client:
            client.post(
                f"/api/v1/sessions?password={CANARY}", json={"name": "admin", "password": CANARY}
            )
            client.post("/api/v1/sessions", content=f'{{"password": "{CANARY}"')
            client.get("/api/v1/me", headers={"Authorization": f"Bearer {CANARY}"})
            client.get(f"/api/v1/{CANARY}")
            client.get("/gateway/x/y/config", auth=("machine", CANARY))
        token = server.admin_token
        with server.client(token=token) as client:
            client.get("/api/v1/me", headers={"Holdfast-Pin": CANARY})
        server.stop()

        said = server.said()

    assert CANARY not in said
    assert token not in said
    assert server.admin_password not in said


def test_a_request_leaves_one_line_with_who_and_what(server: FleetServer) -> None:
    with server.client() as client:
        answer = client.get("/api/v1/me", headers={"X-Request-Id": "trace-me"})

    line = _line_of(server, "trace-me")
    assert answer.headers["x-request-id"] == "trace-me"
    assert (line["route"], line["status"], line["actor"]) == ("/api/v1/me", 200, "person:admin")
    assert line["seconds"] >= 0


def _line_of(server: FleetServer, request: str) -> dict[str, Any]:
    """The one line of a request: it is written once the answer is out."""

    def found() -> list[dict[str, Any]]:
        return [one for one in server.logged() if one.get("request") == request]

    wait_until(found)
    (line,) = found()
    return line


def test_metrics_tell_of_requests_and_of_the_state(server: FleetServer) -> None:
    counted = 'holdfast_requests_total{method="GET",route="/api/v1/me",status="401"}'
    with server.anonymous() as client:
        client.get("/api/v1/me")
        # Like its line in the log, it is counted once the answer is out.
        wait_until(lambda: counted in client.get("/metrics").text)
        text = client.get("/metrics").text

    assert "holdfast_machines_seen 0.0" in text
    assert "holdfast_workers" in text


def test_sigterm_ends_it_well_even_while_machines_wait_for_commands(tmp_path: Path) -> None:
    with FleetServer(tmp_path) as server:
        certificate, key = _machine(server)
        with _connected(server), _waiting(server, certificate, key) as waiting:
            status = server.stop()
            said = waiting.recv(1000)

    assert status == 0, server.said()
    assert said.startswith(b"HTTP/1.1 200 ")


def test_sighup_takes_a_certificate_made_meanwhile(tmp_path: Path) -> None:
    with FleetServer(tmp_path, workflows=False) as server:
        before = _shown(server)
        (server.state / "server.pem").unlink()

        server.reload()

        wait_until(lambda: _shown(server) != before)


@pytest.mark.faults
def test_after_kill_9_it_starts_again_with_all_it_had(tmp_path: Path) -> None:
    with FleetServer(tmp_path) as server:
        token = server.admin_token
        server.kill()

        server.start()

        with server.client(token=token) as client:
            assert client.get("/api/v1/me").status_code == 200


def test_a_second_process_on_the_same_state_is_refused(server: FleetServer) -> None:
    second = FleetServer(server.home, workflows=False)
    second.log = server.home / "second.log"

    with pytest.raises(RuntimeError, match="server-runs-already"):
        second.start()


def test_a_port_that_is_taken_is_an_error_with_a_remedy(
    server: FleetServer, tmp_path: Path
) -> None:
    other = FleetServer(tmp_path, workflows=False)
    other._listen = server.url.removeprefix("https://")

    with pytest.raises(RuntimeError, match="listen-refused"):
        other.start()


def test_an_operators_own_certificate_is_shown(tmp_path: Path) -> None:
    authority = make_plane(tmp_path / "operator").authority
    key = make_key()
    issued = authority.issue_server_certificate(key.public_key(), ["127.0.0.1"], now=_real_now())
    (tmp_path / "own.pem").write_text(issued.pem + authority.ca_pem)
    (tmp_path / "own.key").write_text(key_text(key))
    options = ("--cert", str(tmp_path / "own.pem"), "--key", str(tmp_path / "own.key"))

    server = FleetServer(tmp_path / "fleet", workflows=False, options=options)
    server.ca_file = tmp_path / "own.pem"
    with server, server.anonymous() as client:
        status = client.get("/healthz").status_code

    assert status == 200


def test_two_servers_share_one_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.new_database()
    with (
        FleetServer(tmp_path / "one", url) as one,
        FleetServer(tmp_path / "two", url, keys_of=one) as two,
        two.client(token=one.admin_token) as client,
    ):
        answer = client.get("/api/v1/me")
        wait_until(lambda: "holdfast_workers 2.0" in client.get("/metrics").text)

    assert answer.json()["name"] == "admin"


def test_a_server_with_other_keys_is_turned_away(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.new_database()
    with FleetServer(tmp_path / "one", url, workflows=False):
        stranger = FleetServer(tmp_path / "two", url, workflows=False)

        with pytest.raises(RuntimeError, match="keys-of-another-server"):
            stranger.start()


@pytest.mark.faults
def test_a_database_that_goes_away_is_told_and_comes_back(
    tmp_path: Path, postgres: Postgres
) -> None:
    with FleetServer(tmp_path, postgres.new_database(), workflows=False) as server:
        client = server.client()
        postgres.stop(number=signal.SIGQUIT)
        try:
            ready = client.get("/readyz")
            refused = client.get("/api/v1/me")
            live = client.get("/healthz")
        finally:
            postgres.start()

        back = client.get("/api/v1/me")
        client.close()

    assert (ready.status_code, refused.status_code, live.status_code) == (503, 503, 200)
    assert refused.json()["code"] == "server-state-away"
    assert back.status_code == 200


def _machine(server: FleetServer) -> tuple[Path, Path]:
    """A registered machine's certificate and key, made beside the server in its own state."""
    from holdfast.app.control.authority import load_authority
    from holdfast.app.control.plane import Plane
    from holdfast.base.clock import SystemClock
    from holdfast.catalog.database import Database

    clock = SystemClock()
    database = Database(f"sqlite:///{server.state}/state.db")
    plane = Plane(
        database=database,
        clock=clock,
        authority=load_authority(str(server.state), now=clock.now()),
        address=server.url,
        storage_at=lambda _place: pytest.fail("no storage is wanted here"),
    )
    machine = add_machine(plane, add_vault(plane, "of-machine"))
    database.close()
    certificate, key = server.home / "machine.pem", server.home / "machine.key"
    certificate.write_text(machine.certificate)
    key.write_text(machine.key)
    return certificate, key


def _waiting(server: FleetServer, certificate: Path, key: Path) -> ssl.SSLSocket:
    """A machine that waits for a command; the server has its request."""
    line = _connected(server, certificate=certificate, key=key)
    line.sendall(b"GET /api/v1/agent/commands?wait=50 HTTP/1.1\r\nHost: x\r\n\r\n")
    with server.anonymous() as client:
        # A round trip later than ours.
        client.get("/readyz")
        client.get("/readyz")
    return line


def _connected(server: FleetServer, **shown: Path) -> ssl.SSLSocket:
    plain = socket.create_connection(_place(server), timeout=90)
    return server.tls(**shown).wrap_socket(plain, server_hostname="127.0.0.1")


def _place(server: FleetServer) -> tuple[str, int]:
    host, _colon, port = server.url.removeprefix("https://").rpartition(":")
    return host, int(port)


def _shown(server: FleetServer) -> bytes:
    with _connected(server) as line:
        return line.getpeercert(binary_form=True) or b""


def _real_now() -> datetime:
    from holdfast.base.clock import SystemClock

    return SystemClock().now()
