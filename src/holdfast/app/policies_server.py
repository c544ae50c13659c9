"""Policies of a server, as commands look them up, and policy files."""

import sys
import tomllib
from typing import Any, Protocol

import msgspec

from holdfast.app.jobs_server import ServerJobs
from holdfast.app.server_client import part
from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_

_STDIN = "-"
_MOST_BYTES = 1 << 20


class Client(Protocol):
    """The server, under somebody's token."""

    def get(self, path: str, **query: Any) -> Any: ...

    def items(self, path: str, **query: Any) -> Any: ...

    def post(self, path: str, body: object = None) -> Any: ...

    def put(self, path: str, body: object = None) -> Any: ...


class PolicyUnknown(HoldfastError):
    code = "policy-unknown"
    sentence = N_("The vault {vault} has no policy '{policy}'")
    remedy = N_("See which there are: `holdfast vault policy list --on {vault}`.")


class PolicyFileUnreadable(HoldfastError):
    code = "policy-file-unreadable"
    sentence = N_("{file} is no policy in JSON or TOML: {reason}")
    remedy = N_("Begin with `holdfast vault policy propose > {file}`.")
    exit_status = Exit.USAGE


def read_policy_file(file: str) -> dict[str, Any]:
    """A policy's body as it was written; `-` is standard input. The server reads it strictly."""
    try:
        content = _content(file)
        found = tomllib.loads(content) if _is_toml(content) else msgspec.json.decode(content)
    except (OSError, ValueError, msgspec.DecodeError) as err:
        raise PolicyFileUnreadable(file=file, reason=err) from err
    if not isinstance(found, dict):
        raise PolicyFileUnreadable(file=file, reason="{ … }")
    return found


def find_policy(client: Client, vault: str, name: str) -> dict[str, Any]:
    """The policy of this name or id."""
    found = _named(client, vault, name)
    if found is None:
        raise PolicyUnknown(policy=name, vault=vault)
    return found


def save_policy(client: Client, vault: str, body: dict[str, Any]) -> dict[str, Any]:
    """Made, or changed if the vault has one of this name."""
    known = _named(client, vault, str(body.get("name", "")))
    if known is None:
        made: dict[str, Any] = client.post(f"/vaults/{part(vault)}/policies", body)
        return made
    changed: dict[str, Any] = client.put(f"/policies/{known['id']}", body)
    return changed


def attach_policy(
    client: Client, vault: str, name: str, *, machine: str, wanted: dict[str, Any]
) -> dict[str, Any]:
    """`wanted` are paths, virtual machines and options; the machine is known by its name or id."""
    policy = find_policy(client, vault, name)
    machine_id = ServerJobs(client).machine_id(machine)
    path = f"/machines/{part(machine_id)}/assignments"
    made: dict[str, Any] = client.post(path, {**wanted, "policy": policy["id"]})
    return made


def _named(client: Client, vault: str, name: str) -> dict[str, Any] | None:
    policies = client.items(f"/vaults/{part(vault)}/policies")
    return next((one for one in policies if name in (one["name"], one["id"])), None)


def _content(file: str) -> str:
    if file == _STDIN:
        return sys.stdin.read(_MOST_BYTES)
    with open(file, encoding="utf-8") as stream:
        return stream.read(_MOST_BYTES)


def _is_toml(content: str) -> bool:
    return not content.lstrip().startswith("{")
