"""Take out what must not leave the machine, line by line, and count it.

Secrets are dropped for good. Identities (this host's names, users, addresses) become stand-ins
that are the same everywhere in the bundle; the list that leads back stays with the owner.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

GONE = b"[removed]"
_KEY_NAMES = (
    rb"pass(?:word|wd|phrase)?|pwd|secret|(?:account|access|storage|shared|api|private)[-_ ]?key"
    rb"|sas[-_ ]?token|client[-_ ]?secret|token|sig|signature|authorization|connection[-_ ]?string"
)
# name = value, "name": "value", <name>value<: the name stays, so that one sees that it was set.
_NAMED = re.compile(
    rb"(?i)([\"'<]?\b(?:[\w.]+[-_.])?(?:" + _KEY_NAMES + rb")\b[\"']?\s*(?:[:=>]|=>)\s*[\"']?)"
    rb"((?:(?:Bearer|Basic|SharedKey|AWS4-HMAC-SHA256)\s+)?[^\s\"'<>&,;]{3,})"
)
_BARE = (
    re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(rb"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(rb"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/=._~-]{12,}"),
    re.compile(rb"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(rb"(?<![\w+/=])[A-Za-z0-9+/]{86}==(?![\w+/=])"),
)
_BEGIN_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_END_KEY = re.compile(rb"-----END [A-Z ]*PRIVATE KEY-----")
_IPV4 = re.compile(rb"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_MAIL = re.compile(rb"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_USER = re.compile(rb"(?i)((?:/home/|[a-z]:\\users\\))([^/\\\s\"':]+)")
_NOBODY = frozenset((b"public", b"default", b"administrator", b"all users"))
# Addresses that mean the same on every machine, and that causes ask for.
_KNOWN = frozenset(("168.63.129.16", "169.254.169.254", "0.0.0.0", "255.255.255.255"))  # noqa: S104  an address to leave alone, not to bind to


@dataclass(slots=True)
class Redactor:
    """One bundle's memory of stand-ins, and of how much was taken out."""

    # This machine's own names, longest first.
    hosts: tuple[str, ...] = ()
    keep_names: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    stand_ins: dict[str, str] = field(default_factory=dict)
    _in_key: bool = False

    def lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Redact an artefact; each starts outside of any key."""
        self._in_key = False
        return (self._line(line) for line in lines)

    def _line(self, line: bytes) -> bytes:
        if self._in_key or _BEGIN_KEY.search(line):
            self._in_key = not _END_KEY.search(line)
            self.counts["secret"] += 1
            return GONE + b"\n"
        line, count = _NAMED.subn(rb"\1" + GONE, line)
        for pattern in _BARE:
            line, more = pattern.subn(GONE, line)
            count += more
        self.counts["secret"] += count
        return line if self.keep_names else self._anonymous(line)

    def _anonymous(self, line: bytes) -> bytes:
        line = _MAIL.sub(self._replace("mail", "user{}@example.org"), line)
        line = _USER.sub(self._user, line)
        for host in self.hosts:
            name = re.escape(host.encode())
            line = re.sub(
                rb"(?i)(?<![\w-])" + name + rb"(?![\w-])", self._replace("host", "host{}"), line
            )
        return _IPV4.sub(self._address, line)

    def _replace(self, kind: str, shape: str) -> Callable[[re.Match[bytes]], bytes]:
        return lambda found: self._stand_in(kind, found.group().decode("utf-8", "replace"), shape)

    def _user(self, found: re.Match[bytes]) -> bytes:
        if found.group(2).lower() in _NOBODY:
            return found.group()
        name = found.group(2).decode("utf-8", "replace")
        return found.group(1) + self._stand_in("user", name, "user{}")

    def _address(self, found: re.Match[bytes]) -> bytes:
        text = found.group().decode()
        try:
            address = ip_address(text)
        except ValueError:
            return found.group()
        if text in _KNOWN or address.is_loopback or not isinstance(address, IPv4Address):
            return found.group()
        return self._stand_in("address", text, "198.51.100.{}")

    def _stand_in(self, kind: str, original: str, shape: str) -> bytes:
        self.counts[kind] += 1
        known = self.stand_ins.get(f"{kind}:{original.lower()}")
        if known is None:
            number = 1 + sum(one.startswith(f"{kind}:") for one in self.stand_ins)
            known = self.stand_ins[f"{kind}:{original.lower()}"] = shape.format(number)
        return known.encode()
