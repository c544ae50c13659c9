"""Why something was left out, in the codes people search for."""

import errno

import pytest

from holdfast.files.report import SKIP_SENTENCES, SkipReason, reason_of


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ((errno.EIO, errno.EUCLEAN, errno.EBADMSG), "0x80070570"),
        ((errno.ENOENT,), "0x80070002"),
        ((errno.ENOTDIR,), "0x80070003"),
        ((errno.EACCES, errno.EPERM), "0x80070005"),
        ((errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT), "0x8007018b"),
        ((errno.EMFILE, errno.ENOMEM, 0), "other"),
    ],
)
def test_an_errno_has_its_code(numbers: tuple[int, ...], code: str) -> None:
    assert {reason_of(number).value for number in numbers} == {code}


def test_every_reason_has_a_sentence() -> None:
    assert SKIP_SENTENCES.keys() == set(SkipReason)
