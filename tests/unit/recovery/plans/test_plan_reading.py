"""What a plan's file says, and what is said of one that is wrong."""

import pytest

from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.plans.plan import ActionKind, Kind, OnFailure, Plan
from holdfast.recovery.plans.plan_errors import PlanWrong
from holdfast.recovery.plans.reading import examine, read_plan
from holdfast.recovery.plans.reading_values import Problem
from holdfast.recovery.plans.steps import steps_of

GOOD = """
name: shop
networks: {office: office-dr}
point: latest-app
on-failure: ask
test:
  networks: {office: drill}
  checks: [agent]
groups:
  - name: databases
    on-failure: stop
    pre:
      - confirm: Is the array up?
        only: [planned, unplanned]
        timeout: 1h
    machines:
      - db1
      - vm: db2
        needs: db1
        point: latest
        networks: {backup: backup-dr}
        test: {checks: [runs]}
        post:
          - guest-script: systemctl start shop
            timeout: 90s
            on-failure: go-on
  - name: front
    machines: [{vm: web, timeout: 1h, shutdown-within: 2m, force: true}]
    post:
      - webhook: https://example.org/up
"""


def read(text: str) -> Plan:
    return read_plan(text.encode(), "shop.yaml")


def wrong(text: str) -> list[tuple[int, str]]:
    plan, problems = examine(text.encode())
    assert plan is None
    assert all(one.cure for one in problems)
    return [(one.line, one.problem) for one in problems]


def test_what_is_said_further_out_counts_where_nothing_is_said() -> None:
    databases, front = read(GOOD).groups

    db1, db2 = databases.machines
    (web,) = front.machines
    assert (db1.point, db2.point, web.point) == ("latest-app", "latest", "latest-app")
    assert (db1.test_point, db2.test_point) == ("latest-app", "latest")
    assert db2.networks == {"office": "office-dr", "backup": "backup-dr"}
    assert (web.networks, web.test_networks) == ({"office": "office-dr"}, {"office": "drill"})
    assert (db1.checks, db2.checks) == (("agent",), ("runs",))
    assert (db1.on_failure, web.on_failure) == (OnFailure.STOP, OnFailure.ASK)
    assert (db1.timeout, web.timeout) == (1800, 3600)
    assert (web.shutdown, web.is_forced, db1.is_forced) == (120, True, False)


ADDRESSED = """
name: shop
addresses:
  192.0.2.0/24: {to: 198.51.100.0/24, gateway: 198.51.100.1, dns: [198.51.100.53]}
test:
  addresses: {192.0.2.0/24: 203.0.113.0/24}
groups:
  - name: databases
    machines:
      - db1
      - vm: db2
        addresses: {office: 198.51.100.40/24, '52:54:00:AA:BB:01': 2001:db8::7/64}
        test:
          addresses: {192.0.2.0/24: 203.0.113.0/24, office: {to: 203.0.113.40/24}}
"""


def test_addresses_of_networks_count_for_all_and_those_of_cards_for_their_machine() -> None:
    (databases,) = read(ADDRESSED).groups

    db1, db2 = databases.machines
    network = AddressRule(to="198.51.100.0/24", gateway="198.51.100.1", dns=("198.51.100.53",))
    assert db1.addresses == {"192.0.2.0/24": network}
    assert db2.addresses == {
        "192.0.2.0/24": network,
        "office": AddressRule(to="198.51.100.40/24"),
        "52:54:00:aa:bb:01": AddressRule(to="2001:db8::7/64"),
    }
    assert db1.test_addresses == {"192.0.2.0/24": AddressRule(to="203.0.113.0/24")}
    assert db2.test_addresses["office"] == AddressRule(to="203.0.113.40/24")


@pytest.mark.parametrize(
    ("where", "said", "line", "problem"),
    [
        ("", "addresses: 192.0.2.0/24", 2, "'addresses' must say an address for each network"),
        ("", "addresses: {lan: 198.51.100.7/24}", 2, "'lan' is no network"),
        ("  ", "addresses: {lan: 198.51.100.7}", 6, "'lan' cannot become '198.51.100.7'"),
        (
            "  ",
            "addresses: {192.0.2.0/24: 198.51.100.0/25}",
            6,
            "'192.0.2.0/24' cannot become '198.51.100.0/25'",
        ),
        ("  ", "addresses:\n      lan: {to: 192.0.2.7/24, gateway: gw}", 7, "'gw' is no address"),
        ("  ", "addresses:\n      lan: {to: 192.0.2.7/24, mtu: 9}", 7, "'mtu' is not known here"),
        ("  ", "test: {addresses: {a/b/c: 192.0.2.7}}", 6, "'a/b/c' cannot become '192.0.2.7'"),
    ],
)
def test_an_address_that_is_none_is_named(where: str, said: str, line: int, problem: str) -> None:
    outer, inner = ("", f"\n    {said}") if where else (f"\n{said}", "")

    text = f"name: a{outer}\ngroups:\n- name: g\n  machines:\n  - vm: x{inner}\n"

    assert (line, problem) in wrong(text)


