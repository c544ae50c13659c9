"""What can be wrong about people: their names, passwords and tokens."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class LoginRefused(HoldfastError):
    """One answer for all cases, so that nobody learns which names exist."""

    code = "login-refused"
    sentence = N_(
        "Name or password is wrong, or there were too many failures and the account is locked "
        "for {minutes} minutes"
    )
    remedy = N_("Type both again; an administrator can set a new password.")


class PasswordWrong(HoldfastError):
    code = "password-wrong"
    sentence = N_("The password is wrong, or there were too many failures")
    remedy = N_(
        "Type the password you log in with; after five failures it takes {minutes} minutes."
    )


class AccountDisabled(HoldfastError):
    code = "account-disabled"
    sentence = N_("The account {name} is disabled")
    remedy = N_("Ask an administrator to enable it: `holdfast server account enable {name}`.")
    source_codes = ("403",)


class PasswordTooShort(HoldfastError):
    code = "password-too-short"
    sentence = N_("The new password has {seen} characters, {wanted} are needed")
    remedy = N_("Take a longer one, for example four random words.")
    exit_status = Exit.USAGE


class PasswordTooLong(HoldfastError):
    code = "password-too-long"
    sentence = N_("The new password has {seen} characters, {most} is the most")
    remedy = N_("Take a shorter one.")
    exit_status = Exit.USAGE


class NameNotGood(HoldfastError):
    code = "name-not-good"
    sentence = N_("'{name}' is no name for a {what}: {reason}")
    remedy = N_("Choose another name.")
    exit_status = Exit.USAGE


class LastAdministrator(HoldfastError):
    code = "last-administrator"
    sentence = N_("{name} is the last administrator, and nobody could let them in again")
    remedy = N_("Make another administrator first: `holdfast server account add NAME --admin`.")


class ExpiryWrong(HoldfastError):
    code = "expiry-wrong"
    sentence = N_("A token lives from 1 to {most} days, not {days}")
    remedy = N_("Give another number of days.")
    exit_status = Exit.USAGE
