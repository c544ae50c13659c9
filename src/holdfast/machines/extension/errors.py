"""What can go wrong with the guest extension: one code for each cause, and one text for each code."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ExtensionAgentNotReady(HoldfastError):
    code = "extension-agent-not-ready"
    sentence = N_("The guest extension of {about} cannot be reached: its guest agent is not ready")
    remedy = N_(
        "In the guest: `systemctl restart qemu-guest-agent`, or restart the guest; then run the "
        "same command again."
    )
    retry = Retry.LATER
    source_codes = ("151099",)


class ExtensionAgentTooOld(HoldfastError):
    code = "extension-agent-too-old"
    sentence = N_(
        "The guest agent of {about} is version {version} and lacks {missing}: the guest extension "
        "needs {required} or newer"
    )
    remedy = N_("In the guest: `apt install qemu-guest-agent` or `dnf update qemu-guest-agent`.")
    source_codes = ("151095",)


class ExtensionAgentBlocked(HoldfastError):
    code = "extension-agent-blocked"
    sentence = N_("The guest agent of {about} is forbidden what the extension needs: {missing}")
    remedy = N_(
        "Take these commands from `block-rpcs` in the guest's /etc/qemu/qemu-ga.conf or "
        "/etc/sysconfig/qemu-ga, and restart qemu-guest-agent there."
    )


class ExtensionStartTimedOut(HoldfastError):
    code = "extension-start-timed-out"
    sentence = N_(
        "The operation of the guest extension of {about} had not begun after {seconds:g} s"
    )
    remedy = N_(
        "Look whether the guest answers at all (`holdfast extension status {about}`); then "
        "`holdfast extension remove {about} --force`, install it anew, and try again."
    )
    retry = Retry.LATER
    source_codes = ("151076",)


class ExtensionBusy(HoldfastError):
    code = "extension-busy"
    sentence = N_("The guest extension of {about} is busy: {what} by process {pid} for {age}")
    remedy = N_(
        "Wait for its end. `holdfast extension remove {about} --force` ends it and lets the "
        "applications go."
    )
    exit_status = Exit.LOCKED
    retry = Retry.LATER
    source_codes = ("150066",)


class ExtensionBroken(HoldfastError):
    code = "extension-broken"
    sentence = N_("The guest extension of {about} does not work: {reason}")
    remedy = N_(
        "`holdfast extension remove {about} --force`, then `holdfast extension install {about}`."
    )


class ExtensionHooksFailed(HoldfastError):
    """Only where the guest's owner wants no recovery point then (continueBackupOnFailure)."""

    code = "extension-hooks-failed"
    sentence = N_("A hook in {about} failed, and its owner wants no recovery point then: {reason}")
    remedy = N_(
        "Mend the hook in the guest, or set continueBackupOnFailure in /etc/holdfast/hooks.json."
    )
    retry = Retry.LATER


class HookSettingsRefused(HoldfastError):
    code = "extension-settings-refused"
    sentence = N_("/etc/holdfast/hooks.json in {about} is not used: {reason}")
    remedy = N_(
        "Correct it in the guest; only root may write it: "
        "`chown root: /etc/holdfast/hooks.json && chmod 600 /etc/holdfast/hooks.json`."
    )
