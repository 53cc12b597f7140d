"""Rule candidate_list: a user's table of candidates, read once and checked."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sirenflow.errors import TableError
from sirenflow.fields import time_to_text
from sirenflow.products import rounded, write_json
from sirenflow.source_table import read_sources, told

SCHEMA_VERSION = 1


def candidate_list(table: Path, candidates: Path, columns: Mapping[str, str]) -> None:
    """Write the candidates of a table as JSON.

    Parameters
    ----------
    table
        The user's own: CSV, ECSV, FITS or Parquet.
    candidates
        Written: each candidate, and which rows were left out.
    columns
        The table's column for name, ra, dec and perhaps distance and time.

    Raises
    ------
    TableError
        If the table cannot be read, or no row of it can be used.
    """
    problems: Counter[str] = Counter()
    listed = [
        {
            "row": int(sources.row[i]),
            "name": sources.name[i],
            "ra_deg": rounded(float(sources.ra_deg[i])),
            "dec_deg": rounded(float(sources.dec_deg[i])),
            "distance_mpc": None
            if np.isnan(sources.distance_mpc[i])
            else rounded(float(sources.distance_mpc[i])),
            "time": time_to_text(sources.time[i], "milliseconds"),
        }
        for sources in read_sources(table, columns, [], problems)
        for i in range(len(sources))
    ]
    if not listed:
        reasons = "".join(f"; {entry['rows']} {entry['reason']}" for entry in told(problems))
        raise TableError(f"{table}: no candidate that can be used{reasons}")
    write_json(
        candidates,
        {"schema_version": SCHEMA_VERSION, "problems": told(problems), "candidates": listed},
    )
