"""`holdfast vault policy` against a real server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.login_file import Login, write_login
from holdfast.fleet.credentials_file import read_credentials
from holdfast.testing.fleet import FleetServer
from holdfast.testing.planes import make_csr, make_key
from tests.e2e.conftest import Bench, Said


@dataclass(frozen=True)
class Fleet:
    """A server with the vault `main`, the machine `web1`, and somebody logged in."""

    bench: Bench
    server: FleetServer
    password_file: Path

    def policy(self, *words: str | Path, status: int = 0) -> Said:
        return self.bench.run("vault", "policy", *words, status=status)

    def write(self, **change: Any) -> Path:
        body = {"name": "nightly", "schedule": "daily 02:00", "retention": ["daily 7"], **change}
        file = self.bench.root / "policy.json"
        file.write_text(json.dumps(body), encoding="utf-8")
        return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    folder = tmp_path_factory.mktemp("policies")
    with FleetServer(folder, workflows=False) as running, running.client() as client:
        made = {"name": "main", "location": str(folder / "vault")}
        client.post("/api/v1/vaults", json=made).raise_for_status()
        issued = client.post("/api/v1/vaults/main/credentials").raise_for_status().json()
        file = read_credentials(issued["content"].encode(), file="x")
        request = {
            "credentials_id": file.credentials_id,
            "secret": file.secret,
            "vault_id": file.vault_id,
            "csr": make_csr(make_key()),
            "name": "web1",
            "agent_version": "1",
        }
        client.post("/api/v1/register", json=request).raise_for_status()
        yield running


@pytest.fixture
def fleet(server: FleetServer, empty: Bench) -> Fleet:
    login = Login(
        server=server.url,
        ca_pem=server.ca_file.read_text(),
        name="admin",
        token=server.admin_token,
        expires_at=None,
    )
    write_login(str(empty.home), login)
    password = empty.root / "password"
    password.write_text(server.admin_password)
    password.chmod(0o600)
    return Fleet(empty, server, password)


def test_policy_from_the_proposal_to_the_end(fleet: Fleet) -> None:
    proposed = fleet.policy("propose", "--name", "office", "--zone", "Asia/Seoul").out
    file = fleet.bench.root / "office.json"
    file.write_text(proposed)

    fleet.policy("set", file, "--on", "main")
    attached = fleet.policy(
        "attach",
        "office",
        "/etc",
        "--on",
        "main",
        "--machine",
        "web1",
        "--exclude",
        "*.o",
        "--json",
    )
    listed = fleet.policy("list", "--on", "main", "--json").events
    id_ = attached.event("server-record")["record"]["id"]
    paused = fleet.policy("pause", id_, "--json").event("server-record")["record"]
    resumed = fleet.policy("resume", id_, "--json").event("server-record")["record"]
    refused = fleet.policy("delete", "office", "--on", "main", "--json", status=1)
    fleet.policy("detach", id_)
    fleet.policy("delete", "office", "--on", "main")

    assert [one["record"]["attached"] for one in listed] == [1]
    assert attached.event("server-record")["record"]["options"] == {"excludes": ["*.o"]}
    assert (paused["next_runs"], len(resumed["next_runs"])) == ([], 3)
    assert refused.event("error")["code"] == "policy-attached"
    assert fleet.policy("list", "--on", "main", "--json").events == []


def test_what_is_protected_is_changed_and_what_is_not_named_stays(fleet: Fleet) -> None:
    for name, when in (("slow", "daily 02:00"), ("quick", "every 1h")):
        fleet.policy("set", fleet.write(name=name, schedule=when), "--on", "main")
    where = ("--on", "main", "--machine", "web1")
    made = fleet.policy("attach", "slow", "/etc", *where, "--exclude", "*.o", "--json")
    id_ = made.event("server-record")["record"]["id"]

    def changed(*words: str) -> dict[str, Any]:
        said = fleet.policy("change", id_, *words, "--json")
        return dict(said.event("server-record")["record"])

    moved = changed("/etc", "/srv", "--policy", "quick", "--one-file-system")
    plain = changed("--plain")
    unsaid = fleet.policy("change", id_, "--json", status=2)
    fleet.policy("detach", id_)
    for name in ("slow", "quick"):
        fleet.policy("delete", name, "--on", "main")

    assert (moved["policy"], moved["paths"]) == ("quick", ["/etc", "/srv"])
    assert moved["options"] == {"excludes": ["*.o"], "one_file_system": True}
    assert (plain["policy"], plain["options"]) == ("quick", {})
    assert unsaid.event("error")["code"] == "usage"


def test_shorter_retention_is_previewed_and_needs_the_pin(fleet: Fleet) -> None:
    fleet.policy("set", fleet.write(retention=["daily 9"]), "--on", "main")
    shorter = fleet.write(retention=["daily 7"])

    previewed = fleet.policy("preview", shorter, "--on", "main", "--json")
    refused = fleet.policy("set", shorter, "--on", "main", "--json", status=30)
    made = fleet.bench.run("server", "pin", "--password-file", fleet.password_file, "--json")
    pin = made.event("server-record")["record"]["pin"]
    fleet.policy("set", shorter, "--on", "main", "--pin", pin)

    assert previewed.event("server-record")["record"]["is_shorter"] is True
    assert refused.event("error")["code"] == "pin-needed"
    assert "daily 7" in fleet.policy("show", "nightly", "--on", "main").out


def test_policy_in_toml_and_its_body_back(fleet: Fleet) -> None:
    file = fleet.bench.root / "weekly.toml"
    file.write_text('name = "weekly"\nschedule = "sat 03:00"\nretention = ["weekly 4 on sat"]\n')

    fleet.policy("set", file, "--on", "main")
    body = json.loads(fleet.policy("show", "weekly", "--on", "main", "--body").out)

    assert body["retention"] == ["weekly 4 on sat"]


def test_slips_are_named(fleet: Fleet) -> None:
    wrong = fleet.write(retaintion=[])

    refused = fleet.policy("set", wrong, "--on", "main", "--json", status=1).event("error")
    unknown = fleet.policy("show", "none", "--on", "main", "--json", status=1).event("error")
    wrong.write_text("{")
    broken = fleet.policy("set", wrong, "--on", "main", "--json", status=2).event("error")
    nobody = fleet.policy(
        "attach", "none", "etc", "--on", "main", "--machine", "x", "--json", status=1
    ).event("error")

    assert "retention" in refused["message"]
    codes = (refused["code"], unknown["code"], broken["code"], nobody["code"])
    assert codes == (
        "policy-not-understood",
        "policy-unknown",
        "policy-file-unreadable",
        "policy-unknown",
    )
