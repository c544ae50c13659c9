from holdfast.vault.policy.prune import PackFacts, PruneLimits, choose_packs

MIB = 1 << 20


def pack(number: int, used: int, unused: int = 0, **more: bool) -> PackFacts:
    """Numbers in MiB."""
    size = (used + unused) * MIB
    return PackFacts(number=number, size=size, used=used * MIB, unused=unused * MIB, **more)


def test_full_packs_stay_and_useless_ones_go() -> None:
    choice = choose_packs([pack(0, 16), pack(1, 0, 16), pack(2, 16)], PruneLimits())

    assert (choice.keep, choice.delete, choice.repack) == ([0, 2], [1], [])


def test_a_little_waste_is_tolerated() -> None:
    packs = [pack(0, 16, 1), *(pack(number, 16) for number in range(1, 9))]

    assert choose_packs(packs, PruneLimits()).repack == []


def test_the_most_wasteful_packs_are_written_anew_until_the_rest_is_tolerable() -> None:
    packs = [pack(0, 15, 1), pack(1, 2, 14), pack(2, 8, 8), *(pack(n, 16) for n in range(3, 9))]

    assert choose_packs(packs, PruneLimits()).repack == [1, 2]


def test_no_waste_at_all_may_be_asked_for() -> None:
    choice = choose_packs([pack(0, 15, 1), pack(1, 16)], PruneLimits(max_unused=0))

    assert choice.repack == [0]


def test_any_waste_may_be_tolerated() -> None:
    assert choose_packs([pack(0, 1, 15)], PruneLimits(max_unused=1)).repack == []


def test_mixed_packs_are_split_and_trees_cleaned_even_when_little_is_wasted() -> None:
    packs = [
        pack(0, 16, is_mixed=True, has_trees=True),
        pack(1, 16, 1, has_trees=True),
        *(pack(number, 16) for number in range(2, 99)),
    ]

    assert choose_packs(packs, PruneLimits()).repack == [0, 1]


def test_small_packs_are_merged_when_there_are_many_of_a_kind() -> None:
    few = [pack(number, 1) for number in range(9)]
    many = [*few, pack(9, 1)]
    other_kind = [*few, pack(9, 1, has_trees=True)]

    assert choose_packs(few, PruneLimits()).repack == []
    assert choose_packs(many, PruneLimits()).repack == list(range(10))
    assert choose_packs(other_kind, PruneLimits()).repack == []


def test_a_run_copies_no_more_than_allowed() -> None:
    packs = [pack(0, 4, 12), pack(1, 8, 8), pack(2, 10, 6)]

    assert choose_packs(packs, PruneLimits(max_unused=0, max_repack=12 * MIB)).repack == [0, 1]
