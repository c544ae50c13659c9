"""Every sentence for people goes through here, so that it exists in English and Korean."""

import gettext

LOCALE_DIR = __file__.rsplit("/", 2)[0] + "/locale"
LANGUAGES = ("en", "ko")

_active: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"


def use_language(language: str) -> None:
    """Speak this language from now on; English is the language of the sources."""
    global _active, _language  # noqa: PLW0603  one process speaks one language at a time
    _language = language
    if language == "en":
        _active = gettext.NullTranslations()
    else:
        _active = gettext.translation("holdfast", LOCALE_DIR, [language], fallback=True)


def language() -> str:
    """The language in use."""
    return _language


def _(message: str) -> str:
    return _active.gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    return _active.ngettext(one, many, count)


def N_(message: str) -> str:  # noqa: N802  the name gettext's tools look for
    """Mark a message for the catalogue without translating it yet."""
    return message
