"""Where a vault lies, as a person writes it."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from holdfast.base.texts import _
from holdfast.storage.credentials import USUAL_VARIABLES, Cloud, read_options, read_secrets
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import CredentialsMissing, LocationNotUnderstood
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage

if TYPE_CHECKING:
    from holdfast.storage.object_store import Bucket, Patience

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
# Other tools' spellings, and ours mistyped: none of them is meant as a folder's name.
_NEARLY = re.compile(r"(azure|az|b2|file|gs|memory|rclone|rest|s3|sftp|swift):")
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_DEFAULT_ENDPOINTS = {
    Cloud.AZURE: "https://{account}.blob.core.windows.net",
    Cloud.S3: "https://{container}.s3.amazonaws.com",
    Cloud.GCS: "https://storage.googleapis.com",
}
# Storages in memory live as long as the process, each under its name.
_memory: dict[str, MemoryStorage] = {}


class Kind(Enum):
    """Value: the scheme of the location."""

    DIRECTORY = "file"
    MEMORY = "memory"
    AZURE = "az"
    S3 = "s3"
    GCS = "gs"
    REST = "rest+https"


_CLOUDS = {Kind.AZURE: Cloud.AZURE, Kind.S3: Cloud.S3, Kind.GCS: Cloud.GCS}


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed location; `path` is a path, a memory's name, or container and prefix."""

    kind: Kind
    path: str

    def __str__(self) -> str:
        match self.kind:
            case Kind.DIRECTORY:
                return self.path
            case Kind.MEMORY:
                return f"memory:{self.path}"
            case _:
                return f"{self.kind.value}://{self.path}"


def parse_location(text: str) -> Location:
    """Read a path, file://PATH, memory:NAME, az://…, s3://…, gs://… or rest+https://…."""
    wanted = text.strip()
    if not wanted:
        raise LocationNotUnderstood(location=repr(text), reason=_("it is empty"))
    if name := _after("memory:", wanted):
        return Location(kind=Kind.MEMORY, path=name)
    found = _SCHEME.fullmatch(wanted)
    if found is None and (nearly := _NEARLY.match(wanted)):
        reason = _("{scheme} is not followed by what it needs").format(scheme=nearly[0])
        raise LocationNotUnderstood(location=_without_login(wanted), reason=reason)
    if found is None:
        return Location(kind=Kind.DIRECTORY, path=wanted)
    scheme, rest = found[1].lower(), found[2]
    if scheme == Kind.DIRECTORY.value:
        return Location(kind=Kind.DIRECTORY, path=_read_file_path(wanted, rest))
    known = {kind.value: kind for kind in (*_CLOUDS, Kind.REST)}
    if scheme not in known:
        reason = _("unknown scheme {scheme}").format(scheme=f"{scheme}://")
        raise LocationNotUnderstood(location=_without_login(wanted), reason=reason)
    return Location(kind=known[scheme], path=_read_container_path(wanted, rest))


def open_storage(
    location: Location, credentials: Mapping[str, str], *, patience: "Patience | None" = None
) -> Storage:
    """The storage there; nothing is contacted yet. Credentials: see credentials.VARIABLES."""
    match location.kind:
        case Kind.DIRECTORY:
            return DirectoryStorage(location.path)
        case Kind.MEMORY:
            return _memory.setdefault(location.path, MemoryStorage())
        case Kind.AZURE | Kind.S3 | Kind.GCS:
            # Most vaults lie in folders, whose commands need not wait for all this.
            from holdfast.storage.object_store import ObjectStorage, Patience

            return ObjectStorage(
                read_bucket(location, credentials), patience=patience or Patience()
            )
        case Kind.REST:
            from holdfast.storage.rest import RestStorage
            from holdfast.storage.rest_door import read_door

            return RestStorage(read_door(str(location), location.path, credentials))


def read_bucket(location: Location, credentials: Mapping[str, str]) -> "Bucket":
    """Everything needed to reach a cloud location; pure."""
    from holdfast.storage.object_store import Bucket

    cloud = _CLOUDS[location.kind]
    options = read_options(cloud, credentials)
    parts = location.path.split("/")
    if cloud is Cloud.AZURE:
        parts = _take_account(location, parts, options)
    container, prefix = parts[0], "/".join(parts[1:])
    url = options.get("endpoint") or options.get("base_url") or _DEFAULT_ENDPOINTS[cloud]
    url = url.format(account=options.get("account_name"), container=container)
    return Bucket(
        cloud=cloud,
        place=str(location),
        container=container,
        prefix=prefix,
        options=options,
        secrets=read_secrets(options),
        variables=USUAL_VARIABLES[cloud],
        url=url,
        is_plain_http=_is_on_this_machine(url),
    )


def _take_account(location: Location, parts: list[str], options: dict[str, str]) -> list[str]:
    """Move the account from the path to the options, unless the options name another one."""
    account = options.get("account_name")
    if account is not None and (account != parts[0] or len(parts) == 1):
        return parts
    if len(parts) == 1:
        raise CredentialsMissing(
            place=str(location),
            reason=_("the storage account is not named"),
            variables=USUAL_VARIABLES[Cloud.AZURE],
        )
    options["account_name"] = parts[0]
    return parts[1:]


def _after(start: str, text: str) -> str:
    return text.removeprefix(start) if text.startswith(start) else ""


def _read_file_path(text: str, rest: str) -> str:
    from urllib.parse import unquote

    path = unquote(rest.removeprefix("localhost"))
    if not path.startswith("/"):
        raise LocationNotUnderstood(location=text, reason=_("a file:// path begins with /"))
    return path


def _read_container_path(text: str, rest: str) -> str:
    path = rest.rstrip("/")
    parts = path.split("/")
    if "@" in parts[0] or "?" in path:
        reason = _("credentials do not belong into a location")
        raise LocationNotUnderstood(location=_without_login(text), reason=reason)
    if any(part in ("", ".", "..") for part in parts):
        reason = _("it names no container, or has an empty folder name")
        raise LocationNotUnderstood(location=text, reason=reason)
    return path


def _without_login(text: str) -> str:
    return re.sub(r"//[^/@]*@", "//", text).partition("?")[0]


def _is_on_this_machine(url: str) -> bool:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK
