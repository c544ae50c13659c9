"""The server's state, taken out and brought in again, between both kinds of database."""

import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from holdfast.app.control.authority import load_authority
from holdfast.app.control.sealed_stream import SealedReader, SealedWriter
from holdfast.app.control.server_errors import NoStateHere
from holdfast.app.control.state_transfer import Moved, Place, export_state, import_state
from holdfast.app.control.transfer_errors import (
    ExportFileThere,
    ExportPassphraseWrong,
    ExportUnreadable,
    StateNotEmpty,
)
from holdfast.base.secret import Secret
from holdfast.catalog import transfer
from holdfast.catalog.migrating import open_database
from holdfast.catalog.tables import AuditEntry, Job, JobLine, Setting
from holdfast.testing.fleet import FleetServer
from holdfast.testing.postgres import Postgres

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSPHRASE = Secret(b"seven words are better than one word")


def test_a_state_comes_back_row_by_row(tmp_path: Path, database_url: str) -> None:
    source = _filled(tmp_path / "source", database_url)
    target = _place(tmp_path / "target")

    done = _export(source, tmp_path / "state")
    brought = import_state(target, str(tmp_path / "state"), PASSPHRASE)

    assert brought == done
    assert _all_rows(target) == _all_rows(source)
    for name in ("ca.key", "ca.pem", "signing.key"):
        assert Path(target.folder, name).read_text() == Path(source.folder, name).read_text()
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600


def test_a_state_moves_to_postgresql_and_counts_on(tmp_path: Path, postgres: Postgres) -> None:
    source = _filled(tmp_path / "source")
    target = Place(folder=str(tmp_path / "target"), database_url=postgres.new_database())

    _export(source, tmp_path / "state")
    import_state(target, str(tmp_path / "state"), PASSPHRASE)

    assert _all_rows(target) == _all_rows(source)
    database = open_database(target.database_url)
    with database.write() as db:
        db.add(AuditEntry(at=NOON, actor="server", act="next", detail={}))
    database.close()


def test_an_export_is_one_instant_while_others_write(tmp_path: Path, database_url: str) -> None:
    source = _filled(tmp_path / "source", database_url)
    database = open_database(source.database_url)
    is_over = threading.Event()

    def write_on() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            with database.write() as db:
                # Two rows that belong together, in tables far apart.
                db.add(Setting(key=f"pair{number}", value={}))
                db.add(AuditEntry(at=NOON, actor="server", act=f"pair{number}", detail={}))

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for number in range(5):
            _export(source, tmp_path / f"state{number}")
    finally:
        is_over.set()
        writer.join()
    database.close()

    for number in range(5):
        target = _place(tmp_path / f"target{number}")
        import_state(target, str(tmp_path / f"state{number}"), PASSPHRASE)
        rows = _all_rows(target)
        settings = {row[0] for row in rows["settings"] if str(row[0]).startswith("pair")}
        audited = {row[4] for row in rows["audit"] if str(row[4]).startswith("pair")}
        assert settings == audited


def test_keys_alone_are_enough_for_a_second_server(tmp_path: Path) -> None:
    source = _filled(tmp_path / "source")
    target = _place(tmp_path / "target")

    _export(source, tmp_path / "keys", keys_only=True)
    done = import_state(target, str(tmp_path / "keys"), PASSPHRASE)

    assert (done.rows, done.keys_only) == (0, True)
    ours = load_authority(source.folder, now=NOON)
    assert load_authority(target.folder, now=NOON).fingerprint == ours.fingerprint


def test_a_state_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    source = _filled(tmp_path / "source")
    other = _filled(tmp_path / "other")
    before = _all_rows(other)
    _export(source, tmp_path / "state")

    for target in (source, other):
        with pytest.raises(StateNotEmpty):
            import_state(target, str(tmp_path / "state"), PASSPHRASE)

    assert _all_rows(other) == before


def test_a_wrong_passphrase_brings_in_nothing(tmp_path: Path) -> None:
    source, target = _filled(tmp_path / "source"), _place(tmp_path / "target")
    _export(source, tmp_path / "state")

    with pytest.raises(ExportPassphraseWrong):
        import_state(target, str(tmp_path / "state"), Secret(b"wrong"))

    assert not Path(target.folder, "ca.key").exists()


