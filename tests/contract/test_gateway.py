"""What the gateway promises to clients of the restic protocol, over TLS, from process to process."""

import hashlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3

from holdfast.base.units import MIB
from holdfast.catalog.tables import (
    AuditEntry,
    Certificate,
    Machine,
    ReadGrant,
    Trashed,
    Vault,
)
from holdfast.testing.gateway import MachineThere, RunningGateway
from holdfast.testing.waiting import wait_until

V2 = "application/vnd.x.restic.rest.v2"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def machine(gateway: RunningGateway) -> MachineThere:
    return gateway.machine(gateway.vault())


@pytest.fixture
def lab(gateway: RunningGateway) -> MachineThere:
    return gateway.machine(gateway.vault(is_lab=True))


def ask(
    machine: MachineThere,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    shown: MachineThere | None = None,
) -> urllib3.BaseHTTPResponse:
    """One request to a machine's repository, with the certificate of `shown`, or its own."""
    who = shown or machine
    with urllib3.PoolManager(
        ca_certs=machine.ca_file, cert_file=who.certificate_file, key_file=who.key_file
    ) as pool:
        return pool.request(
            method, machine.url + path, body=body, headers=headers, retries=False, redirect=False
        )


def sealed(content: bytes) -> tuple[str, bytes]:
    return hashlib.sha256(content).hexdigest(), content


def stored(machine: MachineThere, folder: str, content: bytes) -> str:
    name, body = sealed(content)
    assert ask(machine, "POST", f"{folder}/{name}", body=body).status == 200
    return name


def code_of(answer: urllib3.BaseHTTPResponse) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(json.loads(answer.data)["code"])


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_repository_is_made_by_asking_for_it(machine: MachineThere) -> None:
    assert ask(machine, "POST", "?create=true").status == 200
    assert ask(machine, "POST", "").status == 400
    assert ask(machine, "DELETE", "").status == 400
    assert ask(machine, "HEAD", "config").status == 404


