"""The days of the week, as the weekly summary asks for them."""

from holdfast.base.texts import _


def weekdays() -> dict[str, str]:
    return {
        "monday": _("Monday"),
        "tuesday": _("Tuesday"),
        "wednesday": _("Wednesday"),
        "thursday": _("Thursday"),
        "friday": _("Friday"),
        "saturday": _("Saturday"),
        "sunday": _("Sunday"),
    }
