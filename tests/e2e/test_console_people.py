"""The console's pages about people in a real browser: alerts, audit, accounts, approvals."""

from collections.abc import Iterator

import pytest

from holdfast.app.control import accounts, alerting, approvals, grants
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import Someone, add_admin, add_machine, add_person, add_vault

pytestmark = MARKS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        yield site


@pytest.fixture(scope="module")
def vault(site: ConsoleSite) -> str:
    return add_vault(site.plane, "office", four_eyes=True)


@pytest.fixture(scope="module")
def root(site: ConsoleSite) -> Someone:
    """Somebody else who may do everything."""
    return add_admin(site.plane, "root")


def _alert(site: ConsoleSite, vault: str, source: str = "/srv") -> str:
    machine = add_machine(site.plane, vault, f"web{source.replace('/', '-')}")
    fields = {
        "source": source,
        "machine": "web-01",
        "error": "storage-unreachable",
        "reason": "The storage s3:backup does not answer",
        "remedy": "Look whether the network is up, and try again.",
    }
    with site.plane.database.write() as db:
        made = alerting.raise_alert(
            db,
            site.plane,
            "backup-failed",
            vault_id=vault,
            machine_id=machine.id,
            fields=fields,
        )
        return made.id


def test_alerts_are_listed_beside_who_is_told(site: ConsoleSite, vault: str) -> None:
    _alert(site, vault)

    told = ("does not answer", "Where alerts go", "Nobody is told yet", "Nothing is silenced")
    look_at(site, "/alerts", "alerts", texts=told)


def test_alert_says_what_to_do_and_is_closed(site: ConsoleSite, vault: str) -> None:
    alert = _alert(site, vault, "/var")
    look_at(site, f"/alerts/{alert}", "alert", texts=("Look whether the network is up", "open"))
    site.browser.open(f"/alerts/{alert}")

    site.browser.click("Close it: seen to")

    site.browser.until(lambda: site.browser.driver.current_url.endswith("/ui/alerts"), "the list")
    site.browser.open(f"/alerts/{alert}")
    site.browser.wait_for("closed")


