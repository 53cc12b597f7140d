"""Rule galaxy_catalogue: a user's table of galaxies, ready to be looked into by every job."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sirenflow.crossmatch.galaxies import catalogue_dtype
from sirenflow.crossmatch.positions import leaves
from sirenflow.crossmatch.source_table import Sources, problem_counts, read_sources
from sirenflow.crossmatch.unusable_table import USABLE, unusable
from sirenflow.errors import TableError
from sirenflow.products.base import write_product
from sirenflow.products.source_tables import GalaxyTable

_BLOCK = 500_000
_PLAIN = np.dtype(catalogue_dtype(1).descr[:-1])
"""A row without its name."""


def galaxy_catalogue(
    table: Path,
    rows: Path,
    facts: Path,
    columns: Mapping[str, str],
    failed_because: str | None = None,
    may_pass: bool = False,
) -> None:
    """Write a table of galaxies as one array, in the order of their places on the sky.

    If the table cannot be used, the array is empty and the facts say why: pages of superevents must
    not depend on it.

    Parameters
    ----------
    rows
        Written: the array, as .npy, that jobs map to memory.
    facts
        Written: how many galaxies it holds, which rows were left out, and why the table cannot be
        used.
    failed_because
        Why the table must not be read, such as that the process which read it was killed.
    may_pass
        Whether the next run shall read the table although it failed.
    """
    problems: Counter[str] = Counter()
    found, names = np.empty(0, _PLAIN), np.empty(0, "S1")
    state = USABLE
    try:
        if failed_because is not None:
            raise TableError(failed_because, may_pass=may_pass)
        found, names = _read(table, columns, problems)
    except Exception as error:  # whatever is wrong with it costs the section on galaxies only
        state = unusable("galaxies", table, error)
    _write(rows, found, names)
    product = GalaxyTable(galaxies=len(found), problems=problem_counts(problems), **state)
    write_product(facts, product)


def _read(
    table: Path, columns: Mapping[str, str], problems: Counter[str]
) -> tuple[NDArray[Any], NDArray[np.bytes_]]:
    """Read the numbers and the names of all galaxies that can be used, in the table's order."""
    # Names are kept apart until the longest is known; a bytearray grows without a second copy.
    numbers, names = bytearray(), []
    for sources in read_sources(table, columns, ["distance"], problems):
        numbers += _numbers(sources, _PLAIN).tobytes()
        names.append(np.array([(name or "").encode() for name in sources.name], dtype="S"))
    found = np.frombuffer(numbers, _PLAIN)
    if not len(found):
        reasons = "".join(f"; {entry.rows} {entry.reason}" for entry in problem_counts(problems))
        raise TableError(f"{table}: no galaxy that can be used{reasons}")
    return found, np.concatenate(names)


def _write(rows: Path, found: NDArray[Any], name: NDArray[np.bytes_]) -> None:
    # Stable, so that galaxies in one place keep the order of the table.
    order = np.argsort(found["leaf"], kind="stable")
    with rows.open("wb") as stream:
        dtype = catalogue_dtype(name.dtype.itemsize)
        header = {"descr": dtype.descr, "fortran_order": False, "shape": (len(found),)}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(order), _BLOCK):
            chosen = order[start : start + _BLOCK]
            block = np.empty(len(chosen), dtype)
            for field in _PLAIN.names or ():
                block[field] = found[field][chosen]
            block["name"] = name[chosen]
            stream.write(block.tobytes())


def _numbers(sources: Sources, dtype: np.dtype[Any]) -> NDArray[Any]:
    numbers = np.empty(len(sources), dtype)
    numbers["leaf"] = leaves(sources.ra_deg, sources.dec_deg)
    for field in ("ra_deg", "dec_deg", "distance_mpc", "weight"):
        numbers[field] = getattr(sources, field)
    return numbers
