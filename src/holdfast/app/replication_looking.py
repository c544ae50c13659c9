"""How one replication is, and what its site has of it."""

from holdfast.app.replication_errors import ReplicationNotEnabled
from holdfast.app.replication_peers import asked
from holdfast.app.wiring import Session
from holdfast.replication.looking import Look, look_at_all
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.settings import ReplicationSettings


def look_at_one(session: Session, vm: str) -> Look:
    """By name or UUID; also of a machine that is gone."""
    for look in look_at_all(session.settings.home, session.clock.now()):
        if vm in (look.settings.name, look.settings.vm):
            return look
    raise ReplicationNotEnabled(about=vm)


def replica_of(session: Session, settings: ReplicationSettings) -> ReplicaFacts | None:
    with asked(session, settings.to) as site:
        return site.state(settings.vm)
