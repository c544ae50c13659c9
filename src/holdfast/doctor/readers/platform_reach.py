"""Our own trial of the way to the platform: one JSON line for each port."""

import json
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Reach
from holdfast.doctor.readers.linux_lines import lines_of
from holdfast.doctor.readers_registry import reader

_KIND = "platform-reach"


def _is_trial(head: str, _file: str) -> bool:
    return f'"holdfast":"{_KIND}"' in head.replace('": "', '":"')


@reader("linux.platform-reach", accepts=_is_trial)
def read_trials(artefact: Artefact) -> Iterator[Reach]:
    for line in lines_of(artefact):
        try:
            said = json.loads(line.text)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("holdfast") == _KIND:
            yield Reach(
                span=line.span,
                target=str(said.get("target", "")),
                stage=str(said.get("stage", "")),
                reached=said.get("reached") is True,
                seen=str(said.get("seen", "")),
            )
