"""The vault credentials file: what a machine is given to become one of a vault's machines.

A text file of JSON: a body, the public key of the server that made it, and that key's Ed25519
signature over the body's canonical bytes. The signature finds every damage and every edit; that
the file comes from the right server is known from where it was downloaded, and proven by TLS
with the authority's certificate inside it.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_, _

FORMAT = 1
_MARK = "holdfast-vault-credentials"
_LONGEST = 64 << 10
_BYTE_ORDER_MARK = "\ufeff"


class CredentialsCorrupt(HoldfastError):
    code = "credentials-corrupt"
    sentence = N_("The vault credentials file {file} is not whole: {reason}")
    remedy = N_("Download it anew with `holdfast vault credentials NAME` and copy it unchanged.")
    source_codes = ("34513",)


class CredentialsExpired(HoldfastError):
    code = "credentials-expired"
    sentence = N_("The vault credentials of vault {vault} expired at {expired}; it is {now}")
    remedy = N_(
        "Download new ones with `holdfast vault credentials NAME`, "
        "and see that the clocks of both machines are right."
    )
    source_codes = ("34513",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsFile:
    """The body of the file. `secret` is worth a machine's place in the vault until it expires."""

    # Where the server can be reached, the likeliest first: https://host:port
    servers: tuple[str, ...]
    # The authority's certificate, PEM.
    ca: str
    vault_id: str
    vault_name: str
    credentials_id: str
    serial: int
    secret: str
    issued_at: datetime
    expires_at: datetime
    # The id of the one machine it is for, once; None: for any number of new machines.
    replaces: str | None = None

    def __repr__(self) -> str:
        return f"CredentialsFile({self.credentials_id})"

    def require_valid(self, now: datetime) -> None:
        """Raise CredentialsExpired when their time is over."""
        if now >= self.expires_at:
            expired = f"{self.expires_at:%Y-%m-%d %H:%M} UTC"
            raise CredentialsExpired(
                vault=self.vault_name, expired=expired, now=f"{now:%Y-%m-%d %H:%M %Z}"
            )


def write_credentials(
    body: CredentialsFile, *, public_key: bytes, sign: Callable[[bytes], bytes]
) -> str:
    """The file's text."""
    fields = asdict(body)
    for name in ("issued_at", "expires_at"):
        fields[name] = fields[name].isoformat()
    content = {
        "kind": _MARK,
        "format": FORMAT,
        "body": fields,
        "public_key": base64.b64encode(public_key).decode(),
        "signature": base64.b64encode(sign(_canonical(fields))).decode(),
    }
    return json.dumps(content, indent=2) + "\n"


def read_credentials(content: bytes, *, file: str) -> CredentialsFile:
    """The body of a file that is whole; CredentialsCorrupt says what is wrong with another one."""
    found = _object(content, file)
    try:
        body, key, signature = found["body"], found["public_key"], found["signature"]
        if found["format"] != FORMAT:
            raise _corrupt(file, _("its format {format} is unknown").format(format=found["format"]))
        if not _is_signed(_canonical(body), key=_bytes(key), signature=_bytes(signature)):
            raise _corrupt(file, _("its signature does not fit, so something in it was changed"))
        return _body(body)
    except (KeyError, TypeError, ValueError) as err:
        raise _corrupt(file, _("a field is missing or damaged: {field}").format(field=err)) from err


def _object(content: bytes, file: str) -> dict[str, Any]:
    if not content.strip():
        raise _corrupt(file, _("it is empty"))
    if len(content) > _LONGEST:
        raise _corrupt(file, _("it is too long to be one"))
    try:
        found = json.loads(content.decode().removeprefix(_BYTE_ORDER_MARK))
    except UnicodeDecodeError as err:
        raise _corrupt(file, _("it is no text in UTF-8")) from err
    except (ValueError, RecursionError) as err:
        raise _corrupt(file, _("it is cut or no credentials file")) from err
    if not isinstance(found, dict) or found.get("kind") != _MARK:
        raise _corrupt(file, _("it is another kind of file"))
    return found


def _body(fields: dict[str, Any]) -> CredentialsFile:
    for name in ("ca", "vault_id", "vault_name", "credentials_id", "secret"):
        if not isinstance(fields[name], str):
            raise TypeError(name)
    replaces = fields.get("replaces")
    if not isinstance(replaces, str | None):
        raise TypeError("replaces")
    servers = tuple(map(str, fields["servers"]))
    if not servers:
        raise ValueError("servers")
    return CredentialsFile(
        servers=servers,
        ca=fields["ca"],
        vault_id=fields["vault_id"],
        vault_name=fields["vault_name"],
        credentials_id=fields["credentials_id"],
        serial=int(fields["serial"]),
        secret=fields["secret"],
        issued_at=_moment(fields["issued_at"]),
        expires_at=_moment(fields["expires_at"]),
        replaces=replaces,
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found


def _canonical(body: dict[str, Any]) -> bytes:
    """The bytes that are signed: white space and the order of keys do not count."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _is_signed(content: bytes, *, key: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as err:
        raise ValueError("base64") from err


def _corrupt(file: str, reason: str) -> CredentialsCorrupt:
    return CredentialsCorrupt(file=file, reason=reason)
