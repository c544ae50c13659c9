"""The recovery kit: sealed, whole or refused, and readable by people of both languages."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from holdfast.app.control.transfer_errors import ExportPassphraseWrong
from holdfast.app.recovery_kit import Kit, KitMachine, KitPlan, KitSite, networks_named, steps_for
from holdfast.app.recovery_kit_errors import (
    KitFolderNotEmpty,
    KitFolderUnusable,
    KitNewer,
    KitUnreadable,
)
from holdfast.app.recovery_kit_file import read_kit, unpack, write_kit
from holdfast.app.recovery_kit_making import texts_of
from holdfast.app.recovery_kit_pages import as_markdown, as_page
from holdfast.app.recovery_kit_runbook import WHYS, blocks
from holdfast.base.secret import Secret

# More than is sealed in one piece.
_STATE = Random(7).randbytes(2 << 20)
_PASSPHRASE = Secret(b"a passphrase that is long enough")


def _kit(**more: object) -> Kit:
    machine = KitMachine(
        vm="uuid-1",
        name="web & db",
        runs_on="north",
        stage="protected",
        site="busan",
        site_host="south",
        points=3,
        newest_at=datetime(2026, 3, 1, 4, 5, tzinfo=UTC),
        every=30,
        steps=steps_for("web & db", site_host="south", runs_on="north"),
    )
    site = KitSite(
        name="busan", host="south", machine="m1", address="10.0.0.2", port=9443, folder="/srv"
    )
    fields: dict[str, object] = {
        "made_at": datetime(2026, 3, 1, tzinfo=UTC),
        "made_on": "server",
        "contacts": ("Ada, room 4",),
        "sites": (site,),
        "machines": (machine,),
        "plans": (KitPlan(name="shop", text="name: shop\n", host="south"),),
        "networks": {"south": {"lan": "dr-lan"}},
        "has_state": True,
    }
    return Kit(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    state, file = tmp_path / "state", tmp_path / "kit"
    state.write_bytes(_STATE)
    write_kit(str(file), _PASSPHRASE, texts_of(_kit()), state=str(state))
    return file


def test_what_is_put_in_comes_out(file: Path, tmp_path: Path) -> None:
    kit, texts = read_kit(str(file), _PASSPHRASE)
    names = unpack(str(file), _PASSPHRASE, str(tmp_path / "open"))

    assert kit == _kit()
    assert texts["plans/south-shop.yaml"] == b"name: shop\n"
    assert {"runbook.en.html", "runbook.ko.html", "runbook.en.md", "kit.json"} <= set(names)
    assert (tmp_path / "open" / "server.state").read_bytes() == _STATE
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "open").rglob("*")}
    assert modes == {0}, "nobody else reads it"


def test_another_passphrase_does_not_open_it(file: Path) -> None:
    with pytest.raises(ExportPassphraseWrong):
        read_kit(str(file), Secret(b"another one, just as long"))


@pytest.mark.parametrize("left", [0, 30, 300, 0.5, 0.99])
def test_what_is_cut_off_is_refused(file: Path, left: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(left if left > 1 else left * len(content))])

    with pytest.raises((KitUnreadable, ExportPassphraseWrong)):
        read_kit(str(file), _PASSPHRASE)


def test_what_was_changed_is_damage_of_a_kit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    with pytest.raises(KitUnreadable) as caught:
        read_kit(str(file), _PASSPHRASE)

    assert "is no whole recovery kit: it is damaged or cut off" in str(caught.value)
    assert "failover status" in caught.value.advice


def test_who_gave_the_right_passphrase_is_told_that_it_may_be_the_file(file: Path) -> None:
    with pytest.raises(ExportPassphraseWrong) as caught:
        read_kit(str(file), Secret(b"another one, just as long"))

    assert "another copy" in caught.value.advice


def test_an_export_of_the_server_is_no_kit(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b"holdfast-kit 1", b"holdfast-state 1", 1))

    with pytest.raises(KitUnreadable):
        read_kit(str(file), _PASSPHRASE)


def test_one_of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    file = str(tmp_path / "kit")
    write_kit(file, _PASSPHRASE, texts_of(_kit(version=2)), state=None)

    with pytest.raises(KitNewer):
        read_kit(file, _PASSPHRASE)


def test_nothing_is_unpacked_over_what_is_there(file: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "mine").touch()

    with pytest.raises(KitFolderNotEmpty):
        unpack(str(file), _PASSPHRASE, str(tmp_path / "open"))


def test_a_folder_that_is_none_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()

    for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(KitFolderUnusable) as caught:
            unpack(str(file), _PASSPHRASE, str(folder))
        assert str(folder) in str(caught.value)


def test_no_plan_takes_the_place_of_another() -> None:
    plans = (
        KitPlan(name="shop", text="first"),
        KitPlan(name="shop", text="second"),
        KitPlan(name="south-shop", text="third"),
        KitPlan(name="shop", text="fourth", host="south"),
    )

    texts = texts_of(_kit(plans=plans))

    kept = {name: text for name, text in texts.items() if name.startswith("plans/")}
    assert kept == {
        "plans/shop.yaml": b"first",
        "plans/shop-2.yaml": b"second",
        "plans/south-shop.yaml": b"third",
        "plans/south-shop-2.yaml": b"fourth",
    }


def test_the_runbook_says_how_a_plan_is_run() -> None:
    plans = (KitPlan(name="shop", text="a", host="south"), KitPlan(name="all", text="b"))

    told = as_markdown(blocks(_kit(plans=plans)))

    commands = [line.strip() for line in told.splitlines() if line.startswith("    ")]
    assert commands[:4] == [
        "holdfast plan apply plans/south-shop.yaml",
        "holdfast plan run shop --unplanned --source-is-down",
        "holdfast plan apply plans/all.yaml",
        "holdfast plan run all --unplanned --source-is-down",
    ]
    assert told.index("plan run shop") < told.index("holdfast failover 'web & db'")


def test_the_runbook_names_each_command_in_its_order_and_where_it_is_typed() -> None:
    told = as_markdown(blocks(_kit()))

    commands = [line.strip() for line in told.splitlines() if line.startswith("    ")]
    assert commands[2:6] == [
        "holdfast failover status 'web & db'",
        "holdfast failover 'web & db' --unplanned --source-is-down",
        "holdfast failover change-point 'web & db' --point latest-app",
        "holdfast commit 'web & db'",
    ]
    assert "On south:" in told
    assert "Ada, room 4" in told
    assert "10.0.0.2:9443" in told


def test_the_page_is_whole_and_escapes_what_it_shows() -> None:
    page = as_page(blocks(_kit()), "en")

    assert "web &amp; db" in page
    assert "web & db" not in page
    assert page.startswith("<!doctype html>")


def test_every_step_says_why() -> None:
    assert {step.why for step in steps_for("web", site_host="a", runs_on="b")} <= set(WHYS)


def test_networks_are_told_as_people_write_them() -> None:
    told = {
        "networks": {"lan": {"name": "dr"}, "br0": {"name": "br1", "is_bridge": True}, "x": None}
    }

    assert networks_named(told) == {"lan": "dr", "br0": "bridge:br1", "x": "none"}
