"""What the server has told this host of replication: kept, so that it holds without the server."""

import contextlib
from pathlib import Path

import msgspec

from holdfast.app.replication_notes import write_note
from holdfast.fleet.replication_messages import ReplicationRoles, SourceSite


def roles_file(home: str) -> Path:
    return Path(home, "agent", "replication.json")


def load_roles(home: str) -> ReplicationRoles | None:
    """None also for a file that does not read: the server tells all of it again."""
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeError):
        return msgspec.json.decode(roles_file(home).read_bytes(), type=ReplicationRoles)
    return None


def save_roles(home: str, roles: ReplicationRoles) -> None:
    write_note(roles_file(home), roles)


def sites_told(home: str) -> list[SourceSite]:
    """Where this host replicates to, or may."""
    roles = load_roles(home)
    return roles.source.sites if roles and roles.source else []
