"""What the control plane refuses about sites and replications."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class MachineIsSite(HoldfastError):
    code = "machine-is-site"
    sentence = N_("{machine} is the site {site} already, in {folder}")
    remedy = N_("A machine is one site. Use it, or remove it first: `holdfast site remove {site}`.")


class SiteNotUnderstood(HoldfastError):
    code = "site-not-understood"
    sentence = N_("{what} is no good for a site: {reason}")
    remedy = N_("`holdfast site add --help` says how names, folders and addresses are written.")


class SiteInUse(HoldfastError):
    code = "site-in-use"
    sentence = N_(
        "{replicas} replicas lie at the site {site}, and {replications} machines are replicated "
        "there"
    )
    remedy = N_(
        "End those replications, with `holdfast jobs run HOST replication-disable --vm NAME`, or "
        "remove it nevertheless: `holdfast site remove {site} --force`. The replicas stay on its "
        "disk then."
    )


class SiteAway(HoldfastError):
    code = "site-away"
    sentence = N_("{machine}, on which the site {site} is, is not registered any more")
    remedy = N_("Register it again with credentials that replace it, or choose another site.")


class ReplicaBeingRemoved(HoldfastError):
    """The site was told, and has not answered yet: a new replica would be removed with the old."""

    code = "replica-being-removed"
    sentence = N_("The replica of {about} at {site} is still to be removed there")
    remedy = N_(
        "Wait until the site has done so; it must run for that. `holdfast site show {site}` says "
        "when it was heard of."
    )
    retry = Retry.LATER


class ReplicationsNotUnderstood(HoldfastError):
    code = "replications-not-understood"
    sentence = N_("What the host tells of its replications is not understood: {reason}")
    remedy = N_("See that the agent and the server have the same version.")


class ReplicationUnchanged(HoldfastError):
    code = "replication-unchanged"
    sentence = N_("Nothing was named that is to be different about the replication of {about}")
    remedy = N_(
        "Name at least one setting, as in `holdfast replication change web --every 5m`; what is "
        "not named stays as it is."
    )
    exit_status = Exit.USAGE
