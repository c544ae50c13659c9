"""Lines of our own probes with fields that anybody may have written."""

import json
from collections.abc import Mapping

from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import Report, diagnose
from holdfast.doctor.facts import Fact
from holdfast.doctor.loading import load
from holdfast.doctor.reading import Reading

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def examined(data: st.DataObject, kinds: Mapping[str, Mapping[str, type[Fact]]]) -> Report:
    """One line of one of these kinds, with whatever hypothesis puts into its fields."""
    known = [(probe, word, kind) for probe, all_ in kinds.items() for word, kind in all_.items()]
    probe, word, kind = data.draw(st.sampled_from(known))
    fields = data.draw(st.dictionaries(st.sampled_from(list(kind.__slots__)), _VALUES))
    text = json.dumps({"holdfast": word, "vm": "web", **fields})
    reading = Reading(load())
    reading.read([from_text(probe, text.encode(), probe=probe, whole=True)])
    return diagnose(load(), reading)