def test_actions_belong_to_their_kinds_of_run() -> None:
    plan = read(GOOD)

    (asks,) = plan.groups[0].pre
    (inside,) = plan.groups[0].machines[1].post
    assert (asks.kind, asks.timeout) == (ActionKind.CONFIRM, 3600)
    assert (inside.machine, inside.timeout, inside.on_failure) == ("db2", 90, OnFailure.GO_ON)
    assert "databases/pre-1" not in [step.id for step in steps_of(plan, Kind.TEST)]
    assert "databases/pre-1" in [step.id for step in steps_of(plan, Kind.PLANNED)]


def test_all_that_is_wrong_is_named_at_once_with_its_line() -> None:
    text = (
        "name: shop\nat-once: none\ngroups:\n- name: a b\n  machines:\n  - vm: x\n    needz: [y]\n"
    )

    assert wrong(text) == [
        (2, "'none' is no number of machines"),
        (4, "'a b' is not fit for a name"),
        (7, "'needz' is not known here"),
    ]


def test_a_near_name_is_offered() -> None:
    _plan, problems = examine(b"name: a\ngruops: []\n")

    assert "Did you mean 'groups'?" in [one.cure for one in problems]


def test_error_says_where_and_how_much_more() -> None:
    with pytest.raises(PlanWrong) as caught:
        read("name: 'a b'\nrto: soon\ngroups: [{name: g, machines: [x]}]\n")

    assert str(caught.value) == "shop.yaml, line 1: 'a b' is not fit for a name (and 1 more)"
    assert "holdfast plan check shop.yaml" in caught.value.advice


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "there is nothing in it"),
        ("- a\n- b\n", 1, "a plan is a list of names and values"),
        ("name: [a\n", 2, "this is no YAML: expected ',' or ']', but got '<stream end>'"),
        ("name: a\nname: b\n", 2, "'name' stands here a second time"),
        ("name: x\ndescription: *a\n", 2, "an alias (*a) is not taken"),
        ("name: &a x\n", 1, "an anchor (&a) is not taken"),
        ("name: a\ngroups: &g []\n", 2, "an anchor (&g) is not taken"),
        ("name: a\ndescription: !text x\n", 2, "a tag (!text) is not taken"),
        ("name: a\ngroups: !!set {x}\n", 2, "a tag (tag:yaml.org,2002:set) is not taken"),
        ("name: a\ngroups:\n\t- name: g\n", 3, "there is a tab where YAML takes none"),
        ("name: a\n---\nname: b\n", 2, "a second plan begins here"),
        ("name: a\ndescription: \x1b[31m\n", 2, "there is a character nobody can see (U+001B)"),
        ('name: a\ndescription: "\\e[31m"\n', 2, "there is a character nobody can see (U+001B)"),
        ('name: a\n"\\0": b\n', 2, "there is a character nobody can see (U+0000)"),
        ('name: "\\ud800"\n', 1, "there is a character nobody can see (U+D800)"),
        ("version: 2\n", 1, "a plan of version 2 is not known"),
        (f"name: a\nat-once: {'9' * 12}\n", 2, "'999999999999' is no number of machines"),
        ("name: a\ntimeout: 400d\n", 2, "'400d' is too long"),
        ("name: ~\n", 1, "'name' must be a text"),
        ("name: a\ngroups: []\n", 2, "'groups' must be a list with something in it"),
        ("name: a\nrto: 5\n", 2, "'5' is no length of time"),
        ("name: a\non-failure: no\n", 2, "'no' is not known for 'on-failure'"),
        ("name: a\ngroups: [{name: g, machines: [a/b]}]\n", 2, "no machine is called 'a/b'"),
        (
            "name: a\ngroups:\n- name: g\n  pre:\n  - script: x\n    webhook: http://h\n  machines: [x]\n",
            5,
            "an action does one thing, and this does 2",
        ),
        (
            "name: a\ngroups:\n- name: g\n  pre: [{webhook: 'ftp://h'}]\n  machines: [x]\n",
            4,
            "'ftp://h' is no address of a webhook",
        ),
    ],
)
def test_what_does_not_read_is_named(text: str, line: int, problem: str) -> None:
    assert (line, problem) in wrong(text)


