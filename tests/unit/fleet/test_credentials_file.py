"""The vault credentials file: read back whole, or refused with what is wrong with it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from holdfast.fleet.credentials_file import (
    CredentialsCorrupt,
    CredentialsExpired,
    CredentialsFile,
    read_credentials,
    write_credentials,
)

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_BODY = CredentialsFile(
    servers=("https://server.test:8443",),
    ca="-----BEGIN CERTIFICATE-----\n",
    vault_id="v1",
    vault_name="Büro",
    credentials_id="c1",
    serial=3,
    secret="canary-secret",
    issued_at=_NOON,
    expires_at=_NOON + timedelta(hours=48),
)


def _text(body: CredentialsFile = _BODY) -> str:
    key = Ed25519PrivateKey.generate()
    return write_credentials(body, public_key=key.public_key().public_bytes_raw(), sign=key.sign)


def _read(text: str | bytes) -> CredentialsFile:
    content = text.encode() if isinstance(text, str) else text
    return read_credentials(content, file="vault.holdfast-credentials")


def test_what_was_written_is_read() -> None:
    assert _read(_text()) == _BODY


def test_white_space_line_ends_and_a_byte_order_mark_do_no_harm() -> None:
    text = "\ufeff" + _text().replace("\n", "\r\n") + "\r\n\r\n"

    assert _read(text) == _BODY


def test_every_lost_end_is_noticed() -> None:
    text = _text().rstrip()

    for length in range(0, len(text), 7):
        with pytest.raises(CredentialsCorrupt):
            _read(text[:length])


@pytest.mark.parametrize("field", ["servers", "ca", "vault_id", "secret", "expires_at", "serial"])
def test_an_edit_breaks_the_signature(field: str) -> None:
    content = json.loads(_text())
    content["body"][field] = ["https://elsewhere.test"] if field == "servers" else "other"

    with pytest.raises(CredentialsCorrupt, match="signature"):
        _read(json.dumps(content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<html>login</html>", "cut or no credentials file"),
        (b'{"kind": "another"}', "another kind"),
        (b"[1]", "another kind"),
        (_text().encode("utf-16"), "UTF-8"),
        (b" " * 10 + b"x" * (65 << 10), "too long"),
        (b"[" * 60_000, "cut or no credentials file"),
        (b'{"kind": "holdfast-vault-credentials", "format": 1}', "missing"),
        (_text().replace('"format": 1', '"format": 2').encode(), "format 2"),
    ],
)
def test_another_file_is_refused_with_the_reason(content: bytes, said: str) -> None:
    with pytest.raises(CredentialsCorrupt, match=said) as refusal:
        _read(content)

    assert "34513" in refusal.value.source_codes


def test_a_file_without_servers_or_with_a_time_without_zone_is_corrupt() -> None:
    for body in (
        replace(_BODY, servers=()),
        replace(_BODY, issued_at=datetime(2026, 1, 1)),  # noqa: DTZ001  the very mistake
    ):
        with pytest.raises(CredentialsCorrupt):
            _read(_text(body))


def test_it_expires() -> None:
    _BODY.require_valid(_NOON + timedelta(hours=47))

    with pytest.raises(CredentialsExpired, match="Büro"):
        _BODY.require_valid(_NOON + timedelta(hours=48))


def test_the_secret_is_not_shown() -> None:
    assert "canary" not in repr(_BODY)
    assert "canary" not in f"{_BODY}"
