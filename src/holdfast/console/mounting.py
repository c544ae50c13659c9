"""The console as a part of the server's application."""

from pathlib import Path

from fastapi import FastAPI

from holdfast.app.control.plane import Plane
from holdfast.console.guard import Guard
from holdfast.console.places import ROOT

_STATIC = Path(__file__).parent / "static"
_RECONNECT_SECONDS = 10.0


def mount(app: FastAPI, plane: Plane) -> None:
    """Once in a process: the framework has one application of its own."""
    from nicegui import app as inner
    from nicegui import run, ui

    from holdfast.console import downloading, login
    from holdfast.console.page_modules import import_pages

    run.setup = _without_processes
    inner.state.plane = plane
    inner.add_static_files("/holdfast", _STATIC)
    # The bar it shows while a browser asks for something has no name for who does not see it.
    inner.config.quasar_config["loadingBar"]["skipHijack"] = True
    # The last of them takes whatever nobody else has taken.
    import_pages()
    app.include_router(login.router)
    app.include_router(downloading.router)
    ui.run_with(
        app,
        mount_path=ROOT,
        title="Holdfast",
        language="en-US",
        dark=None,
        tailwind=False,
        # The guard compresses, after it has given the scripts of a page their nonce.
        gzip_middleware_factory=None,
        reconnect_timeout=_RECONNECT_SECONDS,
        # Nothing of the console changes by binding; the loop would run for ever for nothing.
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    app.add_middleware(Guard)


def _without_processes() -> None:
    """The framework's pool of processes, which no page uses, wants semaphores in /dev/shm.

    Where nobody may write there, as in a container that is read-only, nothing else is missed.
    """
