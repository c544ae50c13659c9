"""Why a machine does not get the addresses it is to have at this site."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class AddressesNeedAgent(HoldfastError):
    """Seen before anything is changed."""

    code = "recovery-addresses-need-agent"
    sentence = N_(
        "{about} is to have addresses of this site, and has no channel for a guest agent to set them"
    )
    remedy = N_(
        "Give it one (a channel org.qemu.guest_agent.0, and qemu-guest-agent inside) and let it be "
        "replicated; or do without: `holdfast failover networks --forget {rule}`, and set its "
        "address by hand. Then run the same command again."
    )
    exit_status = Exit.DECIDE


class AddressesNotSet(HoldfastError):
    """It runs, at an address that leads nowhere here."""

    code = "recovery-addresses-not-set"
    sentence = N_("{about} runs, and its addresses could not be set: {reason}")
    remedy = N_(
        "See that qemu-guest-agent runs in it and may run programs (guest-exec), and that `ip` is "
        "there; then run the same command again. To do without: `holdfast failover networks` shows "
        "the rule, --forget takes it away."
    )
    retry = Retry.NOW
