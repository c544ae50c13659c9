"""How a server runs: from options, and from `config.toml` in its state folder."""

import difflib
import os
import secrets
import socket
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from typing import Any

from holdfast.app.control.key_files import make_private_folder, read, write_once
from holdfast.app.control.server_errors import ListenNotUnderstood
from holdfast.app.setup_errors import SettingUnknown, SettingWrong

PORT = 8443
_STATE = "state.db"
_CONFIG = "config.toml"
_EXECUTOR = "executor-id"
_HIGHEST_PORT = 65535
_WORD_FOR_ALL = ("0.0.0.0", "::", "")  # noqa: S104  what they mean, not a choice to use them


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    folder: str
    listen: str = f"0.0.0.0:{PORT}"
    # None: SQLite in the state folder.
    database: str | None = None
    # More names and addresses that the server's certificate is to be good for.
    names: tuple[str, ...] = ()
    # A certificate of the operator's own, with its chain, in place of ours.
    cert: str | None = None
    key: str | None = None
    # What agents and people are told to come to; None: made from the first name and the port.
    url: str | None = None
    # By what workflows know this process again after a restart.
    executor_id: str | None = None
    # A secret that opens /metrics from elsewhere; from this machine itself it is always open.
    metrics_token: str | None = None
    workflows: bool = True
    # Where plans may send webhooks although no server does that by itself, as in "127.0.0.0/8".
    webhook_networks: tuple[str, ...] = ()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{os.path.join(self.folder, _STATE)}"

    @property
    def place(self) -> tuple[str, int]:
        return parse_listen(self.listen)


def server_folder(home: str) -> str:
    return os.path.join(home, "server")


def load_server_settings(home: str, **options: object) -> ServerSettings:
    """Options win over the file; the folder is made if it is not there."""
    folder = server_folder(home)
    make_private_folder(folder)
    settings = ServerSettings(folder=folder)
    settings = replace(settings, **_from_file(os.path.join(folder, _CONFIG)))
    given: dict[str, Any] = {name: value for name, value in options.items() if value}
    settings = replace(settings, **given)
    parse_listen(settings.listen)
    if settings.executor_id is None:
        settings = replace(settings, executor_id=_own_executor_id(folder))
    return settings


def parse_listen(text: str) -> tuple[str, int]:
    """HOST:PORT, [ADDRESS]:PORT or only a host."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(PORT)
    if not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ListenNotUnderstood(given=text)
    return host.removeprefix("[").removesuffix("]"), int(port)


def certificate_names(settings: ServerSettings) -> list[str]:
    """All that somebody may call this server by, the best name first."""
    host = settings.place[0]
    found = [*settings.names, *([] if host in _WORD_FOR_ALL else [host])]
    # Without asking a name server for the long form: it may keep us waiting, and --name says it.
    found += [socket.gethostname(), "localhost", "127.0.0.1", "::1", *_own_addresses()]
    return [name for name in dict.fromkeys(found) if name]


def address_of(settings: ServerSettings, port: int) -> str:
    """The address to tell others."""
    if settings.url:
        return settings.url.rstrip("/")
    name = certificate_names(settings)[0]
    return f"https://[{name}]:{port}" if ":" in name else f"https://{name}:{port}"


def _own_addresses() -> list[str]:
    """The address this machine goes out by; nothing is sent to find it."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue
    return found


def _own_executor_id(folder: str) -> str:
    path = os.path.join(folder, _EXECUTOR)
    made = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    return (read(path) or write_once(path, made.encode())).decode().strip()


def _from_file(path: str) -> dict[str, Any]:
    content = read(path)
    if content is None:
        return {}
    import tomllib

    try:
        said = tomllib.loads(content.decode())
    except ValueError as err:
        raise SettingWrong(where=path, key=_CONFIG, value="", reason=err) from err
    return {_known(path, key): _checked(path, key, value) for key, value in said.items()}


def _is_network(said: object) -> bool:
    try:
        return isinstance(said, str) and bool(ip_network(said))
    except ValueError:
        return False


def _known(path: str, key: str) -> str:
    name = key.replace("-", "_")
    known = [one.name for one in fields(ServerSettings) if one.name != "folder"]
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=1) or known
    raise SettingUnknown(
        file=path, key=key, known=", ".join(one.replace("_", "-") for one in close)
    )


def _checked(path: str, key: str, value: Any) -> Any:
    match key:
        case "names":
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                return tuple(value)
            reason = "a list of texts in quotes"
        case "webhook_networks" | "webhook-networks":
            if isinstance(value, list) and all(map(_is_network, value)):
                return tuple(value)
            reason = 'a list of networks in quotes, as in ["127.0.0.0/8"]'
        case "workflows":
            if isinstance(value, bool):
                return value
            reason = "true or false"
        case _:
            if isinstance(value, str):
                return value
            reason = "a text in quotes"
    # It may be a secret in the wrong form, so it is not shown.
    raise SettingWrong(where=path, key=key, value="…", reason=reason)
