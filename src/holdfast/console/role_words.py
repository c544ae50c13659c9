"""What the roles of people in a vault are called."""

from holdfast.base.texts import _
from holdfast.fleet.roles import Role


def role_words() -> dict[str, str]:
    return {
        Role.READER.value: _("reader"),
        Role.OPERATOR.value: _("operator"),
        Role.CONTRIBUTOR.value: _("contributor"),
    }


def role_text(role: str) -> str:
    return role_words().get(role, role)
