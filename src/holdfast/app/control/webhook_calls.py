"""Webhooks of plans that the server calls itself, each in a thread of its own.

In this process's memory: after its death whoever drives the run calls anew, with the same key, by
which the other side knows it again. What goes where is judged by the address a name leads to: the
writer of a plan must not make the server ask itself, or a cloud for the server's own secrets.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.app.control.plan_run_errors import WebhookForbidden
from holdfast.app.plan_webhook import Post, post, require_fine
from holdfast.base.clock import Clock, SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.recovery.plans.plan_errors import WebhookSilent
from holdfast.recovery.plans.progress import Ended, StepState
from holdfast.recovery.plans.web_addresses import (
    Network,
    host_of,
    is_refused,
    is_secret_there,
    shown_address,
)

MOST_AT_ONCE = 50
TOKENS = "webhook-tokens"
_HOST = re.compile(r"[a-z0-9][a-z0-9.:-]{0,252}")


@dataclass(slots=True)
class _Call:
    ended: Ended | None = None


class WebhookCalls:
    """To be used from any thread. `folder` is the server's; `permitted` are its own networks."""

    def __init__(
        self,
        folder: str = "",
        permitted: Sequence[Network] = (),
        *,
        clock: Clock | None = None,
    ) -> None:
        self._folder = folder
        self._permitted = tuple(permitted)
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._calls: dict[str, _Call] = {}

    def begin(self, wanted: Post) -> None:
        """Unless it is under way or has ended; where there are too many others, another time."""
        with self._lock:
            if wanted.key in self._calls or len(self._calls) >= MOST_AT_ONCE:
                return
            call = self._calls[wanted.key] = _Call()
        name = f"webhook {host_of(wanted.address)}"
        threading.Thread(target=self._make, args=(call, wanted), name=name, daemon=True).start()

    def look(self, wanted: Post) -> Ended | None:
        """How it ended, told once; None: it is under way."""
        with self._lock:
            call = self._calls.get(wanted.key)
            if call is not None:
                return self._calls.pop(wanted.key).ended if call.ended is not None else None
        self.begin(wanted)
        return None

    def forget(self, key: str) -> None:
        """Nobody wants to hear how it ends any more; it ends with its time at the latest."""
        with self._lock:
            self._calls.pop(key, None)

    def _make(self, call: _Call, wanted: Post) -> None:
        try:
            said = self._sent(wanted)
            call.ended = Ended(state=StepState.DONE, said=said)
        except HoldfastError as err:
            call.ended = Ended(state=StepState.FAILED, said=f"{err} {err.advice}", error=err.code)

    def _sent(self, wanted: Post) -> str:
        shown = shown_address(wanted.address)
        try:
            ready = replace(wanted, token=self._token(wanted.address), is_refused=self.refuses)
            answer = post(ready, self._clock)
        except PermissionError as err:
            raise WebhookForbidden(address=shown, reason=err) from err
        except (OSError, ValueError) as err:
            raise WebhookSilent(address=shown, reason=err) from err
        return require_fine(wanted.address, answer)

    def refuses(self, address: str) -> bool:
        """Of an address a name led to: whether this server sends nothing there."""
        return is_refused(address, self._permitted)

    def _token(self, address: str) -> str:
        """Kept by the server's administrator for one host, and shown to no other."""
        host = host_of(address)
        if not self._folder or not is_secret_there(address) or not _HOST.fullmatch(host):
            return ""
        try:
            return Path(self._folder, TOKENS, host).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
