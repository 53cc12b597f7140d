"""One run of Snakemake, and how to go on when one superevent ends it for all.

Snakemake goes on after a job that fails. But some errors end it at once, with all other jobs left
undone: those that it meets while it plans, such as a file that it may not look at, and those while
it prepares a job, such as a file in the place of a superevent's directory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sirenflow.pipeline.progress import Trouble

MOST_IN_VAIN = 50
"""After so many attempts that get nothing done, the reason is probably not some superevents."""


@dataclass(frozen=True)
class Attempt:
    """What came of one run of Snakemake.

    Attributes
    ----------
    made
        Whether all that was wanted is made.
    troubles
        What it reported that is no failure of a job.
    unfinished
        Superevents that are neither made nor failed.
    """

    made: bool
    troubles: tuple[Trouble, ...] = ()
    unfinished: tuple[str, ...] = ()


Make = Callable[[Sequence[str]], Attempt]
"""Makes some superevents."""


def make_apart(superevents: Sequence[str], make: Make) -> Iterator[tuple[list[str], Attempt]]:
    """Make superevents; where some end the run for all, find out which, and make the others.

    Parameters
    ----------
    superevents
        All of them.
    make
        Is called with all, and as long as some are unfinished, with halves of these.

    Yields
    ------
    tuple
        Superevents that cannot be made, and the last attempt: one alone, as far as these can be
        told apart; none, if the reason is no superevent and nothing at all can be made.
    """
    attempt = make(superevents)
    if attempt.unfinished and not make([]).made:
        yield [], attempt
        return
    vain = 0
    waiting = [(attempt.unfinished, attempt)]
    while waiting:
        names, attempt = waiting.pop()
        if not names:
            continue
        if vain > MOST_IN_VAIN:
            yield [*names], attempt
            continue
        middle = (len(names) + 1) // 2
        for half in (names[:middle], names[middle:]):
            tried = make(half) if half else Attempt(made=True)
            vain += bool(half) and len(tried.unfinished) == len(half)
            if len(half) == 1 and tried.unfinished:
                yield [*half], tried
            else:
                waiting.append((tried.unfinished, tried))
