"""Around every act: the lock, the record's beginning and end, and the host with its replicas."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.app.replication_errors import SiteNotSet
from holdfast.app.replication_process import Work
from holdfast.app.replication_process import at_work as process_at_work
from holdfast.base.errors import HoldfastError
from holdfast.machines.new_identity import parse_network
from holdfast.recovery.act_texts import act_text
from holdfast.recovery.acts import OnStep, Step, at_work, perform
from holdfast.recovery.address_rules import parse_rule, rule_text
from holdfast.recovery.beginning import Asked, abandon, begin, current_act, finish
from holdfast.recovery.desk import listening_since, tidings_of
from holdfast.recovery.keeping_up import stands_here
from holdfast.recovery.promoting import Place
from holdfast.recovery.record import Act, ActKind, Stage
from holdfast.recovery.source_asking import Patience, SourceAsking
from holdfast.recovery.source_side import this_boot
from holdfast.recovery.source_silence import Listening
from holdfast.recovery.starting import Starting
from holdfast.recovery.up_note import mark_up

# The machine runs where they are done.
_STARTING = frozenset(
    {
        *(ActKind.PLANNED, ActKind.PLANNED_LIVE, ActKind.UNPLANNED, ActKind.CHANGE_POINT),
        *(ActKind.FAILBACK, ActKind.FAILBACK_LIVE),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """An act that has begun."""

    here: Here
    act: Act
    on_step: OnStep

    def perform(self, steps: Sequence[Step]) -> None:
        here = self.here
        perform(
            current_act(here.folder, self.act),
            steps,
            clock=here.clock,
            keep=here.folder.keep_notes,
            on_step=self.on_step,
        )

    def finish(
        self,
        *,
        stage: Stage | None = None,
        figures: dict[str, float] | None = None,
        warnings: Sequence[str] = (),
        why: str = "",
    ) -> Outcome:
        here = self.here
        record = finish(here.folder, self.act, here.clock, stage=stage, figures=figures, why=why)
        if self.act.kind in _STARTING and stands_here(record, here.machine_id):
            # Else this host, losing its power before anybody has looked, would not start it again.
            mark_up(here.folder.path, this_boot(), here.clock)
        return Outcome(record=record, warnings=tuple(warnings), figures=figures or {})

    def left_open(
        self, *, figures: dict[str, float] | None = None, warnings: Sequence[str] = ()
    ) -> Outcome:
        """Another command, the same one, goes on with it."""
        return Outcome(record=self.here.record(), warnings=tuple(warnings), figures=figures or {})

    def asking(self, wish: RecoveryWish) -> SourceAsking:
        """What the act asks of the machine's source."""
        here = self.here
        return SourceAsking(
            home=here.home,
            folder=here.folder,
            act=self.act.id,
            name=here.name,
            clock=here.clock,
            patience=Patience(seconds=wish.patience, is_forced=wish.is_forced),
        )


@contextlib.contextmanager
def acting(here: Here, kind: ActKind, on_step: OnStep, **wish: Any) -> Iterator[Acting]:
    """Nobody else acts upon the machine meanwhile; `wish` is what the same command goes on by."""
    with at_work(here.folder, here.clock, about=here.name, work=act_text(kind)):
        asked = Asked(kind=kind, who=here.who, wish=wish)
        act = begin(here.folder, asked, here.standing(), here.clock)
        yield Acting(here=here, act=act, on_step=on_step)


@contextlib.contextmanager
def refused_unless(acting: Acting, has_changed: Callable[[], bool]) -> Iterator[None]:
    """An error before anything was changed leaves no act behind that would have to be gone on with."""
    try:
        yield
    except HoldfastError as err:
        if not has_changed():
            abandon(acting.here.folder, acting.act, acting.here.clock, why=err.code)
        raise


@contextlib.contextmanager
def promotion_place(here: Here) -> Iterator[Place]:
    if here.site is None:
        raise SiteNotSet
    with here.hypervisor() as host:
        yield Place(host=host, site=here.site, clock=here.clock)


def starting(acting: Acting, place: Place) -> Starting:
    here = acting.here
    networks = dict(acting.act.wish.get("networks", {}))
    record = here.record()
    return Starting(
        # At home it is started as it was defined there.
        original=record.fence.definition if record.is_home_again and record.fence else "",
        place=place,
        home=here.home,
        folder=here.folder,
        act=acting.act,
        name=here.name,
        machine_id=here.machine_id,
        networks=dict(parse_network(f"{old}={new}") for old, new in networks.items()),
        addresses=dict(
            parse_rule(text, is_own=True) for text in acting.act.wish.get("addresses", ())
        ),
    )


def starting_wish(wish: RecoveryWish) -> dict[str, Any]:
    """What is kept of it in the act."""
    kept = {"point": wish.point, "networks": wish.networks}
    said = {
        "new_name": wish.new_name,
        "replaces": wish.replaces,
        "addresses": [rule_text(key, rule) for key, rule in wish.addresses.items()],
    }
    return kept | {word: what for word, what in said.items() if what}


def listening(here: Here) -> Listening:
    """What was heard of the source, and for how long somebody has listened."""
    is_heard = process_at_work(here.home, Work.SERVE) is not None
    return Listening(
        heard=tidings_of(here.home, here.vm),
        since=listening_since(here.home) if is_heard else None,
    )
