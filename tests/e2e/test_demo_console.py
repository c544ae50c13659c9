"""The demonstration's console: it can be looked at, and nothing of it is left behind."""

import json
import signal
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest

from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench

pytestmark = [pytest.mark.real, pytest.mark.slow]


def processes_in(place: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes()
        except OSError:
            continue
        if str(place).encode() in said:
            found.append(process.name)
    return found


def test_the_console_shows_what_the_demonstration_made_and_goes_with_it(empty: Bench) -> None:
    words = ("demo", "--files-only", "--console", "--json")
    with empty.start(*words, TMPDIR=str(empty.root)) as process:
        try:
            told = console_of(process)
            page = urllib.request.urlopen(f"{told['console']}ui/login", context=anyone())
            assert b"Holdfast" in page.read()

            process.send_signal(signal.SIGINT)

            assert process.wait(90) == 0
        finally:
            process.kill()
    wait_until(lambda: processes_in(empty.root) == [])
    assert list(empty.root.glob("holdfast-demo-*")) == []


def console_of(process: subprocess.Popen[bytes]) -> dict[str, str]:
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, str] = json.loads(line)
        if event["event"] == "demo-console":
            return event
    raise AssertionError("it ended before there was a console")


def anyone() -> ssl.SSLContext:
    """As a browser that was told to go on."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