def test_target_is_added_and_a_wrong_address_leaves_the_form_open(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/alerts")
    browser.click("Add a target")
    browser.wait_for("never shown again")
    browser.shot("alert-target-form")
    browser.type("Name", "ops")
    browser.type("Address", "nonsense")
    browser.click("Add it")
    browser.wait_for("alert-target-not-understood")
    browser.shot("alert-target-wrong")
    assert not browser.axe()

    browser.type("Address", "json://nobody.invalid/")
    browser.click("Add it")

    browser.wait_for("Alerts go to ops from now on")
    browser.open("/alerts")
    browser.wait_for("Weekly summary")
    browser.click("ops")
    browser.wait_for("Send a test message")
    browser.shot("alert-target")
    browser.click("Send a test message")
    browser.wait_for("alert-target-unreachable")


def test_silence_is_begun_and_ended(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/alerts")
    browser.click("Silence something")
    browser.type("Reason", "new disks")
    browser.click("Silence it")
    browser.wait_for("new disks")

    browser.click("new disks")
    browser.wait_for("End it")
    browser.click("End it: send such alerts again")

    browser.wait_for("Nothing is silenced")


def test_audit_log_says_who_did_what(site: ConsoleSite, vault: str) -> None:
    look_at(site, "/audit", "audit", texts=("person:admin", "login"))
    site.browser.open(f"/audit?vault={vault}")

    site.browser.wait_for("Vault")


def test_account_is_added_given_a_role_and_kept_out(site: ConsoleSite, vault: str) -> None:
    browser = site.browser
    browser.open("/accounts")
    browser.click("Add an account")
    browser.type("Name", "ada")
    browser.click("Add it")
    browser.wait_for("The account ada is there", "shown this once")
    browser.shot("account-added")
    browser.click("I have noted it")
    look_at(site, "/accounts", "accounts", texts=("ada", "active"))
    look_at(site, "/accounts/ada", "account-of", texts=("Roles in vaults", "office"))
    browser.open("/accounts/ada")
    browser.labelled("office").click()
    browser.click("operator")
    browser.wait_for("has this role in office now: operator")

    browser.click("Keep it out")
    browser.wait_for("Keep ada out?")
    browser.click("Keep it out")

    browser.wait_for("Let it in again", "kept out")
    facts = accounts.show_account(site.plane, add_admin(site.plane, "root").actor, "ada")
    assert facts.disabled_at is not None


def test_approval_is_given_by_somebody_else(site: ConsoleSite, vault: str, root: Someone) -> None:
    person = add_person(site.plane, "grace", role=Role.CONTRIBUTOR, vault_id=vault)
    machine = add_machine(site.plane, vault, "web-01")
    request = {"machine": machine.id, "delete_data": True}
    asked = approvals.ask_approval(
        site.plane, person.actor, vault, act="machine-delete", request=request
    )
    act = "Delete a machine with all its points"
    look_at(site, "/approvals", "approvals", texts=(act, "web-01", "waiting", "grace"))
    texts = (act, "web-01, 0 recovery points", "Approve")
    look_at(site, f"/approvals/{asked.id}", "approval", texts=texts)
    browser = site.browser
    browser.open(f"/approvals/{asked.id}")

    browser.click("Approve")
    browser.wait_for("grace may then do exactly this")
    browser.click("Approve")

    browser.wait_for("Decided by", "approved")
    assert approvals.show_approval(site.plane, root.actor, asked.id).state == "approved"


def test_own_account_makes_a_token_and_revokes_it(site: ConsoleSite) -> None:
    look_at(site, "/account", "account", texts=("Password and PIN", "Tokens for programs"))
    browser = site.browser
    browser.open("/account")
    browser.click("Make a token")
    browser.type("Name", "exporter")
    browser.click("Make it")
    browser.wait_for("The token exporter", "shown this once")
    browser.click("I have noted it")
    browser.wait_for("only read")

    browser.click("exporter")
    browser.wait_for("Revoke it")
    browser.click("Revoke it")
    browser.wait_for("Revoke the token exporter?")
    browser.click("Revoke it")

    browser.wait_for("No token")


def test_wrong_password_changes_nothing(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/account")
    browser.type("Password until now", "not the one it is")
    browser.type("New password", "four random words here")

    browser.click("Change the password")

    browser.wait_for("password-wrong")


def test_language_of_the_account_is_changed(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/account")
    browser.labelled("Language").click()
    browser.click("한국어")
    browser.until(lambda: browser.run("return document.documentElement.lang") == "ko-KR", "Korean")

    browser.labelled("언어").click()
    browser.click("English")

    browser.until(lambda: browser.run("return document.documentElement.lang") == "en-US", "English")


def test_act_of_four_eyes_is_asked_for_and_done_once_somebody_agreed(
    site: ConsoleSite, vault: str, root: Someone
) -> None:
    browser, machine = site.browser, add_machine(site.plane, vault, "old-disk")

    def delete() -> None:
        browser.open(f"/machines/{machine.id}")
        browser.click("More to do with this machine")
        browser.click("Delete its data")
        browser.type("Type old-disk to go on", "old-disk")
        browser.click("Delete")
        browser.type("Password", site.server.admin_password)
        browser.click("Go on")

    delete()
    browser.wait_for("This needs the approval of a second person")
    browser.click("Ask for approval")
    browser.wait_for("Asked for.")
    (asked,) = [
        one
        for one in approvals.list_approvals(site.plane, root.actor, Window(), only_open=True).items
        if one.act == "machine-delete"
    ]
    delete()
    browser.wait_for("Nobody has approved it yet")
    approvals.decide_approval(site.plane, root.actor, asked.id, approve=True)
    delete()

    browser.until(
        lambda: approvals.show_approval(site.plane, root.actor, asked.id).state == "used",
        "the end of the machine",
    )


def test_reader_sees_what_there_is_and_can_change_nothing(site: ConsoleSite, vault: str) -> None:
    root, password = add_admin(site.plane, "root").actor, "four random words here"
    accounts.add_account(site.plane, root, name="eve", password=password, lang="en")
    grants.set_role(site.plane, root, vault, account="eve", role=Role.READER)
    alert, browser = _alert(site, vault, "/home"), site.browser
    browser.driver.delete_all_cookies()
    browser.log_in("eve", password)

    browser.open(f"/alerts/{alert}")
    browser.wait_for("does not answer")
    assert browser.named("Close it: seen to").get_attribute("disabled") is not None
    browser.open("/accounts")
    browser.wait_for("not-allowed")
    browser.open("/audit")
    browser.wait_for("not-allowed")

    browser.driver.delete_all_cookies()
    browser.log_in("admin", site.server.admin_password)


def test_silence_of_a_kind_on_one_machine_says_so(site: ConsoleSite, vault: str) -> None:
    alert, browser = _alert(site, vault, "/opt"), site.browser
    browser.open(f"/alerts/{alert}")
    browser.click("Silence its kind")
    browser.wait_for("of this machine alone")
    browser.type("Reason", "its disks are changed")
    browser.click("Silence it")
    browser.wait_for("Silenced")

    browser.open("/alerts")

    browser.wait_for("its disks are changed")
    browser.wait_for("web-opt")


def test_of_very_many_alerts_the_gravest_are_listed(site: ConsoleSite, vault: str) -> None:
    with site.plane.database.write() as db:
        grave = {"machine": "web-01", "reason": "a pack is cut"}
        alerting.raise_alert(db, site.plane, "damage-found", vault_id=vault, fields=grave)
        for number in range(1000):
            fields = {"object": f"vault {number}", "of": str(number)}
            alerting.raise_alert(db, site.plane, "room-ends", vault_id=vault, fields=fields)

    site.browser.open("/alerts?severity=critical")
    site.browser.wait_for("a pack is cut")
    site.browser.wait_for("Only those of one severity are shown.")
    site.browser.open("/alerts")

    site.browser.wait_for("The gravest 1,000 of 1,0")
