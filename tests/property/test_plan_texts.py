"""Whatever a plan's file is: it is a plan, or each mistake has a line of it and a cure."""

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.recovery.plans.plan import Kind
from holdfast.recovery.plans.reading import examine
from holdfast.recovery.plans.steps import steps_of

_PLAN = b"""\
version: 1
name: shop
rto: 30m
at-once: 2
test: {point: latest-app, checks: [agent, 'tcp:22']}
addresses: {192.0.2.0/24: {to: 198.51.100.0/24, dns: [198.51.100.53]}}
groups:
  - name: one
    pre:
      - confirm: Is it gone?
        only: [unplanned]
    machines:
      - db1
      - {vm: db2, needs: [db1], force: true, timeout: 1h}
    post:
      - guest-script: sync
        in: db2
      - webhook: https://example.org/up
"""
_WRONG = (
    *(b"\t", b"\xff", b"\x00", b"&a ", b"*a", b"!x ", b"[", b"{", b"}", b": ", b"- ", b"\n", b"'"),
    *(b'"\\ud800"', b"~", b"---\n", b"9" * 5000, b"<<: ", b"db1", b"needs: [db2]\n", b"name: a\n"),
)
_PIECES = st.sampled_from(_WRONG) | st.binary(max_size=4)
_LINES = _PLAN.splitlines(keepends=True)


def _with_value(line: bytes, value: bytes) -> bytes:
    """In place of what stands there; so it meets each reader of a value."""
    name, sign, _old = line.partition(b": ")
    return name + sign + value + b"\n" if sign else name[:-1] + value + b"\n"


@settings(max_examples=300)
@given(changes=st.lists(st.tuples(st.sampled_from(range(len(_LINES))), _PIECES), max_size=3))
def test_a_file_is_a_plan_or_each_mistake_has_its_line(changes: list[tuple[int, bytes]]) -> None:
    lines = list(_LINES)
    for number, piece in changes:
        lines[number] = _with_value(lines[number], piece)
    content = b"".join(lines)

    plan, problems = examine(content)

    assert (plan is None) == bool(problems)
    last = len(content.splitlines()) + 1
    for one in problems:
        assert 1 <= one.line <= last
        assert one.problem.encode()
        assert one.cure.encode()
    if plan is not None:
        assert all(steps_of(plan, kind) for kind in Kind)
