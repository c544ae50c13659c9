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

# One worker looks at all pages: a Chromium each would ask for more than two processors have.
MARKS = [pytest.mark.xdist_group("console"), pytest.mark.real]
SHOTS = Path(".work/shots")


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

    `texts` are waited for in English. Pictures: NAME-en, NAME-ko-dark-phone.
    """
    browser = site.browser
    for language, theme, window, shot in (
        ("en", "light", DESKTOP, f"{name}-en"),
        ("ko", "dark", PHONE, f"{name}-ko-dark-phone"),
    ):
        browser.look(language=language, theme=theme)
        browser.resize(window)
        browser.open(path)
        if language == "en":
            browser.wait_for(*texts)
        browser.shot(shot)
        _is_sound(browser, f"{path} in {language}, {theme}, {window[0]} wide")
    browser.look()
    browser.resize(DESKTOP)


def _is_sound(browser: Browser, what: str) -> None:
    for trouble in (browser.axe(), browser.errors(), browser.foreign_requests()):
        assert not trouble, f"{what}: " + "\n".join(trouble)
    assert not browser.is_wider_than_its_window(), f"{what}: it has to be moved sideways"
