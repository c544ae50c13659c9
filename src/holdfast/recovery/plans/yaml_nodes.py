"""A YAML file as a tree that knows its lines. Nothing is guessed: every scalar is its text.

So `no`, `010` and `12:30` are what somebody has typed. Anchors, tags and a name given twice are
refused: the first hide what a plan does, the second say of a text that it is something else, and of
the last nobody knows which one was meant.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

from holdfast.base.texts import _

MOST_BYTES = 1 << 20
_DEEPEST = 20


class Unreadable(Exception):
    """`line` from 1, what is wrong, and what to do about it."""

    def __init__(self, line: int, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.line, self.problem, self.cure = line, problem, cure


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    line: int
    text: str
    # Nothing was written, or `~`; in quotes it is a text like any other.
    is_nothing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    line: int
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`lines` says where each name stands."""

    line: int
    values: "dict[str, Node]"
    lines: dict[str, int]


Node = Text | Items | Names


def read_nodes(content: bytes) -> Node:
    if len(content) > MOST_BYTES:
        problem = _("the file is larger than {bytes} bytes").format(bytes=MOST_BYTES)
        raise Unreadable(1, problem, _("A plan is a small file; give that of a plan."))
    # Only commands about plans pay for it.
    import yaml

    try:
        _check_events(content)
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        raise _not_yaml(mark.line + 1 if mark else 1, err.problem or err.context or "") from err
    except yaml.reader.ReaderError as err:
        raise _no_text(content, err) from err
    if root is None:
        raise Unreadable(1, _("there is nothing in it"), _("Write a plan into it."))
    return _made(root)


def _no_text(content: bytes, err: Any) -> Unreadable:
    """`err` is a ReaderError; where the bytes are text at all, its position counts characters."""
    if err.encoding == "unicode":
        is_wide = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
        before = content.decode("utf-16" if is_wide else "utf-8")[: err.position]
        return _unseen(before.count("\n") + 1, chr(err.character))
    problem, cure = _("it is no text in UTF-8"), _("Save it in UTF-8.")
    return Unreadable(content[: err.position].count(b"\n") + 1, problem, cure)


def _unseen(line: int, character: str) -> Unreadable:
    code = f"U+{ord(character):04X}"
    problem = _("there is a character nobody can see ({code})").format(code=code)
    return Unreadable(line, problem, _("Take it out."))


def _not_yaml(line: int, reason: str) -> Unreadable:
    if "'\\t'" in reason:
        problem = _("there is a tab where YAML takes none")
        return Unreadable(line, problem, _("Indent with spaces."))
    cure = _("Mind the indentation, and put a text with ': ' or '#' in it into quotes.")
    return Unreadable(line, _("this is no YAML: {reason}").format(reason=reason), cure)


def _check_events(content: bytes) -> None:
    """Before a tree is made of it: that would go as deep as the file wishes."""
    import yaml

    depth, documents = 0, 0
    for event in yaml.parse(content, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            cure = _("Put each plan into a file of its own.")
            raise Unreadable(line, _("a second plan begins here"), cure)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise Unreadable(line, _("it is nested too deeply"), _("No plan is as deep as that."))
        if isinstance(event, yaml.AliasEvent):
            problem = _("an alias (*{name}) is not taken").format(name=event.anchor)
            raise Unreadable(line, problem, _("Write out what it stands for."))
        if isinstance(event, yaml.NodeEvent):
            _check_plain(event, line)


def _check_plain(event: Any, line: int) -> None:
    if event.anchor is not None:
        problem = _("an anchor (&{name}) is not taken").format(name=event.anchor)
        raise Unreadable(line, problem, _("Take it out."))
    if event.tag is not None:
        problem = _("a tag ({name}) is not taken").format(name=event.tag)
        raise Unreadable(line, problem, _("Take it out: every value is a text."))


def _made(node: object) -> Node:
    import yaml

    assert isinstance(node, yaml.Node)
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        is_nothing = node.tag == "tag:yaml.org,2002:null"
        return Text(line=line, text=_seen(node.value, line), is_nothing=is_nothing)
    if isinstance(node, yaml.SequenceNode):
        return Items(line=line, items=tuple(_made(one) for one in node.value))
    values: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, at = _name(key)
        if name in values:
            problem = _("'{name}' stands here a second time").format(name=name)
            raise Unreadable(at, problem, _("Leave one of the two."))
        values[name], lines[name] = _made(value), at
    return Names(line=line, values=values, lines=lines)


def _name(key: object) -> tuple[str, int]:
    import yaml

    assert isinstance(key, yaml.Node)
    line = key.start_mark.line + 1
    if not isinstance(key, yaml.ScalarNode):
        raise Unreadable(line, _("a name must be a text"), _("Write `name: value`."))
    return _seen(key.value, line), line


def _seen(text: str, line: int) -> str:
    """What an escape has made may do things to a terminal, or be no text at all."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
            raise _unseen(line, character)
    return text
