"""The port of a site: what it does about a certificate that is not good for one."""

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app import replication_serve
from holdfast.app.config import load_settings
from holdfast.app.replication_own_site import SitePlan
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.replication.link_errors import OwnCertificateForClients
from holdfast.replication.site import Site
from holdfast.testing.links import SITE, Vouching


@pytest.fixture
def session(tmp_path: Path) -> Session:
    settings = load_settings({"HOLDFAST_HOME": str(tmp_path)}, system_config="/nonexistent")
    return Session(settings=settings, warn=print, clock=SystemClock())


@pytest.fixture
def vouching(tmp_path: Path) -> Vouching:
    return Vouching(tmp_path)


@pytest.fixture
def plan(vouching: Vouching, tmp_path: Path) -> SitePlan:
    """Of a machine whose certificate was given before hosts were connected to."""
    return SitePlan(
        name="south",
        machine=SITE,
        folder=str(tmp_path / "replicas"),
        host="127.0.0.1",
        port=0,
        identity=vouching.identity(SITE, only_client=True),
        is_servers=True,
    )


def test_a_certificate_for_clients_is_renewed_before_the_port_opens(
    session: Session, plan: SitePlan, vouching: Vouching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renewed(_session: Session) -> str:
        vouching.identity(SITE)
        return "in 90 days"

    # What the server does of it is tested with a server.
    monkeypatch.setattr(replication_serve, "renew", renewed)

    with replication_serve._port_of(session, plan, Site(Path(plan.folder), session.clock)):
        shown = plan.identity.read()

    assert shown.is_for_both_ends


def test_without_a_server_nobody_can_renew_it(session: Session, plan: SitePlan) -> None:
    alone = replace(plan, is_servers=False)
    site = Site(Path(plan.folder), session.clock)

    with pytest.raises(OwnCertificateForClients):
        replication_serve._port_of(session, alone, site)