@pytest.mark.faults
def test_a_file_cut_anywhere_brings_in_nothing(tmp_path: Path) -> None:
    source, target = _filled(tmp_path / "source"), _place(tmp_path / "target")
    _export(source, tmp_path / "state")
    whole = (tmp_path / "state").read_bytes()

    for part in range(0, len(whole), len(whole) // 7):
        (tmp_path / "cut").write_bytes(whole[:part])
        with pytest.raises((ExportUnreadable, ExportPassphraseWrong)):
            import_state(target, str(tmp_path / "cut"), PASSPHRASE)

    import_state(target, str(tmp_path / "state"), PASSPHRASE)
    assert _all_rows(target) == _all_rows(source)


@pytest.mark.faults
def test_pieces_cannot_be_left_out_or_moved(tmp_path: Path) -> None:
    file = tmp_path / "sealed"
    with file.open("wb") as stream:
        writer = SealedWriter(stream, PASSPHRASE)
        writer.write(os.urandom(3 << 20))
        writer.finish()
    whole = file.read_bytes()
    start = whole.index(b"}}\n") + 3
    frame = 4 + (1 << 20) + 16
    without_second = whole[: start + frame] + whole[start + 2 * frame :]
    swapped = (
        whole[:start]
        + whole[start + frame : start + 2 * frame]
        + whole[start : start + frame]
        + whole[start + 2 * frame :]
    )
    at_a_border = whole[: start + 2 * frame]

    for bad in (without_second, swapped, at_a_border):
        file.write_bytes(bad)
        with file.open("rb") as stream, pytest.raises((ExportUnreadable, ExportPassphraseWrong)):
            SealedReader(stream, PASSPHRASE, file="sealed").readall()


def test_an_export_never_replaces_another(tmp_path: Path) -> None:
    source = _filled(tmp_path / "source")
    _export(source, tmp_path / "state")
    before = (tmp_path / "state").read_bytes()

    with pytest.raises(ExportFileThere):
        _export(source, tmp_path / "state")

    assert (tmp_path / "state").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["source", "state"]


def test_where_no_server_was_there_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(NoStateHere):
        _export(_place(tmp_path / "none"), tmp_path / "state")


@pytest.mark.slow
def test_machines_and_people_go_on_with_a_server_that_moved(
    tmp_path: Path, postgres: Postgres
) -> None:
    with FleetServer(tmp_path / "old", workflows=False) as old:
        token = old.admin_token
        place = Place(folder=str(old.state), database_url=f"sqlite:///{old.state}/state.db")
        # While it runs.
        _export(place, tmp_path / "state")
    url = postgres.new_database()
    import_state(
        Place(folder=str(tmp_path / "new" / "server"), database_url=url),
        str(tmp_path / "state"),
        PASSPHRASE,
    )

    new = FleetServer(tmp_path / "new", url, workflows=False)
    new.ca_file = old.ca_file
    with new, new.client(token=token) as client:
        me = client.get("/api/v1/me")

    assert me.json()["name"] == "admin"


def _export(place: Place, file: Path, *, keys_only: bool = False) -> Moved:
    return export_state(place, str(file), PASSPHRASE, keys_only=keys_only, now=NOON)


def _place(folder: Path) -> Place:
    folder.mkdir()
    return Place(folder=str(folder), database_url=f"sqlite:///{folder}/state.db")


def _filled(folder: Path, url: str | None = None) -> Place:
    place = _place(folder)
    place = Place(folder=place.folder, database_url=url or place.database_url)
    load_authority(place.folder, now=NOON)
    database = open_database(place.database_url)
    with database.write() as db:
        db.add(Setting(key="name", value={"said": "여러 말", "none": None}))
        db.add(
            Job(
                id="job",
                kind="backup",
                origin="person",
                state="done",
                arguments={"paths": ["/etc"]},
                created_at=NOON,
                ended_at=NOON + timedelta(seconds=1, microseconds=5),
                progress={},
            )
        )
        db.flush()
        for number in range(1200):
            db.add(JobLine(job_id="job", at=NOON, level="info", text=f"line {number}"))
            db.add(AuditEntry(at=NOON, actor="server", act="test", detail={"n": number}))
    database.close()
    return place


def _all_rows(place: Place) -> dict[str, list[tuple[object, ...]]]:
    from holdfast.catalog.tables import Table

    database = open_database(place.database_url)
    with database.read() as db:
        found = {
            name: [tuple(row) for row in db.execute(_in_order(Table.metadata.tables[name]))]
            for name in transfer.table_names()
        }
    database.close()
    return found


def _in_order(table: Any) -> Any:
    return select(table).order_by(*table.primary_key.columns)
