"""The capacity forecast as a page, for a browser or for paper."""

from collections.abc import Iterator
from datetime import tzinfo

from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity import Capacity, VaultCapacity
from holdfast.app.control.reports.growth_plot import growth_plot, shown_limit
from holdfast.app.control.reports.sheet import sheet
from holdfast.base.texts import _
from holdfast.replication.planner.page_parts import (
    Cell,
    Html,
    cards,
    figure,
    judged,
    paragraph,
    section,
    table,
    text_head,
)


def capacity_page(found: Capacity, *, zone: tzinfo | None) -> str:
    about = _("Made on {made}. What is ahead is reckoned from at most 90 days.")
    return sheet(
        _("Capacity forecast"),
        about.format(made=words.minute(found.made_at, zone)),
        _parts(found, zone),
    )


def capacity_sections(found: Capacity, zone: tzinfo | None) -> str:
    """The table alone, for reports of which this is a part."""
    return _vaults_table(found, zone) if found.vaults else paragraph(_("There is no vault yet."))


def _parts(found: Capacity, zone: tzinfo | None) -> Iterator[str]:
    yield cards(_cards(found, zone))
    yield section(_("All vaults"), capacity_sections(found, zone), paragraph(_how()))
    for one in found.vaults:
        is_filled = any(level.size for level in one.history)
        yield section(one.vault, _drawn(one, zone), _levels_table(one, zone) if is_filled else "")


def _how() -> str:
    return _(
        "Each day adds its own amount, and those amounts differ; the more they do, the wider the "
        "times between which a vault is full. They hold four times in five, as long as things go "
        "on as they did: a new machine, or a prune, is not foreseen."
    )


def _cards(found: Capacity, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    yield _("Stored"), words.size(sum(one.bytes_stored for one in found.vaults))
    known = [one.growth.per_day for one in found.vaults if one.growth]
    yield _("Growth a day"), words.signed(sum(known)) if known else words.NOTHING
    first = next((one for one in found.vaults if one.limits), None)
    limit = first.limits[0] if first else None
    if first and limit and limit.expected:
        title = _("First full: {vault}").format(vault=first.vault)
        yield title, words.day(limit.expected, zone)
    else:
        yield _("First full"), words.NOTHING


def _vaults_table(found: Capacity, zone: tzinfo | None) -> str:
    heads: list[Cell] = [
        _("Vault"),
        _("Stored"),
        text_head(_("Growth")),
        _("Limit"),
        _("Outlook"),
        text_head(_("When it is full")),
    ]
    rows = [row for one in found.vaults for row in _rows(one, found, zone)]
    return table(_("How long there is room"), heads, rows)


def _rows(one: VaultCapacity, found: Capacity, zone: tzinfo | None) -> Iterator[list[Cell]]:
    begin: list[Cell] = [
        one.vault,
        words.size(one.bytes_stored),
        _text(words.growth_text(one.growth)),
    ]
    if not one.limits:
        yield [*begin, _("none"), words.NOTHING, _text("")]
    for limit in one.limits:
        yield [
            *begin,
            words.limit_size(limit),
            judged(words.outlook_text(limit.outlook), words.outlook_tone(limit.outlook)),
            _text(words.limit_text(limit, found.made_at, zone)),
        ]


def _text(said: str) -> Html:
    from html import escape

    return Html(f'<td class="text">{escape(said)}</td>')


def _drawn(one: VaultCapacity, zone: tzinfo | None) -> str:
    title = _("What {vault} holds").format(vault=one.vault)
    said = _("Now {size}; {growth}.")
    description = said.format(
        size=words.size(one.bytes_stored), growth=words.growth_text(one.growth)
    )
    if not any(level.size for level in one.history):
        return paragraph(_("It holds nothing yet."))
    plot = growth_plot(one, zone, title=title, description=description)
    if not plot:
        return paragraph(_("Too little is known yet to be drawn."))
    keys = [("area", _("Stored"))]
    if one.ahead:
        keys += [("ahead", _("Expected")), ("band", _("Four times in five"))]
    if shown_limit(one) is not None:
        keys.append(("level", _("Quota")))
    return figure(plot, description, keys)


def _levels_table(one: VaultCapacity, zone: tzinfo | None) -> str:
    """The figures of the picture; of the past one each week."""
    past = [
        [words.day(level.at, zone), words.size(level.size), words.NOTHING]
        for level in [*one.history[:-1:7], *one.history[-1:]]
    ]
    ahead = [
        [
            words.day(level.at, zone),
            words.size(level.expected),
            f"{words.size(level.low)} \N{EN DASH} {words.size(level.high)}",
        ]
        for level in one.ahead[7::7]
    ]
    heads = (_("Day"), _("Stored"), _("Four times in five"))
    return table(_("The same in figures"), heads, [*past, *ahead])
