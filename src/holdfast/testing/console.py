"""A console for tests: a real server, rows put beside it, and a browser that is logged in.

with console_at(tmp_path) as site:
    add_vault(site.plane, "main")
    look_at(site, "/vaults", "vaults")
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.app.control.authority import load_authority
from holdfast.app.control.plane import Plane
from holdfast.base.clock import SystemClock
from holdfast.catalog.database import Database
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.browser import AXE, DESKTOP, PHONE, Browser, browsing
from holdfast.testing.browser import is_there as has_browser
from holdfast.testing.fleet import FleetServer

MARKS = [pytest.mark.real]
SHOTS = Path(".work/shots")
_LOOKS = (("light", DESKTOP), ("light", PHONE), ("dark", PHONE), ("dark", DESKTOP))
_SHOTS = {("en", "light", DESKTOP): "en", ("ko", "dark", PHONE): "ko-dark-phone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSite:
    server: FleetServer
    browser: Browser
    # On the server's own state, for `testing.planes.add_…`; storages lie in memory.
    plane: Plane


@contextlib.contextmanager
def console_at(folder: Path, *, workflows: bool = False) -> Iterator[ConsoleSite]:
    """Logged in as `admin`. Pictures lie below .work/shots afterwards."""
    if not has_browser() or not AXE.exists():
        pytest.skip("Chromium, its driver or axe is not installed; ./run test installs them")
    with (
        FleetServer(folder, console=True, workflows=workflows) as server,
        plane_beside(server) as plane,
        browsing(server.url, SHOTS) as browser,
    ):
        browser.log_in("admin", server.admin_password)
        yield ConsoleSite(server=server, browser=browser, plane=plane)


@contextlib.contextmanager
def plane_beside(server: FleetServer) -> Iterator[Plane]:
    """A second way into a running server's state."""
    clock = SystemClock()
    database = Database(f"sqlite:///{server.state}/state.db")
    try:
        yield Plane(
            database=database,
            clock=clock,
            authority=load_authority(str(server.state), now=clock.now()),
            address=server.url,
            storage_at=lambda _place: MemoryStorage(),
        )
    finally:
        database.close()


def look_at(site: ConsoleSite, path: str, name: str, *, texts: tuple[str, ...] = ()) -> None:
    """The page as different people meet it: nothing foreign, nothing broken, nobody shut out.

    In each language, by day and by night, at a desk and on a phone. It is loaded once for each
    language, which is what takes time; light and room change under it, as they do for people.
    `texts` are waited for in English. Pictures: NAME-en, NAME-ko-dark-phone.
    """
    for language in ("en", "ko"):
        _open(site.browser, path, language, texts)
        for scheme, window in _LOOKS:
            site.browser.resize(window)
            site.browser.shine(scheme)
            what = f"{path} in {language}, {scheme}, {window[0]} wide"
            site.browser.rest(scheme, what)
            if shot := _SHOTS.get((language, scheme, window)):
                site.browser.shot(f"{name}-{shot}")
            _is_sound(site.browser, what)
            if window == DESKTOP:
                assert site.browser.tables_cut_off() == [], what
    site.browser.resize(DESKTOP)
    site.browser.shine("light")
    site.browser.look()


def _open(browser: Browser, path: str, language: str, texts: tuple[str, ...]) -> None:
    browser.look(language=language, theme="auto")
    browser.open(path)
    if language == "en":
        browser.wait_for(*texts)


def _is_sound(browser: Browser, what: str) -> None:
    found = (browser.axe(), browser.errors(), browser.foreign_requests(), browser.dead_figures())
    for trouble in found:
        assert not trouble, f"{what}: " + "\n".join(trouble)
