"""Plans to mend: the values of a verdict fill them in, and never become code."""

from holdfast.doctor.catalogue_types import Remedy, Step
from holdfast.doctor.mending import RunCommand, SetKey, StartService, plan_act, with_key
from holdfast.doctor.model import Span, confirmed

SPAN = Span(artefact="a", first=1, last=1, excerpt="x")


def _remedy(action: str, **given: str) -> Remedy:
    return Remedy(title="t", steps=(Step(text="s"),), action=action, given=given)


def test_values_of_the_verdict_fill_the_plan() -> None:
    verdict = confirmed(SPAN, unit="walinuxagent", file="/etc/waagent.conf")

    assert plan_act(_remedy("start-service", unit="{unit}"), verdict) == StartService(
        unit="walinuxagent"
    )
    assert plan_act(
        _remedy("set-key", file="{file}", key="Logs.Verbose", value="n"), verdict
    ) == SetKey(file="/etc/waagent.conf", key="Logs.Verbose", value="n")


def test_a_value_from_a_log_stays_one_word_of_a_command() -> None:
    verdict = confirmed(SPAN, path="/tmp/x; rm -rf /")

    act = plan_act(_remedy("run", command="ls -l {path}"), verdict)

    assert act == RunCommand(arguments=("ls", "-l", "/tmp/x; rm -rf /"))


def test_without_the_value_it_needs_there_is_no_plan() -> None:
    assert plan_act(_remedy("start-service", unit="{unit}"), confirmed(SPAN)) is None
    assert plan_act(_remedy(""), confirmed(SPAN)) is None


def test_a_key_is_set_where_it_stands() -> None:
    text = "# comment\nExtensions.Enabled=n\nLogs.Verbose=n\n"

    assert with_key(text, "Extensions.Enabled", "y") == (
        "# comment\nExtensions.Enabled=y\nLogs.Verbose=n\n"
    )


def test_a_key_that_is_only_a_comment_comes_to_life_and_a_new_one_goes_to_the_end() -> None:
    assert with_key("# HttpProxy.Host=None\n", "HttpProxy.Host", "p") == "HttpProxy.Host=p\n"
    assert with_key("A=1", "B", "2") == "A=1\nB=2\n"


def test_a_live_key_wins_over_its_comment() -> None:
    assert with_key("#A=1\nA=2\n", "A", "3") == "#A=1\nA=3\n"


def test_a_service_may_have_several_names_and_a_key_its_service() -> None:
    verdict = confirmed(SPAN, unit="agent", key="K", wanted="y")
    start = _remedy("start-service", unit="{unit} other", fallback="agent -start")
    change = _remedy("set-key", file="/etc/a", key="{key}", value="{wanted}", restart="agent")

    acts = [plan_act(remedy, verdict) for remedy in (start, change)]

    assert [act.shown for act in acts if act] == [
        "service agent start",
        "/etc/a: K=y; service agent restart",
    ]
