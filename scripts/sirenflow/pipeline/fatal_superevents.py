"""Run Snakemake again without a superevent that ends the run for all.

Snakemake goes on after a job that fails. But some errors end it at once, with all other jobs left
undone: errors while it plans, such as a file that it may not look at, and errors while it prepares
a job, such as a file in the place of a superevent's directory.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sirenflow.pipeline.progress import RunError

MAX_FUTILE_ATTEMPTS = 50
"""After so many attempts that build nothing, the reason is probably not single superevents."""


@dataclass(frozen=True)
class Attempt:
    """Result of one run of Snakemake.

    Attributes
    ----------
    errors
        Reported errors other than failures of jobs.
    unfinished
        Superevents that are neither built nor failed.
    """

    succeeded: bool
    errors: tuple[RunError, ...] = ()
    unfinished: tuple[str, ...] = ()


Build = Callable[[Sequence[str]], Attempt]
"""Builds some superevents."""


def build_separately(
    superevents: Sequence[str], build: Build
) -> Iterator[tuple[list[str], Attempt]]:
    """Build superevents; if some of them end the run for all, find these and build the others.

    Yield superevents that cannot be built, and the last attempt: one superevent, as far as they can
    be told apart; none, if the reason is not a superevent and nothing can be built.

    Parameters
    ----------
    build
        Is called with all, and as long as some are unfinished, with halves of these.
    """
    attempt = build(superevents)
    if attempt.unfinished and not build([]).succeeded:
        yield [], attempt
        return
    futile = 0
    waiting = [(attempt.unfinished, attempt)]
    while waiting:
        names, attempt = waiting.pop()
        if not names:
            continue
        if futile > MAX_FUTILE_ATTEMPTS:
            yield [*names], attempt
            continue
        middle = (len(names) + 1) // 2
        for half in (names[:middle], names[middle:]):
            tried = build(half) if half else Attempt(succeeded=True)
            futile += bool(half) and len(tried.unfinished) == len(half)
            if len(half) == 1 and tried.unfinished:
                yield [*half], tried
            else:
                waiting.append((tried.unfinished, tried))
