"""The actions of a plan's file: what is done before and after a group or a machine."""

from holdfast.base.texts import _
from holdfast.recovery.plans.plan import (
    ACTION_SECONDS,
    CONFIRM_SECONDS,
    Action,
    ActionKind,
    Kind,
    OnFailure,
)
from holdfast.recovery.plans.reading_values import Fields
from holdfast.recovery.plans.web_addresses import is_web_address, shown_address
from holdfast.recovery.plans.yaml_nodes import Items, Node

_KNOWN = ("name", "only", "timeout", "on-failure", "in", "host", "repeatable", "token-file")
_KINDS = tuple(kind.value for kind in ActionKind)
_EXAMPLE = "script: /usr/local/sbin/switch-dns"


def read_actions(fields: Fields, name: str, *, on_failure: OnFailure) -> tuple[Action, ...]:
    node = fields.get(name)
    if node is None:
        return ()
    if not isinstance(node, Items):
        problem = _("'{name}' must be a list of actions").format(name=name)
        fields.wrong(name, problem, f"`- {_EXAMPLE}`")
        return ()
    return tuple(_action(one, fields, on_failure) for one in node.items)


def _action(node: Node, around: Fields, on_failure: OnFailure) -> Action:
    fields = Fields(node, around.found, known=(*_KINDS, *_KNOWN))
    kind = _kind(fields)
    does = fields.text(kind.value, "")
    if kind is ActionKind.WEBHOOK:
        _check_address(fields, does)
    if kind is ActionKind.HOST_SCRIPT:
        does = fields.identifier(kind.value)
    elif fields.has("host"):
        problem = _("only a host-script says on which host it runs")
        fields.wrong("host", problem, _("Take `host:` out, or make it a host-script."))
    usual = CONFIRM_SECONDS if kind is ActionKind.CONFIRM else ACTION_SECONDS
    return Action(
        name=fields.text("name", _named_after(kind, does)),
        kind=kind,
        does=does,
        only=_only(fields),
        timeout=fields.seconds("timeout", usual) or usual,
        on_failure=fields.choice("on-failure", OnFailure, on_failure),
        machine=fields.text("in", ""),
        host=fields.text("host", ""),
        # Who is told twice with one key knows it for one thing.
        is_repeatable=fields.truth("repeatable") or kind is ActionKind.WEBHOOK,
        token_file=fields.text("token-file", ""),
    )


def _kind(fields: Fields) -> ActionKind:
    said = [kind for kind in ActionKind if fields.has(kind.value)]
    if len(said) == 1:
        return said[0]
    problem = _("an action does one thing, and this does {count}").format(count=len(said))
    cure = _("Give it one of: {names}.").format(names=", ".join(_KINDS))
    fields.found.add(fields.line, problem, cure)
    return ActionKind.CONFIRM


def _only(fields: Fields) -> tuple[Kind, ...]:
    said = fields.list_of_texts("only", tuple(kind.value for kind in Kind))
    if not said:
        problem = _("'only' names no kind of run")
        cure = _("Write one of: {names}.").format(names=", ".join(Kind))
        fields.wrong("only", problem, cure)
    return tuple(fields.chosen("only", one, Kind, Kind.TEST) for one in said)


def _check_address(fields: Fields, address: str) -> None:
    if not is_web_address(address):
        problem = _("'{address}' is no address of a webhook").format(address=address)
        fields.wrong("webhook", problem, _("Write it as https://host/path."))


def _named_after(kind: ActionKind, does: str) -> str:
    """The path of a webhook may be the secret by which it is called."""
    if kind is ActionKind.WEBHOOK:
        return shown_address(does)
    lines = does.strip().splitlines()
    return lines[0][:60] if lines else ""
