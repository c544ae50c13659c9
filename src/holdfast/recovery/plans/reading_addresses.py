"""The addresses of a plan's file: what stands at this site for a network, or for a machine's card."""

from ipaddress import ip_address

from holdfast.base.texts import _
from holdfast.recovery.address_rules import AddressRule, make_rule
from holdfast.recovery.plans.reading_values import Fields
from holdfast.recovery.plans.yaml_nodes import Names, Node

_NAME = "addresses"
_KNOWN = ("to", "gateway", "dns")


def read_addresses(fields: Fields, *, is_machine: bool) -> dict[str, AddressRule]:
    """A network may be named anywhere; a card only where the machine is that has it."""
    node = fields.get(_NAME)
    if node is None:
        return {}
    if not isinstance(node, Names):
        problem = _("'{name}' must say an address for each network").format(name=_NAME)
        cure = _("Write `{name}: {{192.0.2.0/24: 198.51.100.0/24}}`.").format(name=_NAME)
        fields.wrong(_NAME, problem, cure)
        return {}
    found: dict[str, AddressRule] = {}
    for old, said in node.values.items():
        line = node.lines[old]
        if "/" not in old and not is_machine:
            problem = _("'{old}' is no network").format(old=old)
            cure = _("Here write networks like 192.0.2.0/24; a card is said with its machine.")
            fields.found.add(line, problem, cure)
            continue
        found |= _rule(old, said, fields, line)
    return found


def _rule(old: str, node: Node, around: Fields, line: int) -> dict[str, AddressRule]:
    fields = Fields(node, around.found, known=_KNOWN, short_for="to")
    to = fields.text("to", None)
    gateway = fields.text("gateway", "")
    dns = fields.list_of_texts("dns", ())
    if not to or not all(_is_address(fields, each) for each in (gateway, *dns) if each):
        return {}
    try:
        key, rule = make_rule(old, to, gateway=gateway, dns=dns, is_own=True)
    except ValueError:
        problem = _("'{old}' cannot become '{to}'").format(old=old, to=to)
        cure = _(
            "A network becomes one of its size, as 192.0.2.0/24: 198.51.100.0/24; a card gets an "
            "address with its length, as 198.51.100.7/24."
        )
        around.found.add(line, problem, cure)
        return {}
    return {key: rule}


def _is_address(fields: Fields, said: str) -> bool:
    try:
        ip_address(said)
    except ValueError:
        problem = _("'{said}' is no address").format(said=said)
        fields.found.add(fields.line, problem, _("Write it as 198.51.100.1 or 2001:db8::1."))
        return False
    return True
