"""What can be wrong about drills."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class DrillUnreadable(HoldfastError):
    code = "drill-unreadable"
    sentence = N_("The drill {path} does not read: {reason}")
    remedy = N_("Say anew what is to be done: `holdfast drill schedule VM WHEN`.")


class DrillMissing(HoldfastError):
    code = "drill-missing"
    sentence = N_("There is no drill of {about} on this host")
    remedy = N_(
        "`holdfast drill list` shows those there are. Drills run at the site that has the replica: "
        "`holdfast drill schedule {about} 'monthly 1st 03:00'` there makes one."
    )
    exit_status = Exit.USAGE


class DrillRunMissing(HoldfastError):
    code = "drill-run-missing"
    sentence = N_("No drill that was run here is called {about}")
    remedy = N_("`holdfast drill list VM` shows the runs of a machine with their names.")
    exit_status = Exit.USAGE


class DrillNotPassed(HoldfastError):
    code = "drill-failed"
    sentence = N_("The drill of {name} did not pass: {reason}")
    remedy = N_(
        "`holdfast drill show {run}` has all that was seen, and `holdfast drill report {run}` a page "
        "of it. A failover of this machine would go the same way: find out before you need one."
    )