@pytest.mark.parametrize(
    ("groups", "line", "problem"),
    [
        ("- {name: g, machines: [x]}\n- {name: g, machines: [y]}\n", 4, "two groups are called g"),
        ("- {name: g, machines: [x, x]}\n", 3, "the machine x stands there twice"),
        ("- {name: g, machines: [{vm: x, needs: y}]}\n", 3, "x needs y, which is not in its group"),
        (
            "- {name: g, machines: [{vm: x, needs: y}, {vm: y, needs: x}]}\n",
            3,
            "x waits for itself: x → y → x",
        ),
        ("- {name: g, machines: [{vm: x, needs: x}]}\n", 3, "x waits for itself: x → x"),
        (
            "- name: g\n  machines: [{vm: w, needs: x}, {vm: x, needs: [v, y]}, {vm: y, needs: x}, v]\n",
            4,
            "x waits for itself: x → y → x",
        ),
        (
            "- {name: g, machines: [x]}\n- {name: h, machines: [x]}\n",
            4,
            "the machine x stands there twice",
        ),
        (
            "- name: x\n  machines: [a]\n- name: h\n  machines:\n  - {vm: x, needs: y}\n",
            7,
            "x needs y, which is not in its group",
        ),
        (
            "- {name: g, pre: [{guest-script: a}], machines: [x]}\n",
            3,
            "'a' does not say in whose guest it runs",
        ),
        (
            "- {name: g, pre: [{guest-script: a, in: x}], machines: [x]}\n",
            3,
            "'a' runs in x, which is not up by then",
        ),
        (
            "- name: g\n  machines: [{vm: x, pre: [{guest-script: a}]}]\n",
            4,
            "'a' runs in x, which is not up by then",
        ),
        (
            "- {name: g, post: [{script: a, in: x}], machines: [x]}\n",
            3,
            "'a' runs in no guest, and says in which",
        ),
    ],
)
def test_what_makes_no_sense_is_named(groups: str, line: int, problem: str) -> None:
    assert (line, problem) in wrong(f"name: a\ngroups:\n{groups}")


def test_one_mistake_is_named_once() -> None:
    text = "name: a\nrto: [5m]\nat-once:\ngroups: [{name: g, machines: [{vm: x, force: []}]}]\n"

    assert wrong(text) == [
        (2, "'rto' must be a text"),
        (3, "'at-once' must be a text"),
        (4, "'force' must be a text"),
    ]


def test_an_action_of_no_kind_of_run_is_a_mistake() -> None:
    text = "name: a\ngroups:\n- name: g\n  pre: [{script: x, only: []}]\n  machines: [x]\n"

    assert wrong(text) == [(4, "'only' names no kind of run")]


def test_what_is_said_of_a_file_full_of_mistakes_stays_short() -> None:
    number, digits = 5000, "9" * 5000
    text = "".join(f"k{one}: 1\n" for one in range(number)) + f"at-once: {digits}\nrto: {digits}s\n"

    plan, problems = examine(text.encode())

    assert plan is None
    assert len(problems) == 101
    assert problems[-1].problem.startswith("49")
    assert problems[-1].problem.endswith(" more mistakes")
    assert max(len(one.problem) for one in wrong_of(digits)) < 300


def wrong_of(digits: str) -> list[Problem]:
    _plan, problems = examine(f"name: {digits}\nat-once: {digits}\nrto: {digits}s\n".encode())
    return list(problems)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"name: a\ndescription: caf\xe9\n", 2, "it is no text in UTF-8"),
        (b"name: a\n# \xff\n", 2, "it is no text in UTF-8"),
        (b"name: a\n# \x00\n", 2, "there is a character nobody can see (U+0000)"),
    ],
)
def test_bytes_that_are_no_text_are_named_where_they_stand(
    content: bytes, line: int, problem: str
) -> None:
    _plan, problems = examine(content)

    assert [(one.line, one.problem) for one in problems] == [(line, problem)]


def test_a_check_that_is_none_is_named() -> None:
    text = "name: a\ntest: {checks: [pong]}\ngroups: [{name: g, machines: [x]}]\n"

    ((line, problem),) = wrong(text)

    assert line == 3
    assert "'pong' is no check of a test failover" in problem


def test_texts_are_taken_as_they_stand() -> None:
    plan = read("name: 010\ngroups: [{name: no, machines: [12:30, yes]}]\n")

    assert plan.name == "010"
    assert plan.groups[0].name == "no"
    assert [machine.vm for machine in plan.machines] == ["12:30", "yes"]


def test_a_file_of_other_bytes_is_no_plan() -> None:
    for content in (b"\xff\xfe\x00", b"\x00" * 10, b"a" * (2 << 20), b"[" * 5000):
        plan, problems = examine(content)

        assert plan is None
        assert problems
