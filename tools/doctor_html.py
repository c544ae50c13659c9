"""One static page to search the doctor's catalogue in, without a server and without requests."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from holdfast.base.texts import _, use_language
from holdfast.doctor.report.citing import cite
from holdfast.doctor.report.phrases import fill, risk, severity
from holdfast.doctor.report.text import threshold_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.doctor.report import document as shown
    from tools.doctor_pages import Knowledge

_PAGE = """\
<!doctype html>
<html lang="en">
<!-- Written by `./run docs` from the catalogue. -->
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Holdfast doctor</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ margin: 0 auto; max-width: 60rem; padding: 1rem; }}
header {{ position: sticky; top: 0; background: Canvas; padding: .5rem 0; }}
input {{ font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; }}
details {{ border-bottom: 1px solid GrayText; padding: .4rem 0; }}
details details {{ border: 0; margin-left: 1rem; }}
summary {{ cursor: pointer; }}
code, pre {{ font-family: ui-monospace, monospace; overflow-x: auto; }}
.quiet {{ color: GrayText; font-size: .85em; }}
[hidden], :root[lang=en] [lang=ko], :root[lang=ko] [lang=en]:not(html) {{ display: none; }}
</style>
<header>
<h1>Holdfast doctor</h1>
<label for="q"><span lang="en">Code, name, words of a message</span><span lang="ko">코드, 이름, 메시지의 단어</span></label>
<input id="q" type="search" autofocus>
<p><button type="button" id="lang">English / 한국어</button> <output id="count" for="q"></output></p>
</header>
<main>
{entries}
</main>
<script>
"use strict";
const all = [...document.querySelectorAll("main > details")];
const texts = all.map(one => (one.dataset.keys + " " + one.textContent).toLowerCase());
const query = document.getElementById("q"), count = document.getElementById("count");
function hresult(word) {{
  const number = /^-?\\d+$/.test(word) ? Number(word) : NaN;
  const value = number < 0 ? number + 4294967296 : number;
  return value >= 2147483648 ? "0x" + value.toString(16) : word;
}}
function search() {{
  const words = query.value.toLowerCase().split(/\\s+/).filter(Boolean).map(hresult);
  let shown = 0;
  all.forEach((one, at) => {{
    one.hidden = !words.every(word => texts[at].includes(word));
    shown += !one.hidden;
  }});
  count.textContent = shown + " / " + all.length;
  history.replaceState(null, "", "#" + encodeURIComponent(query.value));
}}
query.addEventListener("input", search);
document.getElementById("lang").addEventListener("click", () => {{
  const root = document.documentElement;
  root.lang = root.lang === "en" ? "ko" : "en";
}});
if (navigator.language.startsWith("ko")) document.documentElement.lang = "ko";
function follow() {{
  query.value = decodeURIComponent(location.hash.slice(1));
  search();
  const named = document.getElementById(query.value);
  if (named) named.open = true;
}}
window.addEventListener("hashchange", follow);
follow();
</script>
</html>
"""


def page(english: Knowledge, korean: Knowledge) -> str:
    entries = [*_symptoms(english, korean), *_causes(english, korean), *_notes(english, korean)]
    use_language("en")
    return _PAGE.format(entries="\n".join(entries))


def limits(cause: shown.CauseExplained) -> list[str]:
    return [threshold_line(one) for one in cause.thresholds]


def _symptoms(english: Knowledge, korean: Knowledge) -> Iterator[str]:
    for name, symptom in english.symptoms.items():
        keys = " ".join([name, *symptom.codes, *symptom.names])
        spoken = [
            _in(known, known.symptoms[name].title, "".join(_symptom(known.symptoms[name])))
            for known in (english, korean)
        ]
        yield _entry(keys, [*symptom.codes, *symptom.names], spoken)


def _causes(english: Knowledge, korean: Knowledge) -> Iterator[str]:
    for name, cause in english.causes.items():
        spoken = []
        for known in (english, korean):
            use_language(known.language)
            spoken.append(_in(known, known.causes[name].title, "".join(_cause(known.causes[name]))))
        yield _entry(f"{name} {cause.code}", [cause.code], spoken, anchor=cause.code)


def _notes(english: Knowledge, korean: Knowledge) -> Iterator[str]:
    for name in english.notes:
        spoken = [
            _in(known, known.notes[name].title, f"<p>{escape(known.notes[name].text)}</p>")
            for known in (english, korean)
        ]
        yield _entry(name, [], spoken)


def _in(known: Knowledge, title: str, body: str) -> tuple[str, str]:
    """Title and body of one language."""
    lang = known.language
    return f'<span lang="{lang}">{escape(title)}</span>', f'<div lang="{lang}">{body}</div>'


def _entry(
    keys: str, shown_keys: list[str], spoken: list[tuple[str, str]], anchor: str = ""
) -> str:
    titles, bodies = zip(*spoken, strict=True)
    named = f' id="{escape(anchor)}"' if anchor else ""
    codes = " ".join(f"<code>{escape(key)}</code>" for key in shown_keys)
    return (
        f'<details{named} data-keys="{escape(keys)}"><summary>{"".join(titles)} {codes}</summary>'
        f"{''.join(bodies)}</details>"
    )


def _symptom(symptom: shown.SymptomExplained) -> Iterator[str]:
    if symptom.meaning:
        yield f"<p>{escape(symptom.meaning)}</p>"
    yield "<ol>"
    for cause in symptom.causes:
        yield f'<li><a href="#{escape(cause.code)}">{escape(cause.code)}</a> {escape(cause.title)}</li>'
    yield "</ol>"
    yield _refs(symptom.refs)


def _cause(cause: shown.CauseExplained) -> Iterator[str]:
    yield f'<p class="quiet">{escape(severity(cause.severity))} · {escape(cause.cause)}</p>'
    yield f"<p>{escape(cause.why)}</p>"
    yield f"<p>{escape(fill(_('Check: {check}'), check=cause.check))}</p>"
    lines = [*limits(cause), *(f"{need.title}: {need.obtain}" for need in cause.needs)]
    yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
    for remedy in cause.remedies:
        yield from _remedy(remedy)
    yield _refs(cause.refs)


def _remedy(remedy: shown.RemedyShown) -> Iterator[str]:
    title = fill(_("What to do: {title} ({risk})"), title=remedy.title, risk=risk(remedy.risk))
    yield f"<p><b>{escape(title)}</b></p><ol>"
    for step in remedy.steps:
        typed = f"<pre>{escape(step.type)}</pre>" if step.type else ""
        yield f"<li>{escape(step.text)}{typed}</li>"
    yield "</ol>"
    if remedy.verify:
        yield f"<p>{escape(fill(_('It worked when: {verify}'), verify=remedy.verify))}</p>"
    if remedy.undo:
        yield f"<p>{escape(fill(_('To undo: {undo}'), undo=remedy.undo))}</p>"


def _refs(refs: list[str]) -> str:
    return f'<p class="quiet">{escape(cite(refs))}</p>' if refs else ""
