"""Manual pages, one for each command, as its own --help tells it.

python -m tools.man_pages FOLDER      # FOLDER/man1/holdfast.1 and so on, FOLDER/ko/man1 in Korean
"""

import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from holdfast.base.texts import LANGUAGES, use_language

_ENGLISH = "en"
_SHORT = 400
_TYPED = re.compile(r"`([^`]+)`")
_SETTINGS = {
    "HOLDFAST_VAULT": "vault",
    "HOLDFAST_PASSPHRASE_FILE": "passphrase_file",
    "HOLDFAST_LANG": "lang",
}
_WORDS = {
    "en": {
        "synopsis": "Synopsis",
        "description": "Description",
        "environment": "Environment",
        "files": "Files",
        "see": "See also",
        "home": "The folder of all that Holdfast keeps on this machine.",
        "system": "Settings of this machine.",
        "own": "Settings of this home; they win over those of the machine.",
    },
    "ko": {
        "synopsis": "사용법",
        "description": "설명",
        "environment": "환경 변수",
        "files": "파일",
        "see": "같이 보기",
        "home": "Holdfast가 이 머신에 보관하는 모든 것이 있는 폴더입니다.",
        "system": "이 머신의 설정입니다.",
        "own": "이 폴더의 설정이며 머신의 설정보다 우선합니다.",
    },
}


class Page(click.HelpFormatter):
    """What a command writes as help, taken down in the language of manual pages."""

    def __init__(self, words: dict[str, str]) -> None:
        super().__init__()
        self._words, self._is_term = words, False

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:  # noqa: ARG002  click's signature
        self.write_heading(self._words["synopsis"])
        self._line(f".B {literal(prog)}")
        # A list of choices may be longer than a line.
        self._line(text(args).replace("|", "|\\:"))
        self.write_heading(self._words["description"])

    def write_heading(self, heading: str) -> None:
        self._line(f'.SH "{text(heading).upper()}"')
        # The first line below a heading needs no space above it.
        self._is_term = True

    def write_paragraph(self) -> None:
        pass

    def write_text(self, text: str) -> None:
        for paragraph in re.split(r"\n\s*\n", text.strip()):
            if not self._is_term:
                self._line(".PP")
            self._is_term = False
            self._line(prose(paragraph))

    def write_dl(
        self,
        rows: Iterable[tuple[str, str]],
        col_max: int = 0,  # noqa: ARG002  click's signature
        col_spacing: int = 0,  # noqa: ARG002  click's signature
    ) -> None:
        for term, meaning in rows:
            self._term(term)
            self.write_text(meaning)

    def write(self, string: str) -> None:
        """An example as it is typed; what it does comes next."""
        if string.strip():
            self._term(string.strip())

    def _term(self, term: str) -> None:
        self._line(".TP")
        self._line(f".B {literal(term)}")
        self._is_term = True

    def _line(self, line: str) -> None:
        self.buffer.append(line + "\n")


def pages(language: str = _ENGLISH) -> Iterator[tuple[str, str]]:
    """Each as its file name and its content."""
    use_language(language)
    cli: click.Command = importlib.import_module("holdfast.cli.main").cli
    yield from _below(cli, None, "holdfast", language)
    use_language(_ENGLISH)


def _below(
    command: click.Command, parent: click.Context | None, name: str, language: str
) -> Iterator[tuple[str, str]]:
    context = command.context_class(command, info_name=name, parent=parent)
    context.color = False
    children = list(_children(command, context))
    page = _page(context, [name for name, _child in children], language)
    yield f"{_title(context)}.1", page
    for child_name, child in children:
        yield from _below(child, context, child_name, language)


def _children(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield name, child


def _title(context: click.Context) -> str:
    """Without the arguments that click puts into the path of what stands below a command."""
    above = f"{_title(context.parent)}-" if context.parent else ""
    return f"{above}{context.info_name}"


def _page(context: click.Context, children: Sequence[str], language: str) -> str:
    words, title = _WORDS[language], _title(context)
    page = Page(words)
    short = context.command.get_short_help_str(_SHORT).rstrip(".")
    # The English word is the one by which `whatis` finds the line below it in every language.
    head = [
        f'.TH "{title.upper()}" "1" "" "holdfast {version("holdfast")}" "Holdfast"',
        *(".nh", ".ad l"),
        *(".SH NAME", f"{literal(title)} \\- {prose(short)}"),
    ]
    context.command.format_help(context, page)
    if context.parent is None:
        _settings(page, context, words)
    page.write_heading(words["see"])
    page.write_text(", ".join(f"`{name}`(1)" for name in _related(context, children)))
    return "\n".join(head) + "\n" + page.getvalue()


def _settings(page: Page, context: click.Context, words: dict[str, str]) -> None:
    helps = {
        p.name: p.help for p in context.command.get_params(context) if isinstance(p, click.Option)
    }
    page.write_heading(words["environment"])
    rows = [(name, str(helps[option])) for name, option in _SETTINGS.items()]
    page.write_dl([*rows, ("HOLDFAST_HOME", words["home"])])
    page.write_heading(words["files"])
    files = {"/etc/holdfast/config.toml": "system", "/var/lib/holdfast/config.toml": "own"}
    rows = [(file, words[word]) for file, word in files.items()]
    page.write_dl([*rows, ("/var/lib/holdfast, ~/.local/share/holdfast", words["home"])])


def _related(context: click.Context, children: Sequence[str]) -> list[str]:
    title = _title(context)
    above = [_title(context.parent)] if context.parent else ["restic"]
    return [*above, *(f"{title}-{name}" for name in children)]


def prose(said: str) -> str:
    """What stands between backticks is typed, and shown so."""
    pieces = " ".join(said.split()).split("`")
    pieces[::2] = [text(piece) for piece in pieces[::2]]
    pieces[1::2] = [f"\\fB{literal(piece)}\\fR" for piece in pieces[1::2]]
    return _guarded("".join(pieces))


def text(said: str) -> str:
    return _guarded(said.replace("\\", "\\e"))


def literal(said: str) -> str:
    """With the hyphens and quotes that can be copied into a shell."""
    marked = said.replace("\\", "\\e").replace("-", "\\-")
    for sign, name in (
        ("'", "\\(aq"),
        ("`", "\\(ga"),
        ("^", "\\(ha"),
        ("~", "\\(ti"),
        ('"', "\\(dq"),
    ):
        marked = marked.replace(sign, name)
    return marked


def _guarded(line: str) -> str:
    """A line that begins with a point or a quote would be a request."""
    return f"\\&{line}" if line[:1] in (".", "'") else line


def write(folder: Path) -> int:
    count = 0
    for language in LANGUAGES:
        place = folder / ("" if language == _ENGLISH else language) / "man1"
        place.mkdir(parents=True, exist_ok=True)
        for name, content in pages(language):
            (place / name).write_text(content, encoding="utf-8")
            count += 1
    return count


if __name__ == "__main__":
    print(f"{write(Path(sys.argv[1]))} pages")
