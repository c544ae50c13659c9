"""Browsing and restoring in a real browser, from machines whose agents are real."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.plane import Actor
from holdfast.app.control.points import take_points
from holdfast.fleet.messages import PointsTold, PointTold
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import add_machine
from holdfast.testing.vm_points import (
    MIB,
    TRIAL_HOST,
    TRIAL_NAME,
    TRIAL_UUID,
    trial_description,
)
from tests.browsing_office import SECRET, Office
from tests.e2e.test_console_things import TAKE_ALONG, taken

pytestmark = [*MARKS, pytest.mark.slow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    site: ConsoleSite
    office: Office
    source: Path
    point: str

    @property
    def alpha(self) -> str:
        return self.office.ids["alpha"]

    def last_job(self) -> dict[str, object]:
        """Where the browser is after an order: the job's page."""
        browser = self.site.browser
        browser.until(lambda: "/ui/jobs/" in browser.driver.current_url, "the job's page")
        return {"id": browser.driver.current_url.rpartition("/")[2]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("restore")
    with console_at(root / "server") as site:
        office = Office(root, site.server)
        for name in ("alpha", "beta"):
            program = office.register(name)
            program.environment["HOLDFAST_LIBVIRT"] = TRIAL_HOST
            if name == "alpha":
                (root / name / "home" / "config.toml").write_text("downloads = true\n")
            program.start()
        office.wait_for_agents()
        source = filled(root / "alpha" / "www")
        yield Desk(site=site, office=office, source=source, point=office.backed_up("alpha", source))
        sys.stderr.write(office.close())


def filled(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    for number in range(3):
        (folder / "images" / f"photo-{number}.jpg").write_bytes(bytes(4096 * number))
    (folder / "index.html").write_text("<h1>hello</h1>", encoding="utf-8")
    (folder / "notes [draft].txt").write_text("a note", encoding="utf-8")
    return folder


def test_the_way_begins_with_a_machine_and_its_points(desk: Desk) -> None:
    look_at(desk.site, "/restore", "restore", texts=("alpha",))
    look_at(desk.site, f"/restore?machine={desk.alpha}", "restore-points", texts=("www",))


def test_a_file_is_looked_for_chosen_and_brought_back(desk: Desk) -> None:
    browser, target = desk.site.browser, desk.office.root / "brought-back"
    where = f"/browse?machine={desk.alpha}&point={desk.point}&path={desk.source}"
    look_at(desk.site, where, "browse", texts=("index.html", "images"))

    browser.open(where)
    browser.click("images")
    browser.wait_for("photo-2.jpg")
    browser.click("www")
    browser.wait_for("index.html")
    browser.type("Name", "draft")
    browser.click("Search below it")
    browser.wait_for("were looked at")
    browser.click("Choose notes [draft].txt")
    browser.wait_for("1 file")
    browser.type("Folder", str(target))
    browser.wait_for(f"{target} on alpha")
    browser.click("Restore")

    ended = desk.office.wait_for(desk.last_job())
    assert ended["job"]["state"] == "done", ended
    found = [one for one in target.rglob("*") if one.is_file()]
    assert [one.read_text(encoding="utf-8") for one in found] == ["a note"]


def test_a_folder_and_what_was_found_are_sorted_by_the_heads(desk: Desk) -> None:
    browser = desk.site.browser
    browser.look()
    browser.open(f"/browse?machine={desk.alpha}&point={desk.point}&path={desk.source}/images")
    browser.wait_for("photo-2.jpg")
    assert shown_names(desk) == ["photo-0.jpg", "photo-1.jpg", "photo-2.jpg"]

    for sign in ("ascending", "descending"):
        browser.click("Size")
        wait_until_sorted(desk, "Size", sign)
    assert shown_names(desk) == ["photo-2.jpg", "photo-1.jpg", "photo-0.jpg"]
    focus = "return document.activeElement.innerText.trim().split(/\\W/)[0]"
    browser.until(lambda: browser.run(focus) == "Size", "the head that was used")

    browser.type("Name", "photo")
    browser.click("Search below it")
    browser.wait_for("were looked at")
    assert shown_names(desk)[0].endswith("/photo-2.jpg")
    browser.click("Name")
    wait_until_sorted(desk, "Name", "ascending")
    assert shown_names(desk)[0].endswith("/photo-0.jpg")


def test_a_folder_and_what_was_found_are_taken_along(desk: Desk) -> None:
    browser = desk.site.browser
    browser.open(f"/browse?machine={desk.alpha}&point={desk.point}&path={desk.source}/images")
    browser.wait_for("photo-2.jpg")
    browser.type("Name", "-1")
    browser.click("Filter this folder")
    browser.until(lambda: shown_names(desk) == ["photo-1.jpg"], "the filter")
    browser.run(TAKE_ALONG)

    browser.click("CSV")
    browser.until(lambda: taken(browser), "an export of the folder")
    rows = list(csv.DictReader(io.StringIO(taken(browser))))
    assert [(row["Path"], row["Size"]) for row in rows] == [
        (f"{desk.source}/images/photo-1.jpg", "4096")
    ]

    browser.type("Name", "*.jpg")
    browser.click("Search below it")
    browser.wait_for("were looked at")
    browser.click("Size")
    wait_until_sorted(desk, "Size", "ascending")
    browser.click("Size")
    wait_until_sorted(desk, "Size", "descending")
    browser.run("window.taken = ''")
    browser.click("JSON")
    browser.until(lambda: taken(browser), "an export of what was found")
    found = [one["name"] for one in json.loads(taken(browser))]
    assert found == ["photo-2.jpg", "photo-1.jpg", "photo-0.jpg"]


def shown_names(desk: Desk) -> list[str]:
    cells = "document.querySelectorAll('.hf-file > :is(div, button)')"
    names: list[str] = desk.site.browser.run(f"return [...{cells}].map(e => e.innerText)")
    return names


def wait_until_sorted(desk: Desk, head: str, way: str) -> None:
    script = """const head = document.querySelector('.hf-files th[aria-sort]');
        return head ? [head.querySelector('span').innerText, head.ariaSort] : []"""
    browser = desk.site.browser
    browser.until(lambda: browser.run(script) == [head, way], f"{head}, {way}")


def test_a_file_is_downloaded_where_its_machine_lets_it_pass(desk: Desk) -> None:
    browser = desk.site.browser
    browser.look()
    browser.open(f"/browse?machine={desk.alpha}&point={desk.point}&path={desk.source}")
    browser.wait_for("index.html")
    script = "return fetch(arguments[0]).then(r => r.text().then(t => [r.status, t]))"
    place = browser.named("Download index.html").get_attribute("href")

    assert browser.run(script, place) == [200, "<h1>hello</h1>"]

    own = desk.office.root / "beta" / "own"
    own.mkdir()
    (own / "diary").write_text("dear diary", encoding="utf-8")
    point = desk.office.backed_up("beta", own)
    browser.open(f"/browse?machine={desk.office.ids['beta']}&point={point}&path={own}")
    browser.click("Download diary")
    browser.wait_for("lets no file of a recovery point pass", "Back to its folder")
    browser.shot("browse-not-downloaded")
    browser.click("Back to its folder")
    browser.wait_for("diary", "Where to")
    # The browser notes that it was refused, as it should be.
    assert [one for one in browser.errors() if "/ui/download" not in one] == []


def test_everything_goes_back_to_its_place_only_when_it_is_meant(desk: Desk) -> None:
    browser = desk.site.browser
    (desk.source / "index.html").write_text("defaced", encoding="utf-8")
    where = f"/restore?machine={desk.alpha}&point={desk.point}"
    look_at(desk.site, where, "restore-what", texts=("Everything in the point",))

    browser.open(where)
    browser.click("To where it was, over what is there now")
    browser.wait_for("This writes into the running system")
    browser.click("Restore")
    browser.wait_for("Restore into the running system?")
    browser.click("Restore")

    ended = desk.office.wait_for(desk.last_job())
    assert ended["job"]["state"] in ("done", "warnings"), ended
    assert (desk.source / "index.html").read_text(encoding="utf-8") == "<h1>hello</h1>"


def test_a_lost_machines_files_are_read_by_another_with_the_passphrase(desk: Desk) -> None:
    browser = desk.site.browser
    browser.open(f"/browse?machine={desk.alpha}&point={desk.point}&path={desk.source}")
    browser.click("Use another machine")
    browser.wait_for("Read through another machine")
    browser.type("Passphrase of alpha", "not the one")
    browser.click("Unlock")
    browser.wait_for("does not open the recovery points")

    browser.type("Passphrase of alpha", SECRET.format(name="alpha"))
    browser.click("Unlock")

    browser.until(lambda: "unlock=" in browser.driver.current_url, "the unlocked point")
    browser.wait_for("Read through beta")
    browser.shot("browse-unlocked")
    browser.click("Forget the passphrase")
    browser.until(lambda: "unlock=" not in browser.driver.current_url, "the point as it was")


def test_a_machine_comes_back_as_it_was_chosen_and_its_host_says_what_is_in_the_way(
    desk: Desk,
) -> None:
    browser, pool = desk.site.browser, desk.office.root / "pool"
    point = written_trial(desk)
    where = f"/restore?machine={desk.alpha}&point={point}"
    look_at(desk.site, where, "restore-vm-plan", texts=("br-far-away", "vdb"))

    browser.look()
    browser.open(where)
    browser.wait_for("This host has no network or bridge br-far-away")
    browser.type("Name of the new machine", "test")
    browser.wait_for("There is already a virtual machine test")
    assert not browser.named("Restore").is_enabled()
    browser.type("Name of the new machine", "test-back")
    browser.type("Folder for its disks", str(pool))
    browser.choose("In br-far-away till now: 52:54:00:00:00:02", "default")
    browser.click("vdb: 4.00 MiB, of which 0 B are not empty")
    browser.wait_for("Nothing is in its way", f"{pool}/test-back")
    browser.shot("restore-vm-chosen")
    browser.click("Restore")

    # The driver has machines in memory only; what is ordered is seen, and files come back below.
    assert desk.office.wait_for(desk.last_job())["arguments"] == {
        "point": point,
        "vm": "test",
        "mode": "new",
        "name": "test-back",
        "pool": str(pool),
        "disks": ["vda"],
        "networks": ["br-far-away=default"],
    }

    browser.open(where)
    browser.click("Only its disks, as files")
    browser.type("Folder for its disks", str(pool))
    browser.choose("Format of its images", "qcow2")
    browser.wait_for("Nothing is in its way", f"{pool}/test-restored")
    browser.click("Restore")

    ended = desk.office.wait_for(desk.last_job())
    assert ended["job"]["state"] == "done", ended["error"]
    images = {one.name for one in (pool / "test-restored").glob("*.qcow2")}
    assert images == {"vda.qcow2", "vdb.qcow2"}


def test_a_virtual_machines_point_offers_what_can_be_made_of_it(desk: Desk) -> None:
    plane = desk.site.plane
    host = add_machine(plane, desk.office.vault, "rack", last_seen_at=plane.clock.now())
    told = PointTold(
        id="ab" * 32,
        taken_at=plane.clock.now(),
        host="rack",
        paths=["/vm/web"],
        tags=["holdfast:vm", "class:application"],
        bytes_total=8 << 30,
    )
    take_points(plane, host.actor, PointsTold(points=[told]))
    where = f"/restore?machine={host.id}&point={told.id}"

    look_at(desk.site, where, "restore-vm", texts=("As a new machine", "web-restored"))
    desk.site.browser.open(where)
    desk.site.browser.click("In place: the machine itself becomes what it was")
    desk.site.browser.wait_for("is lost")
    desk.site.browser.click("Restore")
    desk.site.browser.wait_for("Put web back to this point?")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_file_comes_out_of_a_virtual_machines_disk(desk: Desk, machine_point: str) -> None:
    browser, target = desk.site.browser, desk.office.root / "copied-out"
    browser.look()
    browser.open(f"/browse?machine={desk.alpha}&point={machine_point}")
    browser.wait_for("Volume", "vda")
    browser.click("Look inside")
    browser.wait_for("etc")
    browser.click("etc")
    browser.wait_for("motd")
    browser.shot("browse-vm")
    browser.click("Choose motd")
    browser.click("Copy out")
    browser.wait_for("Copy motd out")
    browser.type("Folder on alpha", str(target))
    browser.click("Copy out")

    ended = desk.office.wait_for(desk.last_job())
    assert ended["job"]["state"] == "done", ended
    assert (target / "motd").read_text(encoding="utf-8") == "welcome"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_virtual_machines_disk_is_searched_sorted_and_a_file_of_it_downloaded(
    desk: Desk, machine_point: str
) -> None:
    browser = desk.site.browser
    where = f"/browse?machine={desk.alpha}&point={machine_point}&path=vda/etc"
    look_at(desk.site, where, "browse-vm-files", texts=("motd", "Search below it"))
    browser.open(where)
    browser.wait_for("motd", "hosts")
    browser.click("Size")
    wait_until_sorted(desk, "Size", "ascending")
    assert shown_names(desk) == ["hosts", "motd"]

    browser.click("vda")
    browser.wait_for("lost+found")
    browser.type("Name", "mot?")
    browser.click("Search below it")
    browser.wait_for("were looked at")
    assert shown_names(desk) == ["vda/etc/motd"]

    script = "return fetch(arguments[0]).then(r => r.text().then(t => [r.status, t]))"
    place = browser.named("Download motd").get_attribute("href")
    assert browser.run(script, place) == [200, "welcome"]
    (entry, *_older) = desk.office.get("/audit?act=point-download")["items"]
    assert entry["detail"] == {"point": machine_point, "path": "vda/etc/motd", "bytes": 7}


@pytest.fixture(scope="module")
def machine_point(desk: Desk) -> str:
    """A point of a virtual machine, put into alpha's repository beside its agent; its id."""
    root = desk.office.root
    (root / "guest" / "etc").mkdir(parents=True)
    (root / "guest" / "etc" / "motd").write_text("welcome", encoding="utf-8")
    (root / "guest" / "etc" / "hosts").write_text("::1", encoding="utf-8")
    image = root / "vda"
    with image.open("wb") as disk:
        disk.truncate(8 << 20)
    made = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(root / "guest"), str(image)]
    subprocess.run(made, check=True, capture_output=True)
    return put_beside(desk, "web", {"vda": image})


def written_trial(desk: Desk) -> str:
    """Of the machine that the driver's host has, with two disks of which one is empty."""
    images = {name: desk.office.root / f"trial-{name}" for name in ("vda", "vdb")}
    for image in images.values():
        image.write_bytes(bytes(4 * MIB))
    with images["vda"].open("r+b") as disk:
        disk.write(b"x" * MIB)
    given = {"uuid": TRIAL_UUID, "description": trial_description(*images)}
    return put_beside(desk, TRIAL_NAME, images, **given)


def put_beside(desk: Desk, vm: str, images: dict[str, Path], **given: Any) -> str:
    """Into alpha's repository, beside its agent."""
    point = desk.office.put_machine("alpha", vm, images, **given)
    told = PointTold(
        id=point,
        taken_at=desk.site.plane.clock.now(),
        host="alpha",
        paths=[f"/vm/{vm}"],
        tags=["holdfast:vm"],
    )
    take_points(desk.site.plane, machine_actor(desk.alpha), PointsTold(points=[told]))
    return point


def machine_actor(machine: str) -> Actor:
    return Actor(kind="machine", id=machine, name="alpha")
