"""What can be wrong with the server's database."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_


class DatabaseUnavailable(HoldfastError):
    code = "database-unavailable"
    sentence = N_("The server's database {database} does not answer: {reason}")
    remedy = N_("See that it runs and has room; the server goes on by itself once it answers.")
    retry = Retry.LATER


class DatabaseFromNewer(HoldfastError):
    code = "database-from-newer"
    sentence = N_(
        "The database {database} was last used by a newer Holdfast: its tables are at {found}"
    )
    remedy = N_("Install the version that was there before; tables are never taken back.")


class DatabaseNotUnderstood(HoldfastError):
    code = "database-not-understood"
    sentence = N_("'{url}' is no address of a database: {reason}")
    remedy = N_(
        "Write it as sqlite:////path/state.db or postgresql://user@host/name, "
        "or leave it away to use a file in the server's state folder."
    )
