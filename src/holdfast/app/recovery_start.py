"""Use case "failover start": a machine is started at its own host, when its agent would not."""

from holdfast.app.recovery_here import Here
from holdfast.app.replication_errors import ReplicationNotEnabled
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.recovery.source_side import this_boot
from holdfast.recovery.starting_by_hand import start_by_hand


def start(here: Here, *, is_forced: bool) -> bool:
    """Whether it had to be started; refused while it may run at its site, unless by force."""
    settings, record = here.settings(), here.folder.load()
    peer = settings.to if settings else record.peer if record else None
    if peer is None:
        raise ReplicationNotEnabled(about=here.name)
    uri = (settings.hypervisor if settings else "") or here.session.settings.libvirt
    with Host.open(uri) as host:
        return start_by_hand(
            here.folder,
            find_by_uuid(host, here.vm),
            here.clock,
            home=here.home,
            site_machine=peer.machine,
            boot=this_boot(),
            who=here.who,
            is_forced=is_forced,
        )
