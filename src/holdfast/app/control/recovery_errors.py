"""What the control plane refuses about failing machines over and back."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class RecoveryNotUnderstood(HoldfastError):
    code = "recovery-not-understood"
    sentence = N_("What the host tells of its recoveries is not understood: {reason}")
    remedy = N_("See that the agent and the server have the same version.")


class RecoveryNowhere(HoldfastError):
    code = "recovery-nowhere"
    sentence = N_("No host is known that could do `{act}` for {about}")
    remedy = N_(
        "`holdfast failover status {about}` shows where it is; to another host it can only go while "
        "it is replicated there: `holdfast replication list`."
    )


class RecoveryHostNotOne(HoldfastError):
    code = "recovery-host-not-one"
    sentence = N_("{about} has replicas on several hosts: {hosts}")
    remedy = N_("Say which of them is meant: `--machine HOST`.")
    exit_status = Exit.USAGE


class RecoveryActUnknown(HoldfastError):
    code = "recovery-act-unknown"
    sentence = N_("'{act}' is nothing that is done to recover a machine")
    remedy = N_("There are: {known}.")
    exit_status = Exit.USAGE
