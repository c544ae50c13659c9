"""Checks over a network: from this host where the test has one, from inside the guest where not."""

import http.client
import socket
import ssl
from collections.abc import Callable

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.recovery.checks.guest_network import addresses_of, listening_ports
from holdfast.recovery.checks.seen import NotYet
from holdfast.recovery.checks.subject import Subject
from holdfast.recovery.checks.wishes import CheckWish

_ANSWER = 5.0
_REFUSED_FROM = 400
_INSIDE = "127.0.0.1"
# curl if the guest has it, else wget, which is part of busybox too.
_FETCH = (
    'u="$1"; if command -v curl >/dev/null 2>&1; then exec curl -fsSk -m 5 -o /dev/null "$u"; fi; '
    'exec wget -q -O /dev/null "$u"'
)


def connect(subject: Subject, wish: CheckWish) -> str:
    """Whether a port takes connections; what was seen."""
    if not subject.has_network and not wish.address:
        return _listens(subject, wish.port)
    return _first_that_works(subject, wish, lambda address: _connected(address, wish.port))


def fetch(subject: Subject, wish: CheckWish) -> str:
    """Whether a page is answered; what was seen."""
    if not subject.has_network and not wish.address:
        return _fetched_inside(subject, wish)
    return _first_that_works(subject, wish, lambda address: _fetched(address, wish))


def _first_that_works(subject: Subject, wish: CheckWish, one: Callable[[str], str]) -> str:
    addresses = [wish.address] if wish.address else _addresses(subject)
    reasons = []
    for address in addresses:
        try:
            return one(address)
        except (OSError, http.client.HTTPException) as err:
            reasons.append(f"{address}: {err}")
    raise NotYet("; ".join(reasons) or _("the guest tells no address of its own"))


def _addresses(subject: Subject) -> list[str]:
    try:
        return addresses_of(subject.agent)
    except HoldfastError as err:
        raise NotYet(str(err)) from err


def _connected(address: str, port: int) -> str:
    with socket.create_connection((address, port), timeout=_ANSWER):
        return _("{address} takes connections at {port}").format(address=address, port=port)


def _fetched(address: str, wish: CheckWish) -> str:
    connection = _connection(address, wish)
    try:
        connection.request("GET", wish.path, headers={"Host": address, "Connection": "close"})
        status = connection.getresponse().status
    finally:
        connection.close()
    said = _("{address} answers with status {status}").format(address=address, status=status)
    if status >= _REFUSED_FROM:
        raise NotYet(said)
    return said


def _connection(address: str, wish: CheckWish) -> http.client.HTTPConnection:
    if not wish.is_encrypted:
        return http.client.HTTPConnection(address, wish.port, timeout=_ANSWER)
    # Whose certificate it is is no question: by that address nobody else is there.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(address, wish.port, timeout=_ANSWER, context=context)


def _listens(subject: Subject, port: int) -> str:
    try:
        ports = listening_ports(subject.agent, about=subject.domain.name)
    except HoldfastError as err:
        raise NotYet(str(err)) from err
    if port not in ports:
        raise NotYet(_("nothing in the guest listens at {port}").format(port=port))
    return _("in the guest something listens at {port}").format(port=port)


def _fetched_inside(subject: Subject, wish: CheckWish) -> str:
    scheme = "https" if wish.is_encrypted else "http"
    url = f"{scheme}://{_INSIDE}:{wish.port}{wish.path}"
    try:
        ended = subject.programs.run(["/bin/sh", "-c", _FETCH, "sh", url], within=_ANSWER * 3)
    except HoldfastError as err:
        raise NotYet(str(err)) from err
    if ended.status:
        said = (ended.err or ended.out).decode(errors="replace").strip()
        raise NotYet(said or _("ended with status {status}").format(status=ended.status))
    return _("in the guest it answers at {port}").format(port=wish.port)
