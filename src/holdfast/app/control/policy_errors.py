"""What stands in the way of a policy, or of a shorter one."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class PolicyLimit(HoldfastError):
    code = "policy-limit"
    sentence = N_("The vault {vault} has {count} policies, and {limit} are the most")
    remedy = N_("Delete those that are attached to no machine: `holdfast vault policy list`.")


class PolicyAttached(HoldfastError):
    code = "policy-attached"
    sentence = N_("The policy {policy} protects {count} sources, so it was not deleted")
    remedy = N_("Detach it first, or attach another: `holdfast vault policy show {policy}`.")


class PathsAssigned(HoldfastError):
    code = "paths-assigned"
    sentence = N_("The machine {machine} has a policy for exactly these paths: {policy}")
    remedy = N_("Change that assignment, or detach it: `holdfast vault policy detach {id}`.")


class VmsAssigned(HoldfastError):
    code = "vms-assigned"
    sentence = N_("The machine {machine} has a policy for exactly these virtual machines: {policy}")
    remedy = N_("Change that assignment, or detach it: `holdfast vault policy detach {id}`.")


class VmsNotUnderstood(HoldfastError):
    code = "vms-not-understood"
    sentence = N_("The list of virtual machines is not understood: {reason}")
    remedy = N_("Bring agent and server to the same version.")


class RetentionTooShort(HoldfastError):
    code = "retention-too-short"
    sentence = N_("The vault {vault} wants {wanted} {unit} points at least, the policy keeps fewer")
    remedy = N_(
        "Where a rule says daily, keep 7; weekly 4, monthly 3, yearly 1. A vault with immutability "
        "or with soft delete for good wants all four. A lab vault wants none."
    )
    source_codes = ("0x29834",)


class RetentionImmutable(HoldfastError):
    code = "retention-immutable"
    sentence = N_("Retention cannot be shortened: the vault {vault} is immutable ({state})")
    remedy = N_("Keep at least as long as now; see what would go with the policy's preview.")
    exit_status = Exit.DECIDE
    source_codes = ("810002",)


class PointsNotUnderstood(HoldfastError):
    code = "points-not-understood"
    sentence = N_("The list of recovery points is not understood: {reason}")
    remedy = N_("Bring agent and server to the same version.")
