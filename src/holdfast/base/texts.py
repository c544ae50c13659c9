"""Every sentence for people goes through here, so that it exists in English and Korean."""

import contextlib
import gettext
from collections.abc import Iterator
from contextvars import ContextVar

LOCALE_DIR = __file__.rsplit("/", 2)[0] + "/locale"
LANGUAGES = ("en", "ko")

_active: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"
# A server answers each request in the language of whoever asks.
_here: ContextVar[tuple[str, gettext.NullTranslations] | None] = ContextVar("_here", default=None)


def use_language(language: str) -> None:
    """Speak this language from now on; English is the language of the sources."""
    global _active, _language  # noqa: PLW0603  one process speaks one language at a time
    _language = language
    _active = _translations(language)


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak this language in the block, and in this thread or task only."""
    before = _here.set((language, _translations(language)))
    try:
        yield
    finally:
        _here.reset(before)


def _translations(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("holdfast", LOCALE_DIR, [language], fallback=True)


def language() -> str:
    """The language in use."""
    here = _here.get()
    return here[0] if here else _language


def _(message: str) -> str:
    return _spoken().gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    return _spoken().ngettext(one, many, count)


def _spoken() -> gettext.NullTranslations:
    here = _here.get()
    return here[1] if here else _active


def N_(message: str) -> str:  # noqa: N802  the name gettext's tools look for
    """Mark a message for the catalogue without translating it yet."""
    return message
