"""Checks as people type them.

    runs                        it runs when all else was looked at
    agent                       its guest agent answers
    tcp:22                      it takes connections there; or tcp:10.0.0.5:22
    http://guest:8080/health    it answers with a status below 400; `guest` is its own address
    guest:COMMAND               a shell command in the guest ends with status 0
    host:COMMAND                a shell command on this host does
    screenshot                  its screen can be seen

Pure.
"""

from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_

GUEST = "guest"
_PORTS = range(1, 1 << 16)
_HTTP_PORTS = {"http": 80, "https": 443}


class CheckNotUnderstood(HoldfastError):
    code = "check-not-understood"
    sentence = N_("'{text}' is no check of a test failover: {reason}")
    remedy = N_(
        "Write it as agent, runs, screenshot, tcp:22, http://guest:8080/health, 'guest:COMMAND' "
        "or 'host:COMMAND'."
    )
    exit_status = Exit.USAGE


class CheckKind(StrEnum):
    RUNS = "runs"
    AGENT = "agent"
    TCP = "tcp"
    HTTP = "http"
    GUEST = "guest"
    HOST = "host"
    SCREENSHOT = "screenshot"


class CheckWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`text` is the check as it was typed; what the kind does not need is empty."""

    kind: CheckKind
    text: str
    # Empty: the guest's own.
    address: str = ""
    port: int = 0
    path: str = ""
    is_encrypted: bool = False
    command: str = ""


_SIMPLE = frozenset((CheckKind.RUNS, CheckKind.AGENT, CheckKind.SCREENSHOT))
_COMMANDS = {"guest": CheckKind.GUEST, "host": CheckKind.HOST}


def parse_check(text: str) -> CheckWish:
    try:
        return _parsed(text.strip())
    except ValueError as err:
        raise CheckNotUnderstood(text=text, reason=err) from err


def usual_checks(*, has_agent: bool) -> tuple[CheckWish, ...]:
    """Where nobody has said any."""
    kind = CheckKind.AGENT if has_agent else CheckKind.RUNS
    return (CheckWish(kind=kind, text=kind.value),)


def _parsed(text: str) -> CheckWish:
    if text in _SIMPLE:
        return CheckWish(kind=CheckKind(text), text=text)
    head, colon, rest = text.partition(":")
    if head in _COMMANDS and rest.strip():
        return CheckWish(kind=_COMMANDS[head], text=text, command=rest.strip())
    if head == CheckKind.TCP and rest:
        return _tcp(text, rest)
    if head in _HTTP_PORTS and colon:
        return _http(text)
    raise ValueError("it is none of the known kinds")


def _tcp(text: str, rest: str) -> CheckWish:
    address, _colon, port = rest.rpartition(":")
    return CheckWish(kind=CheckKind.TCP, text=text, address=_own(address), port=_port(port))


def _http(text: str) -> CheckWish:
    parts = urlsplit(text)
    if not parts.hostname:
        raise ValueError("it names no host; write 'guest' for the machine itself")
    path = parts.path or "/"
    return CheckWish(
        kind=CheckKind.HTTP,
        text=text,
        address=_own(parts.hostname),
        port=parts.port or _HTTP_PORTS[parts.scheme],
        path=f"{path}?{parts.query}" if parts.query else path,
        is_encrypted=parts.scheme == "https",
    )


def _own(address: str) -> str:
    bare = address.strip("[]")
    return "" if bare == GUEST else bare


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        raise ValueError(f"{text!r} is no port")
    return int(text)
