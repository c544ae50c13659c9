"""A page per error, in both languages, and the list of exit statuses."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import holdfast
from holdfast.base.errors import Exit, HoldfastError, Retry
from tools import catalogue, howtos

RETRY = {
    Retry.NEVER: "The same call fails again until something is changed.",
    Retry.NOW: "The same call may succeed at once.",
    Retry.LATER: "The same call may succeed later.",
}
MEANING = {
    Exit.FINE: ("FINE", "Everything asked for is done."),
    Exit.FAILED: ("FAILED", "It could not be done; the message says why and what to do."),
    Exit.USAGE: ("USAGE", "The command line was not understood; nothing was begun."),
    Exit.WARNINGS: ("WARNINGS", "Done, but some items were left out; each is listed."),
    4: ("DOCTOR_FAILED", "Part of the doctor itself failed; see below."),
    5: ("NOT_MENDED", "`doctor fix` did its work, but the same check still sees the cause."),
    6: ("REFUSED", "`doctor fix` was not allowed to: consent or rights are missing."),
    Exit.NO_VAULT: ("NO_VAULT", "There is no vault where one was expected."),
    Exit.LOCKED: ("LOCKED", "Another process holds the vault."),
    Exit.WRONG_PASSPHRASE: ("WRONG_PASSPHRASE", "The passphrase opens no key of the vault."),
    Exit.DAMAGE: ("DAMAGE", "Something stored is missing or is not what was written."),
    Exit.DECIDE: ("DECIDE", "Going on could lose something, so a person must decide."),
    Exit.INTERRUPTED: ("INTERRUPTED", "Stopped by a signal; the same command goes on from there."),
}
_FIELD = re.compile(r"\{(\w+)[^}]*\}")
NOTE = "<!-- Written by `./run docs` from the code. -->\n\n"


def known_errors() -> list[type[HoldfastError]]:
    """Every error of the product, by code; loading all modules is what fills the registry."""
    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
        if not module.name.startswith("holdfast.testing"):
            importlib.import_module(module.name)
    return [
        error
        for _code, error in sorted(HoldfastError.registry.items())
        if error.__module__.startswith("holdfast.")
        and not error.__module__.startswith("holdfast.testing")
    ]


def pages() -> Iterator[tuple[str, str]]:
    errors = known_errors()
    korean = {
        str(message.id): str(message.string) for message in catalogue.read() if message.string
    }
    for error in errors:
        yield f"errors/{error.code}.md", _page(error, korean)
    yield "errors/index.md", _index(errors)
    yield "reference/exit-statuses.md", _exit_statuses(errors)


def _page(error: type[HoldfastError], korean: dict[str, str]) -> str:
    why = (error.__doc__ or "").strip()
    known_as = ", ".join(f"`{code}`" for code in error.source_codes)
    return NOTE + "\n".join(
        [
            f"# {error.code}",
            "",
            *([why, ""] if why else []),
            f"Exit status [{error.exit_status}](../reference/exit-statuses.md).",
            RETRY[error.retry],
            *([f"The same event elsewhere: {known_as}."] if known_as else []),
            howtos.of_module(error.__module__),
            "",
            "## English",
            "",
            *_said(error.sentence, error.remedy, ("Message", "What to do")),
            "",
            "## 한국어",
            "",
            *_said(
                korean.get(error.sentence, error.sentence),
                korean.get(error.remedy, error.remedy),
                ("메시지", "할 일"),
            ),
            "",
        ]
    )


def _said(sentence: str, remedy: str, labels: tuple[str, str]) -> list[str]:
    return [f"- {labels[0]}: {_fields(sentence)}", f"- {labels[1]}: {_fields(remedy)}"]


def _fields(template: str) -> str:
    """Show {name:%Y} as <name>, in italics unless it stands in something that is typed."""
    pieces = template.split("`")
    pieces[::2] = [_FIELD.sub(r"*\\<\1\\>*", prose) for prose in pieces[::2]]
    pieces[1::2] = [_FIELD.sub(r"<\1>", typed) for typed in pieces[1::2]]
    return "`".join(pieces)


def _index(errors: list[type[HoldfastError]]) -> str:
    rows = [
        f"| [{error.code}]({error.code}.md) | {_cell(error.sentence)} | {error.exit_status}"
        f" | {', '.join(error.source_codes)} |"
        for error in errors
    ]
    head = [
        "# Errors",
        "",
        "Every error has a code that never changes, a sentence and a remedy.",
        "[Causes](causes.md) are what the doctor proves behind them.",
        "",
    ]
    table = ["| code | message | exit status | the same event elsewhere |", "|---|---|---|---|"]
    return NOTE + "\n".join([*head, *table, *rows, ""])


def _exit_statuses(errors: list[type[HoldfastError]]) -> str:
    rows, parts = list[str](), list[str]()
    for status, (name, meaning) in MEANING.items():
        rows.append(f"| {status} | `{name}` | {meaning} |")
        codes = [f"[{e.code}](../errors/{e.code}.md)" for e in errors if e.exit_status == status]
        if codes:
            parts += [f"### {status}, `{name}`", "", ",\n".join(codes), ""]
    head = ["# Exit statuses", "", "A script can tell from the status alone what happened.", ""]
    table = ["| status | name | meaning |", "|---|---|---|"]
    whole = [*head, *table, *rows, "", *_doctor_statuses(), "## Which errors end so", "", *parts]
    return NOTE + "\n".join(whole)


def _doctor_statuses() -> list[str]:
    """The doctor answers a question, so its statuses say how it stands."""
    meanings = importlib.import_module("holdfast.cli.doctor_options").MEANINGS
    rows = [f"| {status} | {_sentence(meaning)} |" for status, meaning in meanings.items()]
    rows += [f"| {status} | {MEANING[status][1]} |" for status in (5, 6)]
    head = [
        "## Of `holdfast doctor`",
        "",
        "Its statuses say how it stands with what was looked at.",
    ]
    return [*head, "", "| status | meaning |", "|---|---|", *rows, ""]


def _sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}."


def _cell(text: str) -> str:
    return _fields(text).replace("|", "\\|")
