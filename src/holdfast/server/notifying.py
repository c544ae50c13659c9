"""Sending through apprise: mail, chats, webhooks and some hundred services more."""

import logging

from apprise import Apprise, NotifyType
from apprise.exception import AppriseException

from holdfast.app.control.alert_errors import TargetNotUnderstood
from holdfast.app.control.alert_sending import Message
from holdfast.fleet.alerts import Severity

_KINDS = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.ERROR: NotifyType.FAILURE,
    Severity.CRITICAL: NotifyType.FAILURE,
}
# Its own log lines name URLs, and URLs hold passwords.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


def check_target(url: str) -> None:
    if not Apprise().add(url):
        raise TargetNotUnderstood(scheme=url.partition(":")[0][:40])


def send(message: Message) -> bool:
    """Whether the service took it."""
    service = Apprise()
    if not service.add(message.url):
        return False
    try:
        return bool(
            service.notify(
                title=message.title, body=message.body, notify_type=_KINDS[message.severity]
            )
        )
    except (AppriseException, OSError):
        return False
