"""Plain text that must stand wherever a pattern matches.

Thousands of patterns with gaps in them (`agent.{0,40}not responding`) make an automaton that no
memory holds; the plain texts in them (`not responding`) make a small one. So a log is searched for
these, and a pattern is tried only where one of its own stands.
"""

from dataclasses import dataclass, field

# Shorter texts, or short numbers, stand everywhere.
SHORTEST = 3
SHORTEST_NUMBER = 4
_OPTIONAL = frozenset("?*")
_CLASSES = frozenset("dDwWsSpPCQE")
_ZERO_WIDTH = frozenset("bBAz")
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
Choice = tuple[str, ...]


def anchors(pattern: str) -> Choice | None:
    """Texts one of which stands in every match; None when the pattern promises none."""
    return next(iter(choices(pattern)), None)


def choices(pattern: str) -> tuple[Choice, ...]:
    """Everything that a pattern promises, the best first: of each choice one text must stand."""
    try:
        branches = _Parser(pattern).branches()
    except (IndexError, ValueError):  # no pattern at all
        return ()
    found = branches[0] if len(branches) == 1 else [_joined(branches) or ()]
    usable = (choice for choice in found if choice and all(map(_is_rare, choice)))
    return tuple(sorted(usable, key=_worth, reverse=True))


def _is_rare(text: str) -> bool:
    return len(text) >= (SHORTEST_NUMBER if text.isdigit() else SHORTEST)


@dataclass(slots=True)
class _Parser:
    """Reads RE2 syntax as far as it matters what is certain; what it does not know is a gap."""

    pattern: str
    at: int = 0

    def branches(self) -> list[list[Choice]]:
        """Up to the end or the closing bracket: what each branch is certain of."""
        branches = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._sequence())
        return branches

    def _sequence(self) -> list[Choice]:
        run = _Run()
        while self._peek() not in {"", "|", ")"}:
            piece = self._piece()
            run.add(piece, least=self._least())
        run.close()
        return run.choices

    def _piece(self) -> "str | Choice | None":
        """The next piece: a letter, the certain texts of a group, "" for no width, None for a gap."""
        char = self._next()
        match char:
            case "(":
                return self._group()
            case "[":
                self._skip_class()
                return None
            case "\\":
                return self._escape()
            case "^" | "$":
                return ""
            case ".":
                return None
            case _:
                return char

    def _group(self) -> Choice | None:
        if self.pattern.startswith("?", self.at):
            # (?:…), (?P<name>…), (?i:…); flags alone, (?i), hold nothing.
            while self._next() not in {":", ">", ")"}:
                pass
            if self.pattern[self.at - 1] == ")":
                return None
        found = _joined(self.branches())
        self._next()
        return found

    def _skip_class(self) -> None:
        self.at += self._peek() == "^"
        self.at += self._peek() == "]"
        while (char := self._next()) != "]":
            if char == "\\":
                self._next()
            elif char == "[" and self._peek() == ":":
                self.at = self.pattern.index(":]", self.at) + 2

    def _escape(self) -> str | None:
        char = self._next()
        if char in _ZERO_WIDTH:
            return ""
        if char in "pPx" and self._peek() == "{":
            self.at = self.pattern.index("}", self.at) + 1
            return None
        if char in _CLASSES or char == "x" or char.isdigit():
            return None
        return _CONTROLS.get(char, char)

    def _least(self) -> int | None:
        """How often the piece stands at least; None when it stands exactly once."""
        char = self._peek()
        if char in {"?", "*", "+"}:
            self.at += 1
            self.at += self._peek() == "?"
            return 0 if char in _OPTIONAL else 1
        if char == "{":
            end = self.pattern.index("}", self.at)
            least = self.pattern[self.at + 1 : end].split(",")[0]
            self.at = end + 1
            self.at += self._peek() == "?"
            return int(least or 0)
        return None

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _next(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]


@dataclass(slots=True)
class _Run:
    """Collects what is certain in a sequence."""

    text: str = ""
    choices: list[Choice] = field(default_factory=list)

    def add(self, piece: "str | Choice | None", *, least: int | None) -> None:
        if isinstance(piece, str) and least is None:
            self.text += piece
            return
        if isinstance(piece, str) and least:
            self.text += piece
        elif piece and least != 0:
            assert isinstance(piece, tuple)
            self.choices.append(piece)
        self.close()

    def close(self) -> None:
        if self.text:
            self.choices.append((self.text,))
        self.text = ""


def _joined(branches: list[list[Choice]]) -> Choice | None:
    """The best of every branch; None as soon as one has nothing to offer."""
    best = [max(branch, key=_worth, default=()) for branch in branches]
    return tuple(dict.fromkeys(text for one in best for text in one)) if all(best) else None


def _worth(choice: Choice) -> tuple[int, int]:
    """Numbers are worth less than words: they stand in every line."""
    shortest = min(len(text) - text.isdigit() for text in choice)
    return (shortest, -len(choice))
