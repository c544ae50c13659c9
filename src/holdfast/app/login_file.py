"""The login kept on this machine: which server, how it proves itself, and the token."""

import contextlib
import os
import secrets
from datetime import datetime

import msgspec

from holdfast.app.server_errors import LoginUnreadable, NotLoggedInHere

_PRIVATE = 0o600
_FOLDER = 0o700


class Login(msgspec.Struct, frozen=True, kw_only=True):
    server: str
    # The authority to trust; None: those this system trusts.
    ca_pem: str | None
    name: str
    token: str
    expires_at: datetime | None


def login_file(home: str) -> str:
    return os.path.join(home, "login.json")


def read_login(home: str) -> Login:
    file = login_file(home)
    try:
        with open(file, "rb") as stream:
            return msgspec.json.decode(stream.read(), type=Login)
    except (FileNotFoundError, NotADirectoryError) as err:
        raise NotLoggedInHere(file=file) from err
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as err:
        raise LoginUnreadable(file=file, reason=err) from err


def has_login(home: str) -> bool:
    return os.path.exists(login_file(home))


def known_authority(home: str, server: str) -> str | None:
    """The certificate by which this very server was trusted before."""
    with contextlib.suppress(NotLoggedInHere, LoginUnreadable):
        known = read_login(home)
        return known.ca_pem if known.server == server else None
    return None


def write_login(home: str, login: Login) -> None:
    """It appears whole, and nobody else may read it at any moment."""
    os.makedirs(home, _FOLDER, exist_ok=True)
    file = login_file(home)
    fresh = f"{file}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(msgspec.json.encode(login))
    os.replace(fresh, file)


def forget_login(home: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(login_file(home))
