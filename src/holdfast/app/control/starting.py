"""From settings to a control plane that is ready: the state opened, the keys checked."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.app.control.authority import Authority, load_authority
from holdfast.app.control.key_files import make_private_folder
from holdfast.app.control.plane import Plane
from holdfast.app.control.server_errors import (
    KeysOfAnotherServer,
    NoStateHere,
    ServerRunsAlready,
)
from holdfast.app.control.server_settings import (
    ServerSettings,
    load_server_settings,
    server_folder,
)
from holdfast.app.control.webhook_calls import WebhookCalls
from holdfast.base.clock import Clock
from holdfast.catalog.database import Database
from holdfast.catalog.migrating import open_database
from holdfast.catalog.tables import Setting
from holdfast.storage.protocol import Storage

_LOCK = "lock"
_CERTIFICATE = "ca.pem"
# The setting that says whose database it is.
_AUTHORITY = "authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    database: Database
    authority: Authority


@contextlib.contextmanager
def sole_owner(folder: str) -> Iterator[None]:
    """Hold the state folder: two processes with one executor id would run one workflow twice."""
    make_private_folder(folder)
    descriptor = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        os.close(descriptor)
        raise ServerRunsAlready(folder=folder) from err
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened(settings: ServerSettings, clock: Clock) -> Iterator[Opened]:
    """The state's database and keys, which must belong together."""
    database = open_database(settings.database_url)
    try:
        authority = load_authority(settings.folder, now=clock.now())
        _claim(database, authority, settings.folder)
        yield Opened(database=database, authority=authority)
    finally:
        database.close()


@contextlib.contextmanager
def existing(home: str, clock: Clock, *, database: str | None) -> Iterator[Opened]:
    """The state of a server that was started before, and may be running; none is made."""
    folder = server_folder(home)
    if not os.path.exists(os.path.join(folder, _CERTIFICATE)):
        raise NoStateHere(folder=folder, name=_CERTIFICATE)
    with opened(load_server_settings(home, database=database), clock) as state:
        yield state


def make_plane(
    state: Opened,
    *,
    clock: Clock,
    address: str,
    storage_at: Callable[[str], Storage],
    webhooks: WebhookCalls | None = None,
) -> Plane:
    return Plane(
        database=state.database,
        clock=clock,
        authority=state.authority,
        address=address,
        storage_at=storage_at,
        webhooks=webhooks or WebhookCalls(),
    )


def _claim(database: Database, authority: Authority, folder: str) -> None:
    """The first server writes its name into the database; one with other keys is turned away.

    Machines could not tell its certificates from a stranger's, nor could it theirs.
    """
    with database.write() as db:
        row = db.get(Setting, _AUTHORITY)
        if row is None:
            db.add(Setting(key=_AUTHORITY, value={"fingerprint": authority.fingerprint}))
        elif row.value["fingerprint"] != authority.fingerprint:
            raise KeysOfAnotherServer(
                database=database,
                known=row.value["fingerprint"][:16],
                folder=folder,
                found=authority.fingerprint[:16],
            )
