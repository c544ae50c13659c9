"""Sending through apprise: mail, chats, webhooks and some hundred services more."""

import logging
import socket
from collections.abc import Callable
from functools import partial

from apprise import Apprise, NotifyType
from apprise.exception import AppriseException

from holdfast.app.control.alert_errors import TargetForbidden, TargetNotUnderstood
from holdfast.app.control.alert_sending import Message, Send
from holdfast.fleet.alerts import Severity

_KINDS = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.ERROR: NotifyType.FAILURE,
    Severity.CRITICAL: NotifyType.FAILURE,
}
# Its own log lines name URLs, and URLs hold passwords.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


# Those that send what is given with them to any host, by any method; the others have a form.
_PLAIN = {"json", "xml", "form"}
Refuses = Callable[[str], bool]


def check_target(url: str, refuses: Refuses) -> None:
    """`refuses` says of an address whether nothing is sent there."""
    service = Apprise()
    if not service.add(url):
        raise TargetNotUnderstood(scheme=url.partition(":")[0][:40])
    for host in _plain_hosts(service):
        if found := _refused(host, refuses):
            raise TargetForbidden(address=host, reason=", ".join(found))


def sender(refuses: Refuses) -> Send:
    return partial(send, refuses=refuses)


def send(message: Message, *, refuses: Refuses) -> bool:
    """Whether the service took it. A name may lead elsewhere than it did when it was checked."""
    service = Apprise()
    if not service.add(message.url):
        return False
    if any(_refused(host, refuses) for host in _plain_hosts(service)):
        return False
    try:
        return bool(
            service.notify(
                title=message.title, body=message.body, notify_type=_KINDS[message.severity]
            )
        )
    except (AppriseException, OSError):
        return False


def _plain_hosts(service: Apprise) -> list[str]:
    """Of plain webhooks, which may be several; they are followed to no other place from there."""
    plain = [one for one in service if str(one.protocol) in _PLAIN]
    for one in plain:
        one.redirects = False
    return [str(one.host).strip("[]") for one in plain]


def _refused(host: str, refuses: Refuses) -> list[str]:
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        # It leads nowhere now; it is looked at again each time something is sent.
        return []
    return sorted(filter(refuses, found))
