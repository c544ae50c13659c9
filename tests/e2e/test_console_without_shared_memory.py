"""Where /dev/shm cannot be written, as in a container that is read-only, the console is there."""

import os
from pathlib import Path

import pytest

from holdfast.testing.fleet import FleetServer

READ_ONLY = 'mount -t tmpfs -o ro none /dev/shm && exec "$@"'
INSIDE = ("unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY, "sh")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has mounts of its own"),
]


def test_console_needs_no_shared_memory(tmp_path: Path) -> None:
    with FleetServer(tmp_path, console=True, inside=INSIDE) as server:
        with server.anonymous() as browser:
            page = browser.get("/ui/login")

        assert page.status_code == 200
        assert "Holdfast" in page.text
        assert server.stop() == 0
