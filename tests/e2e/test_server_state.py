"""`holdfast server export` and `import` as commands."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.fleet import FleetServer

pytestmark = pytest.mark.slow
SCRIPT = Path(sys.executable).with_name("holdfast")


def test_a_state_goes_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("seven words are better than one\n")
    (tmp_path / "words").chmod(0o600)
    with FleetServer(tmp_path / "old", workflows=False) as old:
        token = old.admin_token
        exported = _holdfast(tmp_path / "old", tmp_path, "export")

    imported = _holdfast(tmp_path / "new", tmp_path, "import")
    again = _holdfast(tmp_path / "new", tmp_path, "import")

    assert exported[0] == imported[0] == 0
    assert exported[1]["rows"] == imported[1]["rows"] > 0
    assert again == (30, {**again[1], "code": "state-not-empty"})
    with FleetServer(tmp_path / "new", workflows=False) as new, new.client(token=token) as client:
        assert client.get("/api/v1/me").json()["name"] == "admin"


def test_a_running_servers_state_is_not_imported_into(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("seven words are better than one\n")
    (tmp_path / "words").chmod(0o600)
    with FleetServer(tmp_path / "old", workflows=False):
        _holdfast(tmp_path / "old", tmp_path, "export")

        status, said = _holdfast(tmp_path / "old", tmp_path, "import")

    assert (status, said["code"]) == (11, "server-runs-already")


def test_a_lost_password_is_replaced_by_whoever_is_root_here(tmp_path: Path) -> None:
    with FleetServer(tmp_path / "home", workflows=False) as server:
        before = server.admin_token
        done = _run(tmp_path / "home", "server", "reset-password", "--json")
        said = json.loads(done.stdout.splitlines()[-1])
        login = {"name": "admin", "password": said["password"]}

        with server.client(token=before) as old, server.anonymous() as new:
            ended, begun = old.get("/api/v1/me"), new.post("/api/v1/sessions", json=login)

    assert said["account"] == "admin"
    assert (ended.status_code, begun.status_code) == (401, 201)


def test_no_server_is_made_to_reset_a_password(tmp_path: Path) -> None:
    done = _run(tmp_path, "server", "reset-password", "--json")

    assert json.loads(done.stdout.splitlines()[-1])["code"] == "no-state-here"
    assert not (tmp_path / "server").exists()


def _run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOLDFAST_HOME": str(home)}
    return subprocess.run(
        [str(SCRIPT), *words], env=environment, capture_output=True, text=True, check=False
    )


def _holdfast(home: Path, folder: Path, act: str) -> tuple[int, dict[str, Any]]:
    words = ["server", act, str(folder / "state"), "--json"]
    done = _run(home, *words, "--sealed-with", str(folder / "words"))
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, said
