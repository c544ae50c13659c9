"""Figures of reports in words, for pages, mails and terminals alike."""

from datetime import datetime, timedelta, tzinfo

from holdfast.app.control.reports.capacity import GrowthView, LimitView, Outlook
from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_size

NOTHING = "-"
_OUTLOOKS = {
    Outlook.FULL.value: N_("full"),
    Outlook.SOON.value: N_("full soon"),
    Outlook.AHEAD.value: N_("full one day"),
    Outlook.FAR.value: N_("enough room"),
    Outlook.UNKNOWN.value: N_("not known yet"),
}
_TONES = {Outlook.FULL.value: "bad", Outlook.SOON.value: "fair", Outlook.FAR.value: "good"}
_LIMITS = {"quota": N_("Quota"), "disk": N_("Disk")}
_DAY = timedelta(days=1)


def outlook_text(outlook: str) -> str:
    return _(_OUTLOOKS[outlook])


def outlook_tone(outlook: str) -> str:
    """good, fair, bad, or nothing at all."""
    return _TONES.get(outlook, "")


def limit_name(of: str) -> str:
    return _(_LIMITS[of])


def limit_size(limit: LimitView) -> str:
    """Which limit, how much it is, and how much of it is used."""
    used = share(limit.used, limit.limit)
    return f"{limit_name(limit.of)}: {size(limit.limit)} ({used})"


def size(value: float | None) -> str:
    return NOTHING if value is None else format_size(value)


def share(used: float, limit: float) -> str:
    """Whole percents; never 100 of what is a little less."""
    return f"{int(used * 100 // limit)} %" if limit else NOTHING


def day(moment: datetime | None, zone: tzinfo | None) -> str:
    return NOTHING if moment is None else f"{moment.astimezone(zone):%Y-%m-%d}"


def minute(moment: datetime | None, zone: tzinfo | None) -> str:
    return NOTHING if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def days(count: int) -> str:
    return ngettext("{count} day", "{count} days", count).format(count=count)


def growth_text(growth: GrowthView | None) -> str:
    """A day's, with how far that may be off."""
    if growth is None:
        return _("less than a week is known")
    if growth.low == growth.high == 0:
        return _("it does not grow")
    text = _("{size} a day, between {low} and {high}")
    return text.format(
        size=signed(growth.per_day), low=signed(growth.low), high=signed(growth.high)
    )


def growth_range(growth: GrowthView | None) -> str:
    if growth is None:
        return _("less than a week is known")
    if growth.low == growth.high == 0:
        return _("it does not grow")
    return _("between {low} and {high}").format(low=signed(growth.low), high=signed(growth.high))


def signed(value: float) -> str:
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{format_size(abs(value))}"


def limit_text(limit: LimitView, now: datetime, zone: tzinfo | None) -> str:
    """When it is full, and how far off that may be."""
    match Outlook(limit.outlook):
        case Outlook.FULL:
            return _("There is no room left.")
        case Outlook.UNKNOWN:
            return _("Too little is known yet: a forecast needs a week.")
        case Outlook.FAR:
            return _("Not within two years, as it looks now.")
        case _:
            return _when(limit, now, zone)


def _when(limit: LimitView, now: datetime, zone: tzinfo | None) -> str:
    earliest, latest = day(limit.earliest, zone), day(limit.latest, zone)
    if limit.expected is None:
        text = _("Perhaps as early as {earliest}; growth varies too much to say more.")
        return text.format(earliest=earliest)
    left = days(max(0, round((limit.expected - now) / _DAY)))
    if limit.latest is None:
        text = _("In about {days}, on {date}; {earliest} at the earliest.")
    else:
        text = _("In about {days}, on {date}; between {earliest} and {latest}.")
    date = day(limit.expected, zone)
    return text.format(days=left, date=date, earliest=earliest, latest=latest)