def test_packs_lie_as_restic_lays_them_and_come_back(machine: MachineThere) -> None:
    name = stored(machine, "data", b"pack")

    whole = ask(machine, "GET", f"data/{name}")
    head = ask(machine, "HEAD", f"data/{name}")

    assert whole.data == b"pack"
    assert head.headers["content-length"] == "4"
    assert (machine.folder / "data" / name[:2] / name).read_bytes() == b"pack"


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=-3", 206, b"789"),
        ("bytes=10-", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_a_part_is_read(
    machine: MachineThere, asked: str, status: int, content: bytes | None
) -> None:
    name = stored(machine, "data", b"0123456789")

    answer = ask(machine, "GET", f"data/{name}", headers={"Range": asked})

    assert answer.status == status
    assert content is None or answer.data == content


def test_lists_come_in_both_versions(machine: MachineThere) -> None:
    names = sorted(stored(machine, "data", bytes([number])) for number in range(5))

    first = ask(machine, "GET", "data/")
    second = ask(machine, "GET", "data/", headers={"Accept": V2})

    assert sorted(json.loads(first.data)) == names
    assert first.headers["content-type"] == "application/vnd.x.restic.rest.v1"
    found = sorted(json.loads(second.data), key=lambda item: item["name"])
    assert found == [{"name": name, "size": 1} for name in names]
    assert second.headers["content-type"] == V2
    assert json.loads(ask(machine, "GET", "keys/", headers={"Accept": V2}).data) == []


def test_a_file_whose_hash_is_not_its_name_is_refused(machine: MachineThere) -> None:
    name, _content = sealed(b"right")

    answer = ask(machine, "POST", f"data/{name}", body=b"wrong")

    assert (answer.status, code_of(answer)) == (400, "hash-differs")
    assert files_in(machine.folder) == []


def test_the_same_file_again_is_fine_and_stored_once(machine: MachineThere) -> None:
    name = stored(machine, "data", b"twice")

    again = ask(machine, "POST", f"data/{name}", body=b"twice")
    exclusive = ask(machine, "POST", f"data/{name}", body=b"twice", headers={"If-None-Match": "*"})

    assert again.status == 200
    assert (exclusive.status, code_of(exclusive)) == (412, "file-exists")
    assert files_in(machine.folder) == [name]


def test_another_config_is_refused(machine: MachineThere) -> None:
    assert ask(machine, "POST", "config", body=b"first").status == 200
    assert ask(machine, "POST", "config", body=b"first").status == 200

    answer = ask(machine, "POST", "config", body=b"second")

    assert (answer.status, code_of(answer)) == (403, "content-differs")
    assert ask(machine, "GET", "config").data == b"first"


@pytest.mark.parametrize(
    "path",
    [
        "data/../config",
        "data/..%2f..%2fstate.db",
        "%2e%2e/%2e%2e/state.db",
        "../../../state.db",
        "data/" + "A" * 64,
        "data/" + "a" * 63,
        "data/" + "a" * 64 + "/x",
        "data/aa/" + "a" * 64,
        "other/" + "a" * 64,
        "holdfast/" + "a" * 64,
        "holdfast/other/" + "a" * 64,
        "holdfast/ledger/../" + "a" * 64,
        "config/" + "a" * 64,
        "keys/" + "a" * 64 + "%00",
        "keys/" + "a" * 60 + "-tmp",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_paths_that_name_no_file_of_a_repository_lead_nowhere(
    machine: MachineThere, method: str, path: str
) -> None:
    status, _head = raw_request(machine, method, path, body=b"x" if method == "POST" else b"")

    assert status in (400, 404)
    assert files_in(machine.folder) == []


def raw_request(
    machine: MachineThere, method: str, path: str, *, body: bytes = b""
) -> tuple[int, bytes]:
    """A path as it is: client libraries clean it before they send it."""
    with connected(machine) as stream:
        base = machine.url.partition("/gateway")[2]
        head = f"{method} /gateway{base}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        stream.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = stream.recv(65536)
    return int(answer.split(b" ", 2)[1]), answer


def port_of(machine: MachineThere) -> int:
    return int(machine.url.split(":")[2].partition("/")[0])


def connected(machine: MachineThere) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=machine.ca_file)
    context.load_cert_chain(machine.certificate_file, machine.key_file)
    plain = socket.create_connection(("localhost", port_of(machine)), timeout=90)
    return context.wrap_socket(plain, server_hostname="localhost")


def test_nobody_gets_in_without_a_certificate_or_a_password(machine: MachineThere) -> None:
    with urllib3.PoolManager(ca_certs=machine.ca_file) as pool:
        bare = pool.request("GET", machine.url + "config", retries=False)
        right = urllib3.make_headers(basic_auth=f"{machine.id}:{machine.password}")
        known = pool.request("GET", machine.url + "config", headers=right, retries=False)
        guess = urllib3.make_headers(basic_auth=f"{machine.id}:guess")
        wrong = pool.request("GET", machine.url + "config", headers=guess, retries=False)

    assert (bare.status, code_of(bare)) == (401, "not-logged-in")
    assert bare.headers["www-authenticate"].startswith("Basic")
    assert known.status == 404
    assert wrong.status == 401


def test_a_machine_cannot_reach_anothers_data(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    other = gateway.machine(machine.vault_id)
    name = stored(machine, "data", b"private")
    body = b"planted"

    answers = [
        ask(machine, "GET", f"data/{name}", shown=other),
        ask(machine, "GET", "data/", shown=other),
        ask(machine, "POST", f"keys/{sealed(body)[0]}", body=body, shown=other),
        ask(machine, "DELETE", f"data/{name}", shown=other),
    ]

    assert [answer.status for answer in answers] == [403] * 4
    assert files_in(machine.folder) == [name]


def test_a_machine_has_no_repository_in_another_vault(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    elsewhere = machine.url.replace(machine.vault_id, gateway.vault())

    with urllib3.PoolManager(
        ca_certs=machine.ca_file, cert_file=machine.certificate_file, key_file=machine.key_file
    ) as pool:
        answer = pool.request("GET", elsewhere + "config", retries=False)

    assert (answer.status, code_of(answer)) == (404, "not-there")


def test_a_revoked_certificate_is_refused(gateway: RunningGateway, machine: MachineThere) -> None:
    ask(machine, "GET", "config")
    with gateway.plane.database.write() as db:
        row = db.get(Certificate, machine.registered.fingerprint)
        assert row is not None
        row.revoked_at = gateway.plane.clock.now()
    threading.Event().wait(2.1)

    assert ask(machine, "GET", "config").status == 401


def test_a_granted_machine_reads_and_writes_nothing(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    reader, now = gateway.machine(machine.vault_id), gateway.plane.clock.now()
    name = stored(machine, "data", b"shared")
    grant = ReadGrant(
        id=machine.id,
        machine_id=machine.id,
        reader_id=reader.id,
        granted_by="test",
        granted_at=now,
        expires_at=now + timedelta(hours=1),
    )
    with gateway.plane.database.write() as db:
        db.add(grant)

    assert ask(machine, "GET", f"data/{name}", shown=reader).data == b"shared"
    body = b"planted"
    path = f"data/{sealed(body)[0]}"
    assert ask(machine, "POST", path, body=body, shown=reader).status == 403
    assert ask(machine, "DELETE", f"data/{name}", shown=reader).status == 403


def test_history_stays_without_a_lease_and_the_attempt_is_on_record(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    names = {folder: stored(machine, folder, b"x") for folder in ("data", "index", "snapshots")}

    answers = [ask(machine, "DELETE", f"{folder}/{name}") for folder, name in names.items()]

    assert [(one.status, code_of(one)) for one in answers] == [(403, "delete-needs-lease")] * 3
    assert len(files_in(machine.folder)) == 3
    with gateway.plane.database.read() as db:
        entries = db.query(AuditEntry).filter_by(actor=f"machine:{machine.id}").all()
    assert [entry.outcome for entry in entries] == ["denied"] * 3


def test_locks_go_without_a_lease(machine: MachineThere) -> None:
    name = stored(machine, "locks", b"lock")

    assert ask(machine, "DELETE", f"locks/{name}").status == 200
    assert ask(machine, "DELETE", f"locks/{name}").status == 200
    assert files_in(machine.folder) == []


def test_the_ledger_is_no_history(machine: MachineThere) -> None:
    name = stored(machine, "holdfast/ledger", b"ledger")

    assert json.loads(ask(machine, "GET", "holdfast/ledger/").data) == [name]
    assert ask(machine, "DELETE", f"holdfast/ledger/{name}").status == 200
    assert files_in(machine.folder) == []


def test_what_is_deleted_under_a_lease_is_hidden_and_kept(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    name = stored(machine, "data", b"old")
    gateway.lease(machine.id)

    assert ask(machine, "DELETE", f"data/{name}").status == 200

    assert ask(machine, "HEAD", f"data/{name}").status == 404
    assert ask(machine, "GET", f"data/{name}").status == 404
    assert json.loads(ask(machine, "GET", "data/").data) == []
    assert files_in(machine.folder) == [name]
    with gateway.plane.database.read() as db:
        row = db.get(Trashed, (machine.id, f"data/{name[:2]}/{name}"))
    assert row is not None
    assert row.purge_at - row.deleted_at == timedelta(days=14)


def test_a_deleted_file_that_is_stored_again_is_back(
    gateway: RunningGateway, machine: MachineThere
) -> None:
    name = stored(machine, "data", b"again")
    gateway.lease(machine.id)
    ask(machine, "DELETE", f"data/{name}")

    back = ask(machine, "POST", f"data/{name}", body=b"again", headers={"If-None-Match": "*"})

    assert back.status == 200
    assert ask(machine, "GET", f"data/{name}").data == b"again"


def test_an_expired_lease_permits_nothing(gateway: RunningGateway, machine: MachineThere) -> None:
    name = stored(machine, "data", b"kept")
    gateway.lease(machine.id, minutes=-1)

    assert ask(machine, "DELETE", f"data/{name}").status == 403


def test_young_files_of_an_immutable_vault_stay(gateway: RunningGateway) -> None:
    vault = gateway.vault(immutability="locked", min_retention_days=7)
    machine = gateway.machine(vault)
    young, old = stored(machine, "data", b"young"), stored(machine, "data", b"old")
    os.utime(machine.folder / "data" / old[:2] / old, (0, 0))
    gateway.lease(machine.id)

    refused = ask(machine, "DELETE", f"data/{young}")

    assert (refused.status, code_of(refused)) == (403, "still-immutable")
    assert ask(machine, "DELETE", f"data/{old}").status == 200


def test_a_lab_vault_deletes_at_once(lab: MachineThere) -> None:
    name = stored(lab, "data", b"gone")

    assert ask(lab, "DELETE", f"data/{name}").status == 200
    assert files_in(lab.folder) == []


def test_a_deleted_vault_is_closed(gateway: RunningGateway) -> None:
    machine = gateway.machine(gateway.vault(deleted_at=gateway.plane.clock.now()))

    assert ask(machine, "GET", "config").status == 404


def test_a_quota_is_kept_to_the_byte(gateway: RunningGateway) -> None:
    machine = gateway.machine(gateway.vault(), quota_bytes=1000)
    stored(machine, "data", b"a" * 600)
    name, body = sealed(b"b" * 401)

    refused = ask(machine, "POST", f"data/{name}", body=body)

    assert (refused.status, code_of(refused)) == (507, "quota-exceeded")
    stored(machine, "data", b"c" * 400)


def test_writers_at_once_do_not_pass_a_vaults_quota_together(gateway: RunningGateway) -> None:
    vault = gateway.vault(quota_bytes=5 * MIB)
    machines = [gateway.machine(vault) for _ in range(4)]

    def put(number: int) -> int:
        name, body = sealed(bytes([number]) * MIB)
        return ask(machines[number % 4], "POST", f"data/{name}", body=body).status

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(put, range(12)))

    assert statuses == [200] * 5 + [507] * 7


def test_what_is_stored_is_counted(gateway: RunningGateway, lab: MachineThere) -> None:
    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(lambda n: stored(lab, "data", bytes([n]) * 100), range(20)))
    stored(lab, "data", bytes([0]) * 100)
    ask(lab, "DELETE", f"data/{names[0]}")

    def counted() -> tuple[int, int]:
        with gateway.plane.database.read() as db:
            row = db.get(Machine, lab.id)
        assert row is not None
        return row.bytes_stored, row.files_stored

    wait_until(lambda: counted() == (1900, 19))


def test_an_upload_needs_its_length_and_a_bearable_one(machine: MachineThere) -> None:
    name, _content = sealed(b"x")

    with connected(machine) as stream:
        base = machine.url.partition("/gateway")[2]
        head = f"POST /gateway{base}keys/{name} HTTP/1.1\r\nHost: localhost\r\n"
        stream.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".encode())
        chunked = stream.recv(65536)
    large = ask(machine, "POST", f"keys/{name}", body=b"x" * 70_000)

    assert b" 400 " in chunked.partition(b"\r\n")[0]
    assert (large.status, code_of(large)) == (413, "file-too-large")


def test_what_a_stranger_sends_is_not_taken(machine: MachineThere) -> None:
    base = machine.url.partition("/gateway")[2]
    head = f"POST /gateway{base}data/{'a' * 64} HTTP/1.1\r\nHost: localhost\r\n"
    context = ssl.create_default_context(cafile=machine.ca_file)

    with (
        socket.create_connection(("localhost", port_of(machine))) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as stream,
    ):
        stream.sendall(f"{head}Content-Length: 1000000000\r\n\r\n".encode())
        stream.settimeout(90)
        answer = b"".join(iter(lambda: stream.recv(65536), b""))

    assert b" 401 " in answer.partition(b"\r\n")[0]
    assert b"connection: close" in answer.lower()


def test_a_cut_upload_leaves_nothing(gateway: RunningGateway, machine: MachineThere) -> None:
    name, content = sealed(os.urandom(3 * MIB))

    with connected(machine) as stream:
        base = machine.url.partition("/gateway")[2]
        head = f"POST /gateway{base}data/{name} HTTP/1.1\r\nHost: localhost\r\n"
        stream.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[:-9])
        wait_until(lambda: files_in(machine.folder))  # else it is cut before it began
    wait_until(lambda: not files_in(machine.folder))

    assert ask(machine, "POST", f"data/{name}", body=content).status == 200


def test_a_rate_is_kept(gateway: RunningGateway) -> None:
    machine = gateway.machine(gateway.vault(), limit_rate=MIB)
    clock = gateway.plane.clock
    began = clock.monotonic()

    name = stored(machine, "data", bytes(MIB))
    ask(machine, "GET", f"data/{name}")

    assert clock.monotonic() - began > 1.5


def test_an_error_does_not_say_where_the_vault_lies(machine: MachineThere) -> None:
    name = "a" * 64

    answer = ask(machine, "GET", f"data/{name}")

    assert answer.status == 404
    assert str(machine.folder.parent).encode() not in answer.data


def test_a_vault_whose_disk_is_gone_is_not_made_anew(gateway: RunningGateway) -> None:
    machine = gateway.machine(gateway.vault())
    machine.folder.parent.rmdir()
    name, body = sealed(b"x")

    answer = ask(machine, "POST", f"data/{name}", body=body)

    assert answer.status >= 500
    assert not machine.folder.parent.exists()


def test_memory_stays_bounded_while_large_files_arrive(
    gateway: RunningGateway, lab: MachineThere
) -> None:
    content = os.urandom(MIB) * 96
    ask(lab, "GET", "config")
    assert gateway.process is not None
    before = _resident(gateway.process.pid)

    stored(lab, "data", content)

    assert _resident(gateway.process.pid) - before < 48 * MIB


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_no_vault_row_is_needed_to_refuse(gateway: RunningGateway, machine: MachineThere) -> None:
    with gateway.plane.database.write() as db:
        assert db.get(Vault, machine.vault_id) is not None
    nowhere = machine.url.replace(machine.id, "f" * 16)

    with urllib3.PoolManager(
        ca_certs=machine.ca_file, cert_file=machine.certificate_file, key_file=machine.key_file
    ) as pool:
        answer = pool.request("GET", nowhere + "config", retries=False)

    assert answer.status == 403
