"""Why a point is less consistent is kept in English and told in the language in use."""

from holdfast.base.texts import use_language
from holdfast.machines.downgrades import downgrade, reasons_text


def test_reasons_are_told_in_korean_but_for_what_was_seen() -> None:
    found = [downgrade("freeze-never"), downgrade("partly-frozen", "not frozen: /data")]

    use_language("ko")
    korean = reasons_text(found)
    use_language("en")

    assert korean == "설정에 따라 이 머신은 동결하지 않음; not frozen: /data"
    assert reasons_text(found) == "this machine is never frozen, as it is set; not frozen: /data"
