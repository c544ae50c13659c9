"""What a policy can say that is not understood."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class PolicyNotUnderstood(HoldfastError):
    code = "policy-not-understood"
    sentence = N_("The policy is not understood at '{place}': {reason}")
    remedy = N_("Begin with one that is right: `holdfast vault policy propose`.")
    exit_status = Exit.USAGE


class PolicyNeverRuns(HoldfastError):
    code = "policy-never-runs"
    sentence = N_("By '{schedule}' with these blackouts nothing would ever run")
    remedy = N_("Shorten the blackouts, or put runs off to their end instead of skipping them.")
    exit_status = Exit.USAGE
