"""Rule galaxy_catalogue: a user's table of galaxies, ready to be looked into by every job."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sirenflow.errors import TableError
from sirenflow.galaxies import catalogue_dtype
from sirenflow.placement import leaves
from sirenflow.products import write_json
from sirenflow.source_table import Sources, read_sources, told

SCHEMA_VERSION = 1
_BLOCK = 500_000


def galaxy_catalogue(table: Path, rows: Path, facts: Path, columns: Mapping[str, str]) -> None:
    """Write a table of galaxies as one array, in the order of their places on the sky.

    Parameters
    ----------
    table
        The user's own: CSV, ECSV, FITS or Parquet.
    rows
        Written: the array, as .npy, that jobs map to memory.
    facts
        Written: how many galaxies it holds, and which rows were left out.
    columns
        The table's column for name, ra, dec, distance and perhaps weight.

    Raises
    ------
    TableError
        If the table cannot be read, or no row of it can be used.
    """
    problems: Counter[str] = Counter()
    # Names are kept apart until the longest is known; a bytearray grows without a second copy.
    numbers, names = bytearray(), []
    plain = np.dtype(catalogue_dtype(1).descr[:-1])
    for sources in read_sources(table, columns, ["distance"], problems):
        numbers += _numbers(sources, plain).tobytes()
        names.append(np.array([(name or "").encode() for name in sources.name], dtype="S"))
    found = np.frombuffer(numbers, plain)
    if not len(found):
        reasons = "".join(f"; {entry['rows']} {entry['reason']}" for entry in told(problems))
        raise TableError(f"{table}: no galaxy that can be used{reasons}")
    # Stable, so that galaxies in one place keep the order of the table.
    order = np.argsort(found["leaf"], kind="stable")
    name = np.concatenate(names)
    with rows.open("wb") as stream:
        dtype = catalogue_dtype(name.dtype.itemsize)
        header = {"descr": dtype.descr, "fortran_order": False, "shape": (len(found),)}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(order), _BLOCK):
            chosen = order[start : start + _BLOCK]
            block = np.empty(len(chosen), dtype)
            for field in plain.names or ():
                block[field] = found[field][chosen]
            block["name"] = name[chosen]
            stream.write(block.tobytes())
    write_json(
        facts,
        {
            "schema_version": SCHEMA_VERSION,
            "galaxies": len(found),
            "problems": told(problems),
        },
    )


def _numbers(sources: Sources, dtype: np.dtype[Any]) -> NDArray[Any]:
    numbers = np.empty(len(sources), dtype)
    numbers["leaf"] = leaves(sources.ra_deg, sources.dec_deg)
    for field in ("ra_deg", "dec_deg", "distance_mpc", "weight"):
        numbers[field] = getattr(sources, field)
    return numbers
