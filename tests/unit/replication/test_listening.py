"""What a machine's site is told and asked, by itself and whatever the site answers."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.replication.link_errors import LinkLost, RequestNotUnderstood, SiteUnreachable
from holdfast.replication.listening import Listener
from holdfast.replication.settings import SiteAddress
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.replication.source_orders import BUSY_SECONDS, USUAL_SECONDS, Content
from holdfast.testing.clock import FakeClock

UUID = "6f1c9a04-b2d8-4e35-9c41-41d2aa000002"
TO = SiteAddress(site="south", machine="site-1", host="south")


@dataclass(slots=True)
class Site:
    """Answers what it is told to."""

    answer: SiteOrder | HoldfastError = field(default_factory=SiteOrder)
    heard: list[SourceTidings] = field(default_factory=list)
    # Of the source, and how far the site is said to be ahead of it.
    clock: FakeClock = field(default_factory=FakeClock)
    skews: list[float] = field(default_factory=list)
    # Until it answers.
    seconds: float = 0.0
    # How often the connection breaks meanwhile.
    breaks: int = 0

    def tidings(self, _vm: str, told: SourceTidings, *, machine: str = "") -> SiteOrder:  # noqa: ARG002  whoever it is
        self.heard.append(told)
        self.clock.sleep(self.seconds)
        if self.breaks:
            self.breaks -= 1
            raise LinkLost(place="south:9443", reason="reset")
        if isinstance(self.answer, HoldfastError):
            raise self.answer
        return self.answer


@dataclass(slots=True)
class Obeying:
    is_halted: bool = False
    heard: list[SiteOrder | None] = field(default_factory=list)
    silences: int = 0
    epoch: int = 7

    def tidings(self) -> SourceTidings:
        return SourceTidings(epoch=self.epoch)

    def hear(self, order: SiteOrder | None) -> float:
        self.heard.append(order)
        return BUSY_SECONDS

    def unheard(self) -> None:
        self.silences += 1


def listener(site: Site, obeying: Any) -> tuple[Listener, list[SiteAddress]]:
    """With the addresses of the doors it has opened."""
    opened: list[SiteAddress] = []

    def door(to: SiteAddress) -> Any:
        opened.append(to)
        return SimpleNamespace(receiver=site)

    tools: Any = SimpleNamespace(door=door, clock=site.clock)
    made = Listener(
        UUID,
        tools,
        obeying,
        to=lambda: TO,
        on_error=lambda err: pytest.fail(str(err)),
        on_skew=site.skews.append,
    )
    return made, opened


def test_what_the_site_wants_is_handed_on_and_says_when_to_ask_again() -> None:
    wanted = SiteOrder(kind=OrderKind.CATCH_UP, act="one")
    site, obeying = Site(answer=wanted), Obeying()
    asking, _opened = listener(site, obeying)

    seconds = asking.once()

    assert site.heard == [SourceTidings(epoch=7, now=site.clock.now())]
    assert obeying.heard == [wanted]
    assert seconds == BUSY_SECONDS


def test_a_site_of_before_is_put_up_with_and_asked_less_often() -> None:
    site = Site(answer=RequestNotUnderstood(what="tidings", reason="there is no such request"))
    obeying = Obeying()
    asking, _opened = listener(site, obeying)

    seconds = asking.once()

    assert obeying.heard == [None]
    assert obeying.silences == 0
    assert seconds > USUAL_SECONDS


def test_a_site_that_is_away_is_asked_again_through_another_door() -> None:
    site = Site(answer=SiteUnreachable(site="south", place="south:9443", reason="down"))
    obeying = Obeying()
    asking, opened = listener(site, obeying)

    first, second = asking.once(), asking.once()

    assert (first, second) == (USUAL_SECONDS, USUAL_SECONDS)
    assert obeying.silences == 2
    assert obeying.heard == []
    assert opened == [TO, TO]


def test_after_a_broken_connection_it_is_told_how_it_is_by_then() -> None:
    class Changing(Obeying):
        def tidings(self) -> SourceTidings:
            self.epoch += 1
            return SourceTidings(epoch=self.epoch)

    site, obeying = Site(breaks=1), Changing()
    asking, _opened = listener(site, obeying)

    asking.once()

    assert [told.epoch for told in site.heard] == [8, 9]
    assert obeying.silences == 0


def test_one_that_breaks_again_is_made_anew_a_little_later() -> None:
    site, obeying = Site(breaks=2), Obeying()
    asking, _opened = listener(site, obeying)

    assert asking.once() == USUAL_SECONDS
    assert obeying.silences == 1


def test_while_all_is_well_one_door_is_enough() -> None:
    asking, opened = listener(Site(), Content())

    for _time in range(3):
        asking.once()

    assert opened == [TO]


def test_each_answer_says_how_far_the_clocks_differ() -> None:
    site, obeying = Site(seconds=2.0), Obeying()
    asking, _opened = listener(site, obeying)

    for ahead in (0, 3600, -90):
        # By the site's clock, in the middle of the way there and back.
        now = site.clock.now() + timedelta(seconds=ahead + 1)
        site.answer = SiteOrder(kind=OrderKind.CATCH_UP, act="one", now=now)
        asking.once()

    assert site.skews == [0.0, 3600.0, -90.0]
    assert [each.now for each in site.heard] == [
        site.clock.now() - timedelta(seconds=left) for left in (6, 4, 2)
    ]
    # Whoever obeys knows an order again by what it is.
    assert obeying.heard == [SiteOrder(kind=OrderKind.CATCH_UP, act="one")] * 3


def test_an_answer_that_took_long_says_nothing_of_the_clocks() -> None:
    site = Site(seconds=30.0)
    site.answer = SiteOrder(now=site.clock.now())
    asking, _opened = listener(site, Obeying())

    asking.once()

    assert site.skews == []
