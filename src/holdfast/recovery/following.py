"""How closely a source follows what its site does with a machine. Pure."""

from holdfast.recovery.source_asking import ASKED
from holdfast.replication.site_orders import OrderKind, SiteOrder
from holdfast.replication.source_orders import BUSY_SECONDS, USUAL_SECONDS

# One step of an act comes soon after another; an act that stands still is waited for in peace.
CLOSE_SECONDS = 30.0


class Following:
    """`usual` is how long until the site is asked again while nothing goes on there."""

    def __init__(self, usual: float = USUAL_SECONDS) -> None:
        self._usual = usual
        self._word: tuple[str, ...] = ()
        self._word_at = 0.0

    def seconds(self, order: SiteOrder, *, is_done: bool, now: float) -> float:
        """Until the site is to be asked again; `is_done` is what came of the order."""
        word = (order.act, order.kind.value, order.options.get(ASKED, ""))
        if word != self._word:
            self._word, self._word_at = word, now
        if order.kind is not OrderKind.NOTHING and not is_done:
            return BUSY_SECONDS
        # What has been done is followed by the next order, for which a person waits.
        goes_on = bool(order.act) and now - self._word_at < CLOSE_SECONDS
        return BUSY_SECONDS if goes_on else self._usual
