"""Errors on their way from a site to a source."""

from datetime import UTC, datetime

import msgspec
import pytest

from holdfast.base.errors import HoldfastError, Retry
from holdfast.replication import link_errors, log_errors, replica_errors
from holdfast.replication.link_errors import NotGranted, SiteFault, SiteSaid
from holdfast.replication.link_frames import LONGEST_HEAD, Refusal, encode
from holdfast.replication.link_refusals import error_of, refusal_of

OURS = [
    kind
    for module in (link_errors, log_errors, replica_errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, HoldfastError) and kind is not HoldfastError
]


def _carried(refusal: Refusal) -> Refusal:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(refusal), type=Refusal)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_an_error_arrives_as_the_one_it_was(kind: type[HoldfastError]) -> None:
    error = kind(vm="web", place="/srv", reason="why", count=3)

    found = error_of(_carried(refusal_of(7, error, what="apply")))

    assert type(found) is kind
    assert (str(found), found.advice, found.retry) == (str(error), error.advice, error.retry)


def test_fields_that_cannot_travel_travel_as_texts() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    error = NotGranted(machine=now, vm=["a", 7], share=0.5, count=3, is_so=True)

    found = error_of(_carried(refusal_of(7, error, what="apply")))

    assert found.fields == {
        "machine": str(now),
        "vm": ["a", "7"],
        "share": 0.5,
        "count": 3,
        "is_so": True,
    }


def test_an_error_of_a_later_version_keeps_its_words() -> None:
    refusal = Refusal(
        number=7, code="from-the-future", sentence="It is so", remedy="Do this.", retry="later"
    )

    found = error_of(refusal)

    assert isinstance(found, SiteSaid)
    assert (found.code, found.advice, found.retry) == ("from-the-future", "Do this.", Retry.LATER)
    assert "It is so" in str(found)


def test_what_nobody_has_foreseen_is_a_fault_of_the_site() -> None:
    refusal = refusal_of(7, KeyError("vda"), what="apply")

    found = error_of(_carried(refusal))

    assert isinstance(found, SiteFault)
    assert "vda" in str(found)


def test_no_error_is_too_long_for_a_frame() -> None:
    endless = "x" * LONGEST_HEAD
    error = NotGranted(machine=endless, vm=[endless] * 30, more=endless)

    framed = encode(refusal_of(7, error, what="apply"))

    assert len(framed) <= LONGEST_HEAD
