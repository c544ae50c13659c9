"""Who may do what: three roles per vault, and administrators above them.

The matrix follows the original products: a contributor does everything except deleting the vault
and granting access; an operator works with what is there but deletes nothing and changes no
policy; a reader looks.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    READER = "reader"
    OPERATOR = "operator"
    CONTRIBUTOR = "contributor"


class Right(StrEnum):
    """One thing a person may be allowed to do to a vault and what belongs to it."""

    READ = "read"
    RUN_JOBS = "run-jobs"
    CANCEL_JOBS = "cancel-jobs"
    RESTORE = "restore"
    # Credentials for machines, and machines' certificates.
    REGISTER = "register"
    UNREGISTER = "unregister"
    CHANGE_POLICIES = "change-policies"
    DELETE_DATA = "delete-data"
    UNDELETE = "undelete"
    CHANGE_PROTECTION = "change-protection"  # soft delete, immutability, four eyes, quota
    # Where replicas are taken in.
    MANAGE_SITES = "manage-sites"
    HANDLE_ALERTS = "handle-alerts"
    DECIDE_APPROVALS = "decide-approvals"
    READ_AUDIT = "read-audit"
    DELETE_VAULT = "delete-vault"
    GRANT_ACCESS = "grant-access"
    # On the server as a whole:
    CREATE_VAULT = "create-vault"
    MANAGE_ACCOUNTS = "manage-accounts"


class Scope(StrEnum):
    """What a token is limited to, whatever its account may do."""

    READ = "read"
    OPERATE = "operate"
    ALL = "all"


_READER = frozenset({Right.READ})
_OPERATOR = _READER | {
    Right.RUN_JOBS,
    Right.CANCEL_JOBS,
    Right.RESTORE,
    Right.REGISTER,
    Right.UNDELETE,
    Right.HANDLE_ALERTS,
}
_OF_ADMINISTRATORS = frozenset(
    {Right.DELETE_VAULT, Right.GRANT_ACCESS, Right.CREATE_VAULT, Right.MANAGE_ACCOUNTS}
)
_CONTRIBUTOR = frozenset(Right) - _OF_ADMINISTRATORS

MATRIX: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {Role.READER: _READER, Role.OPERATOR: _OPERATOR, Role.CONTRIBUTOR: _CONTRIBUTOR}
)
_OF_SCOPE: Mapping[Scope, frozenset[Right]] = MappingProxyType(
    {Scope.READ: _READER, Scope.OPERATE: _OPERATOR, Scope.ALL: frozenset(Right)}
)


def rights_of(role: Role | None, *, is_admin: bool, scopes: frozenset[Scope]) -> frozenset[Right]:
    """What is left of a role under a token's scopes; no scopes limit nothing."""
    held = frozenset(Right) if is_admin else MATRIX[role] if role else frozenset[Right]()
    if not scopes:
        return held
    return held & frozenset[Right]().union(*(_OF_SCOPE[scope] for scope in scopes))
