"""Korean particles follow the sound of the word before them."""

import pytest

from holdfast.base.korean import with_particles


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("디스크이(가) 없음", "디스크가 없음"),
        ("볼륨이(가) 없음", "볼륨이 없음"),
        ("볼륨을(를) 연다", "볼륨을 연다"),
        ("파일은(는) 있다", "파일은 있다"),
        ("폴더와 파일과(와)", "폴더와 파일과"),
        ("폴더(으)로", "폴더로"),
        ("볼륨(으)로", "볼륨으로"),
        # A word that ends in ㄹ takes 로 but 을.
        ("파일(으)로", "파일로"),
        ("파일을(를)", "파일을"),
        # Digits and letters as they are read aloud: 3 is 삼, 2 is 이, l is 엘, s is 에스.
        ("3을(를)", "3을"),
        ("2을(를)", "2를"),
        ("1(으)로", "1로"),
        ("waagent.xml이(가)", "waagent.xml이"),
        ("/dev/sdb1은(는)", "/dev/sdb1은"),
        ("status은(는)", "status는"),
        # Brackets and quotes are not spoken.
        ("`폴더`이(가)", "`폴더`가"),
        ('"볼륨"을(를)', '"볼륨"을'),
        ("(볼륨)이(가)", "(볼륨)이"),
    ],
)
def test_particle_fits_the_sound(written: str, said: str) -> None:
    assert with_particles(written) == said


@pytest.mark.parametrize("unsure", ["é이(가)", "% 이(가)", "이(가)"])
def test_particle_that_is_unsure_stays_written_out(unsure: str) -> None:
    assert with_particles(unsure) == unsure


def test_every_particle_of_a_sentence_is_chosen() -> None:
    assert with_particles("서비스이(가) 볼륨을(를) 2(으)로") == "서비스가 볼륨을 2로"
