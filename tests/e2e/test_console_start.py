"""The guided start: a newcomer protects a machine without leaving the page."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from holdfast.catalog.tables import Credentials
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import add_machine, add_vault

pytestmark = MARKS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        yield site


def test_a_newcomer_is_led_from_nothing_to_a_protected_machine(site: ConsoleSite) -> None:
    look_at(site, "/start", "start", texts=("Make a vault", "next"))
    site.browser.open("/start")
    site.browser.wait_for("Make a vault")

    add_machine(site.plane, add_vault(site.plane, "main"), "alpha")

    # The page goes on by itself.
    site.browser.click("Protect it every night")
    site.browser.wait_for("Folders and files, one a line")
    site.browser.shot("start-protect")
    assert site.browser.axe() == []
    site.browser.click("Protect")
    site.browser.wait_for("alpha is protected by policy default from now on.")
    with site.server.client() as client:
        (attached,) = client.get("/api/v1/assignments").json()["items"]
    assert "/etc" in attached["paths"]


def test_with_several_vaults_it_is_asked_whose_credentials(site: ConsoleSite) -> None:
    second = add_vault(site.plane, "second")
    site.browser.look()
    site.browser.open("/start")

    site.browser.click("Download credentials")
    site.browser.wait_for("good no more")
    assert site.browser.axe() == []
    site.browser.choose("Vault", "second")
    site.browser.click("Download")

    site.browser.wait_for("for vault second")
    with site.plane.database.read() as db:
        issued = db.scalars(select(Credentials.vault_id)).all()
    assert issued == [second]
