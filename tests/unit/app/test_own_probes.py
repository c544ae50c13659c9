"""What Holdfast tells the doctor about itself, read back as facts."""

import errno
import json
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.app.config import Settings
from holdfast.app.control.authority import load_authority
from holdfast.app.control.server_settings import server_folder
from holdfast.app.control.starting import sole_owner
from holdfast.app.job_records import note
from holdfast.app.own_probes import tell
from holdfast.app.scratch_place import ScratchPlace, set_place, write_mark
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.catalog import workers
from holdfast.catalog.migrating import open_database
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.facts import Fact
from holdfast.doctor.own_facts import (
    JobRecord,
    ScratchFolder,
    SkippedItem,
    VaultClock,
    VaultPlace,
    VaultStage,
)
from holdfast.doctor.readers import own
from holdfast.testing.clock import FakeClock
from tests.unit.app.answering import answering

DAMAGED = b'[1, 2]\n"\xff"\n{"cut in the mid'


def _session(home: Path, vault: Path | None = None) -> Session:
    settings = Settings(home=str(home), vault=str(vault) if vault else None)
    return Session(settings=settings, warn=print, clock=FakeClock())


def _facts(probe: str, session: Session) -> list[Fact]:
    text = tell(probe, session)
    assert text is not None
    readers = {
        "own.jobs": (own.read_jobs,),
        "own.scratch": (own.read_scratch,),
        "own.vault": (own.read_vault,),
        "own.network": (own.read_network, own.read_clock),
        "own.skipped": (own.read_skipped,),
    }[probe]
    return [fact for read in readers for fact in read(from_text(probe, text))]


def test_scratch_that_was_moved_and_taken_away_is_not_in_its_place(tmp_path: Path) -> None:
    session, elsewhere = _session(tmp_path), tmp_path / "disk"
    elsewhere.mkdir()
    set_place(str(tmp_path), ScratchPlace(folder=str(elsewhere), mark=write_mark(str(elsewhere))))
    (there,) = _facts("own.scratch", session)
    shutil.rmtree(elsewhere)

    (gone,) = _facts("own.scratch", session)

    assert isinstance(there, ScratchFolder)
    assert isinstance(gone, ScratchFolder)
    assert (there.in_place, gone.in_place, gone.exists) == (True, False, False)


def test_a_server_that_has_its_state_in_hand_is_told_by_its_lock(tmp_path: Path) -> None:
    session = _session(tmp_path)

    with sole_owner(server_folder(str(tmp_path))):
        running = _process(session)
    ended = _process(session)

    assert (running["is_running"], ended["is_running"]) == (True, False)


def test_an_address_that_is_taken_is_told_with_the_reason(tmp_path: Path) -> None:
    session, state = _session(tmp_path), tmp_path / "server"
    state.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        (state / "config.toml").write_text(f'listen = "{address}"\n')

        told = _process(session)

    assert (told["address"], told["trouble"]) == (address, os.strerror(errno.EADDRINUSE))


@pytest.mark.parametrize("address", ["127.0.0.1:0", "no address:x"])
def test_whether_one_could_listen_is_told_of_each_address(tmp_path: Path, address: str) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "config.toml").write_text(f'listen = "{address}"\n')

    told = _process(_session(tmp_path))

    assert bool(told["trouble"]) is address.endswith("x")


def _process(session: Session) -> dict[str, object]:
    text = tell("own.server", session) or b""
    lines = map(json.loads, text.splitlines())
    (line,) = (one for one in lines if one["holdfast"] == "server-process")
    assert isinstance(line, dict)
    return line


