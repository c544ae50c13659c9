"""The server's side of `holdfast up`: its settings, its first account, and who talks to it."""

import contextlib
import hashlib
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.app.control.accounts import add_first_administrator, new_password
from holdfast.app.control.key_files import make_private_folder, read, replace, write_once
from holdfast.app.control.server_settings import (
    ServerSettings,
    address_of,
    certificate_names,
    load_server_settings,
    server_folder,
)
from holdfast.app.control.starting import make_plane, opened, sole_owner
from holdfast.app.logging_in import log_in
from holdfast.app.login_file import has_login, read_login
from holdfast.app.opening import storage_at
from holdfast.app.registration_state import find_registration
from holdfast.app.server_client import ServerClient, connect
from holdfast.app.server_errors import ServerNotReached, ServerNotTrusted, ServerSaid
from holdfast.app.up_errors import ServerSettingDiffers, ServiceSilent
from holdfast.app.wiring import Session
from holdfast.base.secret import Secret

ADMIN = "admin"
_CONFIG = "config.toml"
_PASSWORD = "first-password"  # noqa: S105  the name of a file
_PATIENCE = 60.0
_TICK = 0.1
_LOCAL = "127.0.0.1"
_HEAD = "# How the server of this machine runs; written by `holdfast up`."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """The server of this home."""

    settings: ServerSettings

    @property
    def folder(self) -> str:
        return self.settings.folder

    @property
    def address(self) -> str:
        return address_of(self.settings, self.settings.place[1])

    @property
    def lock(self) -> str:
        return os.path.join(self.folder, "lock")

    @property
    def log(self) -> str:
        return os.path.join(self.folder, "server.log")

    @property
    def password_file(self) -> str:
        """The first password, until it was shown."""
        return os.path.join(self.folder, _PASSWORD)

    @property
    def ca_pem(self) -> str | None:
        """None: the operator's own certificate, which this system has to trust."""
        if self.settings.cert:
            return None
        return (read(os.path.join(self.folder, "ca.pem")) or b"").decode("ascii")

    @property
    def fingerprint(self) -> str | None:
        """Of the authority, as a login from elsewhere asks for it."""
        pem = self.ca_pem
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() if pem else None

    def password(self) -> str | None:
        return (read(self.password_file) or b"").decode("ascii") or None

    def forget_password(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.password_file)


def prepare_server(home: str, *, listen: str | None, name: str | None) -> OwnServer:
    """Its settings on disk, so that every later start has the same ones."""
    folder = server_folder(home)
    make_private_folder(folder)
    file = os.path.join(folder, _CONFIG)
    known = read(file)
    if known is None or _is_free(home, known, listen or name):
        settings = ServerSettings(folder=folder)
        if listen:
            settings = ServerSettings(folder=folder, listen=listen)
        replace(file, _as_toml(settings, name).encode())
    settings = load_server_settings(home)
    _require_same(file, "listen", known=settings.listen, wanted=listen)
    first = settings.names[0] if settings.names else None
    _require_same(file, "name", known=first, wanted=name)
    return OwnServer(settings=settings)


def _is_free(home: str, known: bytes, wanted: str | None) -> bool:
    """Ours to change: nobody wrote it by hand, and no machine was told the address yet."""
    return bool(wanted) and known.startswith(_HEAD.encode()) and find_registration(home) is None


def _require_same(file: str, setting: str, *, known: str | None, wanted: str | None) -> None:
    if wanted not in {None, known}:
        raise ServerSettingDiffers(file=file, setting=setting, known=known, wanted=wanted)


def add_first_account(session: Session, server: OwnServer) -> None:
    """The first password is on disk before the account is: a crash between cannot lose it."""
    settings, fresh = server.settings, read(server.password_file) is None
    if fresh and settings.database is None and os.path.exists(_state(server)):
        return
    password = write_once(server.password_file, new_password().encode()).decode("ascii")
    with sole_owner(server.folder), opened(settings, session.clock) as state:
        plane = make_plane(
            state,
            clock=session.clock,
            address=server.address,
            storage_at=lambda place: storage_at(session, place),
        )
        made = add_first_administrator(plane, name=ADMIN, password=password)
    if made is None and fresh:
        server.forget_password()


def wait_until_it_answers(
    session: Session, server: OwnServer, *, alive: Callable[[], None]
) -> None:
    """`alive` is called meanwhile, and raises if there is nothing to wait for."""
    deadline = session.clock.monotonic() + _PATIENCE
    while True:
        alive()
        try:
            client = ServerClient(server.address, ca_pem=server.ca_pem)
            client.get("/ca")
        except ServerNotTrusted:
            # Another program may have the port; our own server then ends and says so.
            if session.clock.monotonic() > deadline:
                raise
            session.clock.sleep(_TICK)
        except ServerNotReached as err:
            if session.clock.monotonic() > deadline:
                reason = err.fields.get("reason", err)
                raise ServiceSilent(address=server.address, reason=reason, log=server.log) from err
            session.clock.sleep(_TICK)
        else:
            client.close()
            return


def client_of(session: Session, server: OwnServer) -> ServerClient | None:
    """As an administrator, if we can be one: by the first password, or by a login that holds."""
    home, password = session.settings.home, server.password()
    if has_login(home) and read_login(home).server == server.address:
        client = connect(home)
        if _is_known(client):
            return client
    if password is None:
        return None
    try:
        log_in(
            home,
            server=server.address,
            ca_pem=server.ca_pem,
            name=ADMIN,
            password=Secret(password.encode()),
        )
    except ServerSaid:
        # It was changed before it was shown here.
        server.forget_password()
        return None
    return connect(home)


def _is_known(client: ServerClient) -> bool:
    try:
        client.get("/me")
    except ServerSaid:
        return False
    return True


def _state(server: OwnServer) -> str:
    return os.path.join(server.folder, "state.db")


def _as_toml(settings: ServerSettings, name: str | None) -> str:
    lines = [_HEAD, f"listen = {_quoted(settings.listen)}"]
    name = name or _own_name(settings)
    lines += [f"names = [{_quoted(name)}]"] if name else []
    return "\n".join(lines) + "\n"


def _own_name(settings: ServerSettings) -> str | None:
    """The first of its names that leads here; None: the very first one does."""
    names = certificate_names(settings)
    for place, name in enumerate(names):
        with contextlib.suppress(OSError, UnicodeError):
            socket.getaddrinfo(name, None)
            return name if place else None
    return _LOCAL


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
