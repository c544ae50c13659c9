"""Recovery points looked into and restored from afar: by their machine's agent, or by another's."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from holdfast.testing.fleet import FleetServer
from tests.browsing_office import SECRET, Office

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    root = tmp_path_factory.mktemp("browsing")
    with FleetServer(root / "server", workflows=False) as server:
        office = Office(root, server)
        for name in ("alpha", "beta"):
            program = office.register(name)
            if name == "alpha":
                (root / name / "home" / "config.toml").write_text("downloads = true\n")
            program.start()
        office.wait_for_agents()
        yield office
        sys.stderr.write(office.close())


@pytest.fixture(scope="module")
def source(office: Office) -> Path:
    folder = office.root / "alpha" / "source"
    (folder / "etc").mkdir(parents=True)
    for number in range(5):
        (folder / "etc" / f"File{number}.conf").write_text(f"{number}", encoding="utf-8")
    (folder / "etc" / "[strange] *name").write_text("strange", encoding="utf-8")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9 100%")).write_text("bytes", encoding="utf-8")
    (folder / "link").symlink_to("etc/File1.conf")
    return folder


@pytest.fixture(scope="module")
def point(office: Office, source: Path) -> str:
    """One of alpha's, with the folder `source` in it."""
    return office.backed_up("alpha", source)


def inside(office: Office, point: str) -> str:
    return f"/machines/{office.ids['alpha']}/points/{point}"


def test_folder_is_listed_by_the_machine_that_has_the_key(
    office: Office, point: str, source: Path
) -> None:
    found = office.get(f"{inside(office, point)}/files?path={source}")

    assert [(one["name"], one["kind"]) for one in found["items"]] == [
        ("etc", "dir"),
        ("caf\\xe9 100%", "file"),
        ("link", "symlink"),
    ]
    assert found["items"][1]["path"] == f"{source}/caf%E9 100%25"
    assert found["items"][2]["target"] == "etc/File1.conf"
    assert found["total"] == 3


def test_long_folders_come_in_parts_and_can_be_filtered(
    office: Office, point: str, source: Path
) -> None:
    where = f"{inside(office, point)}/files?path={source}/etc"

    part = office.get(f"{where}&name=file&offset=3&limit=1")

    assert [one["name"] for one in part["items"]] == ["File3.conf"]
    assert part["total"] == 5


def test_folder_is_sorted_by_its_machine(office: Office, point: str, source: Path) -> None:
    where = f"{inside(office, point)}/files?path={source}/etc&sort=size&limit=2"

    part = office.get(f"{where}&descending=true")
    refused = office.asked(f"{inside(office, point)}/files?sort=colour")

    assert [one["name"] for one in part["items"]] == ["[strange] *name", "File0.conf"]
    assert (part["sort"], part["descending"]) == ("size", True)
    assert refused.status_code == 422


def test_a_name_is_found_wherever_it_lies(office: Office, point: str, source: Path) -> None:
    found = office.get(f"{inside(office, point)}/search?text=*ile3*")

    assert [one["path"] for one in found["items"]] == [f"{source}/etc/File3.conf"]
    assert found["is_complete"]


def test_a_choice_says_how_much_it_is(office: Office, point: str, source: Path) -> None:
    paths = [str(source), f"{source}/etc", "/nowhere"]

    weight = office.post(f"{inside(office, point)}/weight", {"paths": paths})

    assert weight["files"] == 7
    assert weight["bytes"] == 5 + len("strange") + len("bytes")
    assert weight["missing"] == ["/nowhere"]


def test_path_that_is_not_there_is_told_by_the_machine(office: Office, point: str) -> None:
    refused = office.asked(f"{inside(office, point)}/files?path=/nowhere")

    assert refused.status_code == 422
    assert refused.json()["code"] == "machine-said"
    assert "subpath-missing" in refused.json()["detail"]


def test_what_was_chosen_comes_back_and_nothing_else(
    office: Office, point: str, source: Path
) -> None:
    target = office.root / "back"
    paths = [f"{source}/etc/[strange] *name", f"{source}/caf%E9 100%25"]

    order = {"point": point, "to": str(target), "paths": paths}
    job = office.post(f"/machines/{office.ids['alpha']}/restores", order)
    ended = office.wait_for(job)

    assert ended["job"]["state"] == "done", ended
    back = Path(f"{target}{source}")
    found = {os.fsencode(one.relative_to(back)) for one in back.rglob("*") if one.is_file()}
    assert found == {b"etc/[strange] *name", b"caf\xe9 100%"}


def test_folder_comes_straight_into_another_and_leaves_what_is_there(
    office: Office, point: str, source: Path
) -> None:
    target = office.root / "straight"
    target.mkdir()
    (target / "File1.conf").write_text("mine", encoding="utf-8")

    order = {
        "point": point,
        "to": str(target),
        "paths": [f"{source}/etc"],
        "is_straight": True,
        "overwrite": "never",
    }
    job = office.post(f"/machines/{office.ids['alpha']}/restores", order)
    ended = office.wait_for(job)

    assert ended["job"]["state"] in ("done", "warnings"), ended
    assert (target / "File1.conf").read_text(encoding="utf-8") == "mine"
    assert (target / "File2.conf").read_text(encoding="utf-8") == "2"


