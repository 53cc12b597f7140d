"""The table of all differences, as ECSV, written a superevent at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sirenflow.comparison.differences import Difference, SupereventComparison
from sirenflow.comparison.values import Value
from sirenflow.files.durable import replacement
from sirenflow.formats.ecsv import Cell, Column, cells_to_line, write_ecsv
from sirenflow.formats.sanitize import number_or_none, text_or_none

COLUMNS = (
    Column("superevent_id", str, "Identifier of the superevent"),
    Column("about", str, "What the quantity is about"),
    Column("file", str, "Product that has the value"),
    Column("quantity", str, "Path of the value in it, without the places in lists"),
    Column("alert_number", int, "Number of the alert in NEW, or in OLD where NEW has it not"),
    Column("alert_type", str, "Type of the alert"),
    Column("alert_sha256", str, "Hash of the alert, which tells it in both runs"),
    Column("part", str, "Sky map, site, lobe, galaxy and so on that the value is of"),
    Column(
        "difference",
        str,
        "changed; rounding (no more than 1e-9 of the value); only in OLD; only in NEW; "
        "not comparable",
    ),
    Column("old", float, "Value in OLD, of numbers; of lists of them, that which differs most"),
    Column("new", float, "Value in NEW, likewise"),
    Column("unit", str, "Of absolute, and of old and new"),
    Column("absolute", float, "NEW less OLD; of times in s"),
    Column("relative", float, "The same over the size of OLD; none of positions and times"),
    Column("separation", float, "Between the positions that the value is part of", "deg"),
    Column("old_text", str, "Value in OLD, of anything else"),
    Column("new_text", str, "Value in NEW, of anything else; why it is not comparable"),
)
_MOST_CHARACTERS = 1000


def write_differences(
    path: Path, comparisons: Iterable[SupereventComparison], old: str, new: str
) -> None:
    """Write the table, superevents in their order, the most important of each first.

    `old` and `new` are the names of the two runs. Readers see the previous table or the new one.
    """
    meta: dict[str, Cell] = {"old": _text(old), "new": _text(new)}
    lines = (
        cells_to_line(_cells(difference))
        for comparison in comparisons
        for difference in sorted(comparison.found, key=lambda found: found.order)
    )
    with replacement(path) as temporary:
        write_ecsv(temporary, COLUMNS, lines, meta)


def _cells(difference: Difference) -> Iterator[Cell]:
    magnitude = difference.magnitude
    yield from (difference.superevent_id, difference.heading, difference.file)
    yield from (_text(difference.quantity), difference.alert_number)
    yield from (_text(difference.alert_type), _text(difference.alert), _text(difference.part))
    yield from (difference.kind, magnitude.old, magnitude.new)
    yield from (magnitude.unit, magnitude.absolute, magnitude.relative, magnitude.separation_deg)
    both_numbers = magnitude.old is not None and magnitude.new is not None
    yield from (None, None) if both_numbers else (_text(difference.old), _text(difference.new))


def _text(value: Value) -> str | None:
    """Write what is no number, without characters that would break or forge a line."""
    if value is None or number_or_none(value) is not None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        value = " ".join("null" if each is None else str(each) for each in value)
    return text_or_none(str(value), _MOST_CHARACTERS)
