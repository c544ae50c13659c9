"""Vault credentials files: who issued them and when; their secrets go no further.

The portal's file is XML with a certificate; its first valid moment is when it was issued. Newer
tools write JSON. The file's name carries the day too: `vault_Tue Feb 28 2023.VaultCredentials`.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.log_format import parse_iso
from holdfast.doctor.mars_facts import VaultCredential
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

_ROOT = re.compile(r"<(?P<root>(?:\w+:)?\w*Vault\w*Cred\w*)\b")
_FIELD = re.compile(
    r"<(?:\w+:)?(?P<tag>[A-Za-z][\w.]*)(?:\s[^<>]*)?>(?P<value>[^<]*)</|\"(?P<key>[A-Za-z][\w.]*)\"\s*:\s*\"?(?P<text>[^\",}\n]*)"
)
_DAY_IN_NAME = re.compile(
    r"_(?:[A-Z][a-z]{2}[ _])?(?P<words>[A-Z][a-z]{2} \d{1,2} \d{4})\b|[_-](?P<digits>20\d\d-?\d\d-?\d\d)\b"
)
_ISSUED = re.compile(r"issue|creat|generat|not_?before|valid_?from|download", re.IGNORECASE)
_EXPIRES = re.compile(r"expir|not_?after|valid_?(?:to|until|till)", re.IGNORECASE)
_CERTIFICATE = re.compile(r"cert", re.IGNORECASE)
# What people put in place of a secret before they show a file.
_REDACTED = re.compile(
    r"[*.…\[(<xX#_-]{3}|redact|remov|secret|hidden|삭제|생략|숨김", re.IGNORECASE
)


def _is_credential(head: str, file: str) -> bool:
    if file.endswith(".vaultcredentials"):
        return True
    named = "ManagementCert" in head or "ServicePrincipalClientId" in head
    return bool(_ROOT.search(head)) or (named and "ResourceId" in head)


@reader("mars.credential-file", accepts=_is_credential)
def read_credential(artefact: Artefact) -> Iterator[Fact]:
    text = windows_lines.read(artefact)
    if not text.whole.strip():
        return
    fields = _fields(text.whole)
    issued, expires = _times(fields, artefact.name)
    yield VaultCredential(
        span=text.span(1, max(1, len(text.lines))),
        vault=_first(fields, "resourcename", "vaultname", "vault"),
        subscription=_first(fields, "subscriptionid"),
        resource_id=_first(fields, "resourceid", "vaultid"),
        version=_first(fields, "version"),
        issued=issued,
        expires=expires,
        damage=_damage(text, fields),
    )


def _fields(whole: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in _FIELD.finditer(whole):
        name = (one["tag"] or one["key"]).lower()
        found.setdefault(name, (one["value"] if one["tag"] else one["text"]).strip())
    return found


def _first(fields: dict[str, str], *names: str) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")


def _times(fields: dict[str, str], name: str) -> tuple[datetime | None, datetime | None]:
    issued = _time_of(fields, _ISSUED)
    expires = _time_of(fields, _EXPIRES)
    certificate = next((v for k, v in fields.items() if _CERTIFICATE.search(k)), "")
    begins, ends = _validity(certificate)
    return issued or begins or _day_in(name), expires or ends


def _time_of(fields: dict[str, str], wanted: re.Pattern[str]) -> datetime | None:
    values = (value for name, value in fields.items() if wanted.search(name))
    return next((time for value in values if (time := _time(value))), None)


def _time(text: str) -> datetime | None:
    return parse_iso(text) or windows_lines.moment(text)


def _day_in(name: str) -> datetime | None:
    """The last minute of the day in a file's name: a day must not make a file older than it is."""
    found = _DAY_IN_NAME.search(name)
    if found is None:
        return None
    if found["digits"]:
        day = parse_iso(found["digits"])
        return day and day.replace(hour=23, minute=59)
    try:
        return datetime.strptime(f"{found['words']} 23:59", "%b %d %Y %H:%M")  # noqa: DTZ007  a day has no zone
    except ValueError:
        return None


def _validity(encoded: str) -> tuple[datetime | None, datetime | None]:
    """From when to when the certificate in a credentials file is valid."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None, None
    certificate = _certificate(raw)
    if certificate is None:
        return None, None
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begins.replace(tzinfo=None), ends.replace(tzinfo=None)


def _certificate(raw: bytes) -> x509.Certificate | None:
    try:
        return pkcs12.load_key_and_certificates(raw, None)[1]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return _bare_certificate(raw)


def _bare_certificate(raw: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(raw)
    except ValueError:
        return None


def _damage(text: Text, fields: dict[str, str]) -> str:
    """The part that is missing or broken, "" when the file looks whole."""
    root = _ROOT.search(text.whole)
    if root is None:
        return "" if fields.get("resourceid") or fields.get("vaultid") else "ResourceId"
    if f"</{root['root']}" not in text.whole:
        return f"</{root['root']}>"
    if not _first(fields, "resourceid", "resourcename", "vaultid", "vaultname", "vault"):
        return "ResourceId"
    return _certificate_damage(fields.get("managementcert"))


def _certificate_damage(value: str | None) -> str:
    if value is None or _REDACTED.search(value):
        return ""
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "ManagementCert"
    return "" if value else "ManagementCert"