def test_looks_are_in_no_list_of_jobs(office: Office, point: str, source: Path) -> None:
    before = office.get("/jobs")["items"]

    office.get(f"{inside(office, point)}/files?path={source}")

    assert office.get("/jobs")["items"] == before


def test_wrong_passphrase_opens_nothing_and_is_not_kept(office: Office, point: str) -> None:
    refused = office.unlock("quite another passphrase")

    assert refused.status_code == 403, refused.text
    assert refused.json()["code"] == "unlock-refused"
    assert office.get(f"/machines/{office.ids['alpha']}/unlocks") == []
    assert point


def test_lost_machines_points_come_back_on_another_with_the_passphrase(
    office: Office, point: str, source: Path
) -> None:
    reply = office.unlock(SECRET.format(name="alpha"))
    assert reply.status_code == 201, reply.text
    unlock, target = reply.json()["id"], office.root / "rescued"

    found = office.get(f"{inside(office, point)}/files?path={source}/etc&unlock={unlock}")
    order = {"point": point, "to": str(target), "paths": [f"{source}/etc"], "unlock": unlock}
    job = office.post(f"/machines/{office.ids['alpha']}/restores", order)
    ended = office.wait_for(job)

    assert found["total"] == 6
    assert ended["job"]["state"] == "done", ended
    assert ended["job"]["machine"] == "beta"
    assert Path(f"{target}{source}/etc/File4.conf").read_text(encoding="utf-8") == "4"
    assert holders_of(SECRET.format(name="alpha"), office.root) == {
        office.root / "alpha" / "passphrase",
        *(office.root / "alpha" / "home" / "agent").glob("passphrase*"),
    } - {office.root / "alpha" / "home" / "agent" / "passphrase.sha256"}


def test_what_one_login_opened_is_closed_to_every_other(office: Office, point: str) -> None:
    unlock = office.unlock(SECRET.format(name="alpha")).json()["id"]
    with office.server.client() as other:
        refused = office.asked(f"{inside(office, point)}/files?unlock={unlock}", client=other)
        listed = office.asked(f"/machines/{office.ids['alpha']}/unlocks", client=other)

    assert refused.status_code == 409
    assert refused.json()["code"] == "unlock-gone"
    assert listed.json() == []


def test_with_the_login_the_passphrase_goes(office: Office, point: str) -> None:
    with office.server.client() as mine:
        unlock = office.unlock(SECRET.format(name="alpha"), client=mine).json()["id"]
        mine.delete("/api/v1/sessions/current")
        gone = office.asked(f"{inside(office, point)}/files?unlock={unlock}", client=mine)

    assert gone.status_code == 401


def test_job_whose_passphrase_is_gone_says_what_to_do(office: Office, point: str) -> None:
    order = {
        "kind": "restore",
        "arguments": {
            "point": point,
            "to": str(office.root / "never"),
            "machine": office.ids["alpha"],
            "ticket": "0" * 32,
        },
    }

    job = office.post(f"/machines/{office.ids['beta']}/jobs", order)
    ended = office.wait_for(job)

    assert ended["job"]["state"] == "failed"
    assert ended["error"]["code"] == "typed-key-gone"


def holders_of(secret: str, root: Path) -> set[Path]:
    """Every file below the folder that has it in it."""
    wanted = secret.encode()
    files = (one for one in root.rglob("*") if one.is_file() and not one.is_symlink())
    return {one for one in files if wanted in one.read_bytes()}


def content(office: Office, machine: str, point: str, path: str) -> httpx.Response:
    place = f"/api/v1/machines/{office.ids[machine]}/points/{point}/content"
    return office.client.get(place, params={"path": path})


def test_file_is_downloaded_whole_under_its_own_name(office: Office) -> None:
    folder = office.root / "alpha" / "large"
    folder.mkdir()
    # More than one part, and a name that is no ASCII.
    large = random.Random(1).randbytes(5 << 20)
    (folder / "große Datei.bin").write_bytes(large)
    (folder / "empty").touch()
    point = office.backed_up("alpha", folder)

    found = content(office, "alpha", point, f"{folder}/große Datei.bin")

    assert found.is_success, found.text
    assert found.content == large
    assert found.headers["content-type"] == "application/octet-stream"
    assert "gro%C3%9Fe%20Datei.bin" in found.headers["content-disposition"]
    assert content(office, "alpha", point, f"{folder}/empty").content == b""
    (entry, *_older) = office.get("/audit?act=point-download")["items"]
    assert entry["detail"]["path"] == f"{folder}/empty"
    for path, code in ((str(folder), "not-a-file"), (f"{folder}/none", "subpath-missing")):
        assert code in content(office, "alpha", point, path).text


def test_file_of_a_machine_that_did_not_agree_stays_there(office: Office) -> None:
    folder = office.root / "beta" / "own"
    folder.mkdir()
    (folder / "diary").write_text("dear diary", encoding="utf-8")
    point = office.backed_up("beta", folder)

    refused = content(office, "beta", point, f"{folder}/diary")

    assert "downloads-not-allowed" in refused.text
    assert "config.toml" in refused.json()["remedy"]
    assert "dear" not in refused.text
