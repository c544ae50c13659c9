"""What comes over the link, however it is cut up and whatever it is."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication import link_frames as frames
from holdfast.replication.link_channel import _Incoming
from holdfast.replication.link_frames import Answer, Ask, Beat, Data, Garbled, Head, Kind

_NUMBERS = st.integers(0, 1 << 60)
_HEADS: st.SearchStrategy[Head] = st.one_of(
    st.builds(Ask, _NUMBERS, st.text(max_size=20)),
    st.builds(Answer, _NUMBERS),
    st.builds(Data, _NUMBERS, _NUMBERS),
    st.just(Beat()),
)
_FRAMES = st.lists(st.tuples(_HEADS, st.binary(max_size=300)), max_size=8)


class _Source:
    """Gives what there is in pieces of these sizes."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def fill(self, view: memoryview) -> int:
        if not self._pieces:
            return 0
        piece = self._pieces.pop(0)
        taken, rest = piece[: len(view)], piece[len(view) :]
        view[: len(taken)] = taken
        if rest:
            self._pieces.insert(0, rest)
        return len(taken)


@given(sent=_FRAMES, cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_frames_arrive_however_they_are_cut_up(
    sent: list[tuple[Head, bytes]], cuts: list[int]
) -> None:
    content = b"".join(frames.encode(head, len(load)) + load for head, load in sent)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    source = _Source([content[begin:end] for begin, end in pairwise(edges)])

    incoming = _Incoming()
    found = []
    while (frame := incoming.advance(source.fill)) is not None:
        found.append((frame.head, bytes(frame.payload)))

    assert found == sent


@given(st.binary(max_size=400))
def test_rubbish_is_refused_or_waited_for(content: bytes) -> None:
    source = _Source([content])
    incoming = _Incoming()

    try:
        while incoming.advance(source.fill) is not None:
            pass
    except Garbled:
        return


@given(kind=st.sampled_from(list(Kind)), packed=st.binary(max_size=100))
def test_a_head_is_read_or_refused(kind: Kind, packed: bytes) -> None:
    try:
        head = frames.parse_head(kind, packed)
    except Garbled:
        return

    assert frames.encode(head)


@given(_FRAMES, st.data())
def test_a_frame_that_was_changed_is_never_something_else_than_a_frame(
    sent: list[tuple[Head, bytes]], data: st.DataObject
) -> None:
    content = bytearray(b"".join(frames.encode(head, len(load)) + load for head, load in sent))
    if content:
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    source = _Source([bytes(content)])

    incoming = _Incoming()
    try:
        while (frame := incoming.advance(source.fill)) is not None:
            assert len(frame.payload) <= frames.LONGEST_PAYLOAD
    except Garbled:
        return
