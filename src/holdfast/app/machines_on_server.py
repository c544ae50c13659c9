"""Machines of the server one is logged in to, found by what people call them."""

from typing import Any

from holdfast.app.server_client import ServerClient
from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class MachineNameAmbiguous(HoldfastError):
    code = "machine-name-ambiguous"
    sentence = N_("{count} machines are named {name}: {ids}")
    remedy = N_("Give the id of the one that is meant, or VAULT/NAME.")
    exit_status = Exit.USAGE


def machine_id(client: ServerClient, wanted: str, *, vault: str | None = None) -> str:
    """The id of the machine of that name, or VAULT/NAME; what is no name is taken for an id."""
    named, _slash, name = wanted.rpartition("/")
    within = named or vault
    found: list[dict[str, Any]] = list(client.items("/machines", vault=within, name=name))
    if len(found) > 1:
        ids = ", ".join(str(one["id"]) for one in found)
        raise MachineNameAmbiguous(count=len(found), name=wanted, ids=ids)
    return str(found[0]["id"]) if found else wanted
