"""Columns that lists of drills, replicas, replications and sites have alike."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.tables import Column
from holdfast.console.thing_words import Words, tone, word


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Row = TypeVar("Row")
Machine = TypeVar("Machine", bound=_Named)


def vm_column(href: Callable[[Machine], str | None] | None = None) -> Column[Machine]:
    return Column(name="vm", label=_("Virtual machine"), value=lambda row: row.name, href=href)


def word_column(
    name: str,
    label: str,
    value: Callable[[Row], str | None],
    named: Words,
    *,
    href: Callable[[Row], str | None] | None = None,
) -> Column[Row]:
    """A state, as a chip of its colour."""
    return Column(
        name=name,
        label=label,
        value=value,
        text=lambda row: word(named, value(row)),
        tone=lambda row: tone(named, value(row)),
        href=href,
    )


def time_column(
    name: str, label: str, value: Callable[[Row], float | None], **more: Any
) -> Column[Row]:
    """How long something takes, or took."""
    return Column(
        name=name,
        label=label,
        value=value,
        text=lambda row: words.unbroken(shown.duration(value(row))),
        is_number=True,
        **more,
    )


def ago_column(
    name: str, label: str, value: Callable[[Row], datetime | None], clock: Clock, **more: Any
) -> Column[Row]:
    """When something was."""
    return Column(
        name=name,
        label=label,
        value=value,
        text=lambda row: words.unbroken(shown.ago(value(row), clock.now())),
        **more,
    )
