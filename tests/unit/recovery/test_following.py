"""A source asks its site often while an act goes on there, and seldom while one stands still."""

from holdfast.recovery.following import CLOSE_SECONDS, Following
from holdfast.recovery.source_asking import ASKED
from holdfast.replication.site_orders import OrderKind, SiteOrder
from holdfast.replication.source_orders import BUSY_SECONDS, USUAL_SECONDS

ACT = "one"
LATER = CLOSE_SECONDS + 1


def order(kind: OrderKind, asked: str = "a") -> SiteOrder:
    return SiteOrder(kind=kind, act=ACT, options={ASKED: asked})


def test_while_nothing_goes_on_the_site_is_asked_as_ever() -> None:
    assert Following().seconds(SiteOrder(), is_done=True, now=0.0) == USUAL_SECONDS


def test_what_is_not_done_yet_is_followed_as_long_as_it_takes() -> None:
    following, hand_over = Following(), order(OrderKind.HAND_OVER)

    seconds = [following.seconds(hand_over, is_done=False, now=at) for at in (0.0, LATER)]

    assert seconds == [BUSY_SECONDS, BUSY_SECONDS]


def test_the_next_order_of_an_act_is_not_kept_waiting() -> None:
    following = Following()
    following.seconds(order(OrderKind.CATCH_UP), is_done=False, now=0.0)

    assert following.seconds(order(OrderKind.CATCH_UP), is_done=True, now=5.0) == BUSY_SECONDS


def test_an_act_that_has_begun_is_listened_to_before_its_first_order() -> None:
    assert Following().seconds(SiteOrder(act=ACT), is_done=True, now=0.0) == BUSY_SECONDS


def test_an_act_that_stands_still_is_waited_for_in_peace() -> None:
    following, hand_over = Following(), order(OrderKind.HAND_OVER)
    following.seconds(hand_over, is_done=True, now=0.0)

    assert following.seconds(hand_over, is_done=True, now=LATER) == USUAL_SECONDS


def test_the_same_order_given_again_is_followed_anew() -> None:
    following = Following()
    following.seconds(order(OrderKind.HAND_OVER, "a"), is_done=True, now=0.0)

    again = following.seconds(order(OrderKind.HAND_OVER, "b"), is_done=True, now=LATER)

    assert again == BUSY_SECONDS
