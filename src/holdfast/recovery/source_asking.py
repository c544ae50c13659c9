"""At the site: have the source of a machine do something, and wait until it says that it is done.

The site never connects to the source: an order lies ready for it, and its tidings say how far it
is. Killed while it waits, whoever comes next orders the same again, and finds it done or going on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from holdfast.base.clock import Clock
from holdfast.base.units import format_duration
from holdfast.recovery.desk import Heard, drop_order, put_order, tidings_of
from holdfast.recovery.planned_errors import SourceCannot, SourceInTrouble, SourceSilent
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_silence import BUSY_FOR
from holdfast.recovery.way_back_errors import HomeKnowsNewer
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings

# An order is known by this word of its own, so that an answer to an older one is not taken for it.
ASKED = "asked"
# In the tidings of a source that does not obey an order: the epoch it knows, which is greater.
OF_BEFORE = "epoch"
# Of a source that says every two seconds how it is.
_SILENT_SECONDS = 60.0
_FRESH_SECONDS = 60.0
# An agent that hangs is waited for, for a minute, by whoever asks it to shut down.
_BUSY_SECONDS = BUSY_FOR.total_seconds()
# A link that breaks now and then is no trouble.
_TROUBLE_SECONDS = 120.0
_PAUSE = 0.1


def require_known(told: SourceTidings, record: RecoveryRecord | None) -> None:
    """Raises where the source does not obey a host that knows of a smaller epoch than it does."""
    ours = record.epoch if record else 0
    if record is not None and OF_BEFORE in told.facts and told.epoch > ours:
        raise HomeKnowsNewer(about=record.name, theirs=told.epoch, ours=ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a guest may take to shut down, and whether it is switched off then."""

    seconds: float = 300.0
    is_forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAsking:
    """`home` is Holdfast's on this host, `name` the machine's."""

    home: str
    folder: RecordFolder
    act: str
    name: str
    clock: Clock
    patience: Patience = Patience()
    # Told with every new word of the source's.
    on_tidings: Callable[[SourceTidings], None] = lambda _told: None
    # Called again and again while it waits; raises where somebody does not wait any longer.
    on_wait: Callable[[], None] = lambda: None

    def require_heard(self) -> Heard:
        return self._require_heard(_SILENT_SECONDS)

    def fresh(self) -> SourceTidings | None:
        """What it said just now; None where it is silent."""
        heard = tidings_of(self.home, self.folder.vm)
        if heard is None or heard.age(self.clock.now()).total_seconds() > _FRESH_SECONDS:
            return None
        return heard.tidings

    def has_done(self, kind: OrderKind) -> SourceTidings | None:
        """What it says of that order of this act, if it has obeyed it."""
        told = self.fresh()
        if told is None or told.act != self.act or told.doing is not kind or not told.is_done:
            return None
        return told

    def ask(self, kind: OrderKind) -> SourceTidings:
        """Comes back when it has said that it is done; raises why it cannot."""
        word = token_hex(8)
        put_order(
            self.folder,
            SiteOrder(
                kind=kind,
                act=self.act,
                patience=self.patience.seconds,
                is_forced=self.patience.is_forced,
                options={ASKED: word},
            ),
        )
        return self._waited(kind, word)

    def _waited(self, kind: OrderKind, word: str) -> SourceTidings:
        begun = fine_at = self.clock.monotonic()
        while True:
            heard = tidings_of(self.home, self.folder.vm)
            now = self.clock.monotonic()
            if heard is not None and heard.tidings.facts.get(ASKED) == word:
                told = heard.tidings
                self.on_tidings(told)
                if told.is_done and told.doing is kind:
                    return told
                self._require_able(told)
                fine_at = now if "trouble" not in told.facts else fine_at
                if now - fine_at > _TROUBLE_SECONDS:
                    raise SourceInTrouble(about=self.name, reason=told.facts.get("sentence", ""))
            if now - begun > _BUSY_SECONDS:
                self._require_heard(_BUSY_SECONDS)
            self.on_wait()
            self.clock.sleep(_PAUSE)

    def _require_heard(self, within: float) -> Heard:
        heard = tidings_of(self.home, self.folder.vm)
        if heard is None or heard.age(self.clock.now()).total_seconds() > within:
            raise self._silent(heard)
        return heard

    def _require_able(self, told: SourceTidings) -> None:
        require_known(told, self.folder.load())
        if not told.error:
            return
        if told.is_active:
            # It runs as ever: what was wanted of it must not be done once nobody waits for it.
            drop_order(self.folder)
        raise SourceCannot(
            about=self.name, said=told.said, advice=told.advice, code_there=told.error
        )

    def _silent(self, heard: Heard | None) -> SourceSilent:
        age = heard.age(self.clock.now()).total_seconds() if heard else None
        said = format_duration(age) if age is not None else "-"
        return SourceSilent(about=self.name, age=said)
