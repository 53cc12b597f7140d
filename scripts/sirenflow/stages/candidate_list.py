"""Rule candidate_list: a user's table of candidates, read once and checked."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sirenflow.crossmatch.source_table import problem_counts, read_sources
from sirenflow.crossmatch.unusable_table import USABLE, unusable
from sirenflow.errors import TableError
from sirenflow.formats.json_file import round_digits, rounded
from sirenflow.formats.sanitize import time_to_text
from sirenflow.products.base import write_product
from sirenflow.products.source_tables import Candidate, CandidateTable


def candidate_list(
    table: Path,
    candidates: Path,
    columns: Mapping[str, str],
    failed_because: str | None = None,
    may_pass: bool = False,
) -> None:
    """Write the candidates of a table as JSON.

    A table without any row is a list of no candidates. If the table cannot be used, the product
    lists none and says why: pages of superevents must not depend on it.

    Parameters
    ----------
    failed_because
        Why the table must not be read, such as that the process which read it was killed.
    may_pass
        Whether the next run shall read the table although it failed.
    """
    problems: Counter[str] = Counter()
    listed: list[Candidate] = []
    state = USABLE
    try:
        if failed_because is not None:
            raise TableError(failed_because, may_pass=may_pass)
        listed = _read(table, columns, problems)
    except Exception as error:  # whatever is wrong with it costs the section on candidates only
        state = unusable("candidates", table, error)
    product = CandidateTable(problems=problem_counts(problems), candidates=tuple(listed), **state)
    write_product(candidates, product)


def _read(table: Path, columns: Mapping[str, str], problems: Counter[str]) -> list[Candidate]:
    listed = [
        Candidate(
            row=int(sources.row[i]),
            name=sources.name[i],
            ra_deg=round_digits(float(sources.ra_deg[i])),
            dec_deg=round_digits(float(sources.dec_deg[i])),
            distance_mpc=rounded(float(sources.distance_mpc[i])),
            time=time_to_text(sources.time[i], "milliseconds"),
        )
        for sources in read_sources(table, columns, [], problems)
        for i in range(len(sources))
    ]
    if not listed and problems:
        reasons = "".join(f"; {entry.rows} {entry.reason}" for entry in problem_counts(problems))
        raise TableError(f"{table}: no candidate that can be used{reasons}")
    return listed
