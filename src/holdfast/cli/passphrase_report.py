"""How the passphrases of a vault are told."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _
from holdfast.cli import json_events, shown
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.passphrases import Passphrase

_SHORT = 8


def tell(out: Output, found: "Sequence[Passphrase]") -> None:
    head = ("", _("Id"), _("Set"), _("User"), _("Host"))
    first, *lines = shown.table([head, *map(_row, found)])
    out.remark(first)
    for one, line in zip(found, lines, strict=True):
        out.show(_event(one), line)


def _event(one: "Passphrase") -> json_events.Passphrase:
    return json_events.Passphrase(
        key=one.id,
        created=encodable(one.created),
        username=encodable(one.username),
        host=encodable(one.hostname),
        is_current=one.is_current,
    )


def _row(one: "Passphrase") -> tuple[str, ...]:
    return (
        "*" if one.is_current else " ",
        one.id[:_SHORT],
        shown.line(one.created[:19].replace("T", " ")),
        shown.line(one.username),
        shown.line(one.hostname),
    )