def test_state_of_a_server_is_told_with_who_works_on_it(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    session, database = _session(tmp_path), open_database(f"sqlite:///{tmp_path}/server/state.db")
    with database.write() as db:
        workers.beat(db, "one", version="1", now=session.clock.now())
    database.close()

    text = tell("own.server.database", session) or b""

    kinds = [json.loads(line)["holdfast"] for line in text.splitlines()]
    assert kinds == ["server-database", "server-worker", "server-trash"]


def test_scratch_is_measured_even_before_it_is_made(tmp_path: Path) -> None:
    (scratch,) = _facts("own.scratch", _session(tmp_path / "home"))

    assert isinstance(scratch, ScratchFolder)
    assert (scratch.exists, scratch.writable) == (False, True)
    assert 0 < scratch.free <= scratch.size
    assert not (tmp_path / "home").exists()


def test_a_vault_that_is_not_there_is_told_apart_from_a_folder_without_one(tmp_path: Path) -> None:
    (gone,) = _facts("own.vault", _session(tmp_path, tmp_path / "gone"))
    (empty,) = _facts("own.vault", _session(tmp_path, tmp_path))

    assert isinstance(gone, VaultPlace)
    assert isinstance(empty, VaultPlace)
    assert (gone.exists, gone.has_config) == (False, False)
    assert (empty.exists, empty.has_config) == (True, False)


def test_without_a_vault_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert tell("own.vault", _session(tmp_path)) is None
    assert tell("own.network", _session(tmp_path)) is None
    assert tell("own.jobs", _session(tmp_path)) is None


def test_jobs_and_skipped_items_are_passed_on_and_damaged_lines_are_not(tmp_path: Path) -> None:
    note(str(tmp_path), {"holdfast": "job", "job": "backup", "result": "warnings", "skipped": 1})
    with (tmp_path / "jobs.jsonl").open("ab") as stream:
        stream.write(DAMAGED)
    folder = tmp_path / "scratch" / "ab"
    folder.mkdir(parents=True)
    line = b'{"path":"/srv/a","code":"0x80070005","errno":13,"detail":""}\n'
    (folder / "skipped-1.jsonl").write_bytes(line + DAMAGED)

    (job,) = _facts("own.jobs", _session(tmp_path))
    (item,) = _facts("own.skipped", _session(tmp_path))

    assert isinstance(job, JobRecord)
    assert isinstance(item, SkippedItem)
    assert (job.result, job.skipped) == ("warnings", 1)
    assert (item.path, item.errno) == ("/srv/a", 13)


def test_one_walk_tells_the_way_and_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with answering() as server:
        place = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}"}
        settings = Settings(home=str(tmp_path), vault="s3://box", credentials=place)
        session = Session(settings=settings, warn=print, clock=SystemClock())

        *stages, clock = _facts("own.network", session)

    assert [one.stage for one in stages if isinstance(one, VaultStage)] == ["dns", "tcp", "http"]
    assert isinstance(clock, VaultClock)
    assert abs(clock.ahead) < timedelta(minutes=1)
    assert server.asked == ["/"]


@contextmanager
def _registered_server(home: Path) -> Iterator[int]:
    """Speaks TLS with a certificate of the authority that registration left in the home."""
    now, key = SystemClock().now(), ec.generate_private_key(ec.SECP256R1())
    authority = load_authority(str(home / "server"), now=now)
    issued = authority.issue_server_certificate(key.public_key(), ["127.0.0.1"], now=now)
    (home / "agent").mkdir()
    (home / "agent" / "ca.pem").write_text(authority.ca_pem, encoding="utf-8")
    pair = home / "pair.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pair.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    pair.write_text(pair.read_text(encoding="utf-8") + issued.pem, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    with answering(context) as server:
        yield server.port


def _gateway(home: Path, port: int) -> Session:
    settings = Settings(home=str(home), vault=f"rest+https://127.0.0.1:{port}/gateway/v/m")
    return Session(settings=settings, warn=print, clock=SystemClock())


def test_behind_a_gateway_the_authority_of_the_registration_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with _registered_server(tmp_path) as port:
        trusted = _facts("own.network", _gateway(tmp_path, port))
        (tmp_path / "agent" / "ca.pem").unlink()
        strange = _facts("own.network", _gateway(tmp_path, port))

    reached = [(one.stage, one.reached) for one in trusted if isinstance(one, VaultStage)]
    assert reached[2:] == [("tls", True), ("http", True)]
    assert [one.reached for one in strange if isinstance(one, VaultStage)] == [True, True, False]


def test_a_gateway_that_refuses_is_asked_once_alone(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        session = _gateway(tmp_path, taken.getsockname()[1])
        told = list[bytes | None]()
        look = threading.Thread(target=lambda: told.append(tell("own.vault", session)), daemon=True)

        look.start()
        look.join(5)

    assert told
    assert b"refused" in (told[0] or b"")
