"""What the doctor is told about the server of this machine; looks only, changes nothing."""

import contextlib
import os
import socket
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from holdfast.app.agent_folder import read_if_there
from holdfast.app.file_locks import is_locked
from holdfast.app.opening import hurried_storage_at
from holdfast.app.systemd_units import clock_line, service_line, started_with
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.storage.location import Kind, parse_location
from holdfast.vault.opening import has_config

if TYPE_CHECKING:
    from holdfast.catalog.database import Database
    from holdfast.catalog.tables import Vault

Line = dict[str, object]
_UNIT = "holdfast-server.service"
# Below this a storage takes no more packs.
_LEAST_FREE = 64 << 20


def _folder(session: Session) -> str:
    return os.path.join(session.settings.home, "server")


def tell_server(session: Session) -> Iterator[Line]:
    folder, environment = _folder(session), session.settings.harmless
    if line := service_line("server-service", _UNIT, environment):
        yield line
    yield from _process(folder, environment)
    yield from _certificate(folder, "authority", "ca")
    yield from _certificate(folder, "server", "server")
    with contextlib.suppress(OSError):
        found = os.statvfs(folder)
        size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
        yield {"holdfast": "server-room", "folder": folder, "size": size, "free": free}
    yield clock_line("server-time", environment)


def _process(folder: str, environment: Mapping[str, str]) -> Iterator[Line]:
    with contextlib.suppress(OSError):
        is_running, address = is_locked(os.path.join(folder, "lock")), _address(folder, environment)
        line: Line = {"holdfast": "server-process", "folder": folder, "is_running": is_running}
        yield {**line, "address": address, "trouble": "" if is_running else _trouble(address)}


def _address(folder: str, environment: Mapping[str, str]) -> str:
    """As the unit names it, or the settings, or as it is when nobody says so."""
    from holdfast.app.control.server_settings import ServerSettings

    words = started_with(_UNIT, environment)
    named = [word for before, word in pairwise(words) if before == "--listen"]
    return next(iter(named), "") or _setting(folder, "listen") or ServerSettings(folder="").listen


def _trouble(address: str) -> str:
    """Why nobody could listen there now; nothing listens meanwhile, so that nobody is hindered."""
    from holdfast.app.control.server_settings import parse_listen

    try:
        host, port = parse_listen(address)
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(found[0][0], socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(found[0][4])
    except OSError as err:
        return str(err.strerror or err)
    except HoldfastError as err:
        return str(err)
    return ""


def _certificate(folder: str, role: str, name: str) -> Iterator[Line]:
    """A certificate with its key; a server that was never started has neither."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    file, key_file = os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key")
    line: Line = {"holdfast": "server-certificate", "role": role, "file": file}
    try:
        content, key = read_if_there(file), read_if_there(key_file)
    except OSError:
        return
    if content is None:
        return
    if key is None:
        yield {**line, "file": key_file, "state": "no-key"}
        return
    try:
        certificate = x509.load_pem_x509_certificates(content)[0]
        fits = load_pem_private_key(key, None).public_key() == certificate.public_key()
    except (ValueError, TypeError):
        yield {**line, "state": "unreadable"}
        return
    expires = certificate.not_valid_after_utc.isoformat()
    yield {**line, "state": "good" if fits else "other-key", "expires": expires}


def tell_database(session: Session) -> Iterator[Line]:
    url = _database_url(session)
    if url is None:
        return
    from holdfast.catalog.database import Database

    try:
        database = Database(url)
    except (HoldfastError, OSError):
        return
    try:
        yield from _database(session, database)
    finally:
        database.close()


def _database_url(session: Session) -> str | None:
    """As the unit names it, or the settings, or SQLite if it is there."""
    folder = _folder(session)
    words = started_with(_UNIT, session.settings.harmless)
    for before, word in pairwise(words):
        if before == "--database":
            return word
    if told := _setting(folder, "database"):
        return told
    # To connect would make it, empty.
    state = os.path.join(folder, "state.db")
    return f"sqlite:///{state}" if os.path.exists(state) else None


def _setting(folder: str, name: str) -> str:
    with contextlib.suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        told = tomllib.loads((read_if_there(f"{folder}/config.toml") or b"").decode())
        if isinstance(told.get(name), str):
            return str(told[name])
    return ""


def _database(session: Session, database: "Database") -> Iterator[Line]:
    from holdfast.catalog.looking import tables_of

    line: Line = {"holdfast": "server-database", "database": str(database)}
    try:
        tables = tables_of(database)
    except HoldfastError as err:
        yield {**line, "state": "unreachable", "reason": str(err.fields.get("reason", err))}
        return
    yield {**line, "state": tables.state, "found": tables.found}
    if tables.state == "good":
        with contextlib.suppress(HoldfastError):
            yield from _content(session, database)


def _content(session: Session, database: "Database") -> Iterator[Line]:
    from holdfast.catalog import looking, workers

    with database.read() as db:
        pending = looking.waiting_work(db)
        for one in workers.every(db):
            seen = one.seen_at.isoformat()
            told = {"executor": one.executor_id, "seen": seen, "pending": pending}
            yield {"holdfast": "server-worker", **told}
        count, oldest = looking.overdue_trash(db, session.clock.now())
        since = oldest.isoformat() if oldest else None
        yield {"holdfast": "server-trash", "overdue": count, "oldest": since}
        known = looking.vaults(db)
    # Without a transaction open: a storage may take its time.
    yield from (_vault(session, vault, stored) for vault, stored in known)


def _vault(session: Session, vault: "Vault", stored: int) -> Line:
    return {
        "holdfast": "server-vault",
        "name": vault.name,
        "place": vault.location,
        "stored": stored,
        "quota": vault.quota_bytes,
        **_storage(session, vault.location),
    }


def _storage(session: Session, place: str) -> Line:
    try:
        location = parse_location(place)
        if location.kind is Kind.DIRECTORY:
            return _directory(location.path)
        if location.kind is not Kind.MEMORY:
            has_config(hurried_storage_at(session, place))
    except HoldfastError as err:
        return {"state": err.code, "reason": str(err.fields.get("reason", ""))}
    return {"state": "good"}


def _directory(path: str) -> Line:
    try:
        found = os.statvfs(path)
    except OSError as err:
        return {"state": "place-missing", "reason": str(err.strerror)}
    if found.f_flag & os.ST_RDONLY or not os.access(path, os.W_OK | os.X_OK):
        return {"state": "storage-denied", "reason": "it cannot be written"}
    free = found.f_bavail * found.f_frsize
    if free < _LEAST_FREE:
        return {"state": "storage-full", "reason": f"{free >> 20} MiB"}
    return {"state": "good"}


SERVER_PROBES: dict[str, Callable[[Session], Iterator[Line]]] = {
    "own.server": tell_server,
    "own.server.database": tell_database,
}
