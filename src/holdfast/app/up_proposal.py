"""What `holdfast up` proposes to protect: a policy that suits most, and the paths worth it here."""

import os
from dataclasses import dataclass
from typing import Any

from holdfast.app.config import Settings
from holdfast.app.local_zone import local_zone
from holdfast.app.policies_server import attach_policy, find_policy, save_policy
from holdfast.app.server_client import ServerClient, part
from holdfast.fleet.policies import WORTHY, Policy, policy_body, propose

POLICY = "default"
_SPECIAL = "\\*?[]!# "


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    policy: Policy
    paths: tuple[str, ...]
    options: dict[str, Any]


def make_proposal(settings: Settings, paths: tuple[str, ...], *, vault: str) -> Proposal:
    """`vault` is the folder it lies in, which must not be backed up into itself."""
    chosen = tuple(map(os.path.abspath, paths)) or _worthy(settings)
    inside = [place for place in (settings.home, vault) if _is_below(place, chosen)]
    excludes = [*map(_pattern, inside), *([] if paths else [".cache/"])]
    options: dict[str, Any] = {"exclude_caches": True}
    if excludes:
        options["excludes"] = list(dict.fromkeys(excludes))
    zone = local_zone(settings.harmless.get("TZ", ""))
    return Proposal(policy=propose(POLICY, zone), paths=chosen, options=options)


def accept(client: ServerClient, vault: str, machine_id: str, wanted: Proposal) -> dict[str, Any]:
    """Attach it; a policy of that name that is there already is taken as it is."""
    names = [one["name"] for one in client.items(f"/vaults/{part(vault)}/policies")]
    if wanted.policy.name not in names:
        save_policy(client, vault, policy_body(wanted.policy))
    body = {"paths": list(wanted.paths), "options": wanted.options}
    return attach_policy(client, vault, wanted.policy.name, machine=machine_id, wanted=body)


def proposed_anew(client: ServerClient, vault: str) -> Policy | None:
    """The policy of that name on the server, which somebody may have changed; None: there is none."""
    from holdfast.app.policies_server import PolicyUnknown
    from holdfast.fleet.policies import known_policy

    try:
        return known_policy(find_policy(client, vault, POLICY)["body"])
    except PolicyUnknown:
        return None


def _worthy(settings: Settings) -> tuple[str, ...]:
    """Folders that hold something nobody gets by installing the machine anew."""
    candidates = WORTHY if os.geteuid() == 0 else (settings.harmless.get("HOME", "/"),)
    return tuple(path for path in candidates if _holds_something(path))


def _holds_something(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return any(True for _entry in entries)
    except OSError:
        return False


def _is_below(place: str, paths: tuple[str, ...]) -> bool:
    if not place.startswith("/"):
        return False
    return any(os.path.commonpath((place, path)) == path for path in paths)


def _pattern(path: str) -> str:
    escaped = "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in path)
    return f"{escaped}/"
