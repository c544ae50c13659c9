"""What a host is told of replication is kept and obeyed, and what becomes of it is told back."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.agent.link import Identity, Link
from holdfast.agent.replicating import Replicating
from holdfast.agent.running import Program
from holdfast.app.replication_grants import ServersGrants
from holdfast.app.replication_own_site import is_site
from holdfast.app.replication_roles import load_roles
from holdfast.replication.link_identity import Shown
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import ReplicationStatus, State
from holdfast.replication.status_file import write_status
from holdfast.testing.clock import FakeClock
from holdfast.testing.server_double import ServerDouble, served

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
VM = "6f1c9a04-b2d8-4e35-9c41-41d2aa000003"
SETTINGS = ReplicationSettings(
    vm=VM, name="web", to=SiteAddress(site="south", machine="m-south", host="south.example")
)
# Notes what it was asked for, and forgets the settings as `replication disable` does.
_DISABLES = """
import json, os, sys
home, *words = sys.argv[1:]
with open(os.path.join(home, "asked"), "a") as asked:
    asked.write(json.dumps(words) + "\\n")
os.unlink(os.path.join(home, "replication", words[-1], "settings.json"))
"""


@pytest.fixture
def server() -> Iterator[ServerDouble]:
    with served() as double:
        yield double


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


class Scene:
    def __init__(self, home: Path, server: ServerDouble, clock: FakeClock) -> None:
        self.home = home
        self.warnings: list[str] = []
        self.looked: list[bool] = []
        self.link = Link(Identity(server=server.url, ca="", certificate="", key=""))
        self.replicating = Replicating(
            str(home),
            self.link,
            Program(
                words=[],
                plain=[sys.executable, "-c", _DISABLES, str(home)],
                environment={"HOLDFAST_LIBVIRT": "qemu:///here"},
            ),
            clock=clock,
            warn=self.warnings.append,
            look_again=lambda: self.looked.append(True),
        )

    def told(self, server: ServerDouble, **roles: Any) -> None:
        server.roles = {"etag": f"e{len(roles)}{len(str(roles))}", **roles}
        self.replicating.heard(server.roles["etag"])
        self.replicating.step()

    @property
    def folder(self) -> SourceFolder:
        return SourceFolder(str(self.home), VM)

    @property
    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.home / "asked").read_text().splitlines()]


@pytest.fixture
def scene(tmp_path: Path, server: ServerDouble, clock: FakeClock) -> Iterator[Scene]:
    scene = Scene(tmp_path, server, clock)
    yield scene
    scene.link.reload()


def _replicated(scene: Scene) -> None:
    scene.folder.make()
    scene.folder.keep_settings(SETTINGS)


def _status(**more: Any) -> ReplicationStatus:
    status = ReplicationStatus(
        vm=VM, name="web", site="south", state=State.REPLICATING, updated_at=NOON
    )
    return msgspec.structs.replace(status, **more)


def _site(folder: Path, **more: Any) -> dict[str, Any]:
    return {"site": "south", "folder": str(folder), "port": 9443, "grants": [], **more}


def test_roles_are_kept_for_the_processes_that_work_by_them(
    scene: Scene, server: ServerDouble, tmp_path: Path
) -> None:
    granted = [{"vm": VM, "machine": "m-north"}]

    scene.told(server, site=_site(tmp_path, grants=granted, revoked=["f00"]), look_for=["x"])

    roles = load_roles(str(tmp_path))
    assert roles is not None
    assert scene.replicating.etag == roles.etag == server.roles["etag"]
    assert is_site(str(tmp_path))
    assert scene.looked == [True]
    grants = ServersGrants(str(tmp_path))
    assert grants.may_write("m-north", VM)
    assert not grants.may_write("m-east", VM)
    assert grants.is_revoked(_shown("f00"))
    assert not grants.is_revoked(_shown("ba4"))


def _shown(fingerprint: str) -> Shown:
    return Shown(
        machine="m-north",
        fingerprint=fingerprint,
        begins=NOON,
        ends=NOON,
        is_for_both_ends=True,
    )


def test_grant_that_is_taken_back_holds_no_longer_at_once(
    scene: Scene, server: ServerDouble, tmp_path: Path
) -> None:
    grants = ServersGrants(str(tmp_path))
    scene.told(server, site=_site(tmp_path, grants=[{"vm": VM, "machine": "m-north"}]))
    before = grants.may_write("m-north", VM)

    scene.told(server, site=_site(tmp_path))

    assert before
    assert not grants.may_write("m-north", VM)


def test_replications_are_told_with_both_files_and_again_only_when_they_say_something_new(
    scene: Scene, server: ServerDouble, clock: FakeClock
) -> None:
    _replicated(scene)
    write_status(scene.folder.path, _status())
    scene.replicating.step()
    clock.sleep(10)
    write_status(scene.folder.path, _status(updated_at=clock.now(), rpo_seconds=10.0))
    scene.replicating.step()
    write_status(scene.folder.path, _status(updated_at=clock.now(), state=State.PAUSED))

    scene.replicating.step()

    first, second = server.replications
    assert first["here"] == [[VM, "south"]]
    assert first["changed"][0]["settings"]["to"]["machine"] == "m-south"
    assert first["changed"][0]["status"]["state"] == "replicating"
    assert second["changed"][0]["status"]["state"] == "paused"


def test_one_that_says_nothing_new_is_told_again_after_a_while(
    scene: Scene, server: ServerDouble, clock: FakeClock
) -> None:
    _replicated(scene)
    scene.replicating.step()
    clock.sleep(61)

    scene.replicating.step()

    assert [len(one["changed"]) for one in server.replications] == [1, 1]


def test_the_last_one_that_goes_is_told_too(scene: Scene, server: ServerDouble) -> None:
    _replicated(scene)
    scene.replicating.step()
    (scene.folder.path / "settings.json").unlink()

    scene.replicating.step()

    assert server.replications[-1]["here"] == []


def test_machine_that_came_here_is_replicated_from_here_on(
    scene: Scene, server: ServerDouble
) -> None:
    moved = msgspec.to_builtins(msgspec.structs.replace(SETTINGS, hypervisor="qemu:///before"))
    handover = {
        "vm": VM, "name": "web", "site": "south", "settings": moved, "came_from": "m-west",
    }  # fmt: skip

    scene.told(server, source={"sites": [], "handovers": [handover]})

    settings = scene.folder.settings()
    assert settings is not None
    assert (settings.hypervisor, settings.to) == ("qemu:///here", SETTINGS.to)


@pytest.mark.parametrize(
    ("why", "keep", "words"),
    [
        ("disabled", False, []),
        ("disabled", True, ["--keep-replica"]),
        # It goes on from another host.
        ("moved", False, ["--keep-replica"]),
    ],
)
def test_replication_that_was_ended_is_cleaned_up_by_its_command(
    scene: Scene, server: ServerDouble, why: str, keep: bool, words: list[str]
) -> None:
    _replicated(scene)
    ended = {"vm": VM, "site": "south", "why": why, "keep_replica": keep}

    scene.told(server, source={"sites": [], "ended": [ended]})

    assert scene.asked == [["replication", "disable", "--json", *words, "--", VM]]


def test_what_was_enabled_anew_is_not_ended_by_what_was_said_before(
    scene: Scene, server: ServerDouble
) -> None:
    ended = {"vm": VM, "site": "south", "why": "disabled", "keep_replica": False}
    scene.told(server, source={"sites": [], "ended": [ended]})
    _replicated(scene)
    # The next heartbeat would tell of it.
    server.roles = {"etag": "newer", "source": {"sites": []}}

    scene.replicating.step()

    assert scene.folder.is_there()
    assert not (scene.home / "asked").exists()


def test_end_of_what_is_not_here_is_told_at_once(scene: Scene, server: ServerDouble) -> None:
    ended = {"vm": VM, "site": "south", "why": "disabled", "keep_replica": False}

    scene.told(server, source={"sites": [], "ended": [ended]})

    assert [(one["vm"], one["is_gone_at_site"]) for one in server.ended] == [(VM, False)]


def test_site_tells_what_lies_there_and_that_its_folder_is_away(
    scene: Scene, server: ServerDouble, clock: FakeClock, tmp_path: Path
) -> None:
    folder = tmp_path / "replicas"
    folder.mkdir()
    scene.told(server, site=_site(folder))
    folder.rmdir()
    clock.sleep(61)

    scene.replicating.step()

    first, second = server.sites
    assert (first["site"], first["replicas"], first["trouble"]) == ("south", [], "")
    assert first["bytes_free"] > 0
    assert second["trouble"] == "site-unusable"


def test_server_that_knows_nothing_of_replication_is_not_complained_of(
    scene: Scene, server: ServerDouble
) -> None:
    server.status = 404
    _replicated(scene)

    scene.replicating.step()

    assert scene.warnings == []
