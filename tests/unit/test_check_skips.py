"""CI notices a test that did not run."""

from pathlib import Path

from tools.check_skips import unexpected

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="ran"/>
<testcase classname="tests.a" name="no_mount"><skipped type="pytest.skip" message="needs root"/></testcase>
<testcase classname="tests.a" name="no_disk"><skipped type="pytest.skip" message="no disk"/></testcase>
<testcase classname="tests.a" name="known"><skipped type="pytest.xfail" message="a bug"/></testcase>
</testsuite></testsuites>"""


def test_only_a_skip_without_permission_is_named(tmp_path: Path) -> None:
    report, allowed = tmp_path / "report.xml", tmp_path / "allowed"
    report.write_text(REPORT, encoding="utf-8")
    allowed.write_text("# reasons\nneeds root\n", encoding="utf-8")

    assert list(unexpected(report, allowed)) == ["tests.a::no_disk: no disk"]


def test_empty_list_allows_nothing(tmp_path: Path) -> None:
    report, allowed = tmp_path / "report.xml", tmp_path / "allowed"
    report.write_text(REPORT, encoding="utf-8")
    allowed.write_text("# reasons\n", encoding="utf-8")

    assert len(list(unexpected(report, allowed))) == 2
