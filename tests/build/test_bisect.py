from hypothesis import given
from hypothesis import strategies as st

from dockopt.build.bisect import first_failing


@given(st.integers(1, 200).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count))))
def test_names_the_guilty_with_few_questions(case: tuple[int, int]) -> None:
    count, guilty = case
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number < guilty

    assert first_failing(count, holds) == guilty
    assert 2 ** len(asked) <= 2 * max(count - 1, 1)
    assert count not in asked and 0 not in asked


def test_five_questions_for_twenty() -> None:
    for guilty in range(1, 21):
        asked: list[int] = []
        assert first_failing(20, lambda number: not asked.append(number) and number < guilty) == guilty  # type: ignore[func-returns-value]  # noqa: B023
        assert len(asked) <= 5


def test_what_is_known_to_hold_is_not_asked() -> None:
    asked: list[int] = []
    assert first_failing(8, lambda number: not asked.append(number) and number < 7, good=6) == 7  # type: ignore[func-returns-value]
    assert asked == [7]
