"""Where the console lies on the server, and what its cookies are called."""

from urllib.parse import quote

ROOT = "/ui"
LOGIN = ROOT + "/login"
LOGOUT = ROOT + "/logout"
LOOK = ROOT + "/look"
DOWNLOAD = ROOT + "/download"
# The prefix makes browsers refuse it without TLS, or from anybody but this very host.
SESSION_COOKIE = "__Host-holdfast"
LANGUAGE_COOKIE = "holdfast-language"
THEME_COOKIE = "holdfast-theme"
THEMES = ("auto", "light", "dark")


def address(path: str) -> str:
    """Of a page, as a browser asks for it: pages know their paths below the root only."""
    return ROOT + path if path.startswith("/") else path


def below(address_: str) -> str:
    """The same as pages know it, which is how they lead to one another."""
    return address_.removeprefix(ROOT)


def inner(wanted: str) -> str:
    """A place to go on to, if it is one of the console's own; else its first page."""
    is_own = wanted.startswith(ROOT + "/") and "//" not in wanted and "\\" not in wanted
    return wanted if is_own else ROOT + "/"


def login_for(path: str) -> str:
    return f"{LOGIN}?next={quote(path, safe='')}"
