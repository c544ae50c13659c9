"""In which language and in which light a visitor wants the console."""

from starlette.requests import Request

from holdfast.base.texts import LANGUAGES
from holdfast.console.places import LANGUAGE_COOKIE, THEME_COOKIE, THEMES
from holdfast.server.speaking import language_of

# As those call it who speak it.
NAMES = {"en": "English", "ko": "한국어"}
QUASAR = {"en": "en-US", "ko": "ko-KR"}


def language_for(request: Request, account: str | None = None) -> str:
    """What was chosen in this browser, else the account's, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return account if account in LANGUAGES else language_of(request.headers)


def theme_for(request: Request) -> str:
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def is_dark(theme: str) -> bool | None:
    """None: as the visitor's system has it."""
    return {"light": False, "dark": True}.get(theme)
