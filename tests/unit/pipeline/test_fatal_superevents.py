"""One superevent that ends the run for all is found, and the others are made."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sirenflow.pipeline.fatal_superevents import MAX_FUTILE_ATTEMPTS, Attempt, build_separately
from sirenflow.pipeline.progress import RunError


class Snakemake:
    """Ends before the first job if one of the blockers is among those wanted."""

    def __init__(self, blockers: set[str], *, is_broken: bool = False) -> None:
        self.blockers = blockers
        self.is_broken = is_broken
        self.made: list[str] = []
        self.attempts = 0

    def build(self, names: Sequence[str]) -> Attempt:
        self.attempts += 1
        found = sorted(self.blockers & set(names))
        if self.is_broken or found:
            return Attempt(succeeded=False, errors=(RunError(f"{found}"),), unfinished=tuple(names))
        self.made += names
        return Attempt(succeeded=True)


NAMES = [f"S{number:06}a" for number in range(100)]


@pytest.mark.parametrize("numbers", [(), (0,), (99,), (17, 18), (0, 50, 99)])
def test_blockers_are_named_and_all_others_are_made(numbers: tuple[int, ...]) -> None:
    blockers = {NAMES[number] for number in numbers}
    snakemake = Snakemake(blockers)
    found = list(build_separately(NAMES, snakemake.build))
    assert sorted(names[0] for names, _ in found) == sorted(blockers)
    assert all(attempt.errors[0].text == f"{names}" for names, attempt in found)
    assert sorted(snakemake.made) == sorted(set(NAMES) - blockers)
    assert snakemake.attempts <= 2 + 16 * len(blockers)


def test_reason_that_is_no_superevent_is_not_looked_for() -> None:
    snakemake = Snakemake(set(), is_broken=True)
    ((names, attempt),) = build_separately(NAMES, snakemake.build)
    assert (names, attempt.succeeded, snakemake.attempts) == ([], False, 2)


def test_search_ends_where_all_are_to_blame() -> None:
    snakemake = Snakemake(set(NAMES))
    found = list(build_separately(NAMES, snakemake.build))
    assert sorted(name for names, _ in found for name in names) == NAMES
    assert snakemake.attempts <= MAX_FUTILE_ATTEMPTS + 4


def test_what_was_finished_before_the_end_is_not_tried_again() -> None:
    tried: list[list[str]] = []

    def build(names: Sequence[str]) -> Attempt:
        tried.append([*names])
        left = tuple(name for name in names if name == NAMES[1])
        return Attempt(succeeded=not left, unfinished=left)

    assert [names for names, _ in build_separately(NAMES, build)] == [[NAMES[1]]]
    assert tried == [NAMES, [], [NAMES[1]]]
