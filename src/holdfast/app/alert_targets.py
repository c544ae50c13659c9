"""A place where alerts go, by its name or its id."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient


class TargetUnknown(HoldfastError):
    code = "alert-target-unknown"
    sentence = N_("Alerts go to no place named {name}")
    remedy = N_("`holdfast server alert-target list` shows where they go.")


def target_named(client: "ServerClient", name: str) -> Mapping[str, Any]:
    found: list[dict[str, Any]] = client.get("/alert-targets")
    for one in found:
        if name in (one["name"], one["id"]):
            return one
    raise TargetUnknown(name=name)
