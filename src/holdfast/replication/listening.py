"""The thread that tells a machine's site how it is, and hears what the site wants of it.

It has nothing to do with cycles, and keeps none waiting: a site that is away costs it a try each
time, and is asked again. Sites of before do not know the question, which is put up with.
"""

import threading
from collections.abc import Callable

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.replication.link_errors import LinkLost, RequestNotUnderstood
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.settings import SiteAddress
from holdfast.replication.site_orders import SiteOrder, SourceTidings
from holdfast.replication.source_orders import USUAL_SECONDS, Obeying

# A site that does not know the question may be updated while we are at work.
_OF_BEFORE_SECONDS = 60.0
# An answer that took longer says too little about the time.
_MOST_SECONDS = 10.0


class Listener:
    def __init__(
        self,
        uuid: str,
        tools: Tools,
        obeying: Obeying,
        *,
        to: Callable[[], SiteAddress],
        on_error: Callable[[Exception], None],
        on_skew: Callable[[float], None],
    ) -> None:
        self._uuid = uuid
        self._tools = tools
        self._obeying = obeying
        self._to = to
        self._on_error = on_error
        self._on_skew = on_skew
        self._stir = threading.Event()
        self._door: Door | None = None
        self._address: SiteAddress | None = None

    def stir(self) -> None:
        self._stir.set()

    def run(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            seconds = USUAL_SECONDS
            try:
                seconds = self.once()
            except Exception as err:
                # Whatever it is, the site is asked again, and a person sees why.
                self._on_error(err)
            self._stir.wait(seconds)
            self._stir.clear()

    def once(self) -> float:
        """Tell, hear and obey; how long until the next time."""
        try:
            order = self._answered()
        except RequestNotUnderstood:
            self._obeying.hear(None)
            return _OF_BEFORE_SECONDS
        except HoldfastError:
            # That it is away is seen, and told, where logs are sent.
            self._door = None
            self._obeying.unheard()
            return USUAL_SECONDS
        return self._obeying.hear(order)

    def _answered(self) -> SiteOrder:
        """A connection that broke since is made anew at once, and how it is now is told by it."""
        try:
            return self._timed(self._obeying.tidings())
        except LinkLost:
            return self._timed(self._obeying.tidings())

    def _timed(self, told: SourceTidings) -> SiteOrder:
        """The answer, and how far the clock over there is off by what it says: clocks are set."""
        receiver, clock = self._asked().receiver, self._tools.clock
        begun, asked_at = clock.monotonic(), clock.now()
        order = receiver.tidings(self._uuid, msgspec.structs.replace(told, now=asked_at))
        took = clock.monotonic() - begun
        if order.now is not None and took < _MOST_SECONDS:
            self._on_skew((order.now - asked_at).total_seconds() - took / 2)
        # The same order is the same one, whenever it was said.
        return msgspec.structs.replace(order, now=None)

    def _asked(self) -> Door:
        to = self._to()
        if self._door is None or to != self._address:
            self._door, self._address = self._tools.door(to), to
        return self._door
