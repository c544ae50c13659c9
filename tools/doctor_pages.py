"""The doctor's catalogue as pages: one for each cause, an index of all codes, one to search in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from holdfast.base.texts import _, use_language
from holdfast.doctor.loading import Catalogue, load
from holdfast.doctor.report import document as shown
from holdfast.doctor.report.citing import cite
from holdfast.doctor.report.entries import Entries
from holdfast.doctor.report.explaining import Explainer
from holdfast.doctor.report.phrases import fill, risk, severity
from tools import build_catalogues, doctor_html, howtos, json_page
from tools.error_pages import NOTE

SCHEMA_PAGE = "reference/doctor.schema.json"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """The whole catalogue in one language."""

    language: str
    components: dict[str, str]
    causes: dict[str, shown.CauseExplained]
    symptoms: dict[str, shown.SymptomExplained]
    notes: dict[str, shown.NoteShown]


def pages() -> dict[str, str]:
    # The texts are looked up as the product does it, in what is compiled.
    build_catalogues.compile_all()
    english, korean = known_in("en"), known_in("ko")
    result = {f"errors/{one.code}.md": page for one, page in _cause_pages(english, korean)}
    result["errors/causes.md"] = _causes_index(english, korean)
    result["reference/doctor-codes.md"] = _codes_index(english)
    result["reference/doctor.html"] = doctor_html.page(english, korean)
    result["reference/doctor-json.md"] = json_page.page(
        "holdfast.doctor.report.document", title="JSON of the doctor"
    )
    result[SCHEMA_PAGE] = schema()
    return result


def schema() -> str:
    """The JSON Schema of everything the doctor says with --json."""
    kinds = (shown.DoctorReport, shown.DoctorExplanation)
    each, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    whole = {"$schema": _DRAFT, "title": shown.SCHEMA, "oneOf": list(each), "$defs": definitions}
    return json.dumps(whole, indent=1) + "\n"


def known_in(language: str, catalogue: Catalogue | None = None) -> Knowledge:
    use_language(language)
    try:
        return _known(language, catalogue or load())
    finally:
        use_language("en")


def _known(language: str, catalogue: Catalogue) -> Knowledge:
    explainer = Explainer(Entries(catalogue), {})
    return Knowledge(
        language=language,
        components={name: explainer.entries.component_title(name) for name in catalogue.components},
        causes={name: explainer.cause(name) for name in catalogue.causes},
        symptoms={name: explainer.symptom(name) for name in catalogue.symptoms},
        notes={name: explainer.note(name) for name in catalogue.notes},
    )


def _cause_pages(
    english: Knowledge, korean: Knowledge
) -> Iterator[tuple[shown.CauseExplained, str]]:
    for name, cause in english.causes.items():
        told = [f"# {cause.code}", "", cause.title + ".", "", f"Cause `{name}`."]
        told += [howtos.of_component(cause.component)]
        for knowledge, title in ((english, "English"), (korean, "한국어")):
            use_language(knowledge.language)
            told += ["", f"## {title}", "", *_cause(knowledge, knowledge.causes[name])]
        use_language("en")
        yield cause, NOTE + "\n".join([*told, ""])


def _cause(known: Knowledge, cause: shown.CauseExplained) -> Iterator[str]:
    yield f"**{cause.title}** · {known.components[cause.component]} · {severity(cause.severity)}"
    yield from ("", fill(_("Why: {why}"), why=cause.why), "")
    yield fill(_("Check: {check}"), check=cause.check)
    yield from (f"- {line}" for line in doctor_html.limits(cause))
    yield from (f"- {need.title}: {need.obtain}" for need in cause.needs)
    for remedy in cause.remedies:
        yield from _remedy(remedy)
    leading = [known.symptoms[name] for name in cause.symptoms]
    if leading:
        titles = "; ".join(one.title for one in leading)
        yield from ("", fill(_("Symptoms that lead here: {titles}"), titles=titles))
    if cause.refs:
        yield from ("", fill(_("Source: {refs}"), refs=cite(cause.refs)))


def _remedy(remedy: shown.RemedyShown) -> Iterator[str]:
    title = fill(_("What to do: {title} ({risk})"), title=remedy.title, risk=risk(remedy.risk))
    yield from ("", f"### {title}", "")
    for number, step in enumerate(remedy.steps, 1):
        yield f"{number}. {step.text}"
        if step.type:
            yield from (
                "",
                "   ```text",
                *(f"   {line}" for line in step.type.splitlines()),
                "   ```",
                "",
            )
    if remedy.verify:
        yield from ("", fill(_("It worked when: {verify}"), verify=remedy.verify))
    if remedy.undo:
        yield from ("", fill(_("To undo: {undo}"), undo=remedy.undo))


def _causes_index(english: Knowledge, korean: Knowledge) -> str:
    head = ["# Causes the doctor knows", "", "`holdfast doctor explain` tells the same.", ""]
    told = [*head, "| code | cause | 원인 | severity |", "|---|---|---|---|"]
    for name, cause in sorted(english.causes.items(), key=lambda one: one[1].code):
        other = korean.causes[name].title
        row = (f"[{cause.code}]({cause.code}.md)", cause.title, other, cause.severity)
        told.append(f"| {' | '.join(map(_cell, row))} |")
    return NOTE + "\n".join([*told, ""])


def _codes_index(known: Knowledge) -> str:
    head = [
        "# Codes and names the doctor knows",
        "",
        "A code may be typed in any notation: 0x80070005, 2147942405 and -2147024891 are one.",
        "The causes stand in the order in which to look.",
        "",
        "| code or name | symptom | causes |",
        "|---|---|---|",
    ]
    return NOTE + "\n".join([*head, *sorted(_code_rows(known)), ""])


def _code_rows(known: Knowledge) -> Iterator[str]:
    for symptom in known.symptoms.values():
        causes = ", ".join(f"[{one.code}](../errors/{one.code}.md)" for one in symptom.causes)
        for key in [*symptom.codes, *symptom.names] or ["-"]:
            yield f"| {_cell(key)} | {_cell(symptom.title)} | {causes} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
