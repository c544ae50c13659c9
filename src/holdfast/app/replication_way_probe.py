"""The way to each site this host replicates to, stage by stage, as its process takes it."""

import socket
from collections.abc import Iterator
from importlib.metadata import version

from holdfast.app.deadlines import within
from holdfast.app.replication_peers import asked, current_address
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.replication.link_client import Peer
from holdfast.replication.looking import Look, look_at_all
from holdfast.replication.settings import SiteAddress

Line = dict[str, object]
_DNS_SECONDS = 5.0
# In the order in which they are come through.
_STAGES = ("dns", "tcp", "tls", "certificate", "identity", "version", "grant")
# At which of them an error of the link is met; any other is one of what the site says.
_STAGE_OF = {
    "site-unreachable": "tcp",
    "site-link-silent": "tcp",
    "site-link-lost": "tcp",
    "site-not-trusted": "tls",
    "site-refuses-authority": "tls",
    "site-certificate-revoked": "tls",
    "site-certificate-expired": "certificate",
    "site-certificate-for-clients": "certificate",
    "site-clock-differs": "certificate",
    "site-refuses-certificate": "certificate",
    "link-certificate-early": "certificate",
    "link-certificate-expired": "certificate",
    "link-certificate-for-clients": "certificate",
    "link-identity-unusable": "certificate",
    "site-is-another": "identity",
    "site-link-garbled": "version",
    "site-link-versions": "version",
    "site-request-not-understood": "version",
    "replica-newer": "version",
    "site-not-granted": "grant",
}


def tell_way(session: Session) -> Iterator[Line]:
    looks = list(look_at_all(session.settings.home, session.clock.now()))
    sites = {look.settings.to.machine: look.settings.to for look in looks}
    for machine, to in sites.items():
        there = [look for look in looks if look.settings.to.machine == machine]
        yield from _way(session, to, there)


def _way(session: Session, to: SiteAddress, looks: list[Look]) -> Iterator[Line]:
    address = current_address(session.settings.home, to)
    line: Line = {
        "holdfast": "replication-stage",
        "site": to.site,
        "place": f"{address.host}:{address.port}",
    }
    try:
        within(_DNS_SECONDS, lambda: socket.getaddrinfo(address.host, address.port))
    except (OSError, UnicodeError) as err:
        seen = getattr(err, "strerror", None) or str(err)
        yield {**line, "stage": "dns", "reached": False, "seen": seen}
        return
    try:
        with asked(session, to) as site:
            met = site.hello()
            yield from _come_through(line, theirs=met.product)
            yield from _granted(line, site, looks)
    except HoldfastError as err:
        yield from _failed(line, err)


def _come_through(line: Line, *, theirs: str) -> Iterator[Line]:
    """Up to where rights count, which each machine has its own of."""
    for stage in _STAGES[:-1]:
        yield {**line, "stage": stage, "reached": True, "theirs": theirs, "ours": _ours()}


def _ours() -> str:
    return version("holdfast")


def _granted(line: Line, site: Peer, looks: list[Look]) -> Iterator[Line]:
    for look in looks:
        try:
            site.state(look.settings.vm)
        except HoldfastError as err:
            if _STAGE_OF.get(err.code) != "grant":
                raise
            yield {**line, "stage": "grant", "reached": False, **_said(err)}
        else:
            yield {**line, "stage": "grant", "reached": True, "seen": look.settings.name}


def _failed(line: Line, err: HoldfastError) -> Iterator[Line]:
    """What lies before the stage it failed at was come through."""
    stage = _STAGE_OF.get(err.code)
    if stage is None:
        return
    before = _STAGES[: _STAGES.index(stage)]
    # TLS fails as a whole: of a certificate that has ended nothing says that all else is well.
    for one in before if stage != "certificate" else before[:2]:
        yield {**line, "stage": one, "reached": True}
    yield {**line, "stage": stage, "reached": False, **_said(err)}


def _said(err: HoldfastError) -> Line:
    return {"seen": str(err.fields.get("reason") or err), "error": err.code}
