"""Alerts leave within seconds; those that nobody took then are tried again every minute (`upkeep`)."""

import logging
import threading
from datetime import timedelta

from holdfast.app.control import alert_sending
from holdfast.server.workflows.holding import Held

_log = logging.getLogger(__name__)
_EVERY = 3.0
_FRESH = timedelta(seconds=45)


class Postman:
    """A thread that sends what is new; of several servers, one at a time does."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Not waited for: a service that hangs must not keep the server from its end."""
        self._stop.set()

    def _run(self) -> None:
        from holdfast.server.notifying import sender  # its hundred services take a while to import

        send = sender(self._held.plane.webhooks.refuses)
        while not self._stop.wait(_EVERY):
            try:
                alert_sending.send_waiting(self._held.plane, send, younger=_FRESH)
            except Exception:
                _log.warning("alerts not sent", exc_info=True)
