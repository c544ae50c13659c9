"""A machine behind a proxy that wants a login: registered, backed up, and its agent at work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.fleet import FleetServer
from holdfast.testing.proxy import Proxy, running_proxy
from holdfast.testing.waiting import wait_until
from tests.e2e.office import Office, office_of, ordered, running_agent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    with FleetServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def office(server: FleetServer, tmp_path: Path) -> Office:
    return office_of(server, tmp_path)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with running_proxy(login="ada:open-sesame") as running:
        yield running


def test_proxy_lets_nobody_through_without_the_login(office: Office, proxy: Proxy) -> None:
    mail = office.machine("mail")
    wrong = proxy.url.replace("sesame", "barley")

    without = office.register(mail, "--proxy", proxy.bare_url, status=None)
    with_another = office.register(mail, "--proxy", wrong, status=None)

    assert [said.event("error")["code"] for said in (without, with_another)] == [
        "proxy-refused"
    ] * 2
    assert "407" in without.event("error")["source_codes"]
    assert "barley" not in with_another.out
    assert (proxy.refused, proxy.tunnels) == (2, [])


def test_with_the_login_all_of_a_machines_ways_lead_through_it(
    office: Office, proxy: Proxy, server: FleetServer
) -> None:
    mail = office.machine("mail")
    mail.write("letter", "dear all")

    registered = office.register(mail, "--proxy", proxy.url).event("machine-registered")
    by_register = len(proxy.tunnels)
    mail.run("backup", mail.source)
    by_backup = len(proxy.tunnels)
    with running_agent(mail):
        job = ordered(server, registered["machine"], "backup", paths=[str(mail.source)])
        wait_until(lambda: job() == "done")

    assert 0 < by_register < by_backup < len(proxy.tunnels)
    assert set(proxy.tunnels) == {server.url.removeprefix("https://")}
    assert proxy.refused == 0
    assert len(mail.run("points", "--json").events) == 2
